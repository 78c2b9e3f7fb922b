package transport

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"

	"github.com/tokencheck/terraform-provider-tokencheck/internal/verdict"
)

// proxyError is returned when a proxy refuses to connect to the issuer.
type proxyError struct{ status int }

func (e *proxyError) Error() string { return fmt.Sprintf("the proxy returned %d", e.status) }

// errProxyURL replaces the error for an invalid proxy URL, whose text contains the
// URL and so its password.
var errProxyURL = errors.New("the proxy's URL cannot be parsed")

func proxyRefusal(_ context.Context, _ *url.URL, _ *http.Request, resp *http.Response) error {
	if resp.StatusCode != http.StatusOK {
		return &proxyError{resp.StatusCode}
	}

	return nil
}

// errBroken replaces any error in the middle of a response: a TLS alert there is
// not a failed handshake.
var errBroken = errors.New("the response was cut off")

// sentError is a failure after the request was sent; answered reports whether any
// data came back.
type sentError struct {
	error

	answered bool
}

func (e *sentError) Unwrap() error { return e.error }

// failed returns the error for a request without a readable response, at the given
// attempt. It is temporary unless a retry is bound to fail too.
func (c *Config) failed(err error, host string, attempt int) *verdict.Error {
	happened, remedy := c.explain(err, host)

	tried := ""
	if attempt > 1 {
		tried = fmt.Sprintf(" (%d attempts)", attempt)
	}

	fault := &verdict.Error{
		Summary:  "The issuer could not be reached",
		Happened: fmt.Sprintf("%s at %s could not be reached%s: %s.", c.Issuer, host, tried, happened),
		Remedy:   remedy, Asked: true, Temporary: !permanent(err), Err: err,
	}
	if _, sent := errors.AsType[*sentError](err); sent {
		fault.Summary = "No usable response from the issuer"
		fault.Happened = fmt.Sprintf("%s at %s was reached, but returned no usable response%s: %s.", c.Issuer, host, tried, happened)
	}

	return fault
}

// explain explains a failed attempt: what happened, to end a sentence, and what to
// do. It does not use the error's text, which may repeat what a server sent.
func (c *Config) explain(err error, host string) (happened, remedy string) {
	if happened, remedy := c.explainProxy(err, host); happened != "" {
		return happened, remedy
	}

	if happened, remedy := c.explainCertificate(err); happened != "" {
		return happened, remedy
	}

	if happened, remedy := c.explainTLS(err); happened != "" {
		return happened, remedy
	}

	var (
		dns     *net.DNSError
		sent    *sentError
		timeout interface{ Timeout() bool }
	)

	network := "Check the network, firewall, and proxy (HTTPS_PROXY, NO_PROXY) between this machine and the issuer. " + c.checkURL()

	switch {
	case errors.Is(err, errNotLoopback):
		return "plain HTTP is limited to loopback addresses, and the host name resolves to another address",
			"Use https://, or a host name that resolves to this machine. " + c.checkURL()
	case errors.As(err, &dns) && dns.IsNotFound:
		return "the host name does not exist (DNS)", c.checkURL() + " Check that this machine can resolve the name, and whether a proxy (HTTPS_PROXY) is needed."
	case errors.As(err, &dns):
		return "the host name could not be resolved (DNS)", "Check this machine's DNS servers, and run again. " + c.checkURL()
	case errors.Is(err, syscall.ECONNREFUSED):
		return "the connection was refused", c.checkURL() + " Check that the server is running and that no firewall blocks the connection."
	case errors.Is(err, errBroken):
		return "the connection broke in the middle of the response", "Run again. " + network
	// HTTP/2 has no error type for a connection closed before its first use.
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.EPIPE),
		errors.Is(err, errRepeated), strings.Contains(err.Error(), "client conn could not be established"):
		return "the connection was closed without a response", network + c.lateAuthRemedy()
	case errors.As(err, &timeout) && timeout.Timeout():
		return "the connection timed out", network
	case errors.As(err, &sent) && sent.answered:
		return "the response is not HTTP, or its header is larger than 64 KiB", network
	default:
		return "the connection failed", network
	}
}

// explainProxy explains proxy errors; it returns "" for any other error.
func (c *Config) explainProxy(err error, host string) (happened, remedy string) {
	var (
		proxy     *proxyError
		record    tls.RecordHeaderError
		untrusted *tls.CertificateVerificationError
		op        *net.OpError
	)

	connecting := errors.As(err, &op) && (op.Op == "proxyconnect" || strings.HasPrefix(op.Op, "socks"))

	switch {
	case errors.As(err, &proxy) && proxy.status == http.StatusProxyAuthRequired:
		return "the proxy requires authentication (HTTP 407)",
			"Check the proxy's user name and password in HTTPS_PROXY, or exempt " + host + " with NO_PROXY."
	case errors.As(err, &proxy) && temporary(proxy.status):
		return fmt.Sprintf("the proxy did not connect to the issuer (HTTP %d)", proxy.status),
			"Run again later, and check that the proxy can reach " + host + ", or exempt it with NO_PROXY. " + c.checkURL()
	case errors.As(err, &proxy):
		return fmt.Sprintf("the proxy refused the connection (HTTP %d)", proxy.status),
			"Allow " + host + " in the proxy, or exempt it with NO_PROXY. " + c.checkURL()
	case connecting && errors.As(err, &record):
		return "the proxy does not speak TLS on this port",
			"Check the URL in HTTPS_PROXY: most proxies use http://, even for HTTPS. Or exempt " + host + " with NO_PROXY."
	case connecting && errors.As(err, &untrusted):
		return "the proxy's certificate is not trusted, or not valid",
			"Add the proxy's CA certificate (PEM) to " + c.argument("trust_bundle") + " in the provider configuration, or check the certificate."
	case errors.Is(err, errProxyURL):
		return "the URL of the proxy cannot be parsed", "Check the URL in HTTPS_PROXY."
	case connecting && strings.HasPrefix(op.Op, "socks"): // Only after a connection to the proxy.
		return "the proxy refused the connection, or could not connect to the issuer", "Check that the proxy allows and can reach " + host + ", or exempt it with NO_PROXY. " + c.checkURL()
	case connecting:
		return "the proxy cannot be reached", "Check the proxy that HTTPS_PROXY names, or exempt " + host + " with NO_PROXY."
	default:
		return "", ""
	}
}

