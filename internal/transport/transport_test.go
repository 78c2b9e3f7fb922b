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

// secret is a test token: no word of a message contains a part of it.
const secret = "Zq8RtYw3LmN5pKj7HgFd2sXcVbA9eU4i"

// now is the time of all clocks, unless a test sets another.
var now = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func clock() time.Time { return now }

// start starts a server with a fixed clock.
func start(t *testing.T, handler http.HandlerFunc, options ...issuertest.Option) *issuertest.Server {
	t.Helper()

	s := issuertest.Start(handler, options...)
	t.Cleanup(s.Close)
	s.SetClock(clock)

	return s
}

// client sends requests as an issuer's package does, and returns the raw response.
type client struct {
	*transport.Client[*transport.Response]
}

func connect(t *testing.T, change func(*transport.Config)) client {
	t.Helper()

	c, err := transport.New[*transport.Response](clienttest.Impatient(
		transport.Config{Issuer: "Issuer", Block: "issuer", URLArgument: "url", Now: clock, Header: http.Header{"X-Version": {"1"}}}, change))
	if err != nil {
		t.Fatal(err)
	}

	return client{c}
}

// errAnswered marks the error of a response that may be retried.
var errAnswered = errors.New("answered")

// Get runs a fresh check. It returns the last response even if that may be retried,
// and an error if there was none.
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

// get requests address, in at most three attempts.
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

	b := clienttest.Bearer(t, secret) //nolint:contextcheck // It needs no request context.

	resp, err := connect(t, change).Get(ctx, parsed, b)
	if err != nil {
		if resp != nil {
			t.Errorf("error %v with response %+v", err, resp)
		}

		wantFault(t, err) //nolint:contextcheck // As above.
	}

	return resp, err
}

// trusting returns a change that trusts a server's CA.
func trusting(s *issuertest.Server) func(*transport.Config) {
	return func(c *transport.Config) { c.TrustBundle = s.TrustBundle }
}

// wantFault asserts that err contains parts and no part of the token, and says that
// the token is not judged.
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
				t.Errorf("response = %+v", resp)
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
		{"10 with leading zeros", []string{"0010"}, false},
		{"10 with spaces", []string{" 10 "}, false},
		{"11", []string{"11"}, true},
		{"20", []string{"20"}, true},
		{"99", []string{"99"}, true},
		{"100", []string{"100"}, true},
		{"11 with leading zeros", []string{"0000011"}, true},
		{"absurd", []string{strings.Repeat("9", 300)}, true},
		{"more than 64 bits", []string{"18446744073709551616"}, true},
		{"not a number", []string{"old"}, true},
		{"negative", []string{"-1"}, true},
		{"fraction", []string{"1.5"}, true},
		{"list", []string{"0, 500"}, true},
		{"several, last too old", []string{"0", "500"}, true},
		{"several, first too old", []string{"500", "0"}, true},
		{"several, none too old", []string{"0", "9"}, false},
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
				t.Errorf("%d requests, want 1: a retry would hit the cache again", n)
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
		{"equal", at(0), now, 0, false},
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
				wantFault(t, err, "2026-03-01T12:00:00Z", date.Format(time.RFC3339), "Correct the clock")

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

// abort closes a connection (or, in HTTP/2, a stream) without a response.
func abort(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }

