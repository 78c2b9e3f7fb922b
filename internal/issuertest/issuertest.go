// Package issuertest is what the fake issuers are built on: an HTTPS server on
// loopback with an authority of its own, a log of the requests that it got, and
// a place for faults.
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

// Request is one request that a server got.
type Request struct {
	Method string
	// Path is the path as it was sent.
	Path   string
	Proto  string
	Header http.Header
	// TLS is the version constant of crypto/tls, and ClientCertificate says
	// whether the client showed one.
	TLS               uint16
	ClientCertificate bool
}

// Server is a fake issuer's server. It is safe for concurrent use.
type Server struct {
	*httptest.Server

	// TrustBundle is the certificate, in PEM form, of the authority that signed
	// the server's.
	TrustBundle string

	connections atomic.Int64

	mu       sync.Mutex
	requests []Request
	fault    http.HandlerFunc
	now      func() time.Time
}

// Option changes a server before it starts.
type Option func(*tls.Config)

// Start starts a server on a loopback address. The caller closes it.
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
	s.Config.ErrorLog = log.New(io.Discard, "", 0) // Refused handshakes are part of the tests.
	s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			s.connections.Add(1)
		}
	}
	s.StartTLS()

	return s
}

// Connections counts the connections that were opened so far, also those that
// brought no request.
func (s *Server) Connections() int { return int(s.connections.Load()) }

// Requests gives the requests that came so far.
func (s *Server) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()

	return slices.Clone(s.requests)
}

// SetFault makes handler answer every request from now on; nil ends that.
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

// Now is the time by the server's clock.
func (s *Server) Now() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()

	return s.now()
}

// Tokens is what an issuer knows, by the token itself. The zero value knows
// nothing. It is safe for concurrent use.
type Tokens[T any] struct {
	mu    sync.Mutex
	known map[string]T
}

// Set makes the issuer know a token, or know it otherwise.
func (t *Tokens[T]) Set(secret string, token T) {
	t.mu.Lock()
	defer t.mu.Unlock()

	if t.known == nil {
		t.known = make(map[string]T)
	}

	t.known[secret] = token
}

// Revoke makes the issuer forget a token.
func (t *Tokens[T]) Revoke(secret string) {
	t.mu.Lock()
	defer t.mu.Unlock()

	delete(t.known, secret)
}

// Token gives what the issuer knows of a token, if it does.
func (t *Tokens[T]) Token(secret string) (token T, known bool) {
	t.mu.Lock()
	defer t.mu.Unlock()

	token, known = t.known[secret]

	return token, known
}

// RawServer is a TLS server that speaks no HTTP of its own.
type RawServer struct {
	// URL is where it listens, and TrustBundle its authority's certificate.
	URL, TrustBundle string

	listener net.Listener
	wait     sync.WaitGroup
	mu       sync.Mutex
	conns    []net.Conn
}

// StartRaw starts a server that gives each connection to handle, for what no
// HTTP server would do. When handle returns, the connection is closed. The caller
// closes the server.
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

// Close ends the server and its connections.
func (s *RawServer) Close() {
	_ = s.listener.Close()

	s.mu.Lock()

	for _, conn := range s.conns {
		_ = conn.Close()
	}

	s.mu.Unlock()
	s.wait.Wait()
}

// Absent is the value of a header field that an answer lacks although a server
// sends it by itself.
const Absent = "\x00absent"

// Answer is one answer of an issuer. It is a handler that gives it.
type Answer struct {
	Status int
	// Words stand beside the status if they are not the usual ones; only [Answer.Wire]
	// can write them.
	Words string
	// Header has the fields, application/json being the type if it names none.
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

// Wire is the answer as HTTP/1.1 has it.
func (a Answer) Wire() []byte {
	var b bytes.Buffer

	fmt.Fprintf(&b, "HTTP/1.1 %d %s\r\nContent-Length: %d\r\n", a.Status, cmp.Or(a.Words, http.StatusText(a.Status)), len(a.Body))
	_ = a.Header.Write(&b) // A buffer takes everything.
	b.WriteString("\r\n" + a.Body)

	return b.Bytes()
}

// Recorded is an answer as it was captured from an issuer or, where nobody has seen
// one, as the vendor documents it.
type Recorded struct {
	Answer

	// Verdict is the status that a check with this answer comes to, "" for an error.
	Verdict string
}

// Record makes one of a status, the body, and header fields in pairs of name and value.
func Record(verdict string, status int, body string, header ...string) Recorded {
	return Recorded{newAnswer(status, body, header), verdict}
}

func newAnswer(status int, body string, header []string) Answer {
	a := Answer{Status: status, Header: make(http.Header), Body: body}
	for i := 0; i+1 < len(header); i += 2 {
		a.Header.Set(header[i], header[i+1])
	}

	return a
}

// Reply is a handler that gives one answer: a status, the body, and header fields
// in pairs of name and value.
func Reply(status int, body string, header ...string) http.HandlerFunc {
	return newAnswer(status, body, header).ServeHTTP
}

// Raw is a handler that writes text to the connection as it is, and closes it:
// for what package net/http does not write, such as other words than the usual
// ones in the status line.
func Raw(text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			panic(err) // HTTP/2 has no such thing; the client under test speaks HTTP/1.1.
		}

		_, _ = io.WriteString(conn, text)
		_ = conn.Close()
	}
}

// Sequence is a handler that answers with each of the handlers in turn, and with
// the last one from then on.
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

// Authority signs certificates.
type Authority struct {
	// PEM is the authority's own certificate.
	PEM string

	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
}

// NewAuthority makes an authority that nobody trusts yet.
func NewAuthority() *Authority {
	key := newKey()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "issuertest authority"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der := must(x509.CreateCertificate(rand.Reader, template, template, key.Public(), key))

	return &Authority{PEM: encode("CERTIFICATE", der), certificate: must(x509.ParseCertificate(der)), key: key}
}

// Certificate says what is in a certificate.
type Certificate struct {
	// Hosts are the names it is for; those of the loopback interface if empty.
	Hosts []string
	// NotAfter is when it ends; in a day if zero.
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

// Pool holds the authority alone.
func (a *Authority) Pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(a.certificate)

	return pool
}

// PEM writes a certificate with its chain, and its key.
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
