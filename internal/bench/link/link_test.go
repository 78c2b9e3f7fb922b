package link_test

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/tokencheck/terraform-provider-tokencheck/internal/bench/link"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/issuertest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const roundTrip = 40 * time.Millisecond

// start starts a link to a server that sends back what it gets.
func start(t *testing.T, wrap func(net.Listener) net.Listener) *link.Link {
	t.Helper()

	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}

	server := wrap(listener)
	t.Cleanup(func() { _ = server.Close() })

	go func() {
		for {
			conn, err := server.Accept()
			if err != nil {
				return
			}

			go func() {
				_, _ = io.Copy(conn, conn)
				_ = conn.Close()
			}()
		}
	}()

	l, err := link.Start(context.Background(), listener.Addr().String(), roundTrip)
	if err != nil {
		t.Fatal(err)
	}

	t.Cleanup(l.Close)

	return l
}

func plain(l net.Listener) net.Listener { return l }

func echo(t *testing.T, conn net.Conn, text string) {
	t.Helper()

	if _, err := io.WriteString(conn, text); err != nil {
		t.Fatal(err)
	}

	got := make([]byte, len(text))
	if _, err := io.ReadFull(conn, got); err != nil || string(got) != text {
		t.Fatalf("sent %q, got %q: %v", text, got, err)
	}
}

// Opening a connection costs a round trip, and so does each answer.
func TestDelay(t *testing.T) {
	t.Parallel()

	l := start(t, plain)
	began := time.Now()

	conn, err := net.Dial("tcp", l.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()

	for trips := 2; trips < 5; trips++ {
		echo(t, conn, "hello")

		if took := time.Since(began); took < time.Duration(trips)*roundTrip {
			t.Errorf("%d round trips took %v", trips, took)
		}
	}

	if l.Connections() != 1 {
		t.Errorf("%d connections", l.Connections())
	}
}

// A TLS 1.3 handshake is one more round trip.
func TestTLS(t *testing.T) {
	t.Parallel()

	authority := issuertest.NewAuthority()
	config := &tls.Config{Certificates: []tls.Certificate{authority.Issue(issuertest.Certificate{})}}
	l := start(t, func(l net.Listener) net.Listener { return tls.NewListener(l, config) })
	began := time.Now()

	conn, err := tls.Dial("tcp", l.Addr(), &tls.Config{RootCAs: authority.Pool()})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()

	echo(t, conn, "hello")

	if took := time.Since(began); took < 3*roundTrip {
		t.Errorf("connection, handshake and answer took %v", took)
	}
}

// What is on the way does not hold up what follows, nothing is lost, and the end
// comes last.
func TestPipelined(t *testing.T) {
	t.Parallel()

	const segments = 100

	l := start(t, plain)
	began := time.Now()

	conn, err := net.Dial("tcp", l.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()

	go func() {
		for range segments {
			_, _ = io.WriteString(conn, "some bytes ")

			time.Sleep(time.Millisecond) // So that they are not sent as one.
		}

		_ = conn.(*net.TCPConn).CloseWrite()
	}()

	got, err := io.ReadAll(conn)
	if err != nil || string(got) != strings.Repeat("some bytes ", segments) {
		t.Errorf("got %d bytes: %v", len(got), err)
	}

	if took := time.Since(began); took > segments*roundTrip/2 {
		t.Errorf("%d segments took %v", segments, took)
	}
}

// A link that is closed, or whose server is gone, ends its connections.
func TestClose(t *testing.T) {
	t.Parallel()

	l := start(t, plain)

	conn, err := net.Dial("tcp", l.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()

	echo(t, conn, "hello")
	l.Close()

	if _, err := conn.Read(make([]byte, 1)); err == nil {
		t.Error("the connection outlives the link")
	}

	gone, err := link.Start(context.Background(), l.Addr(), roundTrip)
	if err != nil {
		t.Fatal(err)
	}
	defer gone.Close()

	conn, err = net.Dial("tcp", gone.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()

	if _, err := conn.Read(make([]byte, 1)); err == nil {
		t.Error("a connection leads nowhere")
	}
}
