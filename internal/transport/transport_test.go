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
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/tokencheck/terraform-provider-tokencheck/internal/issuertest"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/issuertest/clienttest"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/token"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/transport"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// secret is a token for tests: no word of a message holds a part of it.
const secret = "Zq8RtYw3LmN5pKj7HgFd2sXcVbA9eU4i"

// now is the time of all clocks, unless a test sets one otherwise.
var now = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func clock() time.Time { return now }

// start starts a server whose clock stands still.
func start(t *testing.T, handler http.HandlerFunc, options ...issuertest.Option) *issuertest.Server {
	t.Helper()

	s := issuertest.Start(handler, options...)
	t.Cleanup(s.Close)
	s.SetClock(clock)

	return s
}

// client asks as an issuer's package does, and gives the answer as it came.
type client struct {
	*transport.Client[*transport.Response]
}

// connect makes a client.
func connect(t *testing.T, change func(*transport.Config)) client {
	t.Helper()

	c, err := transport.New[*transport.Response](clienttest.Impatient(
		transport.Config{Issuer: "Issuer", Block: "issuer", URLArgument: "url", Now: clock, Header: http.Header{"X-Version": {"1"}}}, change))
	if err != nil {
		t.Fatal(err)
	}

	return client{c}
}

// errAnswered marks the error of an answer that is worth a retry.
var errAnswered = errors.New("answered")

// Get makes a fresh check. It gives the last answer also where that was worth a
// retry, and an error where there was none.
func (c client) Get(ctx context.Context, address *url.URL, b token.Token) (*transport.Response, error) {
	var last *transport.Response

	resp, err := c.Ask(ctx, address, b, true, func(resp *transport.Response) (*transport.Response, error) {
		last = resp

		fault := resp.Fault("", "", "")
		if !fault.Temporary {
			return resp, nil
		}

		fault.Err = errAnswered

		return nil, fault
	})
	if errors.Is(err, errAnswered) {
		return last, nil
	}

	return resp, err
}

// get makes one request to address, at most three times.
func get(t *testing.T, address string, change func(*transport.Config)) (*transport.Response, error) {
	t.Helper()

	return getContext(t, context.Background(), address, change)
}

func getContext(t *testing.T, ctx context.Context, address string, change func(*transport.Config)) (*transport.Response, error) { //nolint:revive // As in testing.
	t.Helper()

	parsed, err := transport.ParseURL(address)
	if err != nil {
		t.Fatal(err)
	}

	b := clienttest.Bearer(t, secret) //nolint:contextcheck // It needs none of the request's.

	resp, err := connect(t, change).Get(ctx, parsed, b)
	if err != nil {
		if resp != nil {
			t.Errorf("the error %v comes with the answer %+v", err, resp)
		}

		wantFault(t, err) //nolint:contextcheck // As above.
	}

	return resp, err
}

// trusting makes a change of a configuration that trusts a server's authority.
func trusting(s *issuertest.Server) func(*transport.Config) {
	return func(c *transport.Config) { c.TrustBundle = s.TrustBundle }
}

// wantFault asserts that err is an error with all texts, which holds parts and
// no part of the token, and says that the token is not judged.
func wantFault(t *testing.T, err error, parts ...string) {
	t.Helper()

	clienttest.WantFault(t, clienttest.Bearer(t, secret), err, append(parts, "says nothing about whether it is valid")...)
}

func TestGet(t *testing.T) {
	t.Parallel()

	for name, late := range map[string]bool{"HTTP/2.0": false, "HTTP/1.1": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			s := start(t, issuertest.Reply(http.StatusTeapot, "body", "X-Test", "1"))

			resp, err := get(t, s.URL+"/path", func(c *transport.Config) { c.TrustBundle, c.LateClientAuth = s.TrustBundle, late })
			if err != nil {
				t.Fatal(err)
			}

			if resp.Status != http.StatusTeapot || string(resp.Body) != "body" || resp.Oversized || resp.Header.Get("X-Test") != "1" || !resp.Now.Equal(now) || len(resp.Warnings) > 0 {
				t.Errorf("answer = %+v", resp)
			}

			requests := s.Requests()
			if len(requests) != 1 || requests[0].Method != http.MethodGet || requests[0].Path != "/path" || requests[0].Proto != name {
				t.Fatalf("requests = %+v", requests)
			}

			for name, want := range map[string]string{
				"Authorization": "Bearer " + secret, "Cache-Control": "no-cache", "X-Version": "1", "User-Agent": clienttest.UserAgent,
				"Accept": "", "Accept-Encoding": "", "Cookie": "", "Referer": "",
			} {
				if values := requests[0].Header.Values(name); strings.Join(values, "|") != want {
					t.Errorf("%s = %q, want %q", name, values, want)
				}
			}
		})
	}
}

