package provider_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tokencheck/terraform-provider-tokencheck/internal/issuertest"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/provider"
)

// faultSecret is the token of all faults. No output may contain a part of it.
const faultSecret = "Zq8RtYw3LmN5pKj7HgFd2sXcVbA9eU4i"

// fault is something that can go wrong between the provider and an issuer.
type fault struct {
	// One of these responds: a handler behind the fake's HTTPS, a function on the TLS
	// connection of an HTTP/1.1 server, or only the fake itself.
	handler http.HandlerFunc
	raw     func(net.Conn)
	// options change the server's TLS, and block the issuer's block in the provider
	// configuration.
	options []issuertest.Option
	block   map[string]any
	// host changes the machine that the provider runs on.
	host func(*provider.Host)
	// timeout is the provider's, 5 seconds if empty.
	timeout string
	// summary begins the error, and texts are in it. Without a summary the token must
	// be valid, with a warning that contains the texts.
	summary string
	texts   []string
}

const (
	unreachable = "error: The issuer could not be reached: "
	unusable    = "error: No usable response from the issuer: "
	late        = "error: Request timed out: "
	unexpected  = "error: Unexpected response from the issuer: "
	serverError = "error: Issuer returned an error: "
	rateLimit   = "error: Rate limit reached: "
	redirect    = "error: Redirect not followed: "
	clocks      = "error: Clock skew of more than a day: "
)

// afterRequest writes text after the request, and then keeps the connection until the
// client closes it.
func afterRequest(text string, more func(net.Conn)) func(net.Conn) {
	return func(conn net.Conn) {
		if _, err := http.ReadRequest(bufio.NewReader(conn)); err != nil {
			return
		}

		_, _ = io.WriteString(conn, text)

		if more != nil {
			more(conn)
		}
	}
}

// garbage writes bytes that are not HTTP of any version.
func garbage(conn net.Conn) {
	_, _ = io.WriteString(conn, "no frames at all, but text, and enough of it")

	hang(conn)
}

// forever writes text repeatedly until the client closes the connection.
func forever(text string, pause time.Duration) func(net.Conn) {
	return func(conn net.Conn) {
		for {
			if _, err := io.WriteString(conn, text); err != nil {
				return
			}

			time.Sleep(pause)
		}
	}
}

// hang waits until the client closes the connection.
func hang(conn net.Conn) { _, _ = io.Copy(io.Discard, conn) }

// reset closes the connection with a TCP reset.
func reset(conn net.Conn) {
	if c, ok := conn.(*tls.Conn); ok {
		conn = c.NetConn()
	}

	_ = conn.(*net.TCPConn).SetLinger(0)
	_ = conn.Close()
}

// bomb returns a body that is small until it is decompressed.
var bomb = sync.OnceValue(func() string {
	var b bytes.Buffer

	z := gzip.NewWriter(&b)
	_, _ = z.Write(make([]byte, 64<<20))
	_ = z.Close()

	return b.String()
})

