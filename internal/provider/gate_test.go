package provider_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path"
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

// gated returns the configuration of both providers: this one's, and the guarded ones'
// as in config.
func gated(all []issuer, config string) string {
	return clitest.Require(configured(all) + forAll(all, config))
}

// gate is the pattern itself.
const gate = `
ephemeral "KIND" "this" {}

provider "PROVIDER" {
  TOKEN = ephemeral.KIND.this.verified_token
  SERVER
}
`

// gateRecords are the guarded resources. Each mode is one kind of change; an update
// comes with a creation, and a data source that is read during apply.
const (
	gateMode = `
variable "mode" { default = "" }

resource "terraform_data" "pending" { count = var.mode == "update" ? 1 : 0 }
`
	gateRecords = `
resource "RECORD" "old" {
  count = var.mode == "delete" ? 0 : 1
  TEXT  = var.mode == "update" ? "new" : "old"
  NAME  = var.mode == "replace" ? "new" : "old"
}

resource "RECORD" "new" { count = var.mode == "update" ? 1 : 0 }

resource "RECORD" "imported" { count = var.mode == "import" ? 1 : 0 }

data "RECORD" "this" {
  count      = var.mode == "update" ? 1 : 0
  depends_on = [terraform_data.pending]
}
`
)

func TestGate(t *testing.T) {
	t.Parallel()
	all := start(t, fakes(), issuertest.Secret)
	w := clitest.Workspace(t, map[string]string{"main.tf": gated(all, gate+gateRecords) + gateMode, "import.tf": ""})
	// The variables have a trailing newline, the tokens do not.
	in := func(mode string) []string { return append(tokens(all, issuertest.Secret+"\n"), "TF_VAR_mode="+mode) }
	clitest.Run(t, w, in(""), true, []string{"apply", "-auto-approve", "-no-color"}, fmt.Sprint(len(all), " added"))
	saved := []string{"update", "replace", "delete", "destroy"}
	for _, mode := range saved {
		clitest.Run(t, w, in(mode), true, []string{"plan", "-no-color", "-out=" + mode, fmt.Sprint("-destroy=", mode == "destroy")})
	}

	state, before := stateOf(w)
	requests := make(map[string]int)
	for _, i := range all {
		sent := i.sent()
		requests[i.block] = len(sent)
		if len(sent) == 0 || slices.ContainsFunc(sent, func(token string) bool { return token != issuertest.Secret }) {
			t.Errorf("%s: the guarded provider sent %q", i.block, sent)
		}
	}

	refused := func(some []issuer, mode, text string, args ...string) {
		t.Helper()
		output := clitest.Run(t, w, in(mode), false, append(args[:1:1], append([]string{"-no-color"}, args[1:]...)...)).Output
		for _, i := range some {
			if !diagnosed(output, i.kind()+".this", text) {
				t.Errorf("%v: %s does not say %q:\n%s", args, i.block, text, output)
			}
		}
		for _, i := range all {
			if n := len(i.sent()) - requests[i.block]; n > 0 {
				t.Errorf("%v: the guarded provider %s made %d requests", args, i.block, n)
			}
		}
		if _, now := stateOf(w); now != before {
			t.Errorf("%v: the state changed from %s to %s", args, before, now)
		}
		// Unguarded changes would make other plans stale.
		must(os.WriteFile(filepath.Join(w.Dir, "terraform.tfstate"), state, 0o600))
	}

	respond(all, rejects)
	for _, mode := range saved {
		refused(all, mode, "was rejected", "apply", mode)
	}
	for _, command := range []string{
		"plan -refresh=false", "plan -refresh-only", "plan -target=RECORD.old", "apply -auto-approve", "destroy -auto-approve", "destroy -auto-approve -refresh=false",
	} {
		words := strings.Fields(command)
		if target, ok := strings.CutPrefix(words[len(words)-1], "-target="); ok {
			words = append(words[:1], strings.Fields(forAll(all, "-target="+target+"\n"))...)
		}
		refused(all, "update", "was rejected", words...)
	}

	var imports strings.Builder
	for _, i := range all {
		address := i.guarded[0] + ".imported[0]"
		refused([]issuer{i}, "import", "was rejected", "import", address, "name")
		fmt.Fprintf(&imports, "import {\n  to = %s\n  id = \"name\"\n}\n", address)
	}
	must(os.WriteFile(filepath.Join(w.Dir, "import.tf"), []byte(imports.String()), 0o600))
	refused(all, "import", "was rejected", "plan")
	// An unverified token does not pass either, nor is it called invalid.
	respond(all, outage)
	refused(all, "import", "so its validity is unknown", "plan")
	refused(all, "update", "so its validity is unknown", "apply", "update")
	// The plan can still be applied once the issuers accept the token again.
	respond(all, nil)
	clitest.Run(t, w, in("update"), true, []string{"apply", "-no-color", "update"}, fmt.Sprint(len(all)+1, " added"))
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
	for name, shape := range shapes {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			good, other := issuertest.Secret, "other-0123456789"
			all := start(t, fakes()[:1], good, other) // The graph is the CLI's, and the same for every issuer.
			i, config := all[0], gated(all, shape)
			files, revoked := map[string]string{"main.tf": config}, good
			switch name {
			case "module":
				files["check/main.tf"] = clitest.Require(forAll(all,
					"ephemeral \"KIND\" \"this\" {}\n\noutput \"token\" {\n  ephemeral = true\n  value     = ephemeral.KIND.this.verified_token\n}\n"))
			case "aliases":
				revoked = other
			case "adopted":
				files["main.tf"] = strings.Replace(config, "ephemeral."+i.kind()+".this.verified_token", fmt.Sprintf("%q", good), 1)
			}
			w := clitest.Workspace(t, files)
			env := append(tokens(all, good), "ONE="+good, "TWO="+other)
			clitest.Run(t, w, env, true, []string{"apply", "-auto-approve", "-no-color"})
			must(os.WriteFile(filepath.Join(w.Dir, "main.tf"), []byte(config), 0o600))
			// Exit code 0: no changes.
			clitest.Run(t, w, env, true, []string{"plan", "-no-color", "-detailed-exitcode"})
			clitest.Run(t, w, env, true, []string{"plan", "-no-color", "-destroy", "-out=saved"})

			sent := i.sent()
			i.SetFault(func(w http.ResponseWriter, r *http.Request) {
				if strings.HasSuffix(r.Header.Get("Authorization"), revoked) {
					i.rejected().ServeHTTP(w, r)
				} else {
					i.corpus["active"].ServeHTTP(w, r)
				}
			})
			for _, args := range [][]string{{"plan", "-no-color"}, {"apply", "-no-color", "saved"}} {
				clitest.Run(t, w, env, false, args, "was rejected")
			}
			if now := i.sent(); !slices.Contains(sent, good) || !slices.Contains(sent, revoked) || slices.Contains(now[len(sent):], revoked) {
				t.Errorf("the guarded providers sent %q, and then %q", sent, now[len(sent):])
			}
		})
	}
}

