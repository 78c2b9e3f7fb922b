package transport

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/tokencheck/terraform-provider-tokencheck/internal/verdict"
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
		{"one", "1", time.Second},
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
		{"a hundred years", "3153600000", 100 * 365 * 24 * time.Hour},
		{"longer than that", "3153600001", 100 * 365 * 24 * time.Hour},
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

	if got := backoff(time.Second, 2, 0.5); got != 1500*time.Millisecond {
		t.Errorf("backoff of the second attempt = %v, want a quarter off: half of what may be off", got)
	}
}

// TestNext has a wait of at least five seconds: it is begun only if the check's time
// lasts that long, and with neither too many attempts nor a fault that stays.
func TestNext(t *testing.T) {
	t.Parallel()

	temporary := &verdict.Error{Temporary: true}

	for name, test := range map[string]struct {
		left    time.Duration
		attempt int
		err     error
		want    bool
	}{
		"time enough": {time.Hour, 1, temporary, true}, "the last one": {time.Hour, 2, temporary, true},
		"too little time": {4 * time.Second, 1, temporary, false}, "one too many": {time.Hour, 3, temporary, false},
		"no fault": {time.Hour, 1, nil, false}, "it stays": {time.Hour, 1, &verdict.Error{}, false}, "of another kind": {time.Hour, 1, io.EOF, false},
	} {
		ctx, cancel := context.WithTimeout(t.Context(), test.left)

		wait, again := (&Config{MaxRetries: 2, Backoff: time.Minute}).next(ctx, test.attempt, nil, test.err)
		if again != test.want || again && (wait < maxBackoff/2 || wait > maxBackoff) {
			t.Errorf("%s: %v, %v", name, wait, again)
		}

		cancel()
	}
}

