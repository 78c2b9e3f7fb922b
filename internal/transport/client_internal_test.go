package transport

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/tokencheck/terraform-provider-tokencheck/internal/issuertest"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/token"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/verdict"
)

// aProxy is where no proxy listens.
const aProxy = "http://127.0.0.1:1"

func TestMain(m *testing.M) {
	// Package net/http reads these variables once; only TestLoopbackIsNeverProxied uses them.
	for name, value := range map[string]string{"HTTP_PROXY": aProxy, "HTTPS_PROXY": aProxy, "NO_PROXY": "", "no_proxy": ""} {
		_ = os.Setenv(name, value)
	}
	goleak.VerifyTestMain(m)
}

// secret is a test token: no word of a message contains a part of it.
const secret = "Zq8RtYw3LmN5pKj7HgFd2sXcVbA9eU4i"

func bearer(t *testing.T, secret string) token.Token {
	t.Helper()

	tok, _, _ := token.Sources{Value: &secret, LookupEnv: os.LookupEnv}.Resolve(t.Context())
	return tok
}

// testClient retries twice after a short wait, and counts its attempts.
type testClient struct {
	*Client

	attempts atomic.Int32
}

// connect returns a client for an address. Changes that are not nil configure it.
func connect(t *testing.T, address string, changes ...func(*Issuer, *Config)) *testClient {
	t.Helper()

	base, err := ParseURL(address)
	if err != nil {
		t.Fatal(err)
	}
	c, tok := new(testClient), bearer(t, secret)
	issuer := Issuer{Name: "Issuer", Block: "issuer", OutageRemedy: "OUTAGE."}
	config := Config{
		Host: Host{Now: time.Now, Backoff: time.Millisecond, Proxy: func(*http.Request) (*url.URL, error) { return nil, nil }}, //nolint:nilnil // No proxy.
		URL:  base, URLSource: "issuer.url", Timeout: time.Minute, MaxRetries: 2, UserAgent: "test/1",
		Log: func(_ context.Context, message string, fields map[string]any) {
			c.attempts.Add(1)
			if text := fmt.Sprint(message, fields); tok.In(text) {
				t.Errorf("the log contains part of the token: %s", text)
			}
		},
	}
	for _, change := range changes {
		if change != nil {
			change(&issuer, &config)
		}
	}
	if c.Client, err = New(issuer, config); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.transport.CloseIdleConnections)
	return c
}

// wantFault asserts that err is an error with a title and parts, which says that the
// token was not verified, and contains no part of it.
func wantFault(t *testing.T, err error, title string, parts ...string) {
	t.Helper()

	fault, ok := errors.AsType[*verdict.Error](err)
	if !ok || fault.Title != title || fault.Cause == "" || fault.Remedy == "" || !fault.ValidityUnknown || bearer(t, secret).In(err.Error()) {
		t.Fatalf("error %v, want one with the title %q, and no part of the token", err, title)
	}
	for _, part := range parts {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("error %q lacks %q", err, part)
		}
	}
}

const noResponse = "No response from the issuer"

// tripper takes the place of the network: with the fake clock of a bubble, a test sees
// when each request is sent, and takes no time.
type tripper struct {
	handler http.HandlerFunc
	sent    []time.Duration // since the start
	start   time.Time
}

// Handlers for a tripper, in addition to those of issuertest. The first one makes the
// connection fail.
func broken(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(999) }
func hang(_ http.ResponseWriter, r *http.Request)   { <-r.Context().Done() }
func ok(w http.ResponseWriter, r *http.Request)     { issuertest.Reply(http.StatusOK, "{}")(w, r) }
func fault(w http.ResponseWriter, r *http.Request)  { issuertest.Reply(http.StatusBadGateway, "")(w, r) }

// slowly returns a handler that takes three seconds.
func slowly(handler http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-time.After(3 * time.Second):
			handler(w, r)
		case <-r.Context().Done():
		}
	}
}

func (f *tripper) RoundTrip(r *http.Request) (*http.Response, error) {
	f.sent = append(f.sent, time.Since(f.start))
	w := httptest.NewRecorder()
	if f.handler(w, r); w.Code == 999 {
		return nil, errors.New("broken")
	}
	return w.Result(), r.Context().Err()
}

// fake returns a client whose requests go to handlers in turn.
func fake(t *testing.T, change func(*Issuer, *Config), handlers ...http.HandlerFunc) (*testClient, *tripper) {
	t.Helper()

	f := &tripper{handler: issuertest.Sequence(handlers...), start: time.Now()}
	c := connect(t, "http://127.0.0.1", change)
	c.transport.RegisterProtocol("http", f)
	return c, f
}