// faults returns everything that can go wrong with an issuer.
func faults(t *testing.T, issuer fake) map[string]fault {
	t.Helper()

	const okHead = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"

	reply := issuertest.Reply
	html := func(status int, header ...string) http.HandlerFunc {
		return reply(status, "<html>"+faultSecret+"</html>", append([]string{"Content-Type", "text/html"}, header...)...)
	}
	at := func(url string) map[string]any { return map[string]any{issuer.urlArgument: url} }

	// atTime returns a good response from a server with a wrong clock.
	atTime := func(off time.Duration) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Date", time.Now().Add(off).UTC().Format(http.TimeFormat))
			issuer.works(w, r)
		}
	}

	other := httptest.NewTLSServer(http.NotFoundHandler())
	t.Cleanup(other.Close)

	all := map[string]fault{
		"unknown host name":        {block: at("https://issuer.test"), host: resolver(t, 3), summary: unreachable, texts: []string{"DNS", "server URL"}},
		"name server fails":        {block: at("https://issuer.test"), host: resolver(t, 2), summary: unreachable, texts: []string{"DNS", "DNS servers"}},
		"connection refused":       {block: at("https://127.0.0.1:1"), summary: unreachable, texts: []string{"refused", "server URL"}},
		"reset at once":            {raw: reset, summary: unreachable, texts: []string{"network, firewall, and proxy"}},
		"reset after the request":  {raw: afterRequest("", reset), summary: unusable, texts: []string{"closed without a response"}},
		"reset in body":            {raw: afterRequest(okHead+"Content-Length: 100\r\n\r\n{", reset), summary: unusable, texts: []string{"in the middle of the response"}},
		"closed in header":         {raw: afterRequest(okHead, nil), summary: unusable, texts: []string{"connection was closed"}},
		"Content-Length too large": {raw: afterRequest(okHead+"Content-Length: 100\r\n\r\n{}", nil), summary: unusable, texts: []string{"in the middle of the response"}},
		"Content-Length too small": {raw: afterRequest(okHead+"Content-Length: 10\r\n\r\n"+issuer.refusal.Body, nil), summary: unexpected, texts: []string{"10 bytes"}},
		"two Content-Lengths":      {raw: afterRequest(okHead+"Content-Length: 1\r\nContent-Length: 2\r\n\r\n{}", nil), summary: unusable},
		"broken chunks":            {raw: afterRequest(okHead+"Transfer-Encoding: chunked\r\n\r\nzz\r\n{}", nil), summary: unusable},
		"not HTTP":                 {raw: afterRequest("220 mail.example.com ESMTP "+faultSecret+"\r\n", nil), summary: unusable, texts: []string{"not HTTP"}},
		"endless header":           {raw: afterRequest(okHead, forever("X-Header: x\r\n", 0)), summary: unusable},
		"flood of 1xx":             {raw: afterRequest("", forever("HTTP/1.1 103 Early Hints\r\nLink: <x>\r\n\r\n", 0)), summary: unusable},
		"no response":              {raw: hang, timeout: "300ms", summary: late, texts: []string{"300ms", "increase the provider's timeout"}},
		"no response to a request": {raw: afterRequest("", hang), timeout: "300ms", summary: late},
		"protocol switch":          {raw: afterRequest("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n", hang), summary: unexpected, texts: []string{"HTTP 101"}},
		"dripping header":          {raw: afterRequest("HTTP/1.1 200 OK\r\nX: ", forever("x", 10*time.Millisecond)), timeout: "300ms", summary: late},
		"dripping body":            {raw: afterRequest(okHead+"Content-Length: 60000\r\n\r\n", forever(" ", 10*time.Millisecond)), timeout: "300ms", summary: late},
		"endless body":             {raw: afterRequest(okHead+"\r\n", forever(strings.Repeat(" ", 1000), 0)), summary: unexpected, texts: []string{"more than 64 KiB"}},
		"large body":               {handler: reply(http.StatusOK, strings.Repeat(" ", 1<<20)), summary: unexpected, texts: []string{"more than 64 KiB"}},
		"gzip bomb":                {handler: reply(http.StatusOK, bomb(), "Content-Encoding", "gzip"), summary: unexpected},
		"empty body":               {handler: reply(http.StatusOK, ""), summary: unexpected, texts: []string{"no body"}},

		"unknown CA":          {block: map[string]any{"trust_bundle": issuertest.NewAuthority().PEM}, summary: unreachable, texts: []string{"trust_bundle"}},
		"wrong host":          {options: []issuertest.Option{certificate(issuertest.Certificate{Hosts: []string{"other.example.com"}})}, summary: unreachable, texts: []string{"another host name", "server URL"}},
		"expired certificate": {options: []issuertest.Option{certificate(issuertest.Certificate{NotAfter: time.Now().Add(-time.Hour)})}, summary: unreachable, texts: []string{"renew", "clock"}},
		"TLS 1.1":             {options: []issuertest.Option{func(c *tls.Config) { c.MinVersion, c.MaxVersion = tls.VersionTLS10, tls.VersionTLS11 }}, summary: unreachable, texts: []string{"TLS 1.2"}},
		"no TLS":              {block: at("https" + strings.TrimPrefix(plainServer(t), "http")), summary: unreachable, texts: []string{"does not speak TLS", "server URL"}},

		"redirect to the same host": {handler: reply(http.StatusMovedPermanently, "", "Location", "/elsewhere"), summary: redirect, texts: []string{"HTTP 301", "not followed"}},
		"redirect to another host":  {handler: reply(http.StatusTemporaryRedirect, "", "Location", other.URL), summary: redirect, texts: []string{"server URL"}},
		"redirect to plain HTTP":    {handler: reply(http.StatusPermanentRedirect, "", "Location", "http://127.0.0.1:1/"), summary: redirect},
		"redirect to nowhere":       {handler: reply(http.StatusFound, "", "Location", "%%"), summary: redirect},
		"captive portal":            {handler: html(http.StatusOK), summary: unexpected, texts: []string{"text/html", "proxy or another server"}},
		"captive portal with 511":   {handler: html(http.StatusNetworkAuthenticationRequired), summary: "error: Network sign-in required: ", texts: []string{"HTTP 511"}},
		"token too large":           {handler: html(http.StatusRequestHeaderFieldsTooLarge), summary: "error: Request too large: ", texts: []string{"the token and nothing else"}},
		"cached response":           {handler: reply(http.StatusOK, "{}", "Age", "11"), summary: "error: Cached response: ", texts: []string{"Exempt"}},
		"firewall page":             {handler: html(http.StatusForbidden), summary: unexpected, texts: []string{"HTTP 403"}},
		"page not found":            {handler: html(http.StatusNotFound), summary: unexpected, texts: []string{"HTTP 404"}},
		"proxy page":                {handler: html(http.StatusProxyAuthRequired), summary: "error: Proxy authentication required: ", texts: []string{"HTTPS_PROXY"}},

		"408":                          {handler: html(http.StatusRequestTimeout), summary: serverError, texts: []string{"made 2 requests"}},
		"429":                          {handler: html(http.StatusTooManyRequests), summary: rateLimit, texts: []string{"made 2 requests", "does not say when", "-parallelism"}},
		"429, Retry-After in seconds":  {handler: html(http.StatusTooManyRequests, "Retry-After", "300"), summary: rateLimit, texts: []string{"made 1 request.", "wait until 2"}},
		"429, Retry-After each time":   {handler: html(http.StatusTooManyRequests, "Retry-After", "1"), summary: rateLimit, texts: []string{"made 2 requests", "no retries are left"}},
		"429, Retry-After in months":   {handler: html(http.StatusTooManyRequests, "Retry-After", "20736000"), summary: rateLimit, texts: []string{"made 1 request.", "longer than the provider's timeout allows"}},
		"429, Retry-After with a date": {handler: html(http.StatusTooManyRequests, "Retry-After", "Fri, 01 Jan 2100 00:00:00 GMT"), summary: rateLimit, texts: []string{"longer than a year"}},
		"429, Retry-After absurd":      {handler: html(http.StatusTooManyRequests, "Retry-After", "99999999999999999999999"), summary: rateLimit, texts: []string{"longer than a year"}},
		"429, Retry-After in the past": {handler: html(http.StatusTooManyRequests, "Retry-After", "Fri, 01 Jan 1999 00:00:00 GMT"), summary: rateLimit, texts: []string{"made 2 requests", "does not say when"}},
		"429, Retry-After invalid":     {handler: html(http.StatusTooManyRequests, "Retry-After", "-5"), summary: rateLimit, texts: []string{"made 2 requests"}},

		"proxy requires authentication": {host: proxied(t, reply(http.StatusProxyAuthRequired, "")), block: at("https://issuer.test"), summary: unreachable, texts: []string{"HTTP 407", "HTTPS_PROXY"}},
		"proxy refuses":                 {host: proxied(t, reply(http.StatusForbidden, "")), block: at("https://issuer.test"), summary: unreachable, texts: []string{"HTTP 403", "Allow issuer.test in the proxy"}},
		"proxy cannot connect":          {host: proxied(t, reply(http.StatusBadGateway, "")), block: at("https://issuer.test"), summary: unreachable, texts: []string{"2 attempts", "HTTP 502"}},
		"proxy without TLS":             {host: overTLS(t), block: at("https://issuer.test"), summary: unreachable, texts: []string{"the proxy does not speak TLS", "http://"}},
		"proxy is down":                 {host: func(h *provider.Host) { h.Proxy = http.ProxyURL(&url.URL{Scheme: "http", Host: "127.0.0.1:1"}) }, block: at("https://issuer.test"), summary: unreachable, texts: []string{"the proxy cannot be reached", "HTTPS_PROXY"}},

		"flapping server": {handler: issuertest.Sequence(html(http.StatusServiceUnavailable), issuer.works)},
		"server without a date": {
			handler: func(w http.ResponseWriter, r *http.Request) {
				w.Header()["Date"] = nil
				issuer.works(w, r)
			},
		},
		"server's clock is behind":                {handler: atTime(-time.Hour), texts: []string{"Clock skew detected"}},
		"server's clock is ahead":                 {handler: atTime(23 * time.Hour), texts: []string{"Clock skew detected"}},
		"server's clock is more than a day ahead": {handler: atTime(25 * time.Hour), summary: clocks, texts: []string{"Correct the clock"}},
		"local clock is wrong":                    {handler: issuer.works, host: func(h *provider.Host) { h.Now = func() time.Time { return time.Unix(0, 0) } }, summary: clocks, texts: []string{"1970-01-01T00:00:00Z"}},
		"Date header invalid":                     {handler: reply(http.StatusOK, issuer.valid(tokenID, time.Now()).Body, "Date", "yesterday")},
	}

	if issuer.lateClientAuth {
		all["certificate required, TLS 1.3"] = fault{
			options: []issuertest.Option{func(c *tls.Config) { c.ClientAuth = tls.RequireAnyClientCert }},
			summary: "error: ", texts: []string{issuer.block + ".client_certificate", issuer.block + `.tls_max_version = "1.2"`},
		}
	} else {
		maps.Copy(all, map[string]fault{
			"HTTP/2 stream refused":       {raw: http2Frame(3, "\x00\x00\x00\x07"), options: []issuertest.Option{offerHTTP2}, summary: unusable, texts: []string{"2 attempts", "without a response"}},
			"HTTP/2 GOAWAY with error":    {raw: http2Frame(7, "\x00\x00\x00\x00\x00\x00\x00\x0b"), options: []issuertest.Option{offerHTTP2}, summary: unusable, texts: []string{"2 attempts"}},
			"HTTP/2 GOAWAY without error": {raw: http2Frame(7, "\x00\x00\x00\x00\x00\x00\x00\x00"), options: []issuertest.Option{offerHTTP2}, summary: unusable, texts: []string{"2 attempts", "without a response"}},
			"not HTTP/2":                  {raw: garbage, options: []issuertest.Option{offerHTTP2}, summary: "error: "},
		})
	}

	for _, status := range []int{500, 501, 502, 503, 504, 505, 507, 508, 510, 520, 521, 522, 523, 524, 525, 526, 527, 530, 599} {
		all[fmt.Sprintf("HTTP %d", status)] = fault{
			handler: html(status), summary: serverError, texts: []string{fmt.Sprintf("HTTP %d", status), "made 2 requests", "Run again later"},
		}
	}

	return all
}