// The gate for pipelines fails closed where verified_token is null, and opens when it
// is switched off.
func TestGateForPipelines(t *testing.T) {
	t.Parallel()
	all := start(t, fakes(), issuertest.Secret)
	w := clitest.Workspace(t, map[string]string{"main.tf": "variable \"verify\" { default = true }\nvariable \"strict\" { default = true }\n" + gated(all, `
ephemeral "KIND" "this" {
  count         = var.verify ? 1 : 0
  require_valid = var.strict
}

provider "PROVIDER" {
  TOKEN = var.verify ? coalesce(ephemeral.KIND.this[0].verified_token, "`+noToken+`") : null
  SERVER
}
`+gateRecord)})
	env := tokens(all, issuertest.Secret)
	clitest.Run(t, w, env, true, []string{"apply", "-auto-approve", "-no-color"}, fmt.Sprint(len(all), " added"))

	for _, step := range []struct {
		answer                   func(fake) http.HandlerFunc
		succeed                  bool
		variable, prints, reveal string
	}{
		{rejects, false, "", "was rejected", ""},
		{rejects, false, "TF_VAR_strict=false", "401 Unauthorized", noToken},
		{outage, false, "TF_VAR_strict=false", "so its validity is unknown", ""},
		{outage, true, "TF_VAR_verify=false", "No changes", issuertest.Secret},
	} {
		respond(all, step.answer)
		before := make(map[string]int)
		for _, i := range all {
			before[i.block] = len(i.sent())
		}
		clitest.Run(t, w, append(env, step.variable), step.succeed, []string{"plan", "-no-color"}, step.prints)
		for _, i := range all {
			if sent := strings.Join(slices.Compact(i.sent()[before[i.block]:]), " "); sent != step.reveal {
				t.Errorf("%s: the guarded provider %s sent %q, want %q", step.variable, i.block, sent, step.reveal)
			}
		}
	}
}

// A provider that reads anonymously without a token drops its resources from the
// state. The gate keeps them.
func TestGateKeepsState(t *testing.T) {
	t.Parallel()
	anonymous := slices.DeleteFunc(fakes(), func(f fake) bool { // The others fail.
		return !slices.ContainsFunc(cli.StandIns(), func(s cli.StandIn) bool { return s.Anonymous && path.Base(s.Source) == f.block })
	})
	for name, config := range map[string]string{"gate": gate, "no gate": "provider \"PROVIDER\" {\n  SERVER\n}\n"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			all := start(t, anonymous, issuertest.Secret)
			w := clitest.Workspace(t, map[string]string{"main.tf": gated(all, config+gateRecord)})
			clitest.Run(t, w, tokens(all, issuertest.Secret), true, []string{"apply", "-auto-approve", "-no-color"}, fmt.Sprint(len(all), " added"))

			_, before := stateOf(w)
			clitest.Run(t, w, nil, name != "gate", []string{"apply", "-refresh-only", "-auto-approve", "-no-color"})
			_, after := stateOf(w)
			for _, i := range all {
				if !strings.Contains(before, i.guarded[0]) || strings.Contains(after, i.guarded[0]) != (name == "gate") {
					t.Errorf("%s: the state was %s and is %s", i.block, before, after)
				}
			}
		})
	}
}