// breakBody closes it in the middle of a body.
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
		want     int // the status of the response, 0 for none
		requests int
		parts    []string // of the error if there is no response
	}{
		{name: "408, then success", handlers: []http.HandlerFunc{answer(408), good}, want: 200, requests: 2},
		{name: "429, then success", handlers: []http.HandlerFunc{answer(429), good}, want: 200, requests: 2},
		{name: "500, 599, then success", handlers: []http.HandlerFunc{answer(500), answer(599), good}, want: 200, requests: 3},
		{name: "503 three times, then success too late", handlers: []http.HandlerFunc{answer(503), answer(503), answer(503), good}, want: 503, requests: 3},
		{name: "429 forever", handlers: []http.HandlerFunc{answer(429)}, want: 429, requests: 3},
		{name: "different faults in turn", handlers: []http.HandlerFunc{abort, answer(502), breakBody, good}, requests: 3},
		{name: "connection broken, then success", handlers: []http.HandlerFunc{abort, good}, want: 200, requests: 2},
		{name: "connection broken forever", handlers: []http.HandlerFunc{abort}, requests: 3, parts: []string{"3 attempts", "HTTPS_PROXY"}},
		{name: "body broken, then success", handlers: []http.HandlerFunc{breakBody, good}, want: 200, requests: 2},
		{name: "body broken forever", handlers: []http.HandlerFunc{breakBody}, requests: 3, parts: []string{"middle of the response", "3 attempts"}},
		{name: "Retry-After of 0", handlers: []http.HandlerFunc{answer(429, "Retry-After", "0"), good}, want: 200, requests: 2},
		{name: "Retry-After in the past", handlers: []http.HandlerFunc{answer(503, "Retry-After", "Sun, 01 Mar 2026 11:00:00 GMT"), good}, want: 200, requests: 2},
		{name: "Retry-After garbage", handlers: []http.HandlerFunc{answer(503, "Retry-After", "later"), good}, want: 200, requests: 2},
		{name: "Retry-After beyond the timeout", handlers: []http.HandlerFunc{answer(429, "Retry-After", "3600"), good}, want: 429, requests: 1},
		{name: "Retry-After date beyond the timeout", handlers: []http.HandlerFunc{answer(503, "Retry-After", "Sun, 01 Mar 2026 13:00:00 GMT"), good}, want: 503, requests: 1},
		{name: "Retry-After absurd", handlers: []http.HandlerFunc{answer(503, "Retry-After", "99999999999999999999"), good}, want: 503, requests: 1},
		{name: "200 with Retry-After is not retried", handlers: []http.HandlerFunc{answer(200, "Retry-After", "0"), answer(401)}, want: 200, requests: 1},
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

// TestRetryAfterIsHonored asserts that no request is sent before Retry-After.
func TestRetryAfterIsHonored(t *testing.T) {
	t.Parallel()

	// The local clock is fifty milliseconds before the issuer's time: a wait longer
	// than the backoff, yet short enough for a test.
	local := now.Add(-50 * time.Millisecond)
	s := start(t, issuertest.Sequence(issuertest.Reply(503, "", "Retry-After", "Sun, 01 Mar 2026 12:00:00 GMT", "Date", issuertest.Absent), issuertest.Reply(200, "")))

	began := time.Now()

	resp, err := get(t, s.URL, func(c *transport.Config) {
		c.TrustBundle = s.TrustBundle
		c.Now = func() time.Time { return local }
	})
	if err != nil || resp.Status != 200 {
		t.Fatalf("response = %+v, %v", resp, err)
	}

	if took := time.Since(began); took < 50*time.Millisecond {
		t.Errorf("retried after %v", took)
	}
}

// TestLastAttemptIsReported covers a server that fails, and then hangs.
func TestLastAttemptIsReported(t *testing.T) {
	t.Parallel()

	for name, late := range map[string]bool{"HTTP/2": false, "HTTP/1.1": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			s := start(t, issuertest.Sequence(issuertest.Reply(503, ""), func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))

			// Enough for the handshake, which the timeout includes.
			_, err := get(t, s.URL, func(c *transport.Config) {
				c.TrustBundle, c.LateClientAuth, c.Timeout = s.TrustBundle, late, time.Second
			})
			wantFault(t, err, "timeout of 1s; the previous attempt failed: HTTP 503")

			if !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("the cause of %v cannot be found", err)
			}
		})
	}
}

