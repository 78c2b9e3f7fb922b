package provider_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/tokencheck/terraform-provider-tokencheck/internal/cli"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/cli/clitest"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/issuertest"
)

// These tests cover the gate: a provider whose token is a verified_token sends
// nothing with a token that its issuer has not just accepted. This holds for all
// commands and engines.

// cloudServer starts the guarded provider's API. It accepts everything, and tokens
// returns the token of each request.
func cloudServer(t *testing.T) (url string, tokens func() []string) {
	t.Helper()

	var (
		mu   sync.Mutex
		came []string
	)

	s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()

		came = append(came, strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "))
	}))
	t.Cleanup(s.Close)

	return s.URL, func() []string {
		mu.Lock()
		defer mu.Unlock()

		return slices.Clone(came)
	}
}

// guardedResources are resources of the gated providers, by issuer: the type, an
// argument whose change forces replacement, and another one.
var guardedResources = map[string][3]string{
	"cloudflare": {"cloudflare_dns_record", "name", "content"},
	"venafi":     {"venafi_certificate", "common_name", "nickname"},
}

// gated returns a configuration for a fake, with its issuer's names.
func gated(issuer fake, s *issuertest.Server, url, cloud, config string) string {
	return clitest.RequiredWithStandIns + fmt.Sprintf("provider \"tokencheck\" {\n  max_retries = 0\n  %s = { %s = %q, trust_bundle = %q }\n}\n",
		issuer.block, issuer.urlArgument, url, s.TrustBundle) + withWords(issuer, cloud, config)
}

func withWords(issuer fake, cloud, config string) string {
	words := guardedResources[issuer.block]

	return strings.NewReplacer(
		"KIND", issuer.kind(), "PROVIDER", issuer.block, "TOKEN", issuer.tokenArgument, "SERVER", fmt.Sprintf("%s = %q", issuer.urlArgument, cloud),
		"RECORD", words[0], "NAME", words[1], "TEXT", words[2],
	).Replace(config)
}

// gate is the pattern itself.
const gate = `
ephemeral "KIND" "this" {}

provider "PROVIDER" {
  TOKEN = ephemeral.KIND.this.verified_token
  SERVER
}
`

// gateRecords are the guarded resources. Each mode is one kind of change.
const gateRecords = `
variable "mode" { default = "" }

resource "RECORD" "old" {
  count = var.mode == "delete" ? 0 : 1
  TEXT  = var.mode == "change" ? "new" : "old"
  NAME  = var.mode == "replace" ? "new" : "old"
}

resource "RECORD" "new" { count = var.mode == "create" ? 1 : 0 }

resource "RECORD" "imported" { count = var.mode == "import" ? 1 : 0 }

# The data source is read during apply.
resource "terraform_data" "pending" { count = var.mode == "read" ? 1 : 0 }

data "PROVIDER_zone" "this" {
  count      = var.mode == "read" ? 1 : 0
  depends_on = [terraform_data.pending]
}
`

func TestGate(t *testing.T) {
	t.Parallel()

	for _, issuer := range fakes() {
		t.Run(issuer.block, func(t *testing.T) {
			t.Parallel()

			s, url := issuer.start([]string{faultSecret})
			t.Cleanup(s.Close)

			cloud, tokens := cloudServer(t)
			config := gated(issuer, s, url, cloud, gate+gateRecords)
			w := clitest.Workspace(t, map[string]string{"main.tf": config, "import.tf": ""})

			// The variable has a trailing newline, the token does not.
			in := func(mode string) []string {
				return []string{issuer.tokenVariable + "=" + faultSecret + "\n", "TF_VAR_mode=" + mode}
			}

			clitest.Run(t, w, in(""), true, []string{"apply", "-auto-approve", "-no-color"}, "1 added")

			saved := []string{"create", "change", "delete", "replace", "read", "destroy"}
			for _, mode := range saved {
				plan := []string{"plan", "-no-color", "-out=" + mode}
				if mode == "destroy" {
					plan = append(plan, "-destroy")
				}

				clitest.Run(t, w, in(mode), true, plan)
			}

			sent, state := tokens(), stateOf(t, w)
			if n := slices.IndexFunc(sent, func(token string) bool { return token != faultSecret }); len(sent) == 0 || n >= 0 {
				t.Errorf("the guarded provider sent %q", sent)
			}

			refused := func(env []string, text string, args ...string) {
				t.Helper()
				clitest.Run(t, w, env, false, append(args[:1:1], append([]string{"-no-color"}, args[1:]...)...), text)

				if n := len(tokens()) - len(sent); n > 0 {
					t.Errorf("%v: the guarded provider made %d requests", args, n)
				}

				if now := stateOf(t, w); records(now) != records(state) {
					t.Errorf("%v: the state changed from %s to %s", args, state, now)
				}

				// Unguarded changes would make other plans stale.
				must(os.WriteFile(filepath.Join(w.Dir, "terraform.tfstate"), state, 0o600))
			}

			s.SetFault(issuer.refusal.ServeHTTP)

			for _, mode := range saved {
				refused(in(mode), "was rejected", "apply", mode)
			}

			for _, command := range []string{
				"plan", "plan -refresh=false", "plan -refresh-only", "plan -target=" + guardedResources[issuer.block][0] + ".old", "plan -destroy", "apply -auto-approve",
				"destroy -auto-approve", "destroy -auto-approve -refresh=false",
			} {
				refused(in("create"), "was rejected", strings.Fields(command)...)
			}

			imported := guardedResources[issuer.block][0] + ".imported[0]"
			refused(in("import"), "was rejected", "import", imported, "name")

			block := "import {\n  to = " + imported + "\n  id = \"name\"\n}\n"
			if err := os.WriteFile(filepath.Join(w.Dir, "import.tf"), []byte(block), 0o600); err != nil {
				t.Fatal(err)
			}

			refused(in("import"), "was rejected", "plan")

			// An unverified token does not pass either, nor is it called invalid.
			s.SetFault(issuertest.Reply(http.StatusServiceUnavailable, ""))
			refused(in("import"), "this says nothing about whether it is valid", "plan")
			refused(in("create"), "this says nothing about whether it is valid", "apply", "create")

			// The plan can still be applied once the issuer accepts the token again.
			s.SetFault(nil)
			clitest.Run(t, w, in("create"), true, []string{"apply", "-no-color", "create"}, "1 added")
		})
	}
}