func TestBodySizes(t *testing.T) {
	t.Parallel()

	for size, oversized := range map[int]bool{0: false, 1: false, 64 << 10: false, 64<<10 + 1: true, 1 << 20: true} {
		t.Run(strconv.Itoa(size), func(t *testing.T) {
			t.Parallel()

			s := start(t, issuertest.Reply(http.StatusOK, strings.Repeat("x", size)))

			resp, err := get(t, s.URL, trusting(s))
			if err != nil {
				t.Fatal(err)
			}

			if resp.Oversized != oversized || oversized && len(resp.Body) > 0 || !oversized && len(resp.Body) != size {
				t.Errorf("%d bytes, oversized = %v", len(resp.Body), resp.Oversized)
			}

			if fault := resp.Unexpected("Happened.", ""); oversized != strings.Contains(fault.Error(), "64 KiB") {
				t.Errorf("error = %q", fault)
			}

			if n := len(s.Requests()); n != 1 {
				t.Errorf("%d requests", n)
			}
		})
	}
}

func TestAge(t *testing.T) {
	t.Parallel()

	tests := []struct {
		name string
		age  []string
		old  bool
	}{
		{"none", nil, false},
		{"0", []string{"0"}, false},
		{"1", []string{"1"}, false},
		{"10", []string{"10"}, false},
		{"10 with zeros", []string{"0010"}, false},
		{"10 with blanks", []string{" 10 "}, false},
		{"11", []string{"11"}, true},
		{"20", []string{"20"}, true},
		{"99", []string{"99"}, true},
		{"100", []string{"100"}, true},
		{"11 with zeros", []string{"0000011"}, true},
		{"absurd", []string{strings.Repeat("9", 300)}, true},
		{"more than 64 bits", []string{"18446744073709551616"}, true},
		{"not a number", []string{"old"}, true},
		{"negative", []string{"-1"}, true},
		{"a fraction", []string{"1.5"}, true},
		{"a list", []string{"0, 500"}, true},
		{"several, the last one old", []string{"0", "500"}, true},
		{"several, the first one old", []string{"500", "0"}, true},
		{"several, none old", []string{"0", "9"}, false},
	}

	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()

			s := start(t, func(w http.ResponseWriter, _ *http.Request) { w.Header()["Age"] = test.age })

			_, err := get(t, s.URL, trusting(s))

			if test.old {
				wantFault(t, err, "cache", "issuer.url")
			} else if err != nil {
				t.Error(err)
			}

			if n := len(s.Requests()); n != 1 {
				t.Errorf("%d requests, want 1: it would come from the cache again", n)
			}
		})
	}
}

func TestDate(t *testing.T) {
	t.Parallel()

	at := func(d time.Duration) string { return now.Add(d).Format(http.TimeFormat) }

	tests := []struct {
		name, date string
		want       time.Time
		warnings   int
		fails      bool
	}{
		{"the same", at(0), now, 0, false},
		{"five minutes behind", at(-5 * time.Minute), now.Add(-5 * time.Minute), 0, false},
		{"five minutes ahead", at(5 * time.Minute), now.Add(5 * time.Minute), 0, false},
		{"more than five minutes behind", at(-5*time.Minute - time.Second), now.Add(-5*time.Minute - time.Second), 1, false},
		{"more than five minutes ahead", at(5*time.Minute + time.Second), now.Add(5*time.Minute + time.Second), 1, false},
		{"a day behind", at(-24 * time.Hour), now.Add(-24 * time.Hour), 1, false},
		{"a day ahead", at(24 * time.Hour), now.Add(24 * time.Hour), 1, false},
		{"more than a day behind", at(-24*time.Hour - time.Second), time.Time{}, 0, true},
		{"more than a day ahead", at(24*time.Hour + time.Second), time.Time{}, 0, true},
		{"1970", "Thu, 01 Jan 1970 00:00:00 GMT", time.Time{}, 0, true},
		{"9999", "Fri, 31 Dec 9999 23:59:59 GMT", time.Time{}, 0, true},
		{"year 1", "Mon, 01 Jan 0001 00:00:00 GMT", time.Time{}, 0, true},
		{"none", issuertest.Absent, now, 0, false},
		{"empty", "", now, 0, false},
		{"garbage", "noon", now, 0, false},
		{"RFC 3339", "2020-01-01T00:00:00Z", now, 0, false},
	}

	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()

			s := start(t, issuertest.Reply(http.StatusOK, "{}", "Date", test.date))

			resp, err := get(t, s.URL, trusting(s))
			if test.fails {
				date, _ := http.ParseTime(test.date)
				wantFault(t, err, "2026-03-01T12:00:00Z", date.Format(time.RFC3339), "Set this machine's clock")

				return
			}

			if err != nil {
				t.Fatal(err)
			}

			if !resp.Now.Equal(test.want) || len(resp.Warnings) != test.warnings {
				t.Errorf("now = %v, warnings = %+v; want %v and %d", resp.Now, resp.Warnings, test.want, test.warnings)
			}

			for _, w := range resp.Warnings {
				if w.Summary == "" || !strings.Contains(w.Detail, "five minutes") || !strings.Contains(w.Detail, "Issuer") {
					t.Errorf("warning = %+v", w)
				}
			}
		})
	}
}

// abort breaks a connection (or, in HTTP/2, a stream) without an answer.
func abort(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }

// breakBody breaks it in the middle of a body.
func breakBody(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Length", "100")
	_, _ = io.WriteString(w, "half")
	_ = http.NewResponseController(w).Flush()

	panic(http.ErrAbortHandler)
}

