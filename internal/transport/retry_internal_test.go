package transport

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestRetryAfter(t *testing.T) {
	t.Parallel()

	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

	tests := []struct {
		name, value string
		want        time.Duration // 0 for none
	}{
		{"none", "", 0},
		{"seconds", "120", 120 * time.Second},
		{"seconds with blanks", " 120 ", 120 * time.Second},
		{"zero", "0", 0},
		{"zeros before it", "0060", time.Minute},
		{"negative", "-5", 0},
		{"a sign", "+5", 0},
		{"a fraction", "1.5", 0},
		{"exponent", "1e3", 0},
		{"hexadecimal", "0x10", 0},
		{"garbage", "soon", 0},
		{"a unit", "10s", 0},
		{"a list", "10, 20", 0},
		{"date", "Sun, 01 Mar 2026 12:05:00 GMT", 5 * time.Minute},
		{"date by RFC 850", "Sunday, 01-Mar-26 12:05:00 GMT", 5 * time.Minute},
		{"date by ANSI C", "Sun Mar  1 12:05:00 2026", 5 * time.Minute},
		{"date that has passed", "Sun, 01 Mar 2026 11:59:59 GMT", 0},
		{"date that is now", "Sun, 01 Mar 2026 12:00:00 GMT", 0},
		{"RFC 3339 is no HTTP date", "2026-03-01T12:05:00Z", 0},
		{"date in 9999", "Fri, 31 Dec 9999 23:59:59 GMT", -1},
		{"a hundred years", "3153600000", -1},
		{"longer than a Duration", "9223372037", -1},
		{"largest number of 64 bits", "18446744073709551615", -1},
		{"larger than that", "18446744073709551616", -1},
		{"absurd", strings.Repeat("9", 400), -1},
	}

	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()

			header := http.Header{}
			header.Set("Retry-After", test.value)

			until, ok := retryAfter(header, now)

			switch {
			case ok != (test.want != 0):
				t.Errorf("retryAfter = %v, %v", until, ok)
			case test.want < 0 && until.Sub(now) < 90*365*24*time.Hour:
				t.Errorf("retryAfter = %v, want a time far off", until)
			case test.want > 0 && !until.Equal(now.Add(test.want)):
				t.Errorf("retryAfter = %v, want %v", until, now.Add(test.want))
			}
		})
	}
}

func TestBackoff(t *testing.T) {
	t.Parallel()

	for _, base := range []time.Duration{time.Nanosecond, time.Millisecond, defaultBackoff, time.Minute} {
		var last time.Duration

		for attempt := 1; attempt <= 200; attempt++ {
			most, least := backoff(base, attempt, 0), backoff(base, attempt, 0.999999999)

			if most > maxBackoff || least < most/2-1 || least > most || least < 0 || most < last {
				t.Errorf("backoff(%v, %d) is between %v and %v after %v", base, attempt, least, most, last)
			}

			last = most
		}

		if last != maxBackoff && base >= time.Millisecond {
			t.Errorf("backoff(%v) goes up to %v, want %v", base, last, maxBackoff)
		}
	}

	if got := backoff(time.Second, 2, 0); got != 2*time.Second {
		t.Errorf("backoff of the second attempt = %v, want it doubled", got)
	}
}

func TestTemporary(t *testing.T) {
	t.Parallel()

	for status, want := range map[int]bool{
		200: false, 204: false, 301: false, 304: false, 400: false, 401: false, 403: false, 404: false, 407: false, 409: false, 425: false,
		408: true, 429: true, 500: true, 501: true, 502: true, 503: true, 504: true, 520: true, 530: true, 599: true,
	} {
		if got := temporary(status); got != want {
			t.Errorf("temporary(%d) = %v, want %v", status, got, want)
		}
	}
}