// TestFailed has what keeps a request from being answered: whether a retry may
// help, and what is said of it.
func TestFailed(t *testing.T) {
	t.Parallel()

	dial := func(err error) error { return &net.OpError{Op: "dial", Net: "tcp", Err: err} }
	config := &Config{Issuer: "Issuer", Block: "issuer", URLArgument: "url", URLVariable: "ISSUER_URL", LateClientAuth: true}

	const (
		address = "Check the server URL (issuer.url in the provider configuration, or ISSUER_URL)."
		late    = ` If the server asks for client certificates, set issuer.tls_max_version = "1.2"`
		network = "Check the network, firewall and proxy"
	)

	for name, test := range map[string]struct {
		err              error
		permanent        bool
		happened, remedy string
	}{
		"no such host":           {dial(&net.DNSError{Err: "no such host", Name: "issuer.test", IsNotFound: true}), true, "host name is not known", address + " Check that this machine resolves the name"},
		"name server fails":      {dial(&net.DNSError{Err: "server misbehaving", Name: "issuer.test", IsTemporary: true}), false, "could not be resolved", "name servers"},
		"name server is late":    {dial(&net.DNSError{Err: "i/o timeout", Name: "issuer.test", IsTimeout: true}), false, "could not be resolved", address},
		"another machine":        {dial(errNotLoopback), true, "plain HTTP is for this machine only", "Use https://, or a host name that resolves to this machine. " + address},
		"refused":                {dial(syscall.ECONNREFUSED), false, "connection was refused", address + " Check that the server runs"},
		"no route":               {dial(syscall.EHOSTUNREACH), false, "the connection failed", network},
		"reset":                  {&net.OpError{Op: "read", Err: syscall.ECONNRESET}, false, "closed the connection without an answer", late},
		"ended":                  {&sentError{io.EOF, false}, false, "closed the connection without an answer", late},
		"ended before the use":   {errors.New("http2: client conn could not be established"), false, "closed the connection without an answer", late},
		"ended in a header":      {&sentError{io.ErrUnexpectedEOF, true}, false, "closed the connection without an answer", network},
		"ended before the write": {&net.OpError{Op: "write", Err: syscall.EPIPE}, false, "closed the connection without an answer", late},
		"broken off":             {&sentError{errBroken, true}, false, "in the middle of the answer", "Run again. " + network},
		"late":                   {dial(os.ErrDeadlineExceeded), false, "the connection timed out", network},
		"neither late nor known": {dial(context.Canceled), false, "the connection failed", network},
		"not HTTP":               {&sentError{errors.New("malformed"), true}, false, "not HTTP", network},
		"no answer":              {&sentError{errors.New("unknown"), false}, false, "the connection failed", network},
		"alert of the server":    {&net.OpError{Op: "remote error", Err: tls.AlertError(40)}, true, "TLS handshake failed", "TLS 1.2 or newer. Check its TLS settings, and what inspects TLS on the way." + late},
		"alert of this side":     {&net.OpError{Op: "local error", Err: tls.AlertError(70)}, true, "TLS handshake failed", late},
		"no common TLS":          {errors.New("tls: no supported versions"), false, "TLS handshake failed", "TLS 1.2 or newer"},
		"no CA certificates":     {&tls.CertificateVerificationError{Err: x509.SystemRootsError{}}, true, "this machine has no CA certificates", "Install the CA certificates (in most distributions the package ca-certificates), or put those of the server's CA (PEM) into issuer.trust_bundle"},
		"unknown CA":             {&tls.CertificateVerificationError{Err: x509.UnknownAuthorityError{}}, true, "a CA that is not trusted", "issuer.trust_bundle"},
		"another's certificate":  {&tls.CertificateVerificationError{Err: x509.HostnameError{Certificate: &x509.Certificate{DNSNames: []string{"other"}, IPAddresses: []net.IP{{192, 0, 2, 1}}}}}, true, "for another host name", address},
		"another, of addresses":  {&tls.CertificateVerificationError{Err: x509.HostnameError{Certificate: &x509.Certificate{IPAddresses: []net.IP{{192, 0, 2, 1}}}}}, true, "for another host name", address},
		"expired":                {&tls.CertificateVerificationError{Err: x509.CertificateInvalidError{Reason: x509.Expired}}, true, "has expired or is not valid yet", "renewed"},
		"not for servers":        {&tls.CertificateVerificationError{Err: x509.CertificateInvalidError{Reason: x509.IncompatibleUsage}}, true, "the server's certificate is not valid", "Have the server's certificate checked"},
		"unhandled extension":    {&tls.CertificateVerificationError{Err: x509.UnhandledCriticalExtension{}}, true, "certificate is not valid", "issuer.trust_bundle"},
		"no TLS":                 {tls.RecordHeaderError{}, true, "does not speak TLS on this port", address},
		"HTTP on an HTTPS URL":   {http.ErrSchemeMismatch, true, "does not speak TLS on this port", address},
		"proxy wants a password": {&proxyError{http.StatusProxyAuthRequired}, true, "asks for credentials (HTTP 407)", "exempt HOST by NO_PROXY"},
		"proxy that forbids":     {&proxyError{http.StatusForbidden}, true, "refused the connection (HTTP 403)", "Allow HOST in the proxy"},
		"proxy that limits":      {&proxyError{http.StatusTooManyRequests}, false, "refused the connection (HTTP 429)", "exempt it by NO_PROXY. " + address},
		"proxy that is down":     {&proxyError{http.StatusBadGateway}, false, "could not connect to the issuer (HTTP 502)", "exempt it by NO_PROXY. " + address},
		"proxy that fails":       {&proxyError{http.StatusInternalServerError}, false, "could not connect to the issuer (HTTP 500)", "exempt it by NO_PROXY. " + address},
		"proxy without trust":    {&net.OpError{Op: "proxyconnect", Err: &tls.CertificateVerificationError{Err: x509.UnknownAuthorityError{}}}, true, "the proxy's certificate is not trusted", "Put the CA certificate (PEM) of the proxy into issuer.trust_bundle in the provider configuration, or have the certificate checked."},
		"proxy over SOCKS":       {&net.OpError{Op: "socks connect", Err: syscall.ECONNREFUSED}, false, "the proxy cannot be reached", "exempt HOST by NO_PROXY"},
		"proxy without a URL":    {errProxyURL, true, "the URL of the proxy cannot be read", "HTTPS_PROXY"},
		"certificate of no host": {&tls.CertificateVerificationError{Err: x509.HostnameError{Certificate: new(x509.Certificate), Host: "HOST"}}, true, "names no host", "(SAN)"},
		"proxy without TLS":      {&net.OpError{Op: "proxyconnect", Err: tls.RecordHeaderError{}}, true, "the proxy does not speak TLS", "exempt HOST by NO_PROXY"},
		"proxy out of reach":     {&net.OpError{Op: "proxyconnect", Err: syscall.ECONNREFUSED}, false, "the proxy cannot be reached", "exempt HOST by NO_PROXY"},
	} {
		fault := config.failed(test.err, "HOST", 2)

		var sent *sentError
		if reached := errors.As(test.err, &sent); reached != strings.HasPrefix(fault.Error(), "The issuer gave no usable answer: Issuer at HOST was reached, but gave no usable answer (2 attempts): ") ||
			reached == strings.HasPrefix(fault.Error(), "The issuer could not be reached: Issuer at HOST was not reached (2 attempts): ") {
			t.Errorf("%s: %v", name, fault)
		}

		if first := config.failed(test.err, "HOST", 1).Happened; first != strings.Replace(fault.Happened, " (2 attempts)", "", 1) || !errors.Is(fault, test.err) {
			t.Errorf("%s: at first %q, cause %v", name, first, fault.Err)
		}

		if fault.Temporary == test.permanent || !strings.HasSuffix(fault.Happened, ".") || !strings.Contains(fault.Happened, test.happened) || !strings.Contains(fault.Remedy, test.remedy) {
			t.Errorf("%s: %+v, want it permanent: %v, with %q and %q", name, fault, test.permanent, test.happened, test.remedy)
		}
	}
}