// certificate makes a server present another certificate, from a CA that the client
// still trusts.
func certificate(c issuertest.Certificate) issuertest.Option {
	return func(config *tls.Config) {
		config.Certificates = []tls.Certificate{faultAuthority.Issue(c)}
	}
}

// faultAuthority is trusted in addition to the fake's own CA.
var faultAuthority = issuertest.NewAuthority()

func plainServer(t *testing.T) string {
	t.Helper()

	s := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(s.Close)

	return s.URL
}

// proxied sends the provider through a loopback proxy that responds itself.
func proxied(t *testing.T, answer http.HandlerFunc) func(*provider.Host) {
	t.Helper()

	s := httptest.NewServer(answer)
	t.Cleanup(s.Close)

	address, err := url.Parse(s.URL)
	if err != nil {
		t.Fatal(err)
	}

	return func(h *provider.Host) { h.Proxy = http.ProxyURL(address) }
}

// overTLS sends the provider through a proxy with an https URL but no TLS.
func overTLS(t *testing.T) func(*provider.Host) {
	t.Helper()

	address, err := url.Parse(plainServer(t))
	if err != nil {
		t.Fatal(err)
	}

	address.Scheme = "https"

	return func(h *provider.Host) { h.Proxy = http.ProxyURL(address) }
}

