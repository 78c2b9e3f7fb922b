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
		{"seconds with spaces", " 120 ", 120 * time.Second},
		{"zero", "0", 0},
		{"one", "1", time.Second},
		{"leading zeros", "0060", time.Minute},
		{"negative", "-5", 0},
		{"plus sign", "+5", 0},
		{"fraction", "1.5", 0},
		{"exponent", "1e3", 0},
		{"hexadecimal", "0x10", 0},
		{"garbage", "soon", 0},
		{"unit", "10s", 0},
		{"list", "10, 20", 0},
		{"date", "Sun, 01 Mar 2026 12:05:00 GMT", 5 * time.Minute},
		{"date in RFC 850 format", "Sunday, 01-Mar-26 12:05:00 GMT", 5 * time.Minute},
		{"date in ANSI C format", "Sun Mar  1 12:05:00 2026", 5 * time.Minute},
		{"date in the past", "Sun, 01 Mar 2026 11:59:59 GMT", 0},
		{"date now", "Sun, 01 Mar 2026 12:00:00 GMT", 0},
		{"RFC 3339", "2026-03-01T12:05:00Z", 0},
		{"date in 9999", "Fri, 31 Dec 9999 23:59:59 GMT", -1},
		{"100 years", "3153600000", 100 * 365 * 24 * time.Hour},
		{"more than 100 years", "3153600001", 100 * 365 * 24 * time.Hour},
		{"longer than a Duration", "9223372037", -1},
		{"largest 64-bit number", "18446744073709551615", -1},
		{"more than 64 bits", "18446744073709551616", -1},
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
				t.Errorf("retryAfter = %v, want a time in the distant future", until)
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

// TestNext covers a wait of at least five seconds: it begins only if the check has
// that much time left, retries are left, and the fault is temporary.
func TestNext(t *testing.T) {
	t.Parallel()

	temporary := &verdict.Error{Temporary: true}

	for name, test := range map[string]struct {
		left    time.Duration
		attempt int
		err     error
		want    bool
	}{
		"enough time": {time.Hour, 1, temporary, true}, "last retry": {time.Hour, 2, temporary, true},
		"not enough time": {4 * time.Second, 1, temporary, false}, "no retries left": {time.Hour, 3, temporary, false},
		"no fault": {time.Hour, 1, nil, false}, "permanent": {time.Hour, 1, &verdict.Error{}, false}, "another kind of error": {time.Hour, 1, io.EOF, false},
	} {
		ctx, cancel := context.WithTimeout(t.Context(), test.left)

		wait, again := (&Config{MaxRetries: 2, Backoff: time.Minute}).next(ctx, test.attempt, nil, test.err)
		if again != test.want || again && (wait < maxBackoff/2 || wait > maxBackoff) {
			t.Errorf("%s: %v, %v", name, wait, again)
		}

		cancel()
	}
}

