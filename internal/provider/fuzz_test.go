package provider_test

import (
	"fmt"
	"io"
	"log"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/providerserver"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"

	"github.com/tokencheck/terraform-provider-tokencheck/internal/cloudflare/cloudflaretest"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/issuertest"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/provider"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/venafi/venafitest"
)

// FuzzCheck sends any arguments over the protocol, and any bytes as the issuer's
// answer: no panic, no hang, nothing of the provider's token in what comes out,
// and no valid token but for the documented success. Whatever Terraform could not
// store, such as a date that is none, fails in the framework, and so here.
func FuzzCheck(f *testing.F) {
	log.SetOutput(io.Discard) // Package net/http logs what is left over after an answer.

	canned := issuertest.StartCanned()
	f.Cleanup(canned.Close)

	p, err := providerserver.NewProtocol6WithError(provider.New("test", host(map[string]string{"OTHER": "other-0123456789"}))())()
	if err != nil {
		f.Fatal(err)
	}

	schema, err := p.GetProviderSchema(f.Context(), &tfprotov6.GetProviderSchemaRequest{})
	if err != nil {
		f.Fatal(err)
	}

	config := map[string]any{
		"timeout": "5s", "max_retries": 0,
		"cloudflare": map[string]any{"base_url": canned.URL, "api_token": faultSecret},
		"venafi":     map[string]any{"url": canned.URL, "access_token": faultSecret},
	}

	configured, err := p.ConfigureProvider(f.Context(), &tfprotov6.ConfigureProviderRequest{Config: dynamic(schema.Provider.ValueType(), config)})
	if err != nil || len(configured.Diagnostics) > 0 {
		f.Fatal(err, collect(configured.Diagnostics))
	}

	answer := func(status, body string) []byte {
		return fmt.Appendf(nil, "HTTP/1.1 %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", status, len(body), body)
	}
	okC, okV := cloudflaretest.Body(cloudflaretest.Token{ID: tokenID}, clock), venafitest.Body(venafitest.Token{Scope: "certificate:manage", ValidFor: 60, IssuedOn: clock})

	f.Add(answer("200 OK", okC), false, "", "", "")
	f.Add(answer("200 OK", okV), true, "", "72h", "certificate:manage,revoke")
	f.Add(answer("401 Unauthorized", cloudflaretest.BodyInvalid), false, account, "1h", "")
	f.Add(answer("401 Grant not found", ""), true, "OTHER", "30d", "any")
	f.Add(answer("200 OK", strings.ReplaceAll(okC, tokenID, faultSecret)), false, "", "", "")
	f.Add([]byte(faultSecret), true, "$OTHER", "-1s", ";")

	f.Fuzz(func(t *testing.T, raw []byte, isVenafi bool, text, remaining, scope string) {
		canned.Set(raw)

		arguments := map[string]any{"require_valid": false}
		if remaining != "" {
			arguments["min_remaining"] = remaining
		}

		kind, accepts := cloudflareType, cloudflaretest.Accepts
		if isVenafi {
			kind, accepts = venafiType, venafitest.Accepts

			if scope != "" {
				arguments["required_scopes"] = []any{scope}
			}

			if text != "" {
				arguments["access_token_env"] = text
			}
		} else if text != "" {
			arguments["account_id"] = text
		}

		s := &server{t, p, schema} // Opened, not read: nothing is taken that is remembered.
		got, all := s.open(kind, arguments)

		if got["valid"] == true && !accepts(raw, clock) {
			t.Errorf("valid for %q with %v", raw, arguments)
		}

		if out := strings.ToLower(fmt.Sprint(got, all)); strings.Contains(out, strings.ToLower(faultSecret)) {
			t.Errorf("the token is in %s", out)
		}

		if (got == nil) == (len(all.errors()) == 0) {
			t.Errorf("got %v and %v", got, all)
		}
	})
}