// TestClientCertificateRefused has alerts of a server: whether they are about the client
// certificate depends on what they say, and on whether one was shown.
func TestClientCertificateRefused(t *testing.T) {
	t.Parallel()

	const bad, required, other = tls.AlertError(42), tls.AlertError(116), tls.AlertError(40)

	shown, late, neither := &Config{ClientCertificate: new(tls.Certificate), Block: "issuer"}, &Config{LateClientAuth: true, Block: "issuer"}, &Config{}

	for name, test := range map[string]struct {
		config *Config
		op     string
		alert  tls.AlertError
		want   string
	}{
		"refused":                              {shown, "remote error", bad, "the server refused the client certificate: Check that the certificate in issuer.client_certificate has not expired, and that the server accepts the CA that signed it."},
		"required":                             {late, "remote error", required, `the server requires a client certificate: If the server asks for client certificates, set issuer.tls_max_version = "1.2"`},
		"required of a client that shows none": {neither, "remote error", required, "the TLS handshake failed: "},
		"another alert, shown":                 {shown, "remote error", other, "the TLS handshake failed: "},
		"another alert, late":                  {late, "remote error", other, "the TLS handshake failed: "},
		"of this side, shown":                  {shown, "local error", bad, "the TLS handshake failed: "},
		"of this side, late":                   {late, "local error", bad, "the TLS handshake failed: "},
	} {
		happened, remedy := test.config.explain(&net.OpError{Op: test.op, Err: test.alert}, "HOST")
		if got := happened + ": " + remedy; !strings.HasPrefix(got, test.want) {
			t.Errorf("%s: %q, want %q", name, got, test.want)
		}
	}
}

// TestPlainHTTPStaysOnTheMachine dials for a plain HTTP URL: no packet goes to
// another machine, whatever a resolver says of localhost. The addresses are those
// that are kept for documentation.
func TestPlainHTTPStaysOnTheMachine(t *testing.T) {
	t.Parallel()

	_, plain, err := new(Config).httpTransports()
	if err != nil {
		t.Fatal(err)
	}

	for _, address := range []string{"192.0.2.1:80", "[2001:db8::1]:80", "0.0.0.0:80", "[::ffff:192.0.2.1]:80"} {
		_, err := plain.DialContext(t.Context(), "tcp", address)
		if !errors.Is(err, errNotLoopback) || !permanent(err) {
			t.Errorf("dialing %s: %v", address, err)
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

// A date in Retry-After is by the issuer's clock, and the wait by the local one.
func TestRetryAtOfAnotherClock(t *testing.T) {
	t.Parallel()

	local := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

	for _, off := range []time.Duration{-2 * time.Hour, 0, 2 * time.Hour} {
		issuer := local.Add(off)
		r := &Response{
			Header: http.Header{"Retry-After": {issuer.Add(2 * time.Second).Format(http.TimeFormat)}}, Now: issuer,
			config: &Config{Now: func() time.Time { return local }},
		}

		if until, ok := r.retryAt(); !ok || until.Sub(local) != 2*time.Second {
			t.Errorf("clocks %v apart: until %v, %t", off, until, ok)
		}
	}
}
