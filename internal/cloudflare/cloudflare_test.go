package cloudflare_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/tokencheck/terraform-provider-tokencheck/internal/cloudflare"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/cloudflare/cloudflaretest"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/issuertest"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/token"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/transport"
)

func TestCheckAccountID(t *testing.T) {
	t.Parallel()

	for id, valid := range map[string]bool{"0123456789abcdef0123456789ABCDEF": true, "": false, cloudflaretest.AccountID + "0": false, "0123456789abcdef-123456789abcdef": false} {
		if err := cloudflare.CheckAccountID(id); (err == nil) != valid {
			t.Errorf("%q: %v", id, err)
		}
	}
}

// An authentication error that comes once, as with valid tokens, is no verdict.
func TestAuthenticationErrorOnce(t *testing.T) {
	t.Parallel()

	corpus := cloudflaretest.Corpus()
	s := issuertest.Start(issuertest.Sequence(corpus["authentication, 403"].ServeHTTP, corpus["active"].ServeHTTP))
	t.Cleanup(s.Close)

	base, err := transport.ParseURL(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	host := transport.ThisHost()
	host.Backoff = time.Millisecond
	client, err := transport.New(cloudflare.Issuer(), transport.Config{
		Host: host, URL: base, TrustBundle: s.TrustBundle, MaxRetries: 1, Timeout: time.Minute, Log: func(context.Context, string, map[string]any) {},
	})
	if err != nil {
		t.Fatal(err)
	}

	secret := issuertest.Secret
	bearer, _, err := token.Sources{Value: &secret, LookupEnv: host.LookupEnv}.Resolve(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	got, err := cloudflare.Verify(t.Context(), client, bearer, "", true)
	if err != nil || got.IssuerStatus != "active" || len(s.Requests()) != 2 || s.Requests()[0].Method != http.MethodGet {
		t.Errorf("%+v, %v", got, err)
	}
}
