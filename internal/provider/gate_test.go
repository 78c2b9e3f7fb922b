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
	"testing"

	"github.com/tokencheck/terraform-provider-tokencheck/internal/cli"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/cli/clitest"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/issuertest"
)

// These tests cover the gate: a provider whose token is a verified_token sends
// nothing with a token that its issuer has not just accepted. This holds for all
// commands and engines.

// noToken stands in for a null verified_token in the gate for pipelines.
const noToken = "no-verified-token"

// cloudServer starts the guarded provider's API. It accepts every token but noToken,
// and tokens returns the token of each request.
func cloudServer(t *testing.T) (url string, tokens func() []string) {
	t.Helper()
	s := issuertest.Start(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") == "Bearer "+noToken {
			w.WriteHeader(http.StatusUnauthorized)
		}
	}))
	plain := httptest.NewServer(s.Config.Handler) // The stand-ins do not trust its CA.
	t.Cleanup(s.Close)
	t.Cleanup(plain.Close)
	return plain.URL, func() (tokens []string) {
		for _, r := range s.Requests() {
			tokens = append(tokens, strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "))
		}
		return tokens
	}
}

// words replaces the placeholders of a configuration with the issuer's names. SERVER
// is the guarded provider's server.
func (f fake) words(config, cloud string) string {
	return strings.NewReplacer(
		"KIND", f.kind(), "PROVIDER", f.block, "TOKEN", f.tokenArgument, "SERVER", fmt.Sprintf("%s = %q", f.urlArgument, cloud),
		"RECORD", f.guarded[0], "NAME", f.guarded[1], "TEXT", f.guarded[2],
	).Replace(config)
}

// provider returns a provider configuration for the issuer's server, with further
// arguments of its block.
func (f fake) provider(url, bundle string, block ...string) string {
	return fmt.Sprintf("provider \"tokencheck\" {\n  max_retries = 0\n  %s {\n    %s = %q\n    trust_bundle = %q\n    %s\n  }\n}\n",
		f.block, f.urlArgument, url, bundle, strings.Join(block, "\n    "))
}

// aliased adds an alias to a provider configuration.
func aliased(alias, provider string) string {
	return strings.Replace(provider, "{", fmt.Sprintf("{\n  alias = %q", alias), 1)
}