func TestRetries(t *testing.T) {
	t.Parallel()

	good := issuertest.Reply(http.StatusOK, "good")
	answer := func(status int, header ...string) http.HandlerFunc { return issuertest.Reply(status, "{}", header...) }

	tests := []struct {
		name     string
		handlers []http.HandlerFunc
		want     int // the status of the answer, 0 for none
		requests int
		parts    []string // of the error, where there is no answer
	}{
		{name: "408, then good", handlers: []http.HandlerFunc{answer(408), good}, want: 200, requests: 2},
		{name: "429, then good", handlers: []http.HandlerFunc{answer(429), good}, want: 200, requests: 2},
		{name: "500, 599, then good", handlers: []http.HandlerFunc{answer(500), answer(599), good}, want: 200, requests: 3},
		{name: "three times 503, then good, which is too late", handlers: []http.HandlerFunc{answer(503), answer(503), answer(503), good}, want: 503, requests: 3},
		{name: "429 for ever", handlers: []http.HandlerFunc{answer(429)}, want: 429, requests: 3},
		{name: "other faults in turn", handlers: []http.HandlerFunc{abort, answer(502), breakBody, good}, requests: 3},
		{name: "connection broken, then good", handlers: []http.HandlerFunc{abort, good}, want: 200, requests: 2},
		{name: "connection broken for ever", handlers: []http.HandlerFunc{abort}, requests: 3, parts: []string{"3 attempts", "HTTPS_PROXY"}},
		{name: "body broken, then good", handlers: []http.HandlerFunc{breakBody, good}, want: 200, requests: 2},
		{name: "body broken for ever", handlers: []http.HandlerFunc{breakBody}, requests: 3, parts: []string{"middle of the answer", "3 attempts"}},
		{name: "Retry-After of 0", handlers: []http.HandlerFunc{answer(429, "Retry-After", "0"), good}, want: 200, requests: 2},
		{name: "Retry-After in the past", handlers: []http.HandlerFunc{answer(503, "Retry-After", "Sun, 01 Mar 2026 11:00:00 GMT"), good}, want: 200, requests: 2},
		{name: "Retry-After garbage", handlers: []http.HandlerFunc{answer(503, "Retry-After", "later"), good}, want: 200, requests: 2},
		{name: "Retry-After that does not fit", handlers: []http.HandlerFunc{answer(429, "Retry-After", "3600"), good}, want: 429, requests: 1},
		{name: "Retry-After with a date that does not fit", handlers: []http.HandlerFunc{answer(503, "Retry-After", "Sun, 01 Mar 2026 13:00:00 GMT"), good}, want: 503, requests: 1},
		{name: "Retry-After absurd", handlers: []http.HandlerFunc{answer(503, "Retry-After", "99999999999999999999"), good}, want: 503, requests: 1},
		{name: "200 is not repeated for a Retry-After", handlers: []http.HandlerFunc{answer(200, "Retry-After", "0"), answer(401)}, want: 200, requests: 1},
	}

	for _, status := range []int{200, 201, 204, 301, 302, 304, 400, 401, 402, 403, 404, 405, 407, 409, 410, 418, 421, 425, 451} {
		tests = append(tests, struct {
			name     string
			handlers []http.HandlerFunc
			want     int
			requests int
			parts    []string
		}{name: fmt.Sprintf("%d at once", status), handlers: []http.HandlerFunc{answer(status), good}, want: status, requests: 1})
	}

	for _, test := range tests {
		for protocol, late := range map[string]bool{"HTTP/2": false, "HTTP/1.1": true} {
			t.Run(test.name+" "+protocol, func(t *testing.T) {
				t.Parallel()

				s := start(t, issuertest.Sequence(test.handlers...))

				resp, err := get(t, s.URL, func(c *transport.Config) { c.TrustBundle, c.LateClientAuth = s.TrustBundle, late })

				switch {
				case test.want == 0:
					wantFault(t, err, test.parts...)
				case err != nil:
					t.Error(err)
				case resp.Status != test.want:
					t.Errorf("status = %d, want %d", resp.Status, test.want)
				}

				if n := len(s.Requests()); n != test.requests {
					t.Errorf("%d requests, want %d", n, test.requests)
				}
			})
		}
	}
}

// TestRetryAfterIsWaitedFor asserts that an issuer is not asked sooner than it says.
func TestRetryAfterIsWaitedFor(t *testing.T) {
	t.Parallel()

	// The local clock is fifty milliseconds before the time that the issuer names:
	// a wait that is longer than the back-off, and yet none for a test.
	local := now.Add(-50 * time.Millisecond)
	s := start(t, issuertest.Sequence(issuertest.Reply(503, "", "Retry-After", "Sun, 01 Mar 2026 12:00:00 GMT", "Date", issuertest.Absent), issuertest.Reply(200, "")))

	began := time.Now()

	resp, err := get(t, s.URL, func(c *transport.Config) {
		c.TrustBundle = s.TrustBundle
		c.Now = func() time.Time { return local }
	})
	if err != nil || resp.Status != 200 {
		t.Fatalf("answer = %+v, %v", resp, err)
	}

	if took := time.Since(began); took < 50*time.Millisecond {
		t.Errorf("asked again after %v", took)
	}
}

