package transport

import (
	"context"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/tokencheck/terraform-provider-tokencheck/internal/issuertest"
)

// TestTLS covers handshakes: what the request was sent with, or the remedy of an error
// that is never retried. A server that closes a connection with unread data may lose
// its own alert, so this one reads on.
func TestTLS(t *testing.T) {
	t.Parallel()

	authority, other := issuertest.NewAuthority(), issuertest.NewAuthority()
	own, foreign := other.Issue(issuertest.Certificate{}), authority.Issue(issuertest.Certificate{})
	with := func(c issuertest.Certificate) issuertest.Option {
		return func(config *tls.Config) { config.Certificates = []tls.Certificate{authority.Issue(c)} }
	}
	plain := with(issuertest.Certificate{})
	requiring := func(version uint16) issuertest.Option {
		return func(c *tls.Config) {
			c.ClientAuth, c.ClientCAs, c.MaxVersion = tls.RequireAndVerifyClientCert, other.Pool(), version
		}
	}
	late := func(i *Issuer, _ *Config) { i.LateClientAuth = true }

	for _, test := range []struct {
		name    string
		server  issuertest.Option
		client  func(*Issuer, *Config)
		version uint16 // of a request, zero for none
		remedy  string
	}{
		{"trusted", plain, nil, tls.VersionTLS13, ""},
		{"one of two trusted", plain, func(_ *Issuer, c *Config) { c.TrustBundle = other.PEM + "text\n" + authority.PEM }, tls.VersionTLS13, ""},
		{"server has HTTP/1.1", func(c *tls.Config) { c.NextProtos = []string{"http/1.1"} }, nil, tls.VersionTLS13, ""},
		{"server has TLS 1.2", func(c *tls.Config) { c.MaxVersion = tls.VersionTLS12 }, nil, tls.VersionTLS12, ""},
		{"client has TLS 1.2", plain, func(_ *Issuer, c *Config) { c.TLSMaxVersion = tls.VersionTLS12 }, tls.VersionTLS12, ""},
		{"certificate sent", requiring(0), func(_ *Issuer, c *Config) { c.ClientCertificate = &own }, tls.VersionTLS13, ""},
		{"certificate not requested", plain, func(_ *Issuer, c *Config) { c.ClientCertificate = &own }, tls.VersionTLS13, ""},

		{"unknown authority", plain, func(_ *Issuer, c *Config) { c.TrustBundle = other.PEM }, 0, "issuer.trust_bundle"},
		{"another host", with(issuertest.Certificate{Hosts: []string{"issuer.example.com"}}), nil, 0, "issuer.url"},
		{"expired", with(issuertest.Certificate{NotAfter: time.Now().Add(-time.Hour)}), nil, 0, "clock"},
		{"server has TLS 1.1", func(c *tls.Config) { c.MinVersion, c.MaxVersion = tls.VersionTLS10, tls.VersionTLS11 }, nil, 0, "TLS 1.2 or later"},
		{"no common version", func(c *tls.Config) { c.MinVersion = tls.VersionTLS13 }, func(i *Issuer, c *Config) { late(i, c); c.TLSMaxVersion = tls.VersionTLS12 }, 0, "issuer.tls_max_version"},
		{"no ECDHE", func(c *tls.Config) {
			c.MaxVersion, c.CipherSuites = tls.VersionTLS12, []uint16{tls.TLS_RSA_WITH_AES_128_GCM_SHA256}
		}, nil, 0, "GODEBUG=tlsrsakex=1"},
		{"certificate required", requiring(0), nil, 0, "client certificate"},
		{"certificate required, configurable", requiring(0), late, 0, "issuer.client_certificate"},
		{"certificate required, TLS 1.2", requiring(tls.VersionTLS12), late, 0, "issuer.client_certificate"},
		{"certificate not accepted", requiring(0), func(_ *Issuer, c *Config) { c.ClientCertificate = &foreign }, 0, "client certificate"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()

			states := make(chan tls.ConnectionState, 9)
			s := issuertest.StartRaw(func(conn net.Conn) {
				server := conn.(*tls.Conn)
				if server.Handshake() == nil {
					states <- server.ConnectionState()
					io.ReadAtLeast(server, make([]byte, 1<<10), 1)
					io.WriteString(server, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
				}
				io.Copy(io.Discard, server.NetConn())
			}, plain, test.server)
			t.Cleanup(s.Close)

			c := connect(t, s.URL, func(_ *Issuer, c *Config) { c.TrustBundle = authority.PEM }, test.client)
			_, err := c.Get(t.Context(), bearer(t, secret), true)
			if n := c.attempts.Load(); n != 1 {
				t.Errorf("%d attempts, want 1", n)
			}
			if test.version == 0 {
				wantFault(t, err, noResponse, test.remedy)
			} else if err != nil {
				t.Error(err)
			} else if got := <-states; got.Version != test.version || (len(got.PeerCertificates) > 0) != (test.name == "certificate sent") {
				t.Errorf("TLS version %x, client certificates %v", got.Version, got.PeerCertificates)
			}
		})
	}
}

