package provider_test

import (
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/tokencheck/terraform-provider-tokencheck/internal/issuertest"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/transport"
)

// Without a response there is an error and no verdict, and the message is in the
// catalogue. The transport's own tests have each kind of fault.
func TestFaults(t *testing.T) {
	forEach(t, func(t *testing.T, f fake) {
		s := issuertest.Start(http.NotFoundHandler())
		t.Cleanup(s.Close)

		done := make(chan struct{})
		silent := issuertest.Start(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-done }))
		t.Cleanup(silent.Close)
		t.Cleanup(func() { close(done) })

		ancient := issuertest.StartRaw(func(conn net.Conn) { _, _ = conn.Read(make([]byte, 1)) }, func(config *tls.Config) { config.MaxVersion, config.MinVersion = tls.VersionTLS11, tls.VersionTLS10 })
		t.Cleanup(ancient.Close)

		for name, test := range map[string]struct {
			url, bundle, timeout string
			host                 func(*transport.Host)
		}{
			"untrusted": {s.URL, "", "5s", nil},
			"timeout":   {silent.URL, silent.TrustBundle, "50ms", nil},
			"old TLS":   {ancient.URL, ancient.TrustBundle, "5s", nil},
			"proxy cannot be parsed": {s.URL, s.TrustBundle, "5s", func(h *transport.Host) {
				h.Proxy = func(*http.Request) (*url.URL, error) { return nil, errors.New("parse http://user:password@proxy") }
			}},
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()

				h := host(nil)
				h.Now = time.Now
				if test.host != nil {
					test.host(&h)
				}

				block := map[string]any{f.tokenArgument: issuertest.Secret}
				if test.bundle != "" {
					block["trust_bundle"] = test.bundle
				}

				p := connected(t, h, f, test.url+f.basePath, map[string]any{"max_retries": 0, "timeout": test.timeout}, block)
				if got, all := p.open(f.kind(), nil); got != nil || !all.one("error: No response from the issuer") {
					t.Errorf("got %v: %v", got, all)
				}
			})
		}
	})
}
