package transport

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"syscall"
	"time"

	"github.com/tokencheck/terraform-provider-tokencheck/internal/verdict"
)

const (
	// maxHeader is the maximum size of a response header in bytes, including
	// informational responses.
	maxHeader = 64 << 10
	// connectTimeout limits the connection and handshake of one attempt, to leave time
	// for another.
	connectTimeout = 20 * time.Second
	// pingTimeout is how long an HTTP/2 connection may be silent before it is pinged,
	// and how long the reply may take.
	pingTimeout = 5 * time.Second
	// maxIdle is the maximum number of idle connections to an issuer.
	maxIdle = 64
)

// Config configures a [Client]. The issuer's package sets what never changes for
// that issuer, and the caller the rest.
type Config struct {
	// Issuer is the issuer's name in messages: "Cloudflare".
	Issuer string
	// Outage is what to do about a server error, as a sentence after "Run again later.".
	Outage string
	// Header is sent with each request, in addition to the fields common to all
	// issuers.
	Header http.Header
	// LateClientAuth is for servers that request a client certificate only after they
	// know the request's path, by TLS 1.2 renegotiation. HTTP/2 forbids it, so the
	// client uses HTTP/1.1.
	LateClientAuth bool

	// Block, URLArgument and URLVariable are names for messages: the issuer's block in
	// the provider configuration, its argument for the server URL, and the environment
	// variable.
	Block, URLArgument, URLVariable string
	// Timeout limits one whole check, including retries.
	Timeout time.Duration
	// MaxRetries is the maximum number of retries of a request.
	MaxRetries int
	// UserAgent is sent with each request.
	UserAgent string

	// TrustBundle contains PEM-encoded CA certificates to trust in addition to the
	// system trust store.
	TrustBundle string
	// ClientCertificate is sent to servers that request one; nil for none.
	ClientCertificate *tls.Certificate
	// TLSMaxVersion is a version constant of crypto/tls, zero for the newest.
	TLSMaxVersion uint16

	// Proxy returns the proxy of a request; [http.ProxyFromEnvironment] if nil.
	Proxy func(*http.Request) (*url.URL, error)
	// Resolver resolves host names; [net.DefaultResolver] if nil.
	Resolver *net.Resolver
	// Now is the local clock; [time.Now] if nil.
	Now func() time.Time
	// Backoff is the wait before the first retry; it doubles each time, up to
	// [maxBackoff]. Zero means half a second.
	Backoff time.Duration
	// Log is called for each attempt; nothing is logged if nil. The fields contain no
	// token.
	Log func(ctx context.Context, message string, fields map[string]any)

	connect time.Duration // connectTimeout, but for tests
}

// setDefaults fills in unset fields.
func (c *Config) setDefaults() {
	if c.connect == 0 {
		c.connect = connectTimeout
	}

	if c.Proxy == nil {
		c.Proxy = http.ProxyFromEnvironment
	}

	if c.Now == nil {
		c.Now = time.Now
	}

	if c.Backoff == 0 {
		c.Backoff = defaultBackoff
	}

	if c.Log == nil {
		c.Log = func(context.Context, string, map[string]any) {}
	}
}

// httpTransports returns the transports: one for HTTPS, and one for plain HTTP,
// which uses no proxy and dials loopback addresses only.
func (c *Config) httpTransports() (secure, plain *http.Transport, err error) {
	tlsConfig := &tls.Config{MinVersion: tls.VersionTLS12, MaxVersion: c.TLSMaxVersion}

	if c.TrustBundle != "" {
		pool, err := certPool(c.TrustBundle)
		if err != nil {
			return nil, nil, &verdict.Error{
				Summary: "Invalid trust bundle", Happened: fmt.Sprintf("The value of %s in the provider configuration %s.", c.argument("trust_bundle"), err),
				Remedy: `Set the PEM-encoded certificates themselves, for example with file("ca.pem").`, Err: err,
			}
		}

		tlsConfig.RootCAs = pool
	}

	if c.ClientCertificate != nil {
		tlsConfig.Certificates = []tls.Certificate{*c.ClientCertificate}
	}

	if c.LateClientAuth {
		tlsConfig.Renegotiation = tls.RenegotiateOnceAsClient
	}

	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	protocols.SetHTTP2(!c.LateClientAuth)

	dialer := net.Dialer{Timeout: c.connect, Resolver: c.Resolver}
	secure = &http.Transport{
		Proxy: func(r *http.Request) (*url.URL, error) {
			proxy, err := c.Proxy(r)
			if err != nil {
				err = errProxyURL
			}

			return proxy, err
		},
		OnProxyConnectResponse: proxyRefusal,
		DialContext:            dialer.DialContext,
		TLSClientConfig:        tlsConfig,
		Protocols:              protocols,
		// A dead connection would otherwise cost a request the whole timeout.
		HTTP2: &http.HTTP2Config{SendPingTimeout: pingTimeout, PingTimeout: pingTimeout},
		// Responses are small, and a compressed one can expand without limit.
		DisableCompression:     true,
		MaxResponseHeaderBytes: maxHeader,
		MaxIdleConns:           maxIdle,
		MaxIdleConnsPerHost:    maxIdle,
		IdleConnTimeout:        90 * time.Second,
		TLSHandshakeTimeout:    c.connect,
	}

	loopback := dialer
	loopback.Control = loopbackOnly
	plain = secure.Clone()
	plain.Proxy, plain.DialContext = nil, loopback.DialContext

	return secure, plain, nil
}

// errNotLoopback is for a host name that resolves to another machine.
var errNotLoopback = errors.New("not a loopback address")

// loopbackOnly makes a [net.Dialer] dial loopback addresses only, whatever the host
// name. The address is resolved, with a port.
func loopbackOnly(_, address string, _ syscall.RawConn) error {
	if to, err := netip.ParseAddrPort(address); err != nil || !to.Addr().Unmap().IsLoopback() {
		return errNotLoopback
	}

	return nil
}

// CheckTrustBundle reports why text is not a valid trust bundle. The error
// continues a sentence and repeats no part of the text.
func CheckTrustBundle(text string) error {
	if !x509.NewCertPool().AppendCertsFromPEM([]byte(text)) {
		return errors.New("contains no PEM-encoded certificate")
	}

	return nil
}

func certPool(bundle string) (*x509.CertPool, error) {
	// Without system roots, the bundle is the only trust store.
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool()
	}

	if !pool.AppendCertsFromPEM([]byte(bundle)) {
		return nil, CheckTrustBundle(bundle)
	}

	return pool, nil
}

// inSentence returns the issuer's name within a sentence.
func (c *Config) inSentence() string { return strings.Replace(c.Issuer, "The ", "the ", 1) }

func (c *Config) argument(name string) string { return c.Block + "." + name }

func (c *Config) checkURL() string {
	return fmt.Sprintf("Check the server URL (%s in the provider configuration, or %s).", c.argument(c.URLArgument), c.URLVariable)
}