// raw returns the address of a plain HTTP server that sends a text.
func raw(t *testing.T, text string) string {
	t.Helper()

	s := httptest.NewServer(issuertest.Raw(text))
	t.Cleanup(s.Close)
	return s.URL
}

// TestNoResponse covers servers that send something else than a response: whether
// there is another attempt, and that their own words are not shown.
func TestNoResponse(t *testing.T) {
	t.Parallel()

	const words, network = "unsolicited wisdom", "NO_PROXY"

	resolver := func(code byte) *net.Resolver {
		return &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
			client, server := net.Pipe()
			go func() {
				defer server.Close()
				var size [2]byte
				io.ReadFull(server, size[:])
				message := make([]byte, binary.BigEndian.Uint16(size[:]))
				io.ReadFull(server, message)
				message[2], message[3] = message[2]|0x80, code // A response with the question.
				server.Write(append(size[:], message...))
			}()
			return client, nil
		}}
	}
	goAway := issuertest.StartRaw(func(conn net.Conn) {
		issuertest.HTTP2(func(stream uint32, send func(byte, byte, uint32, string)) bool {
			send(7, 0, 0, string(binary.BigEndian.AppendUint32(nil, stream))+"\x00\x00\x00\x0b"+words)
			conn.Close()
			return false
		})(conn)
	}, func(c *tls.Config) { c.NextProtos = []string{"h2"} })
	t.Cleanup(goAway.Close)

	for _, test := range []struct {
		name, address string
		change        func(*Issuer, *Config)
		attempts      int32
		remedy        string
	}{
		{name: "connection closed", address: raw(t, ""), attempts: 3, remedy: network},
		{name: "connection closed, late certificate", address: raw(t, ""), change: func(i *Issuer, _ *Config) { i.LateClientAuth = true }, attempts: 3, remedy: "issuer.tls_max_version"},
		{name: "response ends", address: raw(t, "HTTP/1.1 200 OK\r\nX: "+words), attempts: 3, remedy: network},
		{name: "not HTTP", address: raw(t, words+"\r\n\r\n"), attempts: 3, remedy: network},
		{name: "malformed header", address: raw(t, "HTTP/1.1 200 OK\r\n"+words+"\r\n\r\n"), attempts: 3, remedy: network},
		{name: "the token in a header", address: raw(t, "HTTP/1.1 200 OK\r\n"+secret+"\r\n\r\n"), attempts: 3, remedy: network},
		{name: "large header", address: raw(t, "HTTP/1.1 200 OK\r\nX: "+strings.Repeat(words, 1<<13)+"\r\n\r\n"), attempts: 3, remedy: network},
		{name: "HTTP/2 GOAWAY", address: goAway.URL, change: func(_ *Issuer, c *Config) { c.TrustBundle = goAway.TrustBundle }, attempts: 3, remedy: network},
		{name: "large TLS handshake dropped", address: middlebox(t), attempts: 3, remedy: "GODEBUG=tlsmlkem=0"},
		{name: "the proxy does not speak HTTP", address: "https://issuer.test", change: func(_ *Issuer, c *Config) { c.Proxy = proxyTo(raw(t, "HTTP/1.1 "+words+"\r\n\r\n")) }, attempts: 3, remedy: network},
		{name: "no server", address: aProxy, attempts: 3, remedy: "is running"},
		{name: "plain HTTP", address: raw(t, "HTTP/1.1 400 "+words+"\r\n\r\n"), change: func(_ *Issuer, c *Config) { c.URL.Scheme = "https" }, attempts: 1, remedy: "does not speak TLS"},
		{name: "no such host", address: "https://issuer.test", change: func(_ *Issuer, c *Config) { c.Resolver = resolver(3) }, attempts: 1, remedy: "issuer.url"},
		{name: "no such proxy", address: "https://issuer.test", change: func(_ *Issuer, c *Config) { c.Proxy, c.Resolver = proxyTo("http://proxy.test"), resolver(3) }, attempts: 1, remedy: "exempt"},
		{name: "DNS server fails for the proxy", address: "https://issuer.test", change: func(_ *Issuer, c *Config) { c.Proxy, c.Resolver = proxyTo("http://proxy.test"), resolver(2) }, attempts: 3, remedy: "exempt"},
		{name: "DNS server fails", address: "https://issuer.test", change: func(_ *Issuer, c *Config) { c.Resolver = resolver(2) }, attempts: 3, remedy: "resolve"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()

			c := connect(t, test.address, test.change)
			_, err := c.Get(t.Context(), bearer(t, secret), true)
			wantFault(t, err, noResponse, test.remedy)
			if n := c.attempts.Load(); n != test.attempts || strings.Contains(err.Error(), words[:11]) {
				t.Errorf("%d attempts, want %d, and an error without the server's words: %v", n, test.attempts, err)
			}
		})
	}
}