// gated starts an issuer that accepts the tokens and the guarded provider's API. It
// returns the configuration for both, and the tokens that the latter received.
func (f fake) gated(t *testing.T, config string, valid ...string) (s *issuertest.Server, main string, tokens func() []string) {
	t.Helper()
	s, url := f.start(valid)
	t.Cleanup(s.Close)
	cloud, tokens := cloudServer(t)
	return s, clitest.RequiredWithStandIns + f.provider(url, s.TrustBundle) + f.words(config, cloud), tokens
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

data "RECORD" "this" {
  count      = var.mode == "read" ? 1 : 0
  depends_on = [terraform_data.pending]
}
`

func TestGate(t *testing.T) {
	forEach(t, func(t *testing.T, f fake) {
		s, config, tokens := f.gated(t, gate+gateRecords, issuertest.Secret)
		w := clitest.Workspace(t, map[string]string{"main.tf": config, "import.tf": ""})
		// The variable has a trailing newline, the token does not.
		in := func(mode string) []string {
			return []string{f.tokenVariable + "=" + issuertest.Secret + "\n", "TF_VAR_mode=" + mode}
		}
		clitest.Run(t, w, in(""), true, []string{"apply", "-auto-approve", "-no-color"}, "1 added")
		saved := []string{"create", "change", "delete", "replace", "read", "destroy"}
		for _, mode := range saved {
			clitest.Run(t, w, in(mode), true, []string{"plan", "-no-color", "-out=" + mode, fmt.Sprint("-destroy=", mode == "destroy")})
		}

		sent := tokens()
		state, before := stateOf(w)
		if n := slices.IndexFunc(sent, func(token string) bool { return token != issuertest.Secret }); len(sent) == 0 || n >= 0 {
			t.Errorf("the guarded provider sent %q", sent)
		}

		refused := func(env []string, text string, args ...string) {
			t.Helper()
			clitest.Run(t, w, env, false, append(args[:1:1], append([]string{"-no-color"}, args[1:]...)...), text)
			if n := len(tokens()) - len(sent); n > 0 {
				t.Errorf("%v: the guarded provider made %d requests", args, n)
			}
			if _, now := stateOf(w); now != before {
				t.Errorf("%v: the state changed from %s to %s", args, before, now)
			}
			// Unguarded changes would make other plans stale.
			must(os.WriteFile(filepath.Join(w.Dir, "terraform.tfstate"), state, 0o600))
		}

		s.SetFault(f.rejected().ServeHTTP)
		for _, mode := range saved {
			refused(in(mode), "was rejected", "apply", mode)
		}
		for _, command := range []string{
			"plan", "plan -refresh=false", "plan -refresh-only", "plan -target=" + f.guarded[0] + ".old", "plan -destroy", "apply -auto-approve",
			"destroy -auto-approve", "destroy -auto-approve -refresh=false",
		} {
			refused(in("create"), "was rejected", strings.Fields(command)...)
		}

		imported := f.guarded[0] + ".imported[0]"
		refused(in("import"), "was rejected", "import", imported, "name")
		must(os.WriteFile(filepath.Join(w.Dir, "import.tf"), []byte("import {\n  to = "+imported+"\n  id = \"name\"\n}\n"), 0o600))
		refused(in("import"), "was rejected", "plan")
		// An unverified token does not pass either, nor is it called invalid.
		s.SetFault(issuertest.Reply(http.StatusServiceUnavailable, ""))
		refused(in("import"), "so its validity is unknown", "plan")
		refused(in("create"), "so its validity is unknown", "apply", "create")
		// The plan can still be applied once the issuer accepts the token again.
		s.SetFault(nil)
		clitest.Run(t, w, in("create"), true, []string{"apply", "-no-color", "create"}, "1 added")
	})
}

// stateOf returns the state on disk, and the guarded resources in it.
func stateOf(w *cli.Workspace) (state []byte, guarded string) {
	state, err := os.ReadFile(filepath.Join(w.Dir, "terraform.tfstate"))
	must(err)
	var document struct {
		Resources []map[string]any `json:"resources"`
	}
	must(json.Unmarshal(state, &document))
	return state, fmt.Sprint(slices.DeleteFunc(document.Resources, func(r map[string]any) bool { return r["mode"] != "managed" || r["type"] == "terraform_data" }))
}

const gateRecord = "\nresource \"RECORD\" \"this\" {}\n"

// A gate may contain several tokens, or be in a module with the token as output, and
// can be added to existing state.
func TestGateShapes(t *testing.T) {
	t.Parallel()
	shapes := map[string]string{
		"module": `
module "check" { source = "./check" }

provider "PROVIDER" {
  TOKEN = module.check.token
  SERVER
}
` + gateRecord,
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
` + gateRecord + `
resource "RECORD" "two" {
  provider = PROVIDER.two
}
`,
		"adopted": gate + gateRecord,
	}
	f := fakes()[0] // The graph is the CLI's, and the same for every issuer.
	for name, shape := range shapes {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			good, other := issuertest.Secret, "other-0123456789"
			s, config, tokens := f.gated(t, shape, good, other)
			files, revoked := map[string]string{"main.tf": config}, good
			switch name {
			case "module":
				files["check/main.tf"] = clitest.RequiredProviders +
					f.words("ephemeral \"KIND\" \"this\" {}\n\noutput \"token\" {\n  ephemeral = true\n  value     = ephemeral.KIND.this.verified_token\n}\n", "")
			case "aliases":
				revoked = other
			case "adopted":
				files["main.tf"] = strings.Replace(config, "ephemeral."+f.kind()+".this.verified_token", fmt.Sprintf("%q", good), 1)
			}
			w := clitest.Workspace(t, files)
			env := []string{f.tokenVariable + "=" + good, "ONE=" + good, "TWO=" + other}
			clitest.Run(t, w, env, true, []string{"apply", "-auto-approve", "-no-color"})
			must(os.WriteFile(filepath.Join(w.Dir, "main.tf"), []byte(config), 0o600))
			// Exit code 0: no changes.
			clitest.Run(t, w, env, true, []string{"plan", "-no-color", "-detailed-exitcode"})
			clitest.Run(t, w, env, true, []string{"plan", "-no-color", "-destroy", "-out=saved"})

			sent := tokens()
			s.SetFault(func(w http.ResponseWriter, r *http.Request) {
				if strings.HasSuffix(r.Header.Get("Authorization"), revoked) {
					f.rejected().ServeHTTP(w, r)
				} else {
					f.corpus["active"].ServeHTTP(w, r)
				}
			})
			for _, args := range [][]string{{"plan", "-no-color"}, {"apply", "-no-color", "saved"}} {
				clitest.Run(t, w, env, false, args, "was rejected")
			}
			if now := tokens(); !slices.Contains(sent, good) || !slices.Contains(sent, revoked) || slices.Contains(now[len(sent):], revoked) {
				t.Errorf("the guarded providers sent %q, and then %q", sent, now[len(sent):])
			}
		})
	}
}

// The gate for pipelines fails closed where verified_token is null, and opens when it
// is switched off.
func TestGateForPipelines(t *testing.T) {
	forEach(t, func(t *testing.T, f fake) {
		s, config, tokens := f.gated(t, `
variable "verify" { default = true }
variable "strict" { default = true }

ephemeral "KIND" "this" {
  count         = var.verify ? 1 : 0
  require_valid = var.strict
}

provider "PROVIDER" {
  TOKEN = var.verify ? coalesce(ephemeral.KIND.this[0].verified_token, "`+noToken+`") : null
  SERVER
}
`+gateRecord, issuertest.Secret)
		w := clitest.Workspace(t, map[string]string{"main.tf": config})
		env := []string{f.tokenVariable + "=" + issuertest.Secret}
		clitest.Run(t, w, env, true, []string{"apply", "-auto-approve", "-no-color"}, "1 added")

		outage := issuertest.Reply(http.StatusServiceUnavailable, "")
		for _, step := range []struct {
			fault                    http.HandlerFunc
			succeed                  bool
			variable, prints, reveal string
		}{
			{f.rejected().ServeHTTP, false, "", "was rejected", ""},
			{f.rejected().ServeHTTP, false, "TF_VAR_strict=false", "401 Unauthorized", noToken},
			{outage, false, "TF_VAR_strict=false", "so its validity is unknown", ""},
			{outage, true, "TF_VAR_verify=false", "No changes", issuertest.Secret},
		} {
			s.SetFault(step.fault)
			before := len(tokens())
			clitest.Run(t, w, append(env, step.variable), step.succeed, []string{"plan", "-no-color"}, step.prints)
			if sent := strings.Join(slices.Compact(tokens()[before:]), " "); sent != step.reveal {
				t.Errorf("%s: the guarded provider sent %q, want %q", step.variable, sent, step.reveal)
			}
		}
	})
}