// TestLastAttemptIsTold has a server that fails, and then keeps a client waiting.
func TestLastAttemptIsTold(t *testing.T) {
	t.Parallel()

	for name, late := range map[string]bool{"HTTP/2": false, "HTTP/1.1": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			s := start(t, issuertest.Sequence(issuertest.Reply(503, ""), func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))

			// Time enough for the handshake, which is part of it.
			_, err := get(t, s.URL, func(c *transport.Config) {
				c.TrustBundle, c.LateClientAuth, c.Timeout = s.TrustBundle, late, time.Second
			})
			wantFault(t, err, "timeout of 1s; the attempt before that ended with: HTTP 503")

			if !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("the cause of %v cannot be found", err)
			}
		})
	}
}

// TestTimeoutBoundsRetries asserts that the time limit is that of all attempts.
func TestTimeoutBoundsRetries(t *testing.T) {
	t.Parallel()

	s := start(t, issuertest.Reply(http.StatusBadGateway, ""))
	began := time.Now()

	// The answer comes rather than the word that time is over, unless time is over in
	// the middle of an attempt: where it ends is chance, TestNext has the rest.
	resp, err := get(t, s.URL, func(c *transport.Config) {
		c.TrustBundle, c.Timeout, c.MaxRetries, c.Backoff = s.TrustBundle, 200*time.Millisecond, 1000, 20*time.Millisecond
	})
	if err == nil && resp.Status != http.StatusBadGateway {
		t.Errorf("answer = %+v", resp)
	}

	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("it took %v", took)
	}

	if n := len(s.Requests()); n > 20 {
		t.Errorf("%d requests", n)
	}
}

func TestCancelled(t *testing.T) {
	t.Parallel()

	t.Run("before", func(t *testing.T) {
		t.Parallel()

		s := start(t, issuertest.Reply(200, ""))
		ctx, cancel := context.WithCancel(context.Background())
		cancel()

		_, err := getContext(t, ctx, s.URL, trusting(s))
		wantFault(t, err, "The check was cancelled: The run was cancelled before the issuer had answered.", "\n\nRun again.")

		if !errors.Is(err, context.Canceled) || len(s.Requests()) > 0 {
			t.Errorf("err = %v, requests = %+v", err, s.Requests())
		}
	})

	t.Run("while the server thinks", func(t *testing.T) {
		t.Parallel()

		ctx, cancel := context.WithCancel(context.Background())
		s := start(t, func(_ http.ResponseWriter, r *http.Request) {
			cancel()
			<-r.Context().Done()
		})

		_, err := getContext(t, ctx, s.URL, trusting(s))
		wantFault(t, err, "cancelled")

		if n := len(s.Requests()); n != 1 {
			t.Errorf("%d requests, want 1: what is cancelled is not retried", n)
		}
	})

	t.Run("between attempts", func(t *testing.T) {
		t.Parallel()

		ctx, cancel := context.WithCancel(context.Background())
		s := start(t, issuertest.Reply(503, ""))

		_, err := getContext(t, ctx, s.URL, func(c *transport.Config) {
			c.TrustBundle, c.Backoff = s.TrustBundle, 5*time.Second
			c.Log = func(context.Context, string, map[string]any) { time.AfterFunc(5*time.Millisecond, cancel) }
		})
		wantFault(t, err, "cancelled")
	})
}

// listen accepts connections on loopback, and gives each to serve, until the
// test ends.
func listen(t *testing.T, serve func(net.Conn)) string {
	t.Helper()

	listener, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}

	var (
		group sync.WaitGroup
		mu    sync.Mutex
		open  []net.Conn
	)

	group.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}

			mu.Lock()
			open = append(open, conn)
			mu.Unlock()

			group.Go(func() {
				serve(conn)
				_ = conn.Close()
			})
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()

		mu.Lock()
		for _, conn := range open {
			_ = conn.Close()
		}
		mu.Unlock()

		group.Wait()
	})

	return listener.Addr().String()
}

// attempts counts the attempts that the log tells of.
func attempts(n *atomic.Int32) func(context.Context, string, map[string]any) {
	return func(context.Context, string, map[string]any) { n.Add(1) }
}

// TestSharedConnections has checks that begin together: over HTTP/2 they share one
// connection; over HTTP/1.1 each has its own, since that serves one token.
func TestSharedConnections(t *testing.T) {
	t.Parallel()

	const checks = 30

	// Without LateClientAuth, the client learns the protocol from the server.
	for name, test := range map[string]struct {
		late, http1 bool
		connections int
	}{
		"HTTP/2": {false, false, 1}, "HTTP/1.1 by the server": {false, true, 2 * checks}, "HTTP/1.1 by the client": {true, false, 2 * checks},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			// No check waits for the answer to another one.
			var arrived atomic.Int32

			together := make(chan struct{})

			s := start(t, func(w http.ResponseWriter, r *http.Request) {
				if arrived.Add(1) == checks {
					close(together)
				}

				select {
				case <-together:
				case <-r.Context().Done():
				}

				issuertest.Reply(http.StatusOK, "{}")(w, r)
			}, func(c *tls.Config) {
				if test.http1 {
					c.NextProtos = []string{"http/1.1"}
				}
			})
			address, _ := url.Parse(s.URL)
			client := connect(t, func(c *transport.Config) { c.TrustBundle, c.LateClientAuth = s.TrustBundle, test.late })

			var wait sync.WaitGroup

			for i := range checks {
				wait.Go(func() {
					if resp, err := client.Get(t.Context(), address, clienttest.Bearer(t, fmt.Sprint(secret, i))); err != nil || resp.Status != http.StatusOK {
						t.Error(resp, err)
					}
				})
			}

			wait.Wait()

			// Nor is a connection that is free again taken for the next token.
			for i := range checks {
				if resp, err := client.Get(t.Context(), address, clienttest.Bearer(t, fmt.Sprint(secret, -i))); err != nil || resp.Status != http.StatusOK {
					t.Error(resp, err)
				}
			}

			if n := s.Connections(); n != test.connections {
				t.Errorf("%d connections, want %d", n, test.connections)
			}
		})
	}
}

