package provider_test

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/providerserver"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"

	"github.com/tokencheck/terraform-provider-tokencheck/internal/provider"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/transport"
)

// TestAccReal verifies tokens with the issuers that the environment names: the real
// ones, for whoever has an account. CONTRIBUTING.md says how to run it. It is skipped
// without TF_ACC, and for each issuer without a token.
func TestAccReal(t *testing.T) {
	if os.Getenv(resource.EnvTfAcc) == "" {
		t.Skip("TF_ACC is not set")
	}

	const madeUp = "TOKENCHECK_MADE_UP_TOKEN"
	t.Setenv(madeUp, "tokencheck0000000000000000000000000000000")

	for _, f := range fakes() {
		want, arguments := map[string]string{f.tokenVariable: "active", madeUp: "rejected"}, ""
		if f.block == "cloudflare" {
			want["TOKENCHECK_EXPIRED_TOKEN"], want["TOKENCHECK_DISABLED_TOKEN"] = "expired", "disabled"
			if account := os.Getenv("TOKENCHECK_ACCOUNT_ID"); account != "" {
				arguments = fmt.Sprintf("account_id = %q", account)
			}
		}

		for variable, status := range want {
			t.Run(f.block+"/"+status, func(t *testing.T) {
				if os.Getenv(f.tokenVariable) == "" || os.Getenv(variable) == "" {
					t.Skip(f.tokenVariable + " or " + variable + " is not set")
				}

				var sent *url.URL
				host := transport.ThisHost()
				host.Proxy = func(r *http.Request) (*url.URL, error) {
					sent = r.URL
					return http.ProxyFromEnvironment(r)
				}

				t.Cleanup(func() { wantRecorded(t, f, sent, os.Getenv(variable)) })
				resource.Test(t, resource.TestCase{
					ProtoV6ProviderFactories: map[string]func() (tfprotov6.ProviderServer, error){
						"tokencheck": providerserver.NewProtocol6WithError(provider.New("acceptance", host)()),
					},
					Steps: []resource.TestStep{{
						Config: fmt.Sprintf("data %q \"this\" {\n  %s_env = %q\n  %s\n}\n", f.kind(), f.tokenArgument, variable, arguments),
						Check:  resource.TestCheckResourceAttr("data."+f.kind()+".this", "status", status),
					}},
				})
			})
		}
	}
}

// wantRecorded sends the request once more, and prints a response whose form no
// recorded one has, without personal values.
func wantRecorded(t *testing.T, f fake, address *url.URL, token string) {
	t.Helper()

	if address == nil {
		return
	}

	request := &http.Request{Method: http.MethodGet, URL: address, Header: http.Header{"Authorization": {"Bearer " + token}, "User-Agent": {"terraform-provider-tokencheck"}}}

	resp, err := http.DefaultTransport.RoundTrip(request)
	if err != nil {
		t.Log(err)
		return
	}
	defer resp.Body.Close()

	var body any
	text, _ := io.ReadAll(resp.Body)
	isJSON := json.Unmarshal(text, &body) == nil

	for _, c := range f.corpus {
		var recorded any
		_ = json.Unmarshal([]byte(c.Body), &recorded)

		if c.Status == resp.StatusCode && fmt.Sprint(form(recorded)) == fmt.Sprint(form(body)) {
			return
		}
	}

	shown := fmt.Sprintf("%d bytes that are not JSON", len(text))
	if isJSON {
		shown = fmt.Sprint(mask("", body))
	}

	t.Logf("No recorded response has this form. Please open an issue with it:\n%s\nHeaders: %s\n%s",
		resp.Status, strings.Join(slices.Sorted(maps.Keys(resp.Header)), ", "), strings.ReplaceAll(shown, token, "TOKEN"))
}

// form returns the names of an object's members.
func form(body any) []string {
	object, _ := body.(map[string]any)
	return slices.Sorted(maps.Keys(object))
}

// mask hides texts and numbers, but for those that decide or explain.
func mask(name string, value any) any {
	switch v := value.(type) {
	case map[string]any:
		for name := range v {
			v[name] = mask(name, v[name])
		}
	case []any:
		for i := range v {
			v[i] = mask(name, v[i])
		}
	case string, float64:
		if !slices.Contains([]string{"code", "message", "error", "error_description", "status", "scopes"}, name) {
			return "…"
		}
	}
	return value
}
