package provider_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/tokencheck/terraform-provider-tokencheck/internal/cli"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/cloudflare/cloudflaretest"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/issuertest"
)

// mirror is where the provider is built once for all tests of the binary.
var mirror = sync.OnceValues(func() (string, error) { return cli.Build(context.Background(), mirrorDir) })

var mirrorDir string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "tokencheck-test-")
	if err != nil {
		panic(err)
	}

	mirrorDir = dir

	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		_ = os.RemoveAll(dir)

		os.Exit(code)
	}))
}

// workspace makes a directory with a configuration and the built provider.
func workspace(t *testing.T, files map[string]string) *cli.Workspace {
	t.Helper()

	path, err := cli.Find()
	if err != nil {
		t.Fatal(err)
	}

	built, err := mirror()
	if err != nil {
		t.Fatal(err)
	}

	w, err := cli.NewWorkspace(t.Context(), path, built, t.TempDir(), files)
	if err != nil {
		t.Fatal(err)
	}

	return w
}

const required = `terraform {
  required_providers {
    tokencheck = { source = "tokencheck/tokencheck" }
  }
}
`

// run runs a command that must succeed, or must fail, and print each of the texts.
func run(t *testing.T, w *cli.Workspace, env []string, succeed bool, args []string, texts ...string) cli.Result {
	t.Helper()

	result := w.Run(t.Context(), env, args...)
	if (result.Err == nil) != succeed {
		t.Fatalf("%v: %v, want success: %t\n%s", args, result.Err, succeed, result.Output)
	}

	for _, text := range texts {
		if !says(text).MatchString(result.Output) {
			t.Errorf("%v does not print %q:\n%s", args, text, result.Output)
		}
	}

	return result
}

// planned is what show -json tells of a plan.
type planned struct {
	PriorState struct {
		Values struct {
			RootModule module `json:"root_module"`
		} `json:"values"`
	} `json:"prior_state"`
	Checks []struct {
		Status string `json:"status"`
	} `json:"checks"`
	Errored bool `json:"errored"`
}

type module struct {
	Resources []struct {
		Address string         `json:"address"`
		Values  map[string]any `json:"values"`
	} `json:"resources"`
	ChildModules []module `json:"child_modules"`
}

func (m module) find(address string) map[string]any {
	for _, r := range m.Resources {
		if r.Address == address {
			return r.Values
		}
	}

	for _, child := range m.ChildModules {
		if found := child.find(address); found != nil {
			return found
		}
	}

	return nil
}

