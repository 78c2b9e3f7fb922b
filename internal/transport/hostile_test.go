package transport_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tokencheck/terraform-provider-tokencheck/internal/issuertest"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/issuertest/clienttest"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/transport"
)

// HTTP/2 frames and their flags (RFC 9113, section 6).
const (
	headers, goAway       = 1, 7
	endStream, endHeaders = 1, 4
)

// TestPlainHTTPUsesNoProxy asserts that no proxy receives a token in plain text,
// however the loopback host is written.
func TestPlainHTTPUsesNoProxy(t *testing.T) {
	t.Parallel()

	server := httptestServer(t)
	_, port, _ := net.SplitHostPort(server)

	for _, host := range []string{"localhost", "LOCALHOST", "LocalHost", "127.0.0.1", "127.0.0.2", "[::1]"} {
		t.Run(host, func(t *testing.T) {
			t.Parallel()

			var asked atomic.Int32

			proxy := listen(t, func(conn net.Conn) {
				asked.Add(1)

				_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
			})

			// Not every machine has each of the addresses; the proxy must not be used for any.
			resp, err := get(t, "http://"+host+":"+port, func(c *transport.Config) {
				c.Proxy, c.MaxRetries = http.ProxyURL(&url.URL{Scheme: "http", Host: proxy}), 0
			})
			if host == "127.0.0.1" && (err != nil || string(resp.Body) != "direct") {
				t.Errorf("response = %+v, %v", resp, err)
			}

			if n := asked.Load(); n > 0 {
				t.Errorf("the proxy received %d requests", n)
			}
		})
	}
}

// httptestServer serves "direct" over plain HTTP, and returns its address.
func httptestServer(t *testing.T) string {
	t.Helper()

	return listen(t, func(conn net.Conn) {
		if _, err := http.ReadRequest(bufio.NewReader(conn)); err == nil {
			_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\ndirect")
		}
	})
}

// TestSwitchingProtocols has a server that answers 101: what follows is no answer, and
// the connection is not left open.
func TestSwitchingProtocols(t *testing.T) {
	t.Parallel()

	ended := make(chan error, 1)
	server := listen(t, func(conn net.Conn) {
		r := bufio.NewReader(conn)
		if _, err := http.ReadRequest(r); err == nil {
			_, _ = io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\nmore")
		}

		_, err := r.ReadByte()
		ended <- err
	})

	resp, err := get(t, "http://"+server, nil)
	if err != nil || resp.Status != http.StatusSwitchingProtocols || len(resp.Body) > 0 {
		t.Errorf("answer = %+v, %v", resp, err)
	}

	select {
	case err := <-ended:
		if err == nil {
			t.Error("something was sent after the request")
		}
	case <-time.After(10 * time.Second):
		t.Error("the connection is left open")
	}
}

// TestHTTP2GoAway covers a server that closes each connection with GOAWAY and no
// error, after which net/http may resend the request.
func TestHTTP2GoAway(t *testing.T) {
	t.Parallel()

	for _, retries := range []int{0, 2} {
		t.Run(fmt.Sprint(retries, " retries"), func(t *testing.T) {
			t.Parallel()

			var requests atomic.Int32

			s := issuertest.StartRaw(issuertest.HTTP2(func(_ uint32, send func(byte, byte, uint32, string)) bool {
				requests.Add(1)
				send(goAway, 0, 0, "\x00\x00\x00\x00\x00\x00\x00\x00") // No stream processed, no error.

				return true
			}), func(c *tls.Config) { c.NextProtos = []string{"h2"} })
			t.Cleanup(s.Close)

			_, err := get(t, s.URL, func(c *transport.Config) { c.TrustBundle, c.MaxRetries = s.TrustBundle, retries })
			wantFault(t, err, "without a response")

			if n := int(requests.Load()); n != retries+1 {
				t.Errorf("%d requests with max_retries = %d", n, retries)
			}
		})
	}
}

// TestHTTP2SilentConnection covers a connection that goes silent after its first
// response: the next check does not wait for its whole timeout.
func TestHTTP2SilentConnection(t *testing.T) {
	t.Parallel()

	var requests atomic.Int32

	s := issuertest.StartRaw(issuertest.HTTP2(func(stream uint32, send func(byte, byte, uint32, string)) bool {
		if requests.Add(1) == 2 {
			return false
		}

		send(headers, endStream|endHeaders, stream, "\x88") // 200

		return true
	}), func(c *tls.Config) { c.NextProtos = []string{"h2"} })
	t.Cleanup(s.Close)

	client := connect(t, func(c *transport.Config) { c.TrustBundle, c.Timeout = s.TrustBundle, 60*time.Second })
	address, _ := url.Parse(s.URL)
	began := time.Now()

	for i := range 2 {
		if resp, err := client.Get(context.Background(), address, clienttest.Bearer(t, fmt.Sprint(secret, i))); err != nil || resp.Status != http.StatusOK {
			t.Errorf("check %d: %+v, %v", i, resp, err)
		}
	}

	if took := time.Since(began); took > 30*time.Second {
		t.Errorf("it took %s", took)
	}
}

// TestTokenAsHost covers a token in place of the server URL: looking it up would send
// it to DNS servers.
func TestTokenAsHost(t *testing.T) {
	t.Parallel()

	dialed := false

	for _, host := range []string{secret, "api." + strings.ToUpper(secret) + ".example.com:8443", secret[:16] + ".example.com"} {
		_, err := get(t, "https://"+host, func(c *transport.Config) {
			c.MaxRetries = 0
			c.Resolver = &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
				dialed = true

				return nil, errors.New("no network")
			}}
		})
		wantFault(t, err, "contains the token or a large part of it.", "issuer.url")
	}

	if dialed {
		t.Error("the token was looked up")
	}
}

// TestHeaderName covers a header that net/http does not find under its name.
func TestHeaderName(t *testing.T) {
	t.Parallel()

	server := listen(t, func(conn net.Conn) {
		if _, err := http.ReadRequest(bufio.NewReader(conn)); err == nil {
			_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nAge : 60\r\nContent-Length: 2\r\n\r\n{}")
		}
	})

	_, err := get(t, "http://"+server, func(c *transport.Config) { c.MaxRetries = 0 })
	wantFault(t, err, "name of a header contains whitespace")

	// Of another header, it decides nothing.
	for _, line := range []string{"200 OK\r\nX Frame Options: DENY", "503 Service Unavailable\r\nAge : 60"} {
		server := listen(t, func(conn net.Conn) {
			if _, err := http.ReadRequest(bufio.NewReader(conn)); err == nil {
				_, _ = io.WriteString(conn, "HTTP/1.1 "+line+"\r\nContent-Length: 2\r\n\r\n{}")
			}
		})

		if resp, err := get(t, "http://"+server, func(c *transport.Config) { c.MaxRetries = 0 }); err != nil || !strings.HasPrefix(line, strconv.Itoa(resp.Status)) {
			t.Errorf("%q: %+v, %v", line, resp, err)
		}
	}
}