// TestFirstConnectionFails has checks that begin together where the first ones
// fail: nobody waits for a connection that does not come.
func TestFirstConnectionFails(t *testing.T) {
	t.Parallel()

	var asked atomic.Int32

	s := start(t, func(w http.ResponseWriter, r *http.Request) {
		if asked.Add(1) <= 3 {
			panic(http.ErrAbortHandler)
		}

		issuertest.Reply(http.StatusOK, "{}")(w, r)
	})
	address, _ := url.Parse(s.URL)
	client := connect(t, func(c *transport.Config) {
		trusting(s)(c)
		c.MaxRetries = 10
	})

	var wait sync.WaitGroup

	for i := range 30 {
		wait.Go(func() {
			if resp, err := client.Get(t.Context(), address, clienttest.Bearer(t, fmt.Sprint(secret, i))); err != nil || resp.Status != http.StatusOK {
				t.Error(resp, err)
			}
		})
	}

	wait.Wait()
}

// TestTLS has servers whose certificate or version is not good enough.
func TestTLS(t *testing.T) {
	t.Parallel()

	authority, clients := issuertest.NewAuthority(), issuertest.NewAuthority()
	with := func(c issuertest.Certificate) issuertest.Option {
		return func(config *tls.Config) { config.Certificates = []tls.Certificate{authority.Issue(c)} }
	}
	asking := func(config *tls.Config) {
		config.ClientAuth, config.ClientCAs = tls.RequireAndVerifyClientCert, clients.Pool()
	}
	own := clients.Issue(issuertest.Certificate{})
	foreign := authority.Issue(issuertest.Certificate{})

	tests := []struct {
		name   string
		server issuertest.Option
		client func(*transport.Config)
		parts  []string // of the error; none if it works
		tls    uint16   // of the request that came through
		closed bool     // the server's alert may be overtaken by the end of the connection, which is retried
	}{
		{name: "trusted", client: func(c *transport.Config) { c.TrustBundle = authority.PEM }, tls: tls.VersionTLS13},
		{name: "trusted beside another", client: func(c *transport.Config) { c.TrustBundle = clients.PEM + "\n# text\n" + authority.PEM }, tls: tls.VersionTLS13},
		{name: "unknown authority", parts: []string{"CA that is not trusted", "issuer.trust_bundle"}},
		{name: "unknown authority with another bundle", client: func(c *transport.Config) { c.TrustBundle = clients.PEM }, parts: []string{"issuer.trust_bundle"}},
		{name: "another host", server: with(issuertest.Certificate{Hosts: []string{"issuer.example.com"}}), client: func(c *transport.Config) { c.TrustBundle = authority.PEM }, parts: []string{"another host name", "issuer.url"}},
		{name: "expired", server: with(issuertest.Certificate{NotAfter: time.Now().Add(-time.Hour)}), client: func(c *transport.Config) { c.TrustBundle = authority.PEM }, parts: []string{"expired", "clock"}},
		{name: "TLS 1.1 only", server: func(c *tls.Config) { c.MinVersion, c.MaxVersion = tls.VersionTLS10, tls.VersionTLS11 }, client: func(c *transport.Config) { c.TrustBundle = authority.PEM }, parts: []string{"TLS", "1.2"}},
		{name: "TLS 1.2 only", server: func(c *tls.Config) { c.MaxVersion = tls.VersionTLS12 }, client: func(c *transport.Config) { c.TrustBundle = authority.PEM }, tls: tls.VersionTLS12},
		{name: "no newer than TLS 1.2", client: func(c *transport.Config) { c.TrustBundle, c.TLSMaxVersion = authority.PEM, tls.VersionTLS12 }, tls: tls.VersionTLS12},
		{name: "no newer than TLS 1.3", client: func(c *transport.Config) { c.TrustBundle, c.TLSMaxVersion = authority.PEM, tls.VersionTLS13 }, tls: tls.VersionTLS13},
		{name: "TLS 1.3 only, no newer than TLS 1.2", server: func(c *tls.Config) { c.MinVersion = tls.VersionTLS13 }, client: func(c *transport.Config) { c.TrustBundle, c.TLSMaxVersion = authority.PEM, tls.VersionTLS12 }, parts: []string{"TLS handshake failed"}},
		{name: "certificate required, none", server: asking, client: func(c *transport.Config) { c.TrustBundle = authority.PEM }, parts: []string{"The issuer"}, closed: true},
		{name: "certificate required, none, late", server: asking, client: func(c *transport.Config) { c.TrustBundle, c.LateClientAuth = authority.PEM, true }, parts: []string{"issuer.tls_max_version", "issuer.client_certificate", "issuer.client_key"}},
		{name: "certificate required, none, late, TLS 1.2", server: asking, client: func(c *transport.Config) {
			c.TrustBundle, c.LateClientAuth, c.TLSMaxVersion = authority.PEM, true, tls.VersionTLS12
		}, parts: []string{"issuer.client_certificate"}},
		{name: "certificate required, another's", server: asking, client: func(c *transport.Config) {
			c.TrustBundle, c.LateClientAuth, c.ClientCertificate = authority.PEM, true, &foreign
		}, parts: []string{"issuer.client_certificate"}},
		{name: "certificate required and shown", server: asking, client: func(c *transport.Config) { c.TrustBundle, c.ClientCertificate = authority.PEM, &own }, tls: tls.VersionTLS13},
		{name: "certificate required and shown, late, TLS 1.2", server: asking, client: func(c *transport.Config) {
			c.TrustBundle, c.LateClientAuth, c.TLSMaxVersion, c.ClientCertificate = authority.PEM, true, tls.VersionTLS12, &own
		}, tls: tls.VersionTLS12},
		{name: "certificate not asked for", client: func(c *transport.Config) { c.TrustBundle, c.ClientCertificate = authority.PEM, &own }, tls: tls.VersionTLS13},
	}

	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()

			var handshakes, n atomic.Int32

			s := start(t, issuertest.Reply(http.StatusOK, "{}"), func(c *tls.Config) {
				with(issuertest.Certificate{})(c)

				if test.server != nil {
					test.server(c)
				}

				c.GetConfigForClient = func(*tls.ClientHelloInfo) (*tls.Config, error) {
					handshakes.Add(1)

					return nil, nil //nolint:nilnil // That is how it keeps its configuration.
				}
			})

			_, err := get(t, s.URL, func(c *transport.Config) {
				if test.client != nil {
					test.client(c)
				}

				c.Log = attempts(&n)
			})

			if test.parts == nil {
				if err != nil {
					t.Fatal(err)
				}

				got := s.Requests()[0]
				if got.TLS != test.tls || got.ClientCertificate != strings.Contains(test.name, "shown") {
					t.Errorf("request = %+v, want the TLS version %x", got, test.tls)
				}

				return
			}

			wantFault(t, err, test.parts...)

			if len(s.Requests()) > 0 {
				t.Error("the token was sent")
			}

			if test.closed {
				if text := err.Error(); !strings.Contains(text, "TLS handshake failed") && !strings.Contains(text, "closed the connection without an answer") {
					t.Error("it says neither what failed nor who ended it:", text)
				}

				return
			}

			if handshakes.Load() > 1 || n.Load() > 1 {
				t.Errorf("%d handshakes in %d attempts, want 1: that is never retried", handshakes.Load(), n.Load())
			}
		})
	}
}

