package transport

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"

	"github.com/tokencheck/terraform-provider-tokencheck/internal/token"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/verdict"
)

var (
	// errProxy is for a proxy that does not connect to the issuer.
	errProxy = errors.New("the proxy did not connect to the issuer")
	// errProxyURL replaces the error for an invalid proxy URL, whose text contains the
	// URL and so its password.
	errProxyURL = errors.New("the URL of the proxy cannot be parsed")
)

func proxyRefusal(_ context.Context, _ *url.URL, _ *http.Request, resp *http.Response) error {
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%w: HTTP %d", errProxy, resp.StatusCode)
	}
	return nil
}

func (c *Client) proxy(request *http.Request) (*url.URL, error) {
	proxy, err := c.config.Proxy(request)
	if err != nil {
		return nil, errProxyURL
	}
	return proxy, nil
}

// describe returns Go's own text of an error, which can be searched for, without
// what a server sent.
func describe(err error) string {
	text, _, _ := strings.Cut(err.Error(), ", debug=") // HTTP/2
	for _, end := range []string{"transport connection broken", "malformed HTTP"} {
		if before, _, found := strings.Cut(text, end); found {
			text = before + end
		}
	}
	return text
}

// failed returns the error for a request without a response.
func (c *Client) failed(err error, address *url.URL, t token.Token, attempt int) *verdict.Error {
	remedy, _ := c.classify(err, t.Show(address.Host))
	return &verdict.Error{
		Title:  "No response from the issuer",
		Cause:  t.Show("GET "+address.String()) + " failed: " + t.Show(describe(err)) + fmt.Sprintf(". Attempts: %d.", attempt),
		Remedy: remedy, ValidityUnknown: true, Err: err,
	}
}

// classify returns what to do about a failure, and whether a retry may help.
func (c *Client) classify(err error, host string) (remedy string, temporary bool) {
	var (
		authority x509.UnknownAuthorityError
		roots     x509.SystemRootsError
		untrusted *tls.CertificateVerificationError
		record    tls.RecordHeaderError
		dns       *net.DNSError
		op        *net.OpError
	)

	throughProxy := "Check the proxy in HTTPS_PROXY, with its user name and password, and that it allows " + host + ". Or exempt " + host + " with NO_PROXY."
	switch text := err.Error(); {
	case errors.Is(err, errProxy):
		return throughProxy, true
	case errors.Is(err, errProxyURL):
		return throughProxy, false
	case errors.As(err, &roots), errors.As(err, &authority):
		return "If a private CA signed the certificate, add the CA certificate (PEM) to " + c.issuer.Block + ".trust_bundle in the provider configuration. " +
			"Otherwise, check that the server sends its intermediate certificates, and that this machine has CA certificates (package ca-certificates).", false
	case errors.As(err, &untrusted):
		return "Check this machine's clock and the server's certificate." + c.urlRemedy(), false
	case errors.As(err, &op) && (op.Op == "proxyconnect" || strings.HasPrefix(op.Op, "socks")):
		return throughProxy, !errors.As(err, &dns) || !dns.IsNotFound
	case errors.As(err, &record):
		return "The server does not speak TLS on this port." + c.urlRemedy(), false
	case strings.Contains(text, "remote error: tls: ") && strings.Contains(text, "certificate"):
		return "The server requires a client certificate that it accepts." + c.lateAuthRemedy() + c.urlRemedy(), false
	case strings.Contains(text, "tls: "):
		return "The server must support TLS 1.2 or later. For a server without ECDHE, set the environment variable GODEBUG=tlsrsakex=1; with SHA-1 signatures only, GODEBUG=tlssha1=1." +
			c.lateAuthRemedy() + c.urlRemedy(), false
	case errors.As(err, &dns):
		return "Check that this machine can resolve the host name, and whether it needs a proxy (HTTPS_PROXY)." + c.urlRemedy(), !dns.IsNotFound
	case errors.As(err, &op) && op.Op == "dial":
		return "Check that the server is running, and the network, firewall, and proxy (HTTPS_PROXY, NO_PROXY) between this machine and the server." + c.urlRemedy(), true
	case errors.Is(err, errAttempt):
		return "Increase timeout in the provider configuration if the server is slow. " + c.networkRemedy(), true
	default:
		return c.networkRemedy() + c.lateAuthRemedy(), true
	}
}

func (c *Client) networkRemedy() string {
	return "Check the network, firewall, and proxy (HTTPS_PROXY, NO_PROXY) between this machine and the issuer. " +
		"If only Terraform cannot connect, set the environment variable GODEBUG=tlsmlkem=0: some firewalls drop a large TLS handshake." + c.urlRemedy()
}

// urlRemedy says where the server URL was set, after a space; "" if it is the
// default.
func (c *Client) urlRemedy() string {
	if c.config.URLSource == "" {
		return ""
	}
	return " Check the server URL in " + c.config.URLSource + "."
}

// lateAuthRemedy is for servers that request a client certificate late: TLS 1.3 has
// no renegotiation, so such a server resets the connection or returns 500.
func (c *Client) lateAuthRemedy() string {
	if !c.issuer.LateClientAuth {
		return ""
	}
	return fmt.Sprintf(` If the server requests client certificates, set %[1]s.tls_max_version = "1.2" and, if it requires one, %[1]s.client_certificate and %[1]s.client_key in the provider configuration.`,
		c.issuer.Block)
}
