package transport

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

// TestUsual covers the meaning of statuses with any server: only redirects are called
// redirects, client certificates are mentioned after a 500 only, and only faults and
// rate limits are temporary.
func TestUsual(t *testing.T) {
	t.Parallel()

	const redirect, limit, fault, proxy, other = "Redirect", "Rate limit", "Issuer returned", "Proxy", "Unexpected response"

	for status, want := range map[int]string{
		200: other, 201: other, 206: other, 299: other, 300: other, 301: redirect, 302: redirect, 303: redirect, 304: other, 305: other, 306: other, 307: redirect, 308: redirect, 309: other,
		400: other, 406: other, 407: proxy, 408: fault, 409: other, 428: other, 429: limit, 430: other, 413: "too large", 414: "too large", 431: "too large", 499: other, 500: fault, 501: fault, 511: "sign-in", 599: fault,
	} {
		config := &Config{Now: time.Now, LateClientAuth: true, Block: "issuer"}
		got := (&Response{Status: status, config: config}).usual()

		if !strings.Contains(got.Summary, want) || got.Temporary != (want == fault || want == limit || status == 511) || got.Happened == "" || strings.Contains(got.Remedy, "client_certificate") != (status == 500) {
			t.Errorf("%d: %+v, want %q", status, got, want)
		}
	}
}

// TestRetryAdvice covers Retry-After times.
func TestRetryAdvice(t *testing.T) {
	t.Parallel()

	const long = ":01Z, which is longer than the provider's timeout allows."

	now := time.Date(2026, 3, 1, 12, 0, 1, 700_000_000, time.UTC) // Messages show whole seconds.

	for _, test := range []struct {
		wait     time.Duration
		attempts int
		want     string
	}{
		{0, 3, "The response does not say when to retry."},
		{58 * time.Second, 3, "The response says to wait until 2026-03-01T12:00:59Z, and no retries are left."},
		{58 * time.Second, 2, "The response says to wait until 2026-03-01T12:00:59Z, which is longer than the provider's timeout allows."},
		{time.Minute, 3, "The response says to wait until 2026-03-01T12:01" + long},
		{240 * 24 * time.Hour, 1, "The response says to wait until 2026-10-27T12:00" + long},
		{366 * 24 * time.Hour, 1, "The response says to wait until 2027-03-02T12:00" + long},
		{366*24*time.Hour + time.Second, 1, "The response says to wait for longer than a year."},
	} {
		config := &Config{Now: func() time.Time { return now }, MaxRetries: 2, Timeout: time.Minute}
		r := &Response{config: config, attempts: test.attempts, Header: http.Header{}, until: now.Add(test.wait)}

		if got := r.retryAdvice(); got != test.want {
			t.Errorf("%v at attempt %d: %q, want %q", test.wait, test.attempts, got, test.want)
		}
	}
}