// TestTimeoutBoundsRetries asserts that the timeout covers all attempts.
func TestTimeoutBoundsRetries(t *testing.T) {
	t.Parallel()

	s := start(t, issuertest.Reply(http.StatusBadGateway, ""))
	began := time.Now()

	// The response is returned rather than a timeout, unless time runs out during an
	// attempt: which happens is chance, TestNext has the rest.
	resp, err := get(t, s.URL, func(c *transport.Config) {
		c.TrustBundle, c.Timeout, c.MaxRetries, c.Backoff = s.TrustBundle, 200*time.Millisecond, 1000, 20*time.Millisecond
	})
	if err == nil && resp.Status != http.StatusBadGateway {
		t.Errorf("response = %+v", resp)
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
		wantFault(t, err, "Check cancelled: The run was cancelled before the issuer responded.", "\n\nRun again.")

		if !errors.Is(err, context.Canceled) || len(s.Requests()) > 0 {
			t.Errorf("err = %v, requests = %+v", err, s.Requests())
		}
	})

	t.Run("during the request", func(t *testing.T) {
		t.Parallel()

		ctx, cancel := context.WithCancel(context.Background())
		s := start(t, func(_ http.ResponseWriter, r *http.Request) {
			cancel()
			<-r.Context().Done()
		})

		_, err := getContext(t, ctx, s.URL, trusting(s))
		wantFault(t, err, "cancelled")

		if n := len(s.Requests()); n != 1 {
			t.Errorf("%d requests, want 1: a cancelled request is not retried", n)
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

// listen accepts loopback connections, and passes each to serve, until the test ends.
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

// attempts counts the attempts in the log.
func attempts(n *atomic.Int32) func(context.Context, string, map[string]any) {
	return func(context.Context, string, map[string]any) { n.Add(1) }
}

// TestSharedConnections covers checks that begin together: over HTTP/2 they share one
// connection; over HTTP/1.1 each has its own, which serves one token only.
func TestSharedConnections(t *testing.T) {
	t.Parallel()

	const checks = 30

	// Without LateClientAuth, the client negotiates the protocol.
	for name, test := range map[string]struct {
		late, http1 bool
		connections int
	}{
		"HTTP/2": {false, false, 1}, "HTTP/1.1 only on the server": {false, true, 2 * checks}, "HTTP/1.1 only in the client": {true, false, 2 * checks},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			// No check waits for another one's response.
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

			// An idle connection is not reused for the next token either.
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

// TestFirstConnectionFails covers checks that begin together where the first ones
// fail: no check waits for a connection that never comes.
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

// TestTLS covers servers with an unacceptable certificate or version.
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
		parts  []string // of the error; none for success
		tls    uint16   // of the request that succeeded
		closed bool     // the connection may close before the server's alert arrives, which is retried
	}{
		{name: "trusted", client: func(c *transport.Config) { c.TrustBundle = authority.PEM }, tls: tls.VersionTLS13},
		{name: "trusted with another CA", client: func(c *transport.Config) { c.TrustBundle = clients.PEM + "\n# text\n" + authority.PEM }, tls: tls.VersionTLS13},
		{name: "unknown CA", parts: []string{"untrusted CA", "issuer.trust_bundle"}},
		{name: "unknown CA with another bundle", client: func(c *transport.Config) { c.TrustBundle = clients.PEM }, parts: []string{"issuer.trust_bundle"}},
		{name: "wrong host", server: with(issuertest.Certificate{Hosts: []string{"issuer.example.com"}}), client: func(c *transport.Config) { c.TrustBundle = authority.PEM }, parts: []string{"another host name", "issuer.url"}},
		{name: "expired", server: with(issuertest.Certificate{NotAfter: time.Now().Add(-time.Hour)}), client: func(c *transport.Config) { c.TrustBundle = authority.PEM }, parts: []string{"expired", "clock"}},
		{name: "TLS 1.1 only", server: func(c *tls.Config) { c.MinVersion, c.MaxVersion = tls.VersionTLS10, tls.VersionTLS11 }, client: func(c *transport.Config) { c.TrustBundle = authority.PEM }, parts: []string{"TLS", "1.2"}},
		{name: "TLS 1.2 only", server: func(c *tls.Config) { c.MaxVersion = tls.VersionTLS12 }, client: func(c *transport.Config) { c.TrustBundle = authority.PEM }, tls: tls.VersionTLS12},
		{name: "maximum TLS 1.2", client: func(c *transport.Config) { c.TrustBundle, c.TLSMaxVersion = authority.PEM, tls.VersionTLS12 }, tls: tls.VersionTLS12},
		{name: "maximum TLS 1.3", client: func(c *transport.Config) { c.TrustBundle, c.TLSMaxVersion = authority.PEM, tls.VersionTLS13 }, tls: tls.VersionTLS13},
		{name: "TLS 1.3 only, maximum TLS 1.2", server: func(c *tls.Config) { c.MinVersion = tls.VersionTLS13 }, client: func(c *transport.Config) { c.TrustBundle, c.TLSMaxVersion = authority.PEM, tls.VersionTLS12 }, parts: []string{"TLS handshake failed"}},
		{name: "certificate required, none", server: asking, client: func(c *transport.Config) { c.TrustBundle = authority.PEM }, parts: []string{"issuer"}, closed: true},
		{name: "certificate required, none, late", server: asking, client: func(c *transport.Config) { c.TrustBundle, c.LateClientAuth = authority.PEM, true }, parts: []string{"issuer.tls_max_version", "issuer.client_certificate", "issuer.client_key"}},
		{name: "certificate required, none, late, TLS 1.2", server: asking, client: func(c *transport.Config) {
			c.TrustBundle, c.LateClientAuth, c.TLSMaxVersion = authority.PEM, true, tls.VersionTLS12
		}, parts: []string{"issuer.client_certificate"}},
		{name: "certificate required, wrong CA", server: asking, client: func(c *transport.Config) {
			c.TrustBundle, c.LateClientAuth, c.ClientCertificate = authority.PEM, true, &foreign
		}, parts: []string{"issuer.client_certificate"}},
		{name: "certificate required and sent", server: asking, client: func(c *transport.Config) { c.TrustBundle, c.ClientCertificate = authority.PEM, &own }, tls: tls.VersionTLS13},
		{name: "certificate required and sent, late, TLS 1.2", server: asking, client: func(c *transport.Config) {
			c.TrustBundle, c.LateClientAuth, c.TLSMaxVersion, c.ClientCertificate = authority.PEM, true, tls.VersionTLS12, &own
		}, tls: tls.VersionTLS12},
		{name: "certificate not requested", client: func(c *transport.Config) { c.TrustBundle, c.ClientCertificate = authority.PEM, &own }, tls: tls.VersionTLS13},
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

					return nil, nil //nolint:nilnil // This keeps the configuration.
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
				if got.TLS != test.tls || got.ClientCertificate != strings.Contains(test.name, "and sent") {
					t.Errorf("request = %+v, want the TLS version %x", got, test.tls)
				}

				return
			}

			wantFault(t, err, test.parts...)

			if len(s.Requests()) > 0 {
				t.Error("the token was sent")
			}

			if test.closed {
				if text := err.Error(); !strings.Contains(text, "TLS handshake failed") && !strings.Contains(text, "closed without a response") && !strings.Contains(text, "requires a client certificate") {
					t.Error("it does not say what failed or who closed the connection:", text)
				}

				return
			}

			if handshakes.Load() > 1 || n.Load() > 1 {
				t.Errorf("%d handshakes in %d attempts, want 1: this is never retried", handshakes.Load(), n.Load())
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
		"one with garbage": {"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n" + good, true},
		"empty":            {"", false}, "path": {"/etc/ssl/ca.pem", false}, "key": {key, false}, "truncated": {good[:len(good)/2], false},
		"garbage in PEM": {"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", false}, "token": {secret, false},
	} {
		err := transport.CheckTrustBundle(test.text)
		if (err == nil) != test.ok || err != nil && clienttest.Bearer(t, secret).In(err.Error()) {
			t.Errorf("%s: %v", name, err)
		}

		if test.text == "" {
			continue
		}

		const want = "Invalid trust bundle: The value of issuer.trust_bundle in the provider configuration contains no PEM-encoded certificate.\n\n" +
			`Set the PEM-encoded certificates themselves, for example with file("ca.pem").`
		if _, err := transport.New[int](transport.Config{TrustBundle: test.text, Block: "issuer"}); (err == nil) != test.ok || err != nil && err.Error() != want {
			t.Errorf("%s: New returned %v", name, err)
		}
	}
}

// TestProxy requests a host that does not exist through a proxy: only a CONNECT goes
// to the proxy, and messages contain nothing of its URL or its errors.
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

		// A proxy URL can contain a password.
		proxy := &url.URL{Scheme: "http", Host: address, User: url.UserPassword("user", "proxy-password")}

		_, err = get(t, "https://issuer.test", func(c *transport.Config) { c.Proxy = http.ProxyURL(proxy) })
		wantFault(t, err, "the proxy cannot be reached", "HTTPS_PROXY")

		if strings.Contains(err.Error(), "proxy-password") {
			t.Errorf("error %q contains the proxy's password", err)
		}
	})

	t.Run("function fails", func(t *testing.T) {
		t.Parallel()

		_, err := get(t, "https://issuer.test", func(c *transport.Config) {
			c.Proxy = func(*http.Request) (*url.URL, error) { return nil, errors.New("proxy-password") }
		})
		wantFault(t, err, "the URL of the proxy cannot be parsed")

		if strings.Contains(err.Error(), "proxy-password") {
			t.Errorf("error %q contains the text of the cause", err)
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
			t.Fatalf("response = %+v, %v", resp, err)
		}

		if got := s.Requests()[0].Header.Get("Authorization"); got != "Bearer "+secret {
			t.Errorf("Authorization = %q", got)
		}
	})
}

