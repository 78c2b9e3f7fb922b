package github_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/tokencheck/terraform-provider-tokencheck/internal/github"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/issuertest"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/token"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/transport"
)

func TestParseURL(t *testing.T) {
	t.Parallel()

	for raw, want := range map[string]string{
		"https://github.com":                      "https://api.github.com",
		"https://GitHub.com/":                     "https://api.github.com",
		"https://api.github.com/":                 "https://api.github.com",
		"https://octo.ghe.com":                    "https://api.octo.ghe.com",
		"https://api.octo.ghe.com/":               "https://api.octo.ghe.com",
		"https://ghes.example.com":                "https://ghes.example.com/api/v3",
		"https://ghes.example.com/api/v3/":        "https://ghes.example.com/api/v3",
		"https://ghes.example.com/github/api/v3":  "https://ghes.example.com/github/api/v3",
		"https://ghes.example.com:8443/prefix/":   "https://ghes.example.com:8443/prefix/api/v3",
		"https://github.com.example.com":          "https://github.com.example.com/api/v3",
		"http://localhost:8080":                   "http://localhost:8080/api/v3",
		"https://github.com/octo":                 "",
		"https://api.github.com/api/v3":           "",
		"https://octo.ghe.com/api/v3":             "",
		"http://ghes.example.com":                 "",
		"ghes.example.com":                        "",
		"https://user:password@ghes.example.com/": "",
	} {
		got, err := github.ParseURL(raw)
		if want == "" && err == nil || want != "" && (err != nil || got.String() != want) {
			t.Errorf("%s: %v, %v, want %q", raw, got, err, want)
		}
	}
}

// On github.com, a personal access token without the header does not expire; for other
// tokens, the header's absence says nothing.
func TestNoExpiration(t *testing.T) {
	t.Parallel()

	authority := issuertest.NewAuthority()
	s := issuertest.Start(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") == "Bearer ghp_strange" {
			w.Header().Set("Github-Authentication-Token-Expiration", "tomorrow")
		}
		issuertest.Reply(http.StatusOK, `{"login":"u","id":1}`)(w, r)
	}), func(config *tls.Config) {
		config.Certificates = []tls.Certificate{authority.Issue(issuertest.Certificate{Hosts: []string{"api.github.com"}})}
	})
	t.Cleanup(s.Close)
	host := transport.ThisHost()
	host.Proxy = http.ProxyURL(proxyTo(t, s.Listener.Addr().String()))

	for secret, unknown := range map[string]bool{"ghp_0123456789": false, "github_pat_0123456789": false, "gho_0123456789": true, "0123456789abcdef": true, "ghp_strange": true} {
		got, err := verify(t, host, "https://github.com", authority.PEM, secret)
		if err != nil || got.ExpiresOn != nil || got.ExpiryUnknown != unknown {
			t.Errorf("%s: %+v, %v", secret, got, err)
		}
	}
}

// A token that was created seconds ago is rejected at first, whatever came before. So
// a rejection needs a second response.
func TestCreatedSecondsAgo(t *testing.T) {
	t.Parallel()

	rejected := issuertest.Reply(http.StatusUnauthorized, `{"message":"Bad credentials"}`, "X-GitHub-Request-Id", "1")
	accepted := issuertest.Reply(http.StatusOK, `{"login":"u","id":1}`)
	outage := issuertest.Reply(http.StatusServiceUnavailable, "")

	for name, test := range map[string]struct {
		answers  []http.HandlerFunc
		rejected bool
		fails    bool
	}{
		"at once":         {[]http.HandlerFunc{rejected, accepted}, false, false},
		"after an outage": {[]http.HandlerFunc{outage, rejected, accepted}, false, false},
		"for good":        {[]http.HandlerFunc{rejected, rejected, accepted}, true, false},
		"unconfirmed":     {[]http.HandlerFunc{outage, outage, outage, rejected}, false, true},
	} {
		s := issuertest.Start(issuertest.Sequence(test.answers...))
		t.Cleanup(s.Close)
		host := transport.ThisHost()
		host.Backoff = 5 * time.Millisecond

		// The usual wait is at most 1.5 times as long as Backoff.
		start := time.Now()
		got, err := verify(t, host, s.URL, s.TrustBundle, "0123456789")
		if (err != nil) != test.fails || !test.fails && got.Rejected != test.rejected || !test.fails && time.Since(start) < 3*host.Backoff {
			t.Errorf("%s: %+v, %v, after %v", name, got, err, time.Since(start))
		}
	}
}

func verify(t *testing.T, host transport.Host, address, bundle, secret string) (*github.Verification, error) {
	t.Helper()

	base, err := github.ParseURL(address)
	if err != nil {
		t.Fatal(err)
	}
	client, err := transport.New(github.Issuer(), transport.Config{
		Host: host, URL: base, TrustBundle: bundle, MaxRetries: 3, Timeout: time.Minute, Log: func(context.Context, string, map[string]any) {},
	})
	if err != nil {
		t.Fatal(err)
	}
	bearer, _, err := token.Sources{Value: &secret, LookupEnv: host.LookupEnv}.Resolve(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return github.Verify(t.Context(), client, bearer, nil, true)
}

// proxyTo starts a proxy that connects every request to one address.
func proxyTo(t *testing.T, address string) *url.URL {
	t.Helper()

	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				reader := bufio.NewReader(conn)
				if _, err := http.ReadRequest(reader); err != nil {
					return
				}
				server, err := net.Dial("tcp", address)
				if err != nil {
					return
				}
				defer server.Close()
				_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\n\r\n")
				go func() { _, _ = io.Copy(server, reader) }()
				_, _ = io.Copy(conn, server)
			}()
		}
	}()
	return &url.URL{Scheme: "http", Host: listener.Addr().String()}
}
