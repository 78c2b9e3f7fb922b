// Package transport asks an issuer one question over HTTPS. It sends the one
// request, retries it within a time limit, and gives back the answer as it
// came. What the answer means is not known here.
package transport

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"mime"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/hashicorp/go-retryablehttp"

	"github.com/tokencheck/terraform-provider-tokencheck/internal/token"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/verdict"
)

const (
	// maxBody is the size of the largest answer that is read, in bytes. The
	// documented ones are below 2 KiB.
	maxBody = 64 << 10
	// maxHeader bounds an answer's header, informational answers included.
	maxHeader = 64 << 10
	// maxAge is how old, in seconds, an answer may be that a cache has kept.
	maxAge = 10
	// maxSkew is how far the issuer's clock may be from the local one without a remark.
	maxSkew = 5 * time.Minute
	// connectTimeout bounds the connection and the handshake of one attempt, so
	// that there is time for another one.
	connectTimeout = 20 * time.Second
	// maxIdle is how many connections to an issuer are kept for the next checks.
	maxIdle = 64
)

// Config is how an issuer is reached.
type Config struct {
	// Issuer is the issuer's name for messages: "Cloudflare".
	Issuer string
	// Block is the issuer's block in the provider configuration, and URLArgument
	// the argument there that holds the server's URL, for messages.
	Block, URLArgument string

	// Timeout bounds one whole check, retries included.
	Timeout time.Duration
	// MaxRetries is how often a request is repeated at the most.
	MaxRetries int
	// UserAgent is sent with each request.
	UserAgent string

	// TrustBundle is PEM text with authorities to trust beside the system's.
	TrustBundle string
	// ClientCertificate is shown to a server that asks for one; nil for none.
	ClientCertificate *tls.Certificate
	// TLSMaxVersion is a version constant of crypto/tls, zero for the newest.
	TLSMaxVersion uint16
	// LateClientAuth is for servers that ask for a client certificate only after
	// they have seen the request's path, by TLS 1.2 renegotiation. HTTP/2 forbids
	// that, so such servers are spoken to in HTTP/1.1.
	LateClientAuth bool

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
	// fields hold no token.
	Log func(ctx context.Context, message string, fields map[string]any)
}

// Client sends requests to one issuer. It keeps its connections and is safe for
// concurrent use.
type Client struct {
	config Config
	http   *http.Client
}

// New makes a client. The error is about the trust bundle, as a sentence's end.
func New(config Config) (*Client, error) {
	if config.Proxy == nil {
		config.Proxy = http.ProxyFromEnvironment
	}

	if config.Now == nil {
		config.Now = time.Now
	}

	if config.Backoff == 0 {
		config.Backoff = defaultBackoff
	}

	if config.Log == nil {
		config.Log = func(context.Context, string, map[string]any) {}
	}

	tlsConfig := &tls.Config{MinVersion: tls.VersionTLS12, MaxVersion: config.TLSMaxVersion}

	if config.TrustBundle != "" {
		pool, err := certPool(config.TrustBundle)
		if err != nil {
			return nil, err
		}

		tlsConfig.RootCAs = pool
	}

	if config.ClientCertificate != nil {
		tlsConfig.Certificates = []tls.Certificate{*config.ClientCertificate}
	}

	// With HTTP/2 all checks share a connection, once there is one.
	var turn chan struct{}
	if !config.LateClientAuth {
		turn = make(chan struct{}, 1)
		turn <- struct{}{}
	}

	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	protocols.SetHTTP2(!config.LateClientAuth)

	if config.LateClientAuth {
		tlsConfig.Renegotiation = tls.RenegotiateOnceAsClient
	}

	return &Client{
		config: config,
		http: &http.Client{
			Transport: &answering{base: &http.Transport{
				Proxy:                  config.Proxy,
				OnProxyConnectResponse: proxyRefusal,
				DialContext:            (&net.Dialer{Timeout: connectTimeout, Resolver: config.Resolver}).DialContext,
				TLSClientConfig:        tlsConfig,
				Protocols:              protocols,
				// Answers are small, and a compressed one can be made to grow without end.
				DisableCompression:     true,
				MaxResponseHeaderBytes: maxHeader,
				MaxIdleConns:           maxIdle,
				MaxIdleConnsPerHost:    maxIdle,
				IdleConnTimeout:        90 * time.Second,
				TLSHandshakeTimeout:    connectTimeout,
			}, turn: turn},
		},
	}, nil
}