// TestFailed covers the causes of no response: retry and message.
func TestFailed(t *testing.T) {
	t.Parallel()

	dial := func(err error) error { return &net.OpError{Op: "dial", Net: "tcp", Err: err} }
	config := &Config{Issuer: "Issuer", Block: "issuer", URLArgument: "url", URLVariable: "ISSUER_URL", LateClientAuth: true}

	const (
		address = "Check the server URL (issuer.url in the provider configuration, or ISSUER_URL)."
		late    = ` If the server requests client certificates, set issuer.tls_max_version = "1.2"`
		network = "Check the network, firewall, and proxy"
	)

	for name, test := range map[string]struct {
		err              error
		permanent        bool
		happened, remedy string
	}{
		"no such host":                    {dial(&net.DNSError{Err: "no such host", Name: "issuer.test", IsNotFound: true}), true, "host name does not exist", address + " Check that this machine can resolve the name"},
		"name server fails":               {dial(&net.DNSError{Err: "server misbehaving", Name: "issuer.test", IsTemporary: true}), false, "could not be resolved", "DNS servers"},
		"name server times out":           {dial(&net.DNSError{Err: "i/o timeout", Name: "issuer.test", IsTimeout: true}), false, "could not be resolved", address},
		"not loopback":                    {dial(errNotLoopback), true, "plain HTTP is limited to loopback addresses", "Use https://, or a host name that resolves to this machine. " + address},
		"rejected":                        {dial(syscall.ECONNREFUSED), false, "connection was refused", address + " Check that the server is running"},
		"no route":                        {dial(syscall.EHOSTUNREACH), false, "the connection failed", network},
		"reset":                           {&net.OpError{Op: "read", Err: syscall.ECONNRESET}, false, "closed without a response", late},
		"closed":                          {&sentError{io.EOF, false}, false, "closed without a response", late},
		"closed before use":               {errors.New("http2: client conn could not be established"), false, "closed without a response", late},
		"closed in header":                {&sentError{io.ErrUnexpectedEOF, true}, false, "closed without a response", network},
		"closed before write":             {&net.OpError{Op: "write", Err: syscall.EPIPE}, false, "closed without a response", late},
		"broken body":                     {&sentError{errBroken, true}, false, "in the middle of the response", "Run again. " + network},
		"timeout":                         {dial(os.ErrDeadlineExceeded), false, "the connection timed out", network},
		"canceled":                        {dial(context.Canceled), false, "the connection failed", network},
		"not HTTP":                        {&sentError{errors.New("malformed"), true}, false, "not HTTP", network},
		"no response":                     {&sentError{errors.New("unknown"), false}, false, "the connection failed", network},
		"alert from the server":           {&net.OpError{Op: "remote error", Err: tls.AlertError(40)}, true, "TLS handshake failed", "TLS 1.2 or later. Check its TLS settings, and any TLS inspection between this machine and the server." + late},
		"local alert":                     {&net.OpError{Op: "local error", Err: tls.AlertError(70)}, true, "TLS handshake failed", late},
		"no common TLS":                   {errors.New("tls: no supported versions"), false, "TLS handshake failed", "TLS 1.2 or later"},
		"no CA certificates":              {&tls.CertificateVerificationError{Err: x509.SystemRootsError{}}, true, "this machine has no CA certificates", "Install the CA certificates (package ca-certificates in most distributions), or add the server's CA certificate (PEM) to issuer.trust_bundle"},
		"unknown CA":                      {&tls.CertificateVerificationError{Err: x509.UnknownAuthorityError{}}, true, "an untrusted CA", "issuer.trust_bundle"},
		"certificate for another host":    {&tls.CertificateVerificationError{Err: x509.HostnameError{Certificate: &x509.Certificate{DNSNames: []string{"other"}, IPAddresses: []net.IP{{192, 0, 2, 1}}}}}, true, "for another host name", address},
		"certificate for another address": {&tls.CertificateVerificationError{Err: x509.HostnameError{Certificate: &x509.Certificate{IPAddresses: []net.IP{{192, 0, 2, 1}}}}}, true, "for another host name", address},
		"expired":                         {&tls.CertificateVerificationError{Err: x509.CertificateInvalidError{Reason: x509.Expired}}, true, "has expired or is not valid yet", "renew"},
		"not a server certificate":        {&tls.CertificateVerificationError{Err: x509.CertificateInvalidError{Reason: x509.IncompatibleUsage}}, true, "the server's certificate is not valid", "Check the server's certificate"},
		"unhandled extension":             {&tls.CertificateVerificationError{Err: x509.UnhandledCriticalExtension{}}, true, "certificate is not valid", "issuer.trust_bundle"},
		"no TLS":                          {tls.RecordHeaderError{}, true, "does not speak TLS on this port", address},
		"HTTP on an HTTPS URL":            {http.ErrSchemeMismatch, true, "does not speak TLS on this port", address},
		"proxy requires authentication":   {&proxyError{http.StatusProxyAuthRequired}, true, "requires authentication (HTTP 407)", "exempt HOST with NO_PROXY"},
		"proxy returns 403":               {&proxyError{http.StatusForbidden}, true, "refused the connection (HTTP 403)", "Allow HOST in the proxy"},
		"proxy returns 502":               {&proxyError{http.StatusBadGateway}, false, "did not connect to the issuer (HTTP 502)", "exempt it with NO_PROXY. " + address},
		"proxy not trusted":               {&net.OpError{Op: "proxyconnect", Err: &tls.CertificateVerificationError{Err: x509.UnknownAuthorityError{}}}, true, "the proxy's certificate is not trusted", "Add the proxy's CA certificate (PEM) to issuer.trust_bundle in the provider configuration, or check the certificate."},
		"proxy that fails":                {&proxyError{http.StatusInternalServerError}, false, "did not connect to the issuer (HTTP 500)", "exempt it with NO_PROXY. " + address},
		"insecure signature":              {&tls.CertificateVerificationError{Err: errors.New("x509: certificate signed by unknown authority (possibly because of \"x509: cannot verify signature: insecure algorithm SHA1-RSA\")")}, true, "signed with an insecure algorithm", "SHA-256"},
		"unparsable certificate":          {errors.New("tls: failed to parse certificate from server: x509: negative serial number"), false, "cannot be parsed", "Reissue"},
		"expired CA":                      {&tls.CertificateVerificationError{Err: x509.CertificateInvalidError{Cert: &x509.Certificate{Raw: []byte{1}}, Reason: x509.Expired}, UnverifiedCertificates: []*x509.Certificate{{Raw: []byte{2}}}}, true, "a CA certificate that signed", "renew the CA certificate"},
		"SOCKS proxy refuses":             {&net.OpError{Op: "socks connect", Err: syscall.ECONNREFUSED}, false, "the proxy refused the connection, or could not connect", "exempt it with NO_PROXY. " + address},
		"proxy URL invalid":               {errProxyURL, true, "the URL of the proxy cannot be parsed", "HTTPS_PROXY"},
		"certificate without host name":   {&tls.CertificateVerificationError{Err: x509.HostnameError{Certificate: new(x509.Certificate), Host: "HOST"}}, true, "contains no host name", "(SAN)"},
		"proxy without TLS":               {&net.OpError{Op: "proxyconnect", Err: tls.RecordHeaderError{}}, true, "the proxy does not speak TLS", "exempt HOST with NO_PROXY"},
		"proxy unreachable":               {&net.OpError{Op: "proxyconnect", Err: syscall.ECONNREFUSED}, false, "the proxy cannot be reached", "exempt HOST with NO_PROXY"},
		"proxy that limits":               {&proxyError{http.StatusTooManyRequests}, false, "did not connect to the issuer (HTTP 429)", "exempt it with NO_PROXY. " + address},
	} {
		fault := config.failed(test.err, "HOST", 2)

		var sent *sentError
		if reached := errors.As(test.err, &sent); reached != strings.HasPrefix(fault.Error(), "No usable response from the issuer: Issuer at HOST was reached, but returned no usable response (2 attempts): ") ||
			reached == strings.HasPrefix(fault.Error(), "The issuer could not be reached: Issuer at HOST could not be reached (2 attempts): ") {
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

// TestClientCertificateRefused covers alerts of a server, which may be about the client
// certificate.
func TestClientCertificateRefused(t *testing.T) {
	t.Parallel()

	const bad, required, other = tls.AlertError(42), tls.AlertError(116), tls.AlertError(40)

	sent, late, neither := &Config{ClientCertificate: new(tls.Certificate), Block: "issuer"}, &Config{LateClientAuth: true, Block: "issuer"}, &Config{}

	for name, test := range map[string]struct {
		config *Config
		op     string
		alert  tls.AlertError
		want   string
	}{
		"rejected":                {sent, "remote error", bad, "the server refused the client certificate: Check that the certificate in issuer.client_certificate has not expired, and that the server accepts the CA that signed it."},
		"required":                {late, "remote error", required, `the server requires a client certificate: If the server requests client certificates, set issuer.tls_max_version = "1.2"`},
		"required, not supported": {neither, "remote error", required, "the server requires a client certificate: Client certificates are not supported for this issuer. "},
		"another alert, sent":     {sent, "remote error", other, "the TLS handshake failed: "},
		"another alert, late":     {late, "remote error", other, "the TLS handshake failed: "},
		"of this side, sent":      {sent, "local error", bad, "the TLS handshake failed: "},
		"of this side, late":      {late, "local error", bad, "the TLS handshake failed: "},
	} {
		happened, remedy := test.config.explain(&net.OpError{Op: test.op, Err: test.alert}, "HOST")
		if got := happened + ": " + remedy; !strings.HasPrefix(got, test.want) {
			t.Errorf("%s: %q, want %q", name, got, test.want)
		}
	}
}

// TestPlainHTTPStaysOnLoopback dials for a plain HTTP URL: no packet goes to another
// machine, whatever a resolver returns for localhost. The addresses are reserved for
// documentation.
func TestPlainHTTPStaysOnLoopback(t *testing.T) {
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

// FuzzRetryAfter parses any header: the time to wait until is never in the past.
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

// FuzzTooOld parses any Age: anything but a number from 0 to 10 is too old.
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

// A date in Retry-After is by the issuer's clock, the wait by the local one.
func TestRetryAtClockSkew(t *testing.T) {
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
