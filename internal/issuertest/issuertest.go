// Package issuertest is the basis of the fake issuers: an HTTPS server on loopback
// with its own CA, a log of the requests it received, and faults to set.
package issuertest

import (
	"bytes"
	"cmp"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Request is a request that a server received.
type Request struct {
	Method string
	// Path is the path and query.
	Path   string
	Proto  string
	Header http.Header
	// TLS is the version constant of crypto/tls, and ClientCertificate reports whether
	// the client sent one.
	TLS               uint16
	ClientCertificate bool
}

// Server is a fake issuer's server. It is safe for concurrent use.
type Server struct {
	*httptest.Server

	// TrustBundle is the PEM-encoded certificate of the CA that signed the server's.
	TrustBundle string

	connections atomic.Int64

	mu       sync.Mutex
	requests []Request
	fault    http.HandlerFunc
	now      func() time.Time
}

// Option changes a server before it starts.
type Option func(*tls.Config)

// Start starts a server on a loopback address. The caller must close it.
func Start(handler http.Handler, options ...Option) *Server {
	authority := NewAuthority()
	config := &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{authority.Issue(Certificate{})}}

	for _, option := range options {
		option(config)
	}

	s := &Server{TrustBundle: authority.PEM, now: time.Now}
	s.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		entry := Request{Method: r.Method, Path: r.URL.RequestURI(), Proto: r.Proto, Header: r.Header.Clone()}
		if r.TLS != nil {
			entry.TLS, entry.ClientCertificate = r.TLS.Version, len(r.TLS.PeerCertificates) > 0
		}

		s.mu.Lock()
		s.requests = append(s.requests, entry)
		fault, now := s.fault, s.now
		s.mu.Unlock()

		w.Header().Set("Date", now().UTC().Format(http.TimeFormat))

		if fault != nil {
			fault(w, r)

			return
		}

		handler.ServeHTTP(w, r)
	}))
	s.TLS = config
	s.EnableHTTP2 = true
	s.Config.ErrorLog = log.New(io.Discard, "", 0) // Failed handshakes are part of the tests.
	s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			s.connections.Add(1)
		}
	}
	s.StartTLS()

	return s
}

// Connections returns the number of connections opened so far, including those
// without a request.
func (s *Server) Connections() int { return int(s.connections.Load()) }

// Requests returns the requests received so far.
func (s *Server) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()

	return slices.Clone(s.requests)
}

// SetFault makes handler respond to every request from now on; nil resets it.
func (s *Server) SetFault(handler http.HandlerFunc) {
	s.mu.Lock()
	defer s.mu.Unlock()

	s.fault = handler
}

// SetClock sets the server's clock.
func (s *Server) SetClock(now func() time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()

	s.now = now
}

// Now returns the time by the server's clock.
func (s *Server) Now() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()

	return s.now()
}

// Tokens are the tokens that an issuer knows. The zero value is empty. It is safe
// for concurrent use.
type Tokens[T any] struct {
	mu    sync.Mutex
	known map[string]T
}

// Set adds or replaces a token.
func (t *Tokens[T]) Set(secret string, token T) {
	t.mu.Lock()
	defer t.mu.Unlock()

	if t.known == nil {
		t.known = make(map[string]T)
	}

	t.known[secret] = token
}

// Revoke removes a token.
func (t *Tokens[T]) Revoke(secret string) {
	t.mu.Lock()
	defer t.mu.Unlock()

	delete(t.known, secret)
}

// Token returns what the issuer knows of a token.
func (t *Tokens[T]) Token(secret string) (token T, known bool) {
	t.mu.Lock()
	defer t.mu.Unlock()

	token, known = t.known[secret]

	return token, known
}

// RawServer is a TLS server without HTTP.
type RawServer struct {
	// URL is the server's URL, and TrustBundle its CA certificate.
	URL, TrustBundle string

	listener net.Listener
	wait     sync.WaitGroup
	mu       sync.Mutex
	conns    []net.Conn
}

// StartRaw starts a server that passes each connection to handle, for what no HTTP
// server would do, and closes it when handle returns. The caller must close the
// server.
func StartRaw(handle func(conn net.Conn), options ...Option) *RawServer {
	authority := NewAuthority()
	config := &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{authority.Issue(Certificate{})}}

	for _, option := range options {
		option(config)
	}

	listener := must(new(net.ListenConfig).Listen(context.Background(), "tcp", "127.0.0.1:0"))
	s := &RawServer{URL: "https://" + listener.Addr().String(), TrustBundle: authority.PEM, listener: listener}

	s.wait.Go(func() {
		for {
			raw, err := listener.Accept()
			if err != nil {
				return
			}

			s.mu.Lock()
			s.conns = append(s.conns, raw)
			s.mu.Unlock()

			s.wait.Go(func() {
				defer func() { _ = raw.Close() }()

				handle(tls.Server(raw, config))
			})
		}
	})

	return s
}

// Close closes the server and its connections.
func (s *RawServer) Close() {
	_ = s.listener.Close()

	s.mu.Lock()

	for _, conn := range s.conns {
		_ = conn.Close()
	}

	s.mu.Unlock()
	s.wait.Wait()
}

// Absent is the value of a header field to omit, although a server adds it by
// default.
const Absent = "\x00absent"