func TestTrustBundle(t *testing.T) {
	t.Parallel()

	good := issuertest.NewAuthority().PEM
	_, key := issuertest.PEM(issuertest.NewAuthority().Issue(issuertest.Certificate{}))

	for name, test := range map[string]struct {
		text string
		ok   bool
	}{
		"one": {good, true}, "two": {good + issuertest.NewAuthority().PEM, true}, "with text": {"# Authority\r\n" + good, true},
		"one beside garbage": {"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n" + good, true},
		"empty":              {"", false}, "a path": {"/etc/ssl/ca.pem", false}, "a key": {key, false}, "cut short": {good[:len(good)/2], false},
		"garbage in PEM": {"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", false}, "the token": {secret, false},
	} {
		err := transport.CheckTrustBundle(test.text)
		if (err == nil) != test.ok || err != nil && clienttest.Bearer(t, secret).In(err.Error()) {
			t.Errorf("%s: %v", name, err)
		}

		if test.text == "" {
			continue
		}

		const want = "Unreadable trust bundle: The value of issuer.trust_bundle in the provider configuration holds no readable certificate in PEM form.\n\n" +
			`Give the certificates themselves in PEM form, for example by file("ca.pem").`
		if _, err := transport.New[int](transport.Config{TrustBundle: test.text, Block: "issuer"}); (err == nil) != test.ok || err != nil && err.Error() != want {
			t.Errorf("%s: New gave %v", name, err)
		}
	}
}

