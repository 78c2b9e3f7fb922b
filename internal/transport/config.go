package transport

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"
)

const (
	maxHeader = 64 << 10 // bytes
	// connectTimeout limits the connection, and then the TLS handshake, of one attempt.
	connectTimeout = 15 * time.Second
	// minAttempt is the least that one attempt may take: slow servers have been seen to
	// take 18 seconds.
	minAttempt = 30 * time.Second
	// pingTimeout is how long an HTTP/2 connection may be silent before it is pinged,
	// and how long the reply may take.
	pingTimeout = 5 * time.Second
	maxIdle     = 64 // connections
)

// Issuer is what never changes for an issuer.
type Issuer struct {
	// Name is the issuer's name at the start of a sentence: "Cloudflare".
	Name  string
	Block string // in the provider configuration
	// OutageRemedy is what to do about a server error, as a sentence after "Run again later.".
	OutageRemedy string
	// Retry decides about responses that the issuer treats differently from other
	// servers: whether to send the request again, and after how long, zero for the usual
	// wait. If ok is false, or Retry is nil, the HTTP status decides.
	Retry func(*Response) (wait time.Duration, again, ok bool)
	// LateClientAuth is for servers that request a client certificate only after they
	// know the request's path, by TLS 1.2 renegotiation. HTTP/2 forbids it, so the
	// client uses HTTP/1.1, a connection for each request.
	LateClientAuth bool
}

// Config is the rest of a [Client]'s configuration.
type Config struct {
	Host

	// URL is the server's base URL, from [ParseURL], and URLSource where it was set, for
	// messages; "" if it is the default.
	URL       *url.URL
	URLSource string
	// Timeout is that of one verification, retries included; the caller sets the deadline.
	Timeout    time.Duration
	MaxRetries int
	UserAgent  string

	// TrustBundle contains PEM-encoded CA certificates to trust in addition to the
	// system trust store.
	TrustBundle string
	// ClientCertificate is sent to servers that request one; nil for none.
	ClientCertificate *tls.Certificate
	// TLSMaxVersion is a version constant of crypto/tls, zero for the newest.
	TLSMaxVersion uint16

	// Log is called for each attempt. The fields contain no token.
	Log func(ctx context.Context, message string, fields map[string]any)
}

// Host is the machine that requests are sent from.
type Host struct {
	// LookupEnv looks up an environment variable as [os.LookupEnv] does.
	LookupEnv func(string) (string, bool)
	Proxy     func(*http.Request) (*url.URL, error)
	Resolver  *net.Resolver
	Now       func() time.Time
	// Backoff is the wait before the first retry; it doubles with each further one.
	Backoff time.Duration
}

// ThisHost returns the machine that the provider runs on. Three retries reach over
// seven seconds: an IIS that recycles is back in five.
func ThisHost() Host {
	return Host{LookupEnv: os.LookupEnv, Proxy: http.ProxyFromEnvironment, Now: time.Now, Backoff: time.Second}
}

func (c *Client) httpTransport() (*http.Transport, error) {
	tlsConfig := &tls.Config{MinVersion: tls.VersionTLS12, MaxVersion: c.config.TLSMaxVersion}

	if c.config.TrustBundle != "" {
		certificates, err := ParseTrustBundle(c.config.TrustBundle)
		if err != nil {
			return nil, err
		}
		if tlsConfig.RootCAs, err = x509.SystemCertPool(); err != nil { // Without system roots, the bundle is the only trust store.
			tlsConfig.RootCAs = x509.NewCertPool()
		}
		for _, certificate := range certificates {
			tlsConfig.RootCAs.AddCert(certificate)
		}
	}
	if c.config.ClientCertificate != nil {
		tlsConfig.Certificates = []tls.Certificate{*c.config.ClientCertificate}
	}
	if c.issuer.LateClientAuth {
		tlsConfig.Renegotiation = tls.RenegotiateOnceAsClient
	}

	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	protocols.SetHTTP2(!c.issuer.LateClientAuth)
	return &http.Transport{
		Proxy:                  c.proxy,
		OnProxyConnectResponse: proxyRefusal,
		DialContext:            (&net.Dialer{Timeout: connectTimeout, Resolver: c.config.Resolver}).DialContext,
		TLSClientConfig:        tlsConfig,
		TLSHandshakeTimeout:    connectTimeout,
		Protocols:              protocols,
		DisableKeepAlives:      c.issuer.LateClientAuth,
		// A dead connection would otherwise cost a request the whole timeout.
		HTTP2:                  &http.HTTP2Config{SendPingTimeout: pingTimeout, PingTimeout: pingTimeout},
		MaxResponseHeaderBytes: maxHeader,
		MaxIdleConns:           maxIdle,
		MaxIdleConnsPerHost:    maxIdle,
		IdleConnTimeout:        90 * time.Second,
	}, nil
}

// TrustBundleRemedy says what to set as a trust bundle.
const TrustBundleRemedy = `Set PEM-encoded CA certificates, for example with file("ca.pem").`

// ParseTrustBundle parses PEM-encoded certificates; other text between them is
// ignored. The error says which one cannot be used; it continues a sentence and
// repeats no part of the bundle.
func ParseTrustBundle(bundle string) ([]*x509.Certificate, error) {
	const begin = "-----BEGIN "

	total := strings.Count(bundle, begin)
	if total == 0 {
		return nil, errors.New("contains no PEM-encoded certificate")
	}
	if strings.Contains(bundle, "----------BEGIN ") {
		return nil, errors.New("is not well-formed PEM: a newline is missing before BEGIN")
	}

	var certificates []*x509.Certificate
	for _, part := range strings.Split(bundle, begin)[1:] { // Decode would skip a malformed block.
		block, _ := pem.Decode([]byte(begin + part))
		if block == nil || block.Type != "CERTIFICATE" {
			return nil, fmt.Errorf("is not usable: block %d of %d is not a well-formed CERTIFICATE", len(certificates)+1, total)
		}
		certificate, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("is not usable: certificate %d of %d cannot be used: %w", len(certificates)+1, total, err)
		}
		certificates = append(certificates, certificate)
	}
	return certificates, nil
}

// ParseURL parses the URL of a server that may receive tokens: HTTPS, or plain HTTP
// to localhost or a literal loopback address, without user name, query or fragment.
// It removes trailing slashes. The error continues a sentence and repeats no part
// of the URL, which may contain a password.
func ParseURL(raw string) (*url.URL, error) {
	parsed, err := url.Parse(strings.TrimSpace(raw))
	switch {
	case err != nil:
		return nil, errors.New("is not a URL")
	case parsed.Scheme != "https" && parsed.Scheme != "http":
		return nil, errors.New("does not begin with https://")
	case parsed.Hostname() == "":
		return nil, errors.New("has no host")
	case parsed.User != nil:
		return nil, errors.New("contains a user name or password")
	case parsed.RawQuery != "" || parsed.ForceQuery || parsed.Fragment != "":
		return nil, errors.New("contains a query (?…) or a fragment (#…)")
	case parsed.Scheme == "http" && !net.ParseIP(parsed.Hostname()).IsLoopback() && parsed.Hostname() != "localhost":
		return nil, errors.New("begins with http://, which would send the token in plain text; plain HTTP is allowed for loopback addresses only")
	}

	parsed.Path = strings.TrimRight(parsed.Path, "/")
	parsed.RawPath = strings.TrimRight(parsed.RawPath, "/")
	return parsed, nil
}
