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
	"time"

	"github.com/tokencheck/terraform-provider-tokencheck/internal/verdict"
)

// proxyError is a proxy's refusal to connect to the issuer.
type proxyError struct{ status int }

func (e *proxyError) Error() string { return fmt.Sprintf("the proxy answered %d", e.status) }

func proxyRefusal(_ context.Context, _ *url.URL, _ *http.Request, resp *http.Response) error {
	if resp.StatusCode != http.StatusOK {
		return &proxyError{resp.StatusCode}
	}

	return nil
}

// bodyError is a connection that broke in the middle of an answer.
type bodyError struct{ err error }

func (e *bodyError) Error() string { return "the answer broke off: " + e.err.Error() }

func (e *bodyError) Unwrap() error { return e.err }

func (c *Config) fault(summary, happened, remedy string, err error) *verdict.Error {
	return &verdict.Error{Summary: summary, Happened: happened, Remedy: remedy, Asked: true, Err: err}
}

func (c *Config) argument(name string) string { return c.Block + "." + name }

func (c *Config) checkURL() string {
	return fmt.Sprintf("Check the server URL (%s in the provider configuration, or its environment variable).", c.argument(c.URLArgument))
}

// fault tells why there is no answer at all.
func (a *attempts) fault(ctx context.Context, err error) *verdict.Error {
	c := &a.client.config

	switch {
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		happened := fmt.Sprintf("%s at %s gave no answer within the timeout of %s", c.Issuer, a.host, c.Timeout)
		if a.last != "" {
			happened += "; the attempt before that ended with: " + a.last
		}

		return c.fault("The issuer did not answer in time", happened+".",
			"Run again. If it happens again, raise the provider's timeout, or look at the network and the proxy between here and the issuer. "+c.checkURL(),
			ctx.Err())
	case ctx.Err() != nil:
		return cancelled(ctx.Err())
	}

	happened, remedy := c.explain(err, a.host)

	tried := ""
	if a.count > 1 {
		tried = fmt.Sprintf(" (%d attempts)", a.count)
	}

	return c.fault("The issuer could not be reached", fmt.Sprintf("%s at %s was not reached%s: %s.", c.Issuer, a.host, tried, happened), remedy, err)
}

// explain puts a failed attempt into words: what happened, as the end of a
// sentence, and what to do. The error's own text is not used, because it can
// repeat what a server sent.
func (c *Config) explain(err error, host string) (happened, remedy string) {
	var (
		dns       *net.DNSError
		hostname  x509.HostnameError
		authority x509.UnknownAuthorityError
		invalid   x509.CertificateInvalidError
		untrusted *tls.CertificateVerificationError
		record    tls.RecordHeaderError
		proxy     *proxyError
		op        *net.OpError
		body      *bodyError
		timeout   interface{ Timeout() bool }
	)

	network := "Look at the network, firewall and proxy (HTTPS_PROXY, NO_PROXY) between here and the issuer. " + c.checkURL()
	isOp := errors.As(err, &op)

	switch {
	case errors.As(err, &proxy) && proxy.status == http.StatusProxyAuthRequired:
		return "the proxy asks for credentials (HTTP 407)",
			"Put the proxy's user name and password into HTTPS_PROXY, or exempt " + host + " by NO_PROXY."
	case errors.As(err, &proxy):
		return fmt.Sprintf("the proxy refused the connection (HTTP %d)", proxy.status),
			"Allow " + host + " in the proxy, or exempt it by NO_PROXY. " + c.checkURL()
	case isOp && op.Op == "proxyconnect":
		return "the proxy cannot be reached", "Check the proxy that HTTPS_PROXY names, or exempt " + host + " by NO_PROXY."
	case errors.As(err, &dns) && dns.IsNotFound:
		return "the host name is not known (DNS)", c.checkURL() + " Check that this machine resolves the name, and whether a proxy (HTTPS_PROXY) is needed."
	case errors.As(err, &dns):
		return "the host name could not be resolved (DNS)", "Check this machine's name servers, and run again. " + c.checkURL()
	case errors.As(err, &hostname):
		return "the server's certificate is for another host name", c.checkURL() + " Use the name that the certificate is for."
	case errors.As(err, &authority):
		return "the server's certificate is signed by an authority that is not trusted",
			"Put the authority's certificate (PEM) into " + c.argument("trust_bundle") + " in the provider configuration, if that authority is yours."
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return "the server's certificate has expired or is not valid yet",
			"Have the server's certificate renewed, and check this machine's clock."
	case errors.As(err, &invalid), errors.As(err, &untrusted):
		return "the server's certificate is not valid",
			"Have the server's certificate looked at. An authority of your own goes into " + c.argument("trust_bundle") + " in the provider configuration."
	case errors.As(err, &record), errors.Is(err, http.ErrSchemeMismatch):
		return "the server does not speak TLS on this port", c.checkURL()
	case isOp && op.Op == "remote error", isOp && op.Op == "local error", strings.Contains(err.Error(), "tls: "):
		return "the TLS handshake failed", c.tlsRemedy()
	case errors.Is(err, syscall.ECONNREFUSED):
		return "the connection was refused", c.checkURL() + " Check that the server runs, and that no firewall is in between."
	case errors.As(err, &body):
		return "the connection broke in the middle of the answer", "Run again. " + network
	// HTTP/2's error for a connection that ended before its first use has no type.
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.EPIPE),
		strings.Contains(err.Error(), "client conn could not be established"):
		return "the server closed the connection without an answer", network + c.lateAuthRemedy()
	case errors.As(err, &timeout) && timeout.Timeout():
		return "the connection timed out", network
	default:
		return "the connection failed, or what came back is not HTTP", network
	}
}