// CheckTrustBundle reports why text cannot be a trust bundle. The error is a
// sentence's end and repeats nothing of the text.
func CheckTrustBundle(text string) error {
	if !x509.NewCertPool().AppendCertsFromPEM([]byte(text)) {
		return errors.New("holds no readable certificate in PEM form")
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

// CloseIdleConnections closes the connections that are kept for later checks.
func (c *Client) CloseIdleConnections() { c.http.Transport.(*answering).CloseIdle() } //nolint:forcetypeassert // Set in New.

// Response is an issuer's answer, whatever its status. The body has been read.
type Response struct {
	// Status is the HTTP status code, and Words what the server wrote beside it,
	// which HTTP/2 does not have.
	Status int
	Words  string
	Header http.Header
	// Body is empty, and Oversized true, if the answer was larger than 64 KiB.
	Body      []byte
	Oversized bool
	// Now is the time of the answer by the issuer's clock, or the local time if
	// the answer has no date.
	Now time.Time
	// Warnings holds a remark if the two clocks are far apart.
	Warnings []verdict.Warning

	config   *Config
	token    token.Token
	attempts int
}

// Get sends the one request of a check: a GET of address with the token as its
// bearer. It gives the answer whatever its status, after retries where a retry
// can help. The error is a [*verdict.Error]: there was no answer that can be used.
func (c *Client) Get(ctx context.Context, address *url.URL, bearer token.Token) (*Response, error) {
	ctx, cancel := context.WithTimeout(ctx, c.config.Timeout)
	defer cancel()

	request, err := retryablehttp.NewRequestWithContext(ctx, http.MethodGet, address.String(), nil)
	if err != nil {
		return nil, c.config.fault("The request cannot be made", "The request for the configured server URL cannot be made.", c.config.checkURL(), err)
	}

	request.Header.Set("Authorization", "Bearer "+bearer.Reveal())
	request.Header.Set("Accept", "application/json")
	request.Header.Set("Cache-Control", "no-cache")
	request.Header.Set("User-Agent", c.config.UserAgent)

	attempts := &attempts{client: c, host: address.Host}
	retrying := &retryablehttp.Client{
		HTTPClient:   c.http,
		Logger:       nil, // It would log the errors' text, which can repeat what a server sent.
		RetryMax:     c.config.MaxRetries,
		CheckRetry:   attempts.checkRetry,
		Backoff:      attempts.backoff,
		ErrorHandler: retryablehttp.PassthroughErrorHandler,
	}

	raw, err := retrying.Do(request)
	if raw != nil {
		defer func() { _ = raw.Body.Close() }()
	}

	if err != nil || raw == nil {
		return nil, attempts.fault(ctx, err)
	}

	return c.response(raw, bearer, attempts.count)
}

func (c *Client) response(raw *http.Response, bearer token.Token, attempts int) (*Response, error) {
	body, err := io.ReadAll(raw.Body)
	if err != nil { // The body is in memory already.
		return nil, c.config.fault("The issuer's answer cannot be read", "The answer's body could not be read.", c.config.checkURL(), err)
	}

	_, words, _ := strings.Cut(raw.Status, " ")
	resp := &Response{
		Status: raw.StatusCode, Words: strings.TrimSpace(words), Header: raw.Header, Body: body,
		Now: c.config.Now(), config: &c.config, token: bearer, attempts: attempts,
	}

	if len(body) > maxBody {
		resp.Body, resp.Oversized = nil, true
	}

	if slices.ContainsFunc(raw.Header.Values("Age"), tooOld) {
		return nil, c.config.fault("The answer came from a cache",
			"Something between here and the issuer gave a kept answer, although the request forbids that; what the issuer would say now is not known.",
			"Exempt the issuer's address from caching in the proxy or gateway on the way. "+c.config.checkURL(), nil)
	}

	if date, err := http.ParseTime(raw.Header.Get("Date")); err == nil {
		if skew := resp.Now.Sub(date); skew.Abs() > maxSkew {
			resp.Warnings = append(resp.Warnings, verdict.Warning{
				Summary: "Clocks differ",
				Detail: "The clock of this machine and that of " + c.config.Issuer + " are more than five minutes apart. " +
					"The verdict goes by the issuer's clock. Set this machine's clock, or have the server's set.",
			})
		}

		resp.Now = date
	}

	return resp, nil
}

// tooOld reports whether an Age header tells of an answer older than maxAge. One
// that cannot be read, or holds no 64 bits, comes from a cache all the same.
func tooOld(age string) bool {
	seconds, err := strconv.ParseUint(strings.TrimSpace(age), 10, 64)

	return err != nil || seconds > maxAge
}

// Decode reads the body as one JSON object, strictly: exact key names and types, no
// key twice, nothing after the object. If ok is false, the document is empty.
func Decode[T any](r *Response) (document T, ok bool) {
	// The kind is asked for since null can be read as any document.
	if jsontext.Value(r.Body).Kind() != jsontext.KindBeginObject || json.Unmarshal(r.Body, &document) != nil {
		var none T

		return none, false
	}

	return document, true
}

// Show prepares a text of the answer for a person's eyes, see [token.Token.Show].
func (r *Response) Show(text string) string { return r.token.Show(text) }

// Repeats reports whether any of the texts holds a part of the token.
func (r *Response) Repeats(texts ...string) bool { return slices.ContainsFunc(texts, r.token.In) }

// describe tells what came, from the parts of an answer that may be told.
func (r *Response) describe(said string) string {
	var b strings.Builder

	b.WriteString(r.statusLine())

	if said != "" {
		b.WriteString(": " + said)

		return b.String()
	}

	switch kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); {
	case r.Oversized:
		b.WriteString(", with a body of more than 64 KiB")
	case len(r.Body) == 0:
		b.WriteString(", without a body")
	case err == nil && len(kind) <= 64 && r.Show(kind) == kind:
		b.WriteString(", with a body of " + plural(len(r.Body), "byte") + " of type " + kind)
	default:
		b.WriteString(", with a body of " + plural(len(r.Body), "byte"))
	}

	return b.String()
}

// answering makes an answer of whatever comes back.
//
// It takes off where a redirect points, so that none is followed: whoever sends
// one would be handed the token. [http.Client.CheckRedirect] would not do, since
// it is asked only about places that can be read.
//
// It reads the body whole, up to one byte over the bound, so that a connection
// that breaks in the middle is a failed attempt like any other.
//
// It keeps retryablehttp from closing the connections that other checks share,
// which that does after each failure.
//
// It lets one request go ahead, if there is a turn to take, until that has a
// connection or has failed: checks that begin together would otherwise open one
// each.
type answering struct {
	base *http.Transport
	// turn holds one element until somebody takes it, and is closed when nobody
	// need wait any more. Nobody waits if it is nil.
	turn chan struct{}
	once sync.Once
}

// RoundTrip implements [http.RoundTripper].
func (a *answering) RoundTrip(request *http.Request) (*http.Response, error) {
	if a.turn != nil {
		select {
		case _, first := <-a.turn:
			if first {
				release := func() { a.once.Do(func() { close(a.turn) }) }
				defer release()

				request = request.WithContext(httptrace.WithClientTrace(request.Context(),
					&httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { release() }}))
			}
		case <-request.Context().Done():
			return nil, request.Context().Err() //nolint:wrapcheck // The caller asks for it by errors.Is.
		}
	}

	resp, err := a.base.RoundTrip(request)
	if err != nil {
		return nil, err //nolint:wrapcheck // It is explained, not shown.
	}

	body, err := io.ReadAll(io.LimitReader(resp.Body, maxBody+1))
	_ = resp.Body.Close()

	if err != nil {
		return nil, &bodyError{err}
	}

	resp.Header.Del("Location")
	resp.Body = io.NopCloser(bytes.NewReader(body))

	return resp, nil
}

// CloseIdle closes idle connections. It is not called CloseIdleConnections,
// since that is the name by which others would find it.
func (a *answering) CloseIdle() { a.base.CloseIdleConnections() }