// explainCertificate explains errors about the server's certificate; it returns "" for
// any other error.
func (c *Config) explainCertificate(err error) (happened, remedy string) {
	var (
		hostname  x509.HostnameError
		authority x509.UnknownAuthorityError
		roots     x509.SystemRootsError
		invalid   x509.CertificateInvalidError
		untrusted *tls.CertificateVerificationError
	)

	bundle := c.argument("trust_bundle") + " in the provider configuration"

	switch {
	case errors.As(err, &hostname) && len(hostname.Certificate.DNSNames)+len(hostname.Certificate.IPAddresses) == 0:
		return "the server's certificate contains no host name", "Reissue the certificate with the server's name as a subject alternative name (SAN); a common name is not sufficient."
	case errors.As(err, &hostname):
		return "the server's certificate is for another host name", c.checkURL() + " If the certificate is not the issuer's, a proxy, a firewall, or a sign-in page may be intercepting the connection."
	case strings.Contains(err.Error(), "insecure algorithm"):
		return "the server's certificate is signed with an insecure algorithm", "Reissue the certificate with SHA-256 or better."
	case strings.Contains(err.Error(), "failed to parse certificate"):
		return "the server's certificate cannot be parsed", "Reissue the server's certificate."
	case errors.As(err, &roots), errors.As(err, &authority) && c.TrustBundle == "" && noSystemRoots():
		return "this machine has no CA certificates to verify the server's certificate with",
			"Install the CA certificates (package ca-certificates in most distributions), or add the server's CA certificate (PEM) to " + bundle + "."
	case errors.As(err, &authority):
		return "the server's certificate is signed by an untrusted CA",
			"If it is a private CA, add its certificate (PEM) to " + bundle + ". Otherwise, check that the server sends its intermediate certificates."
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired && errors.As(err, &untrusted) && len(untrusted.UnverifiedCertificates) > 0 &&
		!untrusted.UnverifiedCertificates[0].Equal(invalid.Cert):
		return "a CA certificate that signed the server's certificate has expired or is not valid yet",
			"Check this machine's clock. If it is correct, renew the CA certificate, on the server and in " + bundle + "."
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return "the server's certificate has expired or is not valid yet",
			"Check this machine's clock. If it is correct, renew the server's certificate."
	case errors.As(err, &untrusted):
		return "the server's certificate is not valid",
			"Check the server's certificate. If it is signed by a private CA, add that CA's certificate (PEM) to " + bundle + "."
	default:
		return "", ""
	}
}

// explainTLS explains other TLS errors; it returns "" for any other error.
func (c *Config) explainTLS(err error) (happened, remedy string) {
	var record tls.RecordHeaderError

	switch {
	case errors.As(err, &record), errors.Is(err, http.ErrSchemeMismatch):
		return "the server does not speak TLS on this port", c.checkURL()
	case strings.Contains(err.Error(), "remote error: tls: ") && strings.Contains(err.Error(), "certificate") && c.ClientCertificate != nil:
		return "the server refused the client certificate",
			"Check that the certificate in " + c.argument("client_certificate") + " has not expired, and that the server accepts the CA that signed it."
	case strings.Contains(err.Error(), "remote error: tls: ") && strings.Contains(err.Error(), "certificate") && c.LateClientAuth:
		return "the server requires a client certificate", strings.TrimSpace(c.lateAuthRemedy())
	case strings.Contains(err.Error(), "remote error: tls: certificate required"):
		return "the server requires a client certificate", "Client certificates are not supported for this issuer. " + c.checkURL()
	case strings.Contains(err.Error(), "tls: "): // Alerts of either side match too, and errors without a type.
		return "the TLS handshake failed",
			"The server must support TLS 1.2 or later. Check its TLS settings, and any TLS inspection between this machine and the server." + c.lateAuthRemedy()
	default:
		return "", ""
	}
}

// noSystemRoots reports whether the system trust store is missing or empty.
func noSystemRoots() bool {
	pool, err := x509.SystemCertPool()

	return err != nil || pool.Equal(x509.NewCertPool())
}

// lateAuthRemedy is for servers that request a client certificate late: TLS 1.3 has
// no renegotiation, so such a server resets the connection or returns 500.
func (c *Config) lateAuthRemedy() string {
	if !c.LateClientAuth {
		return ""
	}

	return fmt.Sprintf(" If the server requests client certificates, set %s = \"1.2\" and, if it requires one, %s and %s in the provider configuration.",
		c.argument("tls_max_version"), c.argument("client_certificate"), c.argument("client_key"))
}