// TestProxy asks by a proxy for a host that does not exist: only a CONNECT goes
// to the proxy, and nothing of its URL or its errors is told.
func TestProxy(t *testing.T) {
	t.Parallel()

	t.Run("refuses", func(t *testing.T) {
		t.Parallel()

		var seen atomic.Value

		through := listen(t, func(conn net.Conn) {
			if request, err := http.ReadRequest(bufio.NewReader(conn)); err == nil {
				seen.Store(request)
			}

			_, _ = io.WriteString(conn, "HTTP/1.1 403 "+secret+"\r\nX: "+secret+"\r\n\r\n"+secret)
		})

		_, err := get(t, "https://issuer.test/v4", func(c *transport.Config) { c.Proxy = http.ProxyURL(&url.URL{Scheme: "http", Host: through}) })
		wantFault(t, err, "403")

		request, ok := seen.Load().(*http.Request)
		if !ok || request.Method != http.MethodConnect || request.Host != "issuer.test:443" || clienttest.Bearer(t, secret).In(fmt.Sprint(request.Header, request.URL)) {
			t.Errorf("the proxy saw %+v, want a CONNECT without the token", request)
		}
	})

	t.Run("unreachable", func(t *testing.T) {
		t.Parallel()

		listener, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}

		address := listener.Addr().String()
		_ = listener.Close()

		// A proxy's URL can hold a password.
		proxy := &url.URL{Scheme: "http", Host: address, User: url.UserPassword("user", "proxy-password")}

		_, err = get(t, "https://issuer.test", func(c *transport.Config) { c.Proxy = http.ProxyURL(proxy) })
		wantFault(t, err, "the proxy cannot be reached", "HTTPS_PROXY")

		if strings.Contains(err.Error(), "proxy-password") {
			t.Errorf("error %q holds the proxy's password", err)
		}
	})

	t.Run("function fails", func(t *testing.T) {
		t.Parallel()

		_, err := get(t, "https://issuer.test", func(c *transport.Config) {
			c.Proxy = func(*http.Request) (*url.URL, error) { return nil, errors.New("proxy-password") }
		})
		wantFault(t, err, "the URL of the proxy cannot be read")

		if strings.Contains(err.Error(), "proxy-password") {
			t.Errorf("error %q holds the cause's text", err)
		}
	})

	t.Run("connects", func(t *testing.T) {
		t.Parallel()

		s := start(t, issuertest.Reply(http.StatusOK, "{}"), func(*tls.Config) {})
		authority := issuertest.NewAuthority()
		s.TLS.Certificates = []tls.Certificate{authority.Issue(issuertest.Certificate{Hosts: []string{"issuer.test"}})}

		through := listen(t, func(conn net.Conn) {
			if _, err := http.ReadRequest(bufio.NewReader(conn)); err != nil {
				return
			}

			target, err := (&net.Dialer{}).DialContext(context.Background(), "tcp", s.Listener.Addr().String())
			if err != nil {
				return
			}
			defer func() { _ = target.Close() }()

			_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\n\r\n")

			go func() { _, _ = io.Copy(target, conn); _ = target.Close() }()

			_, _ = io.Copy(conn, target)
		})

		resp, err := get(t, "https://issuer.test/v4", func(c *transport.Config) {
			c.Proxy, c.TrustBundle = http.ProxyURL(&url.URL{Scheme: "http", Host: through}), authority.PEM
		})
		if err != nil || resp.Status != http.StatusOK {
			t.Fatalf("answer = %+v, %v", resp, err)
		}

		if got := s.Requests()[0].Header.Get("Authorization"); got != "Bearer "+secret {
			t.Errorf("Authorization = %q", got)
		}
	})
}

// TestDecode asserts that one object is read, and that nothing is kept of what is
// not one.
func TestDecode(t *testing.T) {
	t.Parallel()

	type document struct {
		A, B string
	}

	tests := map[string]bool{
		`{"A":"x"}`: true, " \r\n\t{\"A\":\"x\",\"new\":[1]}\n": true, `{"A":"x","B":null}`: true,
		"": false, "null": false, `[{"A":"x"}]`: false, `"x"`: false, `{"A":"x"} {}`: false, `{"A":"x","A":"x"}`: false, `{"A":"x","B":1}`: false, `{"A":"x"`: false,
		"\ufeff{}": false, "{'A':'x'}": false, "{\"A\":\"x\",\"B\":\"\xff\"}": false,
	}

	for body, want := range tests {
		got, ok := transport.Decode[document](&transport.Response{Body: []byte(body)})
		if ok != want || ok != (got == document{A: "x"}) || !ok && got != (document{}) {
			t.Errorf("Decode of %q gave %+v, %v; want %v", body, got, ok, want)
		}
	}

	if got, ok := transport.Decode[document](&transport.Response{Body: []byte(`{"a":"x"}`)}); !ok || got.A != "" {
		t.Errorf("a key in another case gave %+v, %v", got, ok)
	}
}