func (c *Config) tlsRemedy() string {
	return "The server must offer TLS 1.2 or newer. Look at its TLS settings, and at what inspects TLS on the way." + c.lateAuthRemedy()
}

// lateAuthRemedy is for servers that ask for a client certificate late: TLS 1.3
// has no renegotiation, and such a server then resets the connection or answers 500.
func (c *Config) lateAuthRemedy() string {
	if !c.LateClientAuth {
		return ""
	}

	return fmt.Sprintf(" If the server asks for client certificates, set %s = \"1.2\" and, where it requires one, %s and %s in the provider configuration.",
		c.argument("tls_max_version"), c.argument("client_certificate"), c.argument("client_key"))
}

// permanent reports whether a retry is bound to fail as well.
func permanent(err error) bool {
	var (
		dns       *net.DNSError
		untrusted *tls.CertificateVerificationError
		record    tls.RecordHeaderError
		op        *net.OpError
		proxy     *proxyError
	)

	switch {
	case errors.As(err, &dns):
		return dns.IsNotFound
	case errors.As(err, &proxy):
		return !temporary(proxy.status)
	case errors.As(err, &op) && (op.Op == "remote error" || op.Op == "local error"):
		return true
	default:
		return errors.As(err, &untrusted) || errors.As(err, &record) || errors.Is(err, http.ErrSchemeMismatch)
	}
}

// Fault is the error for an answer that says nothing about the token. Said is
// the issuer's documented message, prepared with Show, "" if it has none;
// happened and remedy, if not empty, tell what this status means with this
// issuer. What a status means with any server stands here.
func (r *Response) Fault(said, happened, remedy string) *verdict.Error {
	summary, usual, what := r.usual()
	if happened == "" {
		happened = usual
	}

	if remedy == "" {
		remedy = what
	}

	return r.config.fault(summary, r.config.Issuer+" answered with "+r.describe(said)+". "+happened, remedy, nil)
}

// Unexpected is the error for an answer that is not as documented, by the fault
// that was found, as a sentence.
func (r *Response) Unexpected(happened, remedy string) *verdict.Error {
	if remedy == "" {
		remedy = r.config.checkURL() + " A proxy or another program may be answering in the issuer's place."
	}

	return r.config.fault("The issuer's answer is not the documented one",
		r.config.Issuer+" answered with "+r.describe("")+". "+happened, remedy, nil)
}

// usual is what a status means with any server.
func (r *Response) usual() (summary, happened, remedy string) {
	tried := "It was asked " + plural(r.attempts, "time") + "."

	switch {
	case r.Status >= 300 && r.Status < 400:
		return "The issuer's address redirects",
			"A redirect is not followed, because the token would go where it points.",
			"Give the URL of the server itself. " + r.config.checkURL()
	case r.Status == http.StatusTooManyRequests:
		return "The issuer's rate limit is reached", tried + " " + r.retryAdvice(),
			"Run again later, with a lower -parallelism or fewer checks of the same token."
	case r.Status == http.StatusRequestTimeout || r.Status >= 500:
		remedy = "Run again later, and look at the issuer's status page or ask the server's administrator."
		if r.Status == http.StatusInternalServerError {
			remedy += r.config.lateAuthRemedy()
		}

		return "The issuer reports a server error", tried + " " + r.retryAdvice(), remedy
	case r.Status == http.StatusProxyAuthRequired:
		return "A proxy asks for credentials", "The answer is that of a proxy on the way.",
			"Put the proxy's user name and password into HTTPS_PROXY."
	default:
		return "The issuer's answer is not the documented one", "That is no documented answer to the question whether a token works.",
			r.config.checkURL() + " A proxy, firewall or another program may be answering in the issuer's place."
	}
}

func (r *Response) retryAdvice() string {
	until, ok := retryAfter(r.Header, r.config.Now())

	switch {
	case !ok:
		return "It does not say when to try again."
	case until.Sub(r.config.Now()) > 366*24*time.Hour:
		return "It asks to wait for longer than a year."
	default:
		return fmt.Sprintf("It asks to wait until %s, which is longer than the provider's retries or timeout allow.", verdict.Format(until.Truncate(time.Second)))
	}
}

func (r *Response) statusLine() string {
	line := fmt.Sprintf("HTTP %d", r.Status)

	if words := r.Show(r.Words); words != "" {
		return line + " " + words
	}

	return strings.TrimSpace(line + " " + http.StatusText(r.Status))
}

func plural(n int, word string) string {
	if n == 1 {
		return "1 " + word
	}

	return fmt.Sprintf("%d %ss", n, word)
}
