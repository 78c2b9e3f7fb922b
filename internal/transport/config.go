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
	// maxHeader bounds an answer's header, informational answers included, in bytes.
	maxHeader = 64 << 10
	// connectTimeout bounds the connection and the handshake of one attempt, so
	// that there is time for another one.
	connectTimeout = 20 * time.Second
	// pingTimeout is after how long a silent HTTP/2 connection is asked whether it is
	// alive, and how long it may take to say so.
	pingTimeout = 5 * time.Second
	// maxIdle is how many connections to an issuer are kept for the next checks.
	maxIdle = 64
)

// Config is how an issuer is reached. The issuer's package sets what is always
// the same for it, and the caller the rest.
type Config struct {
	// Issuer is the issuer's name for messages: "Cloudflare".
	Issuer string
	// Header is sent with each request, beside the fields that every issuer gets.
	Header http.Header
	// LateClientAuth is for servers that ask for a client certificate only after
	// they have seen the request's path, by TLS 1.2 renegotiation. HTTP/2 forbids
	// that, so the client speaks HTTP/1.1 to such servers.
	LateClientAuth bool

	// Block is the issuer's block in the provider configuration, URLArgument the
	// argument there for the server's URL, and URLVariable the environment variable,
	// for messages.
	Block, URLArgument, URLVariable string
	// Timeout bounds one whole check, retries included.
	Timeout time.Duration
	// MaxRetries is the maximum number of retries of a request.
	MaxRetries int
	// UserAgent is sent with each request.
	UserAgent string

	// TrustBundle is PEM text with CA certificates to trust in addition to the
	// system trust store.
	TrustBundle string
	// ClientCertificate is shown to a server that asks for one; nil for none.
	ClientCertificate *tls.Certificate
	// TLSMaxVersion is a version constant of crypto/tls, zero for the newest.
	TLSMaxVersion uint16

	// Proxy finds the proxy of a request; [http.ProxyFromEnvironment] if nil.
	Proxy func(*http.Request) (*url.URL, error)
	// Resolver finds the addresses of hosts; [net.DefaultResolver] if nil.
	Resolver *net.Resolver
	// Now is the local clock; [time.Now] if nil.
	Now func() time.Time
	// Backoff is how long to wait before the first retry, doubled for each
	// further one up to [maxBackoff]; half a second if zero.
	Backoff time.Duration
	// Log receives a line about each attempt; nothing is logged if nil. The
	// fields contain no token.
	Log func(ctx context.Context, message string, fields map[string]any)
}

// setDefaults fills in what is not set.
func (c *Config) setDefaults() {
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

// httpTransports make what sends the requests and keeps the connections: one for
// HTTPS, and one for plain HTTP, which uses no proxy and dials loopback addresses only.
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

	dialer := net.Dialer{Timeout: connectTimeout, Resolver: c.Resolver}
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
		// A connection that died in silence would cost a request the whole timeout.
		HTTP2: &http.HTTP2Config{SendPingTimeout: pingTimeout, PingTimeout: pingTimeout},
		// Answers are small, and a compressed one can be made to grow without end.
		DisableCompression:     true,
		MaxResponseHeaderBytes: maxHeader,
		MaxIdleConns:           maxIdle,
		MaxIdleConnsPerHost:    maxIdle,
		IdleConnTimeout:        90 * time.Second,
		TLSHandshakeTimeout:    connectTimeout,
	}

	loopback := dialer
	loopback.Control = loopbackOnly
	plain = secure.Clone()
	plain.Proxy, plain.DialContext = nil, loopback.DialContext

	return secure, plain, nil
}

// errNotLoopback is for a host name that resolves to an address of another machine.
var errNotLoopback = errors.New("not a loopback address")

// loopbackOnly lets a [net.Dialer] dial loopback addresses only, whatever name they
// came from. The address is that of a host, with a port.
func loopbackOnly(_, address string, _ syscall.RawConn) error {
	if to, err := netip.ParseAddrPort(address); err != nil || !to.Addr().Unmap().IsLoopback() {
		return errNotLoopback
	}

	return nil
}

// CheckTrustBundle reports why text cannot be a trust bundle. The error continues
// a sentence and repeats nothing of the text.
func CheckTrustBundle(text string) error {
	if !x509.NewCertPool().AppendCertsFromPEM([]byte(text)) {
		return errors.New("contains no PEM-encoded certificate")
	}

	return nil
}

func certPool(bundle string) (*x509.CertPool, error) {
	// Where the system has no roots of its own, the bundle is all there is.
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool()
	}

	if !pool.AppendCertsFromPEM([]byte(bundle)) {
		return nil, CheckTrustBundle(bundle)
	}

	return pool, nil
}

// inSentence is the issuer in the middle of a sentence.
func (c *Config) inSentence() string { return strings.Replace(c.Issuer, "The ", "the ", 1) }

func (c *Config) argument(name string) string { return c.Block + "." + name }

func (c *Config) checkURL() string {
	return fmt.Sprintf("Check the server URL (%s in the provider configuration, or %s).", c.argument(c.URLArgument), c.URLVariable)
}