// TestFault has the errors that are made of an answer.
func TestFault(t *testing.T) {
	t.Parallel()

	tests := []struct {
		name    string
		handler http.HandlerFunc
		parts   []string
		not     []string
	}{
		{"200", issuertest.Reply(200, "0123456789", "Content-Type", "text/html; charset=utf-8"), []string{"HTTP 200 OK", "10 bytes", "text/html", "issuer.url"}, []string{"0123", "charset"}},
		{"one byte", issuertest.Reply(403, "x", "Content-Type", "text/plain"), []string{"1 byte of"}, nil},
		{"no body", issuertest.Reply(403, ""), []string{"HTTP 403 Forbidden", "without a body"}, nil},
		{"no type", issuertest.Reply(403, "xx", "Content-Type", issuertest.Absent), []string{"2 bytes"}, nil},
		{"a type that is none", issuertest.Reply(403, "xx", "Content-Type", "<b>"), []string{"2 bytes"}, []string{"<b>", "of type"}},
		{"a long type", issuertest.Reply(403, "xx", "Content-Type", "a/"+strings.Repeat("b", 63)), []string{"2 bytes"}, []string{"bbbb"}},
		{"a type that is not too long", issuertest.Reply(403, "xx", "Content-Type", "a/"+strings.Repeat("b", 62)), []string{"2 bytes of type a/bbbb"}, nil},
		{"a type that repeats the token", issuertest.Reply(403, "xx", "Content-Type", "a/"+secret), []string{"2 bytes"}, nil},
		{"302", issuertest.Reply(302, "", "Location", "https://evil.example.com/"), []string{"redirect", "issuer.url"}, []string{"evil"}},
		{"a status that has no words", issuertest.Reply(599, ""), []string{"HTTP 599"}, nil},
		{"no words", issuertest.Raw("HTTP/1.1 403 \r\nContent-Length: 0\r\n\r\n"), []string{"HTTP 403 Forbidden, without a body"}, nil},
		{"words", issuertest.Raw("HTTP/1.1 403 Go away, please\r\nContent-Length: 0\r\n\r\n"), []string{"HTTP 403 Go away, please"}, nil},
		{"words that repeat the token", issuertest.Raw("HTTP/1.1 403 " + secret + "\r\nContent-Length: 0\r\n\r\n"), []string{"HTTP 403", "withheld"}, nil},
		{"long words", issuertest.Raw("HTTP/1.1 403 " + strings.Repeat("w", 1000) + "\r\nContent-Length: 0\r\n\r\n"), []string{"HTTP 403"}, []string{strings.Repeat("w", 301)}},
		{"words with escapes", issuertest.Raw("HTTP/1.1 403 a\x1b[31mb\r\nContent-Length: 0\r\n\r\n"), []string{"HTTP 403"}, []string{"\x1b"}},
	}

	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()

			s := start(t, test.handler)

			resp, err := get(t, s.URL, func(c *transport.Config) { c.TrustBundle, c.LateClientAuth = s.TrustBundle, true })
			if err != nil {
				t.Fatal(err)
			}

			fault := resp.Fault("", "", "")
			wantFault(t, fault, append(test.parts, "Issuer answered")...)
			wantFault(t, resp.Unexpected("It happened.", ""), "It happened.", "issuer.url")
			wantFault(t, resp.RateLimited("what it said", now.Add(time.Hour)), "rate limit", "what it said", "-parallelism", "It asks to wait until 2026-03-01T13:00:00Z")
			wantFault(t, resp.Unexpected("It happened.", "Do this."), "Do this.")
			wantFault(t, resp.Fault("what it said", "It happened.", "Do this."), "what it said", "It happened.", "Do this.")

			for _, part := range test.not {
				if strings.Contains(fault.Error(), part) {
					t.Errorf("error %q holds %q", fault, part)
				}
			}
		})
	}
}

// TestLog asserts what is logged: a line for each attempt, without the token.
func TestLog(t *testing.T) {
	t.Parallel()

	s := start(t, issuertest.Sequence(
		issuertest.Raw("HTTP/1.1 "+secret+"\r\n\r\n"), issuertest.Reply(500, secret, "X-Echo", secret), issuertest.Reply(200, secret)))

	var lines []string

	_, err := get(t, s.URL, func(c *transport.Config) {
		c.TrustBundle, c.LateClientAuth = s.TrustBundle, true
		c.Log = func(_ context.Context, message string, fields map[string]any) {
			lines = append(lines, fmt.Sprint(message, fields))
		}
	})
	if err != nil {
		t.Fatal(err)
	}

	host := s.Listener.Addr().String()
	for i, outcome := range []string{"what came back is not HTTP, or its header is larger than 64 KiB", "HTTP 500", "HTTP 200"} {
		if want := fmt.Sprintf("asked the issuermap[attempt:%d host:%s outcome:%s]", i+1, host, outcome); i >= len(lines) || lines[i] != want {
			t.Errorf("log = %q, want %q", lines, want)
		}
	}

	if clienttest.Bearer(t, secret).In(strings.Join(lines, "\n")) {
		t.Errorf("the log holds the token: %q", lines)
	}
}

// An error is not remembered: a check that follows an outage at once asks again,
// and so does one that follows an answer that could not be read.
func TestErrorIsNotRemembered(t *testing.T) {
	t.Parallel()

	for name, answer := range map[string]http.HandlerFunc{
		"server error": issuertest.Reply(http.StatusServiceUnavailable, ""),
		"HTML":         issuertest.Reply(http.StatusOK, "<html>", "Content-Type", "text/html"),
		"from a cache": issuertest.Reply(http.StatusOK, "{}", "Age", "11"),
		"broken":       abort,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			s := start(t, issuertest.Sequence(answer, issuertest.Reply(http.StatusOK, "{}")))
			address, _ := url.Parse(s.URL)
			client := connect(t, func(c *transport.Config) { c.TrustBundle, c.MaxRetries = s.TrustBundle, 0 })
			read := func(resp *transport.Response) (*transport.Response, error) {
				if string(resp.Body) != "{}" {
					return nil, resp.Unexpected("It happened.", "")
				}

				return resp, nil
			}

			if _, err := client.Ask(t.Context(), address, clienttest.Bearer(t, secret), false, read); err == nil {
				t.Error("the first answer is no error")
			}

			// The second answer is remembered.
			for range 2 {
				if _, err := client.Ask(t.Context(), address, clienttest.Bearer(t, secret), false, read); err != nil {
					t.Error(err)
				}
			}

			if n := len(s.Requests()); n != 2 {
				t.Errorf("%d requests, want 2", n)
			}
		})
	}
}