// resolver makes the provider use a name server on loopback, which returns a response
// code for every query (RFC 1035, section 4.1.1).
func resolver(t *testing.T, code byte) func(*provider.Host) {
	t.Helper()

	server, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}

	t.Cleanup(func() { _ = server.Close() })

	go func() {
		question := make([]byte, 1500)

		for {
			n, from, err := server.ReadFrom(question)
			if err != nil {
				return
			}

			question[2], question[3] = 0x81, 0x80|code // a response, recursion available

			// The query is returned without its additional records.
			question[10], question[11] = 0, 0
			end := 12 + bytes.IndexByte(question[12:n], 0) + 5
			_, _ = server.WriteTo(question[:end], from)
		}
	}()

	return func(h *provider.Host) {
		h.Resolver = &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "udp", server.LocalAddr().String())
		}}
	}
}

func offerHTTP2(c *tls.Config) { c.NextProtos = []string{"h2"} }

// http2Frame responds to each request with one frame: of its stream, or of the
// connection for GOAWAY.
func http2Frame(kind byte, payload string) func(net.Conn) {
	return issuertest.HTTP2(func(stream uint32, send func(byte, byte, uint32, string)) bool {
		if kind == 7 {
			stream = 0
		}

		send(kind, 0, stream, payload)

		return true
	})
}