// Answer is a response of an issuer, and the handler that sends it.
type Answer struct {
	Status int
	// Phrase replaces the standard reason phrase if not empty; only [Answer.Wire] can
	// write it.
	Phrase string
	// Header contains the fields; the type defaults to application/json.
	Header http.Header
	Body   string
}

// ServeHTTP implements [http.Handler].
func (a Answer) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")

	for name, values := range a.Header {
		if w.Header()[name] = values; values[0] == Absent {
			w.Header()[name] = nil
		}
	}

	w.WriteHeader(a.Status)
	_, _ = io.WriteString(w, a.Body)
}

// Wire returns the response as HTTP/1.1 bytes.
func (a Answer) Wire() []byte {
	var b bytes.Buffer

	fmt.Fprintf(&b, "HTTP/1.1 %d %s\r\nContent-Length: %d\r\n", a.Status, cmp.Or(a.Phrase, http.StatusText(a.Status)), len(a.Body))
	_ = a.Header.Write(&b) // Writing to a buffer cannot fail.
	b.WriteString("\r\n" + a.Body)

	return b.Bytes()
}

// Secret is the token in all cases that do not set another one.
const Secret = "issuertest-Zq8RtYw3LmN5Kd7Hs2Vb9Xc4Gf6Jp1Qw"

// Clock is the time of the cases whose responses have no date.
func Clock() time.Time { return time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC) }

// Case is a response of an issuer, as captured or as the vendor documents it, and
// what it means. An issuer's cases are its corpus, by name; "active" and "rejected"
// are in each.
type Case struct {
	Answer

	// Want is the status of the token, "" for an error, and Warning the title of a
	// warning.
	Want, Warning string
	// Retried reports whether the request is sent again.
	Retried bool
	// Token is another token than [Secret], and Arguments are those of the data source
	// and the ephemeral resource.
	Token     string
	Arguments map[string]any
	// Attributes are those to compare: strings, numbers, sorted slices, and maps of
	// them, or nil.
	Attributes map[string]any
}

// Respond returns a response with a status, body, and header fields in pairs of name
// and value.
func Respond(status int, body string, header ...string) Answer {
	return newAnswer(status, body, header)
}

func newAnswer(status int, body string, header []string) Answer {
	a := Answer{Status: status, Header: make(http.Header), Body: body}
	for i := 0; i+1 < len(header); i += 2 {
		a.Header.Set(header[i], header[i+1])
	}

	return a
}

// Reply returns a handler that sends a response with a status, body, and header
// fields in pairs of name and value.
func Reply(status int, body string, header ...string) http.HandlerFunc {
	return newAnswer(status, body, header).ServeHTTP
}

// Raw returns a handler that writes text to the connection unchanged and closes it,
// for what net/http does not write, such as other reason phrases.
func Raw(text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			panic(err) // HTTP/2 does not support it; the client under test uses HTTP/1.1.
		}

		_, _ = io.WriteString(conn, text)
		_ = conn.Close()
	}
}

// Sequence returns a handler that calls each of the handlers in turn, and then
// always the last one.
func Sequence(handlers ...http.HandlerFunc) http.HandlerFunc {
	var (
		mu   sync.Mutex
		next int
	)

	return func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		handler := handlers[next]
		next = min(next+1, len(handlers)-1)
		mu.Unlock()

		handler(w, r)
	}
}

// Authority is a CA that signs certificates.
type Authority struct {
	// PEM is the CA's own certificate.
	PEM string

	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
}

// NewAuthority creates a CA that nothing trusts yet.
func NewAuthority() *Authority {
	key := newKey()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "issuertest CA"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der := must(x509.CreateCertificate(rand.Reader, template, template, key.Public(), key))

	return &Authority{PEM: encode("CERTIFICATE", der), certificate: must(x509.ParseCertificate(der)), key: key}
}

// Certificate describes a certificate.
type Certificate struct {
	// Hosts are its host names; those of the loopback interface if empty.
	Hosts []string
	// NotAfter is when it expires; in a day if zero.
	NotAfter time.Time
}

// Issue signs a certificate for servers and clients.
func (a *Authority) Issue(c Certificate) tls.Certificate {
	key := newKey()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "issuertest"},
		NotBefore: time.Now().Add(-48 * time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
		DNSNames:    c.Hosts,
	}

	if len(c.Hosts) == 0 {
		template.DNSNames = []string{"localhost"}
		template.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback}
	}

	if !c.NotAfter.IsZero() {
		template.NotAfter = c.NotAfter
	}

	der := must(x509.CreateCertificate(rand.Reader, template, a.certificate, key.Public(), a.key))

	return tls.Certificate{Certificate: [][]byte{der, a.certificate.Raw}, PrivateKey: key}
}

// Pool returns a pool with this CA alone.
func (a *Authority) Pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(a.certificate)

	return pool
}

// PEM encodes a certificate with its chain, and its key.
func PEM(c tls.Certificate) (certificate, key string) {
	var chain strings.Builder
	for _, der := range c.Certificate {
		chain.WriteString(encode("CERTIFICATE", der))
	}

	return chain.String(), encode("PRIVATE KEY", must(x509.MarshalPKCS8PrivateKey(c.PrivateKey)))
}

func newKey() *ecdsa.PrivateKey { return must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader)) }

func encode(kind string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}

func must[T any](value T, err error) T {
	if err != nil {
		panic(err) // Nothing here depends on input.
	}

	return value
}