// Checks in a module, one for each of many tokens: the plan that is refused is
// still written, and tells a policy which token is bad.
func TestBinaryRefusedPlanJSON(t *testing.T) {
	t.Parallel()

	c := newCloudflare(t)
	w := workspace(t, map[string]string{
		"main.tf": required + withIssuers(c, nil, `
module "tokens" {
  source = "./tokens"
  tokens = { good = "GOOD", old = "OLD", gone = "GONE" }
}
`),
		"tokens/main.tf": required + `
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

	run(t, w, env, false, []string{"plan", "-no-color", "-out=plan"}, "(source: env:OLD) expired at", "(source: env:GONE) was refused")

	var p planned
	if err := json.Unmarshal([]byte(run(t, w, env, true, []string{"show", "-json", "plan"}).Stdout), &p); err != nil {
		t.Fatal(err)
	}

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
		wantAttributes(t, p.PriorState.Values.RootModule.find(fmt.Sprintf("module.tokens.data.tokencheck_cloudflare.all[%q]", key)), want)
	}
}

// A token that dies after an apply stops neither a refresh nor a destroy, as long
// as its issuer can be asked.
func TestBinaryDestroy(t *testing.T) {
	t.Parallel()

	c, v := newCloudflare(t), newVenafi(t, venafiToken())
	v.SetClock(c.Now)

	token := venafiToken()
	token.IssuedOn = c.Now()
	v.Set(venafiSecret, token)

	w := workspace(t, map[string]string{"main.tf": required + withIssuers(c, v, preconditions)})
	env := []string{"CLOUDFLARE_API_TOKEN=active-0123456789", "VENAFI_TOKEN=" + venafiSecret}

	run(t, w, env, true, []string{"apply", "-auto-approve", "-no-color"}, "1 added")
	c.Revoke("active-0123456789")
	v.Revoke(venafiSecret)
	run(t, w, env, false, []string{"plan", "-no-color"}, "The Cloudflare API token", "The Venafi access token")
	run(t, w, env, true, []string{"plan", "-refresh-only", "-no-color"}, "Warning:", "was refused")
	run(t, w, env, true, []string{"destroy", "-auto-approve", "-no-color"}, "1 destroyed", "was refused")
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
	w := workspace(t, map[string]string{
		"main.tf": required +
			alias("one", one.BaseURL(), "active-0123456789", one.TrustBundle) + data("one") +
			alias("two", two.BaseURL(), "expired-0123456789", two.TrustBundle) + data("two"),
		"wrong.txt": required + alias("one", one.BaseURL(), "active-0123456789", two.TrustBundle) + data("one"),
	})

	run(t, w, nil, true, []string{"plan", "-no-color"}, `one = "active"`, `two = "expired"`)

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

	run(t, w, nil, false, []string{"plan", "-no-color"}, "signed by an authority that is not trusted")
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

	w := workspace(t, map[string]string{"main.tf": required + preconditions, "ca.pem": c.TrustBundle + v.TrustBundle, "token": "term-0123456789\n"})
	env := []string{
		"SSL_CERT_FILE=" + filepath.Join(w.Dir, "ca.pem"), "CLOUDFLARE_BASE_URL=" + c.BaseURL() + "/", "VENAFI_URL=" + v.URL + "/vedsdk/",
		"CLOUDFLARE_API_TOKEN=active-0123456789", "VENAFI_TOKEN=" + venafiSecret,
	}

	run(t, w, env, true, []string{"plan", "-no-color"}, "1 to add", `status = "active"`)
	run(t, w, env[1:], false, []string{"plan", "-no-color"}, "signed by an authority that is not trusted", "cloudflare.trust_bundle")

	proxied := append(slices.Clone(env), "HTTPS_PROXY=http://127.0.0.1:1", "CLOUDFLARE_BASE_URL=https://issuer.test")
	run(t, w, proxied, false, []string{"plan", "-no-color"}, "the proxy cannot be reached", "HTTPS_PROXY")
}

// Every example is valid, and runs unchanged where only the environment tells
// which issuers there are: its plan passes with tokens that work, and says why
// they do not once they are gone.
func TestBinaryExamples(t *testing.T) {
	t.Parallel()

	root := filepath.Join("..", "..", "examples")

	var dirs []string

	err := filepath.WalkDir(root, func(path string, _ os.DirEntry, err error) error {
		if strings.HasSuffix(path, ".tf") && !slices.Contains(dirs, filepath.Dir(path)) {
			dirs = append(dirs, filepath.Dir(path))
		}

		return err
	})
	if err != nil || len(dirs) < 10 {
		t.Fatalf("found %d examples: %v", len(dirs), err)
	}

	for _, dir := range dirs {
		name, _ := filepath.Rel(root, dir)
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			planExample(t, dir)
		})
	}
}

func planExample(t *testing.T, dir string) {
	t.Helper()

	c, v := newCloudflare(t), newVenafi(t, venafiToken())
	v.SetClock(c.Now)

	token := venafiToken()
	token.IssuedOn, token.Scope = c.Now(), "certificate:manage,revoke;ssh"
	v.Set(venafiSecret, token)
	c.Set("example-0123456789", cloudflaretest.Token{ID: tokenID, ExpiresOn: c.Now().Add(720 * time.Hour)})

	certificate, key := issuertest.PEM(issuertest.NewAuthority().Issue(issuertest.Certificate{}))
	files := map[string]string{"test/ca.pem": c.TrustBundle + v.TrustBundle, "test/client.pem": certificate}

	matches, _ := filepath.Glob(filepath.Join(dir, "*.tf"))
	for _, match := range matches {
		text, err := os.ReadFile(match)
		if err != nil {
			t.Fatal(err)
		}

		files[filepath.Base(match)] = string(text)
	}

	cloudflareToken := "example-0123456789"
	if strings.HasSuffix(dir, "account-token") {
		cloudflareToken = "ofaccount-0123456789"
	}

	w := workspace(t, files)
	bundle := filepath.Join(w.Dir, "test", "ca.pem")
	env := []string{
		"SSL_CERT_FILE=" + bundle, "CLOUDFLARE_BASE_URL=" + c.BaseURL(), "VENAFI_URL=" + v.URL,
		"CLOUDFLARE_API_TOKEN=" + cloudflareToken, "VENAFI_TOKEN=" + venafiSecret,
		"CLOUDFLARE_DNS_TOKEN=active-0123456789", "CLOUDFLARE_WORKERS_TOKEN=example-0123456789",
		"TF_VAR_cloudflare_account_id=" + account, "TF_VAR_cloudflare_api_token=" + cloudflareToken,
		"TF_VAR_ca_file=" + bundle, "TF_VAR_venafi_ca_file=" + bundle,
		"TF_VAR_venafi_url=" + v.URL, "TF_VAR_venafi_access_token=" + venafiSecret,
		"TF_VAR_venafi_client_certificate_file=" + filepath.Join(w.Dir, "test", "client.pem"), "TF_VAR_venafi_client_key=" + key,
		"TF_VAR_production_url=" + v.URL, "TF_VAR_production_token=" + venafiSecret,
		"TF_VAR_staging_url=" + v.URL, "TF_VAR_staging_token=" + venafiSecret,
	}

	run(t, w, env, true, []string{"validate", "-no-color"})
	run(t, w, env, true, []string{"plan", "-no-color", "-input=false"})

	if strings.HasSuffix(dir, "provider") { // It has no check.
		return
	}

	for _, secret := range []string{"active-0123456789", "example-0123456789", "ofaccount-0123456789"} {
		c.Revoke(secret)
	}

	v.Revoke(venafiSecret)

	// An ephemeral value cannot be in a message: those that leave it to a condition
	// have a text of their own.
	text := "was refused"
	if strings.Contains(files["main.tf"], "condition     = ephemeral.") {
		text = "does not work"
	}

	// A check block only warns.
	run(t, w, env, strings.HasSuffix(dir, "check-block"), []string{"plan", "-no-color", "-input=false"}, text)
}
