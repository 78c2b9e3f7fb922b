package provider_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/tokencheck/terraform-provider-tokencheck/internal/cli/clitest"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/cloudflare/cloudflaretest"
)

func TestMain(m *testing.M) { clitest.Main(m) }

// Checks in a module, one for each of many tokens: the plan that is refused is
// still written, and tells a policy which token is bad.
func TestBinaryRefusedPlanJSON(t *testing.T) {
	t.Parallel()

	c := newCloudflare(t)
	w := clitest.Workspace(t, map[string]string{
		"main.tf": clitest.RequiredProviders + withIssuers(c, nil, `
module "tokens" {
  source = "./tokens"
  tokens = { good = "GOOD", old = "OLD", gone = "GONE" }
}
`),
		"tokens/main.tf": clitest.RequiredProviders + `
variable "tokens" { type = map(string) }

data "tokencheck_cloudflare" "all" {
  for_each      = var.tokens
  api_token_env = each.value
}

resource "terraform_data" "guarded" {
  lifecycle {
    precondition {
      condition     = alltrue(values(data.tokencheck_cloudflare.all)[*].valid)
      error_message = join("\n", [for c in data.tokencheck_cloudflare.all : c.reason if !c.valid])
    }
  }
}
`,
	})
	env := []string{"GOOD=active-0123456789", "OLD=expired-0123456789", "GONE=gone-0123456789"}

	clitest.Run(t, w, env, false, []string{"plan", "-no-color", "-out=plan"}, "(source: env:OLD) expired at", "(source: env:GONE) was refused")

	p := clitest.Show(t, w, env, "plan")
	if !p.Errored || !slices.ContainsFunc(p.Checks, func(check struct {
		Status string `json:"status"`
	},
	) bool {
		return check.Status == "fail"
	}) {
		t.Errorf("errored: %t, checks: %v", p.Errored, p.Checks)
	}

	for key, want := range map[string]map[string]any{
		"good": {"valid": true, "status": "active"},
		"old":  {"valid": false, "status": "expired"},
		"gone": {"valid": false, "status": "rejected"},
	} {
		wantAttributes(t, p.PriorState.Values.RootModule.Find(fmt.Sprintf("module.tokens.data.tokencheck_cloudflare.all[%q]", key)), want)
	}
}

// Each alias has its own server, token and trust bundle.
func TestBinaryAliases(t *testing.T) {
	t.Parallel()

	one, two := newCloudflare(t), newCloudflare(t)
	alias := func(name, url, token, bundle string) string {
		return fmt.Sprintf("provider \"tokencheck\" {\n  alias = %q\n  max_retries = 0\n  cloudflare = { base_url = %q, api_token = %q, trust_bundle = %q }\n}\n", name, url, token, bundle)
	}
	data := func(name string) string {
		return fmt.Sprintf("data \"tokencheck_cloudflare\" %q { provider = tokencheck.%s }\noutput %q { value = data.tokencheck_cloudflare.%s.status }\n", name, name, name, name)
	}
	w := clitest.Workspace(t, map[string]string{
		"main.tf": clitest.RequiredProviders +
			alias("one", one.BaseURL(), "active-0123456789", one.TrustBundle) + data("one") +
			alias("two", two.BaseURL(), "expired-0123456789", two.TrustBundle) + data("two"),
		"wrong.txt": clitest.RequiredProviders + alias("one", one.BaseURL(), "active-0123456789", two.TrustBundle) + data("one"),
	})

	clitest.Run(t, w, nil, true, []string{"plan", "-no-color"}, `one = "active"`, `two = "expired"`)

	for fake, secret := range map[*cloudflaretest.Server]string{one: "active-0123456789", two: "expired-0123456789"} {
		for _, r := range fake.Requests() {
			if got := r.Header.Get("Authorization"); got != "Bearer "+secret {
				t.Errorf("a server got the other one's token: %s", got)
			}
		}
	}

	if err := os.Rename(filepath.Join(w.Dir, "wrong.txt"), filepath.Join(w.Dir, "main.tf")); err != nil {
		t.Fatal(err)
	}

	clitest.Run(t, w, nil, false, []string{"plan", "-no-color"}, "signed by a CA that is not trusted")
}

// Nothing but the process's environment: the token, the server, and the system's
// authorities.
func TestBinaryEnvironment(t *testing.T) {
	t.Parallel()

	c, v := newCloudflare(t), newVenafi(t, venafiToken())
	v.SetClock(c.Now)

	token := venafiToken()
	token.IssuedOn = c.Now()
	v.Set(venafiSecret, token)

	w := clitest.Workspace(t, map[string]string{"main.tf": clitest.RequiredProviders + preconditions, "ca.pem": c.TrustBundle + v.TrustBundle, "token": "term-0123456789\n"})
	env := []string{
		"SSL_CERT_FILE=" + filepath.Join(w.Dir, "ca.pem"), "CLOUDFLARE_BASE_URL=" + c.BaseURL() + "/", "VENAFI_URL=" + v.URL + "/vedsdk/",
		"CLOUDFLARE_API_TOKEN=active-0123456789", "VENAFI_TOKEN=" + venafiSecret,
	}

	clitest.Run(t, w, env, true, []string{"plan", "-no-color"}, "1 to add", `status = "active"`)
	clitest.Run(t, w, env[1:], false, []string{"plan", "-no-color"}, "signed by a CA that is not trusted", "cloudflare.trust_bundle")

	proxied := append(slices.Clone(env), "HTTPS_PROXY=http://127.0.0.1:1", "CLOUDFLARE_BASE_URL=https://issuer.test")
	clitest.Run(t, w, proxied, false, []string{"plan", "-no-color"}, "the proxy cannot be reached", "HTTPS_PROXY")
}