// TestRetries covers which responses and failures are followed by another request.
func TestRetries(t *testing.T) {
	t.Parallel()

	reply := func(status int, header ...string) http.HandlerFunc { return issuertest.Reply(status, "{}", header...) }

	type test struct {
		handlers         []http.HandlerFunc
		requests, status int // of the response, zero for none
	}
	tests := []test{
		{[]http.HandlerFunc{broken, reply(503), ok}, 3, 200},
		{[]http.HandlerFunc{reply(503), reply(503), reply(503), ok}, 3, 503},
		{[]http.HandlerFunc{broken}, 3, 0},
		{[]http.HandlerFunc{reply(403, "X-Retry", "yes"), ok}, 2, 200},
		{[]http.HandlerFunc{reply(503, "X-Retry", "no"), ok}, 1, 503},
		{[]http.HandlerFunc{reply(200, "Retry-After", "1"), reply(401)}, 1, 200},
		{[]http.HandlerFunc{reply(200, "Age", "1"), ok}, 1, 0},
	}
	for status := 200; status < 600; status++ {
		if status == 408 || status == 429 || status >= 500 {
			tests = append(tests, test{[]http.HandlerFunc{reply(status), ok}, 2, 200})
		} else {
			tests = append(tests, test{[]http.HandlerFunc{reply(status), ok}, 1, status})
		}
	}

	for i, test := range tests {
		synctest.Test(t, func(t *testing.T) {
			c, f := fake(t, func(i *Issuer, _ *Config) {
				i.Retry = func(r *Response) (time.Duration, bool, bool) {
					issuers := r.Header.Get("X-Retry")
					return 0, issuers == "yes", issuers != ""
				}
			}, test.handlers...)

			resp, err := c.Get(t.Context(), bearer(t, secret), true)
			if len(f.sent) != test.requests || int(c.attempts.Load()) != test.requests {
				t.Errorf("%d: %d requests, want %d", i, len(f.sent), test.requests)
			}
			if (err != nil) != (test.status == 0) || err == nil && (resp.Status != test.status || resp.Attempt != test.requests) {
				t.Errorf("%d: %+v, %v; want status %d", i, resp, err, test.status)
			}
		})
	}
}

// TestWaits covers when requests are sent, by a clock that starts at midnight.
func TestWaits(t *testing.T) {
	t.Parallel()

	after := func(value string, header ...string) http.HandlerFunc {
		return issuertest.Reply(429, "{}", append(header, "Retry-After", value)...)
	}
	minute := func(_ *Issuer, c *Config) { c.Timeout, c.MaxRetries, c.Backoff = time.Minute, 3, ThisHost().Backoff }

	issuers := func(i *Issuer, _ *Config) {
		i.Retry = func(r *Response) (time.Duration, bool, bool) { return 5 * time.Second, r.Status != 200, true }
	}
	const second = time.Second

	for _, test := range []struct {
		name        string
		change      func(*Issuer, *Config)
		handlers    []http.HandlerFunc
		requests    int           // zero for many
		least, most time.Duration // when the last request is sent
		status      int           // zero for none
		part        string        // of the error
	}{
		{"defaults", minute, []http.HandlerFunc{fault}, 4, 6 * second, 11 * second, 502, "Requests sent: 4"},
		{"many retries", func(_ *Issuer, c *Config) { c.MaxRetries, c.Backoff = 99, second }, []http.HandlerFunc{fault}, 0, 40 * second, 60 * second, 502, ""},
		{"seconds", minute, []http.HandlerFunc{after("17"), ok}, 2, 17 * second, 17 * second, 200, ""},
		{"date", minute, []http.HandlerFunc{after("Sat, 01 Jan 2000 00:00:20 GMT"), ok}, 2, 20 * second, 20 * second, 200, ""},
		{"date by the issuer's clock", minute, []http.HandlerFunc{after("Sat, 01 Jan 2000 02:00:20 GMT", "Date", "Sat, 01 Jan 2000 02:00:00 GMT"), ok}, 2, 20 * second, 20 * second, 200, ""},
		{"past date", minute, []http.HandlerFunc{after("Fri, 31 Dec 1999 00:00:00 GMT"), ok}, 2, second, 2 * second, 200, ""},
		{"zero and garbage", minute, []http.HandlerFunc{after("0"), after("-5"), after("soon"), ok}, 4, 6 * second, 11 * second, 200, ""},
		{"does not fit", minute, []http.HandlerFunc{after("60"), ok}, 1, 0, 0, 429, "2000-01-01T00:01:00Z"},
		{"retry does not fit", func(_ *Issuer, c *Config) { c.Timeout, c.Backoff = second, second }, []http.HandlerFunc{broken}, 1, 0, 0, 0, "broken"},
		{"issuer's wait", issuers, []http.HandlerFunc{issuertest.Reply(403, ""), ok}, 2, 5 * second, 5 * second, 200, ""},
		{"issuer's wait, longer Retry-After", issuers, []http.HandlerFunc{after("7"), ok}, 2, 7 * second, 7 * second, 200, ""},
		{"dead node", minute, []http.HandlerFunc{hang, ok}, 2, 31 * second, 32 * second, 200, ""},
		{"dead nodes", minute, []http.HandlerFunc{hang}, 2, 31 * second, 32 * second, 0, "timeout of 1m"},
		{"dead node, short timeout", func(_ *Issuer, c *Config) { c.Timeout, c.Backoff = 40*second, second }, []http.HandlerFunc{hang, ok}, 2, 31 * second, 32 * second, 200, ""},
		{"dead node at last", minute, []http.HandlerFunc{broken, broken, broken, hang}, 4, 6 * second, 11 * second, 0, "Increase timeout"},
		{"dead node, long timeout", func(_ *Issuer, c *Config) { c.Timeout = 300 * second }, []http.HandlerFunc{hang, ok}, 2, 150 * second, 151 * second, 200, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				c, f := fake(t, test.change, test.handlers...)
				ctx, cancel := context.WithTimeout(t.Context(), c.config.Timeout)
				defer cancel()

				resp, err := c.Get(ctx, bearer(t, secret), true)
				if took := time.Since(f.start); took > c.config.Timeout || test.requests == 1 && took > 0 {
					t.Errorf("it took %v", took)
				}
				if last := f.sent[len(f.sent)-1]; last < test.least || last > test.most || test.requests > 0 && len(f.sent) != test.requests {
					t.Errorf("requests at %v, want %d, the last one between %v and %v", f.sent, test.requests, test.least, test.most)
				}
				if test.status == 0 {
					wantFault(t, err, noResponse, test.part)
				} else if err != nil || resp.Status != test.status || !strings.Contains(resp.Unexpected("", "", "").Error(), test.part) {
					t.Errorf("%+v, %v; want status %d, and an error with %q", resp, err, test.status, test.part)
				}
			})
		})
	}
}