// TestPermanent has what a retry cannot help, and what it may.
func TestPermanent(t *testing.T) {
	t.Parallel()

	dial := func(err error) error { return &net.OpError{Op: "dial", Net: "tcp", Err: err} }

	for name, test := range map[string]struct {
		err       error
		permanent bool
	}{
		"no such host":         {dial(&net.DNSError{Err: "no such host", Name: "issuer.test", IsNotFound: true}), true},
		"name server fails":    {dial(&net.DNSError{Err: "server misbehaving", Name: "issuer.test", IsTemporary: true}), false},
		"name server is late":  {dial(&net.DNSError{Err: "i/o timeout", Name: "issuer.test", IsTimeout: true}), false},
		"refused":              {dial(syscall.ECONNREFUSED), false},
		"reset":                {&net.OpError{Op: "read", Err: syscall.ECONNRESET}, false},
		"broken off":           {&bodyError{io.ErrUnexpectedEOF}, false},
		"alert of the server":  {&net.OpError{Op: "remote error", Err: tls.AlertError(40)}, true},
		"alert of this side":   {&net.OpError{Op: "local error", Err: tls.AlertError(70)}, true},
		"certificate":          {&tls.CertificateVerificationError{Err: x509.UnknownAuthorityError{}}, true},
		"no TLS":               {tls.RecordHeaderError{}, true},
		"HTTP on an HTTPS URL": {http.ErrSchemeMismatch, true},
		"proxy that forbids":   {&proxyError{http.StatusForbidden}, true},
		"proxy that is down":   {&proxyError{http.StatusBadGateway}, false},
		"proxy out of reach":   {&net.OpError{Op: "proxyconnect", Err: syscall.ECONNREFUSED}, false},
	} {
		if got := permanent(test.err); got != test.permanent {
			t.Errorf("%s: permanent = %v, want %v", name, got, test.permanent)
		}
	}
}

// TestPlainHTTPStaysOnTheMachine dials for a plain HTTP URL: no packet goes to
// another machine, whatever a resolver says of localhost. The addresses are those
// that are kept for documentation.
func TestPlainHTTPStaysOnTheMachine(t *testing.T) {
	t.Parallel()

	config := &Config{Issuer: "Issuer", Block: "issuer", URLArgument: "url"}

	_, plain, err := config.httpTransports()
	if err != nil {
		t.Fatal(err)
	}

	for _, address := range []string{"192.0.2.1:80", "[2001:db8::1]:80", "0.0.0.0:80", "[::ffff:192.0.2.1]:80"} {
		_, err := plain.DialContext(t.Context(), "tcp", address)
		if !errors.Is(err, errNotLoopback) || !permanent(err) {
			t.Errorf("dialing %s: %v", address, err)
		}

		if happened, remedy := config.explain(err, "localhost"); !strings.Contains(happened, "not a loopback address") || !strings.Contains(remedy, "issuer.url") {
			t.Errorf("dialing %s: %q, %q", address, happened, remedy)
		}
	}

	for address, loopback := range map[string]bool{"127.0.0.1:80": true, "127.9.9.9:80": true, "[::1]:80": true, "[::ffff:127.0.0.1]:80": true, "localhost:80": false, "": false} {
		if err := loopbackOnly("tcp", address, nil); (err == nil) != loopback {
			t.Errorf("loopbackOnly of %q: %v", address, err)
		}
	}
}

// FuzzRetryAfter reads any header: a time to wait until is always yet to come.
func FuzzRetryAfter(f *testing.F) {
	for _, value := range []string{"", "0", "1", "-1", " 120 ", "99999999999999999999", "Fri, 01 Jan 2100 00:00:00 GMT", "Friday, 01-Jan-99 00:00:00 GMT", "1e3"} {
		f.Add(value)
	}

	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

	f.Fuzz(func(t *testing.T, value string) {
		until, ok := retryAfter(http.Header{"Retry-After": {value}}, at)
		if ok && !until.After(at) {
			t.Errorf("%q: %v", value, until)
		}
	})
}

// FuzzTooOld reads any Age: whatever is not a number from 0 to 10 is too old.
func FuzzTooOld(f *testing.F) {
	for _, age := range []string{"", "0", "10", "11", "010", "-1", "+1", " 1 ", "1.5", "18446744073709551616"} {
		f.Add(age)
	}

	f.Fuzz(func(t *testing.T, age string) {
		n, err := strconv.Atoi(strings.TrimSpace(age))
		if !tooOld(age) && (err != nil || n < 0 || n > 10) {
			t.Errorf("%q is not too old", age)
		}
	})
}