// Whatever happens between the provider and an issuer, a check returns within its
// timeout, with the right summary, and a message that says what to do and contains no
// part of the token.
func TestFaults(t *testing.T) {
	t.Parallel()

	for _, issuer := range fakes() {
		all := faults(t, issuer)
		t.Logf("%d faults of %s", len(all), issuer.block)

		for name, f := range all {
			t.Run(name+"/"+issuer.block, func(t *testing.T) {
				t.Parallel()
				f.run(t, issuer)
			})
		}
	}
}

func (f fault) run(t *testing.T, issuer fake) {
	t.Helper()

	var address, bundle string

	if f.raw != nil {
		s := issuertest.StartRaw(f.raw, f.options...)
		t.Cleanup(s.Close)

		address, bundle = s.URL, s.TrustBundle
	} else {
		s := issuertest.Start(http.NotFoundHandler(), f.options...)
		t.Cleanup(s.Close)
		s.SetFault(f.handler)

		address, bundle = s.URL, s.TrustBundle
	}

	block := map[string]any{issuer.urlArgument: address, "trust_bundle": bundle + faultAuthority.PEM}
	maps.Copy(block, f.block)

	h := host(map[string]string{issuer.tokenVariable: faultSecret})
	if f.host != nil {
		f.host(&h)
	}

	timeout := 5 * time.Second
	if f.timeout != "" {
		timeout, _ = time.ParseDuration(f.timeout)
	}

	s := newServer(t, h)
	if all := s.configure(map[string]any{"timeout": timeout.String(), "max_retries": 1, issuer.block: block}); len(all) > 0 {
		t.Fatal(all)
	}

	begin := time.Now()
	got, all := s.read(issuer.kind(), nil)

	// A busy machine may take longer, but not that much.
	if took := time.Since(begin); took > timeout+5*time.Second {
		t.Errorf("took %s with a timeout of %s", took, timeout)
	}

	if strings.Contains(strings.ToLower(all.String()), strings.ToLower(faultSecret[:8])) {
		t.Error("the token is in the message:", all)
	}

	if f.summary == "" {
		if got["valid"] != true || (len(all) > 0) != (len(f.texts) > 0) {
			t.Errorf("got %v, %v", got, all)
		}

		for _, text := range f.texts {
			if !strings.Contains(all.String(), text) {
				t.Errorf("the warning lacks %q: %s", text, all)
			}
		}

		return
	}

	wantOneError(t, all, f.summary, append(f.texts, "this says nothing about whether it is valid")...)
}