// TestDecode asserts that one object is decoded, and nothing else.
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
			t.Errorf("Decode of %q returned %+v, %v; want %v", body, got, ok, want)
		}
	}

	if got, ok := transport.Decode[document](&transport.Response{Body: []byte(`{"a":"x"}`)}); !ok || got.A != "" {
		t.Errorf("a key in different case returned %+v, %v", got, ok)
	}
}

// TestFault covers the errors that describe a response.
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
		{"no body", issuertest.Reply(403, ""), []string{"HTTP 403 Forbidden", "no body"}, nil},
		{"no type", issuertest.Reply(403, "xx", "Content-Type", issuertest.Absent), []string{"2 bytes"}, nil},
		{"invalid type", issuertest.Reply(403, "xx", "Content-Type", "<b>"), []string{"2 bytes"}, []string{"<b>", "of type"}},
		{"long type", issuertest.Reply(403, "xx", "Content-Type", "a/"+strings.Repeat("b", 63)), []string{"2 bytes"}, []string{"bbbb"}},
		{"longest type", issuertest.Reply(403, "xx", "Content-Type", "a/"+strings.Repeat("b", 62)), []string{"2 bytes of type a/bbbb"}, nil},
		{"type that echoes the token", issuertest.Reply(403, "xx", "Content-Type", "a/"+secret), []string{"2 bytes"}, nil},
		{"302", issuertest.Reply(302, "", "Location", "https://evil.example.com/"), []string{"redirect", "issuer.url"}, []string{"evil"}},
		{"status without text", issuertest.Reply(599, ""), []string{"HTTP 599"}, nil},
		{"status text", issuertest.Raw("HTTP/1.1 403 Go away, please\r\nContent-Length: 0\r\n\r\n"), []string{"HTTP 403 Go away, please"}, nil},
		{"status text that echoes the token", issuertest.Raw("HTTP/1.1 403 " + secret + "\r\nContent-Length: 0\r\n\r\n"), []string{"HTTP 403", "withheld"}, nil},
		{"long status text", issuertest.Raw("HTTP/1.1 403 " + strings.Repeat("w", 1000) + "\r\nContent-Length: 0\r\n\r\n"), []string{"HTTP 403"}, []string{strings.Repeat("w", 301)}},
		{"status text with escape sequence", issuertest.Raw("HTTP/1.1 403 a\x1b[31mb\r\nContent-Length: 0\r\n\r\n"), []string{"HTTP 403"}, []string{"\x1b"}},
		{"no words", issuertest.Raw("HTTP/1.1 403 \r\nContent-Length: 0\r\n\r\n"), []string{"HTTP 403 Forbidden and no body"}, nil},
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
			wantFault(t, fault, append(test.parts, "Issuer returned")...)
			wantFault(t, resp.Unexpected("It happened.", ""), "It happened.", "issuer.url")
			wantFault(t, resp.RateLimited("what it said", now.Add(time.Hour)), "Rate limit", "what it said", "-parallelism", "The response says to wait until 2026-03-01T13:00:00Z")
			wantFault(t, resp.Unexpected("It happened.", "Do this."), "Do this.")
			wantFault(t, resp.Fault("what it said", "It happened.", "Do this."), "what it said", "It happened.", "Do this.")

			for _, part := range test.not {
				if strings.Contains(fault.Error(), part) {
					t.Errorf("error %q contains %q", fault, part)
				}
			}
		})
	}
}

// TestLog asserts that each attempt is logged on one line, without the token.
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
	for i, outcome := range []string{"the response is not HTTP, or its header is larger than 64 KiB", "HTTP 500", "HTTP 200"} {
		if want := fmt.Sprintf("token verification requestedmap[attempt:%d host:%s outcome:%s]", i+1, host, outcome); i >= len(lines) || lines[i] != want {
			t.Errorf("log = %q, want %q", lines, want)
		}
	}

	if clienttest.Bearer(t, secret).In(strings.Join(lines, "\n")) {
		t.Errorf("the log contains the token: %q", lines)
	}
}

// An error is not cached: a check right after an outage, or after a response that
// cannot be decoded, sends a request.
func TestErrorIsNotCached(t *testing.T) {
	t.Parallel()

	for name, answer := range map[string]http.HandlerFunc{
		"server error": issuertest.Reply(http.StatusServiceUnavailable, ""),
		"HTML":         issuertest.Reply(http.StatusOK, "<html>", "Content-Type", "text/html"),
		"from a cache": issuertest.Reply(http.StatusOK, "{}", "Age", "11"),
		"aborted":      abort,
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
				t.Error("the first response is not an error")
			}

			// The second response is cached.
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