// TestCancelled cancels a verification before, during and between its requests.
func TestCancelled(t *testing.T) {
	t.Parallel()

	for at, handler := range map[time.Duration]http.HandlerFunc{0: ok, time.Second: slowly(ok), 5 * time.Second: fault} {
		for _, fresh := range []bool{true, false} {
			synctest.Test(t, func(t *testing.T) {
				c, f := fake(t, func(_ *Issuer, c *Config) { c.Backoff = time.Minute }, handler)
				ctx, cancel := context.WithCancel(t.Context())
				if at == 0 {
					cancel()
				}
				time.AfterFunc(at, cancel)

				_, err := c.Get(ctx, bearer(t, secret), fresh)
				wantFault(t, err, "Verification cancelled")
				if !errors.Is(err, context.Canceled) || time.Since(f.start) != at {
					t.Errorf("%v after %v", err, time.Since(f.start))
				}
			})
		}
	}
}

// TestSent covers what a request contains.
func TestSent(t *testing.T) {
	t.Parallel()

	for proto, late := range map[string]bool{"HTTP/2.0": false, "HTTP/1.1": true} {
		s := issuertest.Start(issuertest.Reply(http.StatusTeapot, "body", "X-Test", "1"))
		t.Cleanup(s.Close)
		c := connect(t, s.URL+"/base/", func(i *Issuer, c *Config) { i.LateClientAuth, c.TrustBundle = late, s.TrustBundle })

		resp, err := c.Get(t.Context(), bearer(t, secret), true, "some", "path")
		if err != nil || resp.Status != http.StatusTeapot || string(resp.Body) != "body" || resp.Header.Get("X-Test") != "1" || resp.URL.Path != "/base/some/path" {
			t.Fatalf("%+v, %v", resp, err)
		}
		got := s.Requests()[0]
		if got.Method != http.MethodGet || got.Path != "/base/some/path" || got.Proto != proto {
			t.Errorf("request = %+v", got)
		}
		want := http.Header{
			"Accept": {"application/json"}, "Accept-Encoding": {"identity"}, "Authorization": {"Bearer " + secret}, "Cache-Control": {"no-cache"}, "User-Agent": {"test/1"},
		}
		if late {
			want.Set("Connection", "close") // A connection for each request.
		}
		if fmt.Sprint(got.Header) != fmt.Sprint(want) {
			t.Errorf("header = %v, want %v", got.Header, want)
		}
	}
}

// TestBody covers bodies that are too long, and that end in the middle.
func TestBody(t *testing.T) {
	t.Parallel()

	half := func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "100")
		_, _ = io.WriteString(w, "{")
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}
	endless := func(w http.ResponseWriter, r *http.Request) {
		for r.Context().Err() == nil {
			_, _ = io.WriteString(w, strings.Repeat(" ", 1<<10))
		}
	}
	s := issuertest.Start(issuertest.Sequence(half, endless))
	t.Cleanup(s.Close)

	resp, err := connect(t, s.URL, func(_ *Issuer, c *Config) { c.TrustBundle = s.TrustBundle }).Get(t.Context(), bearer(t, secret), true)
	if err != nil || len(resp.Body) != 4<<20 || resp.Attempt != 2 {
		t.Errorf("%d bytes in attempt %d, %v", len(resp.Body), resp.Attempt, err)
	}
}