// middlebox starts a server that resets a connection whose ClientHello is longer than
// 1,400 bytes, as that of Go is, and does not answer another one.
func middlebox(t *testing.T) string {
	t.Helper()

	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			header := make([]byte, 5)
			io.ReadFull(conn, header)
			if binary.BigEndian.Uint16(header[3:]) > 1400 {
				conn.(*net.TCPConn).SetLinger(0)
			}
			conn.Close()
		}
	}()
	return "https://" + listener.Addr().String()
}

func proxyTo(address string) func(*http.Request) (*url.URL, error) {
	return func(*http.Request) (*url.URL, error) { return url.Parse(address) }
}

// TestProxy covers proxies that refuse, and one that connects to an issuer whose name
// does not exist. Each sees a CONNECT without the token.
func TestProxy(t *testing.T) {
	t.Parallel()

	authority, tok := issuertest.NewAuthority(), bearer(t, secret)
	s := issuertest.Start(issuertest.Reply(http.StatusOK, "{}"), func(c *tls.Config) {
		c.Certificates = []tls.Certificate{authority.Issue(issuertest.Certificate{Hosts: []string{"issuer.test"}})}
	})
	t.Cleanup(s.Close)

	for _, test := range []struct {
		name     string
		status   int // of the proxy's response, zero if it cannot be used
		proxy    func(*http.Request) (*url.URL, error)
		attempts int32
		part     string // of the error
	}{
		{"connects", 200, nil, 1, ""},
		{"requires authentication", 407, nil, 3, "407"},
		{"forbids", 403, nil, 3, "403"},
		{"fails", 503, nil, 3, "503"},
		{"is not there", 0, proxyTo("http://user:hunter2@127.0.0.1:1"), 3, "127.0.0.1:1"},
		{"has an invalid URL", 0, func(*http.Request) (*url.URL, error) {
			return nil, errors.New(`parse "http://user:hunter2@proxy:80 80": invalid character " " in host name`)
		}, 1, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()

			proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Method != http.MethodConnect || r.Host != "issuer.test:443" || tok.In(fmt.Sprint(r)) {
					t.Errorf("the proxy saw %v", r)
				}
				w.Header().Set("X-Echo", secret)
				w.WriteHeader(test.status)
				if test.status != http.StatusOK {
					return
				}
				target, _ := net.Dial("tcp", s.Listener.Addr().String())
				conn, sent, _ := http.NewResponseController(w).Hijack()
				go func() { io.Copy(target, sent); target.Close() }()
				io.Copy(conn, target)
				conn.Close()
			}))
			t.Cleanup(proxy.Close)
			if test.proxy == nil {
				test.proxy = proxyTo(proxy.URL)
			}

			c := connect(t, "https://issuer.test", func(_ *Issuer, c *Config) { c.TrustBundle, c.Proxy = authority.PEM, test.proxy })
			_, err := c.Get(t.Context(), tok, true)
			if err != nil {
				wantFault(t, err, noResponse, "exempt issuer.test with NO_PROXY", test.part)
			}
			if n := c.attempts.Load(); n != test.attempts || (err == nil) != (test.status == http.StatusOK) || strings.Contains(fmt.Sprint(err), "hunter2") {
				t.Errorf("%d attempts, want %d, and no password in %v", n, test.attempts, err)
			}
		})
	}
}

// TestLoopbackIsNeverProxied asserts that a proxy gets no request in plain text, and
// that the variables for proxies are used.
func TestLoopbackIsNeverProxied(t *testing.T) {
	t.Parallel()

	for _, raw := range []string{"http://localhost", "http://LOCALHOST:8080", "http://127.0.0.1:8080", "http://127.9.9.9", "http://[::1]", "http://[::ffff:127.0.0.1]", "https://issuer.test"} {
		address, err := ParseURL(raw)
		if err != nil {
			continue // Not used at all.
		}
		proxy, err := ThisHost().Proxy(&http.Request{URL: address})
		if err != nil || (proxy != nil) != (address.Scheme == "https") {
			t.Errorf("%s: the proxy is %v, %v", raw, proxy, err)
		}
	}
}