// records returns the guarded resources in a state.
func records(state []byte) string {
	var document struct {
		Resources []map[string]any `json:"resources"`
	}
	must(json.Unmarshal(state, &document))

	return fmt.Sprint(slices.DeleteFunc(document.Resources, func(r map[string]any) bool { return r["mode"] != "managed" || r["type"] == "terraform_data" }))
}

// stateOf returns the state on disk.
func stateOf(t *testing.T, w *cli.Workspace) []byte {
	t.Helper()

	text, err := os.ReadFile(filepath.Join(w.Dir, "terraform.tfstate"))
	must(err)

	return text
}

// A gate may contain several tokens, or be in a module with the token as output, and
// can be added to existing state.
func TestGateShapes(t *testing.T) {
	t.Parallel()

	const record = "\nresource \"RECORD\" \"this\" {}\n"

	for _, issuer := range fakes() {
		shapes := map[string]string{
			"module": `
module "check" { source = "./check" }

provider "PROVIDER" {
  TOKEN = module.check.token
  SERVER
}
` + record,
			"aliases": `
ephemeral "KIND" "this" {
  for_each  = { one = "ONE", two = "TWO" }
  TOKEN_env = each.value
}

provider "PROVIDER" {
  TOKEN = ephemeral.KIND.this["one"].verified_token
  SERVER
}

provider "PROVIDER" {
  alias = "two"
  TOKEN = ephemeral.KIND.this["two"].verified_token
  SERVER
}
` + record + `
resource "RECORD" "two" {
  provider = PROVIDER.two
}
`,
			"adopted": gate + record,
		}

		for name, shape := range shapes {
			t.Run(issuer.block+"/"+name, func(t *testing.T) {
				t.Parallel()

				good, bad := faultSecret, "two-0123456789"
				s, url := issuer.start([]string{good, bad})
				t.Cleanup(s.Close)

				cloud, tokens := cloudServer(t)
				config := gated(issuer, s, url, cloud, shape)
				check := withWords(issuer, "", "ephemeral \"KIND\" \"this\" {}\n\noutput \"token\" {\n  ephemeral = true\n  value     = ephemeral.KIND.this.verified_token\n}\n")
				files := map[string]string{"main.tf": config, "check/main.tf": clitest.RequiredProviders + check}

				if name == "adopted" {
					files["main.tf"] = strings.Replace(config, "ephemeral."+issuer.kind()+".this.verified_token", fmt.Sprintf("%q", good), 1)
				}

				if name != "module" {
					delete(files, "check/main.tf")
				}

				w := clitest.Workspace(t, files)
				env := []string{issuer.tokenVariable + "=" + good, "ONE=" + good, "TWO=" + bad}

				clitest.Run(t, w, env, true, []string{"apply", "-auto-approve", "-no-color"})

				if err := os.WriteFile(filepath.Join(w.Dir, "main.tf"), []byte(config), 0o600); err != nil {
					t.Fatal(err)
				}

				// Exit code 0: no changes.
				clitest.Run(t, w, env, true, []string{"plan", "-no-color", "-detailed-exitcode"})
				clitest.Run(t, w, env, true, []string{"plan", "-no-color", "-destroy", "-out=saved"})

				sent := tokens()
				if !slices.Contains(sent, good) || slices.Contains(sent, bad) != (name == "aliases") {
					t.Errorf("the guarded providers sent %q", sent)
				}

				before := len(sent)

				s.SetFault(func(w http.ResponseWriter, r *http.Request) {
					if name == "aliases" && strings.HasSuffix(r.Header.Get("Authorization"), good) {
						issuer.works(w, r)
					} else {
						issuer.refusal.ServeHTTP(w, r)
					}
				})

				for _, args := range [][]string{{"plan", "-no-color"}, {"apply", "-no-color", "saved"}} {
					clitest.Run(t, w, env, false, args, "was rejected")
				}

				if sent := tokens()[before:]; slices.ContainsFunc(sent, func(token string) bool { return name != "aliases" || token != good }) {
					t.Errorf("the guarded provider sent %q", sent)
				}
			})
		}
	}
}
