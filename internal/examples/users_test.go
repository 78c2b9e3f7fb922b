package examples_test

import (
	"fmt"
	"net/http"
	"path"
	"regexp"
	"strings"
	"testing"

	"github.com/tokencheck/terraform-provider-tokencheck/internal/cli/clitest"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/issuertest"
)

// unreachable is an environment without a token, in which a check that asks an
// issuer is an error.
var unreachable = []string{"CLOUDFLARE_BASE_URL=http://127.0.0.1:1", "VENAFI_URL=http://127.0.0.1:1"}

var (
	runBlock  = regexp.MustCompile(`(?m)^run "\w+" \{$`)
	condition = regexp.MustCompile(`(?m)^( +condition += )(.+)$`)
)

// The tests that users are shown pass, and none of them is left out. They need no
// token and no issuer. Once the conditions of the configuration always hold, each
// run that expects a failure fails: a test of a guard that cannot fail is worthless.
func TestUsersTests(t *testing.T) {
	t.Parallel()

	var dirs []string
	for _, parent := range []string{"tests", "modules"} {
		for file := range read(t, parent) {
			if dir, found := strings.CutSuffix(path.Dir(file), "/tests"); found && strings.HasSuffix(file, ".tftest.hcl") {
				dirs = append(dirs, path.Join(parent, dir))
			}
		}
	}

	if len(dirs) != 3 {
		t.Fatalf("configurations with tests: %q, want three", dirs)
	}

	for _, dir := range dirs {
		t.Run(dir, func(t *testing.T) {
			t.Parallel()

			const guard = "tests/guard.tftest.hcl"

			files := read(t, dir)
			tests := files[guard]
			runs, failures := runBlock.FindAllStringIndex(tests, -1), strings.Count(tests, "expect_failures")

			clitest.Run(t, clitest.Workspace(t, files), unreachable, true, []string{"test", "-no-color"},
				fmt.Sprintf("Success! %d passed, 0 failed.", len(runs)))

			// After a failure the other runs of a file are skipped: each gets its own.
			for i, at := range runs {
				files[fmt.Sprintf("tests/%d.tftest.hcl", i)] = tests[:runs[0][0]] + tests[at[0]:append(runs, []int{len(tests)})[i+1][0]]
			}
			delete(files, guard)

			for file, text := range files {
				if path.Ext(file) == ".tf" {
					// A validation must refer to its variable.
					files[file] = condition.ReplaceAllString(text, "${1}(${2}) || true")
				}
			}

			clitest.Run(t, clitest.Workspace(t, files), unreachable, false, []string{"test", "-no-color"},
				fmt.Sprintf("%d passed, %d failed.", len(runs)-failures, failures))
		})
	}
}

// guarded is the example of a caller with the module copied to where the module's
// README says.
func guarded(t *testing.T) map[string]string {
	t.Helper()

	files := map[string]string{"main.tf": strings.ReplaceAll(read(t, "modules/token-guard/examples/complete")["main.tf"], `"../.."`, `"./modules/token-guard"`)}

	for file, text := range read(t, "modules/token-guard") {
		if path.Dir(file) == "." && path.Ext(file) == ".tf" {
			files["modules/token-guard/"+file] = text
		}
	}

	return files
}

// What the module's README says that it does when, with the caller that it shows.
func TestTokenGuard(t *testing.T) {
	t.Parallel()

	s, files := newIssuers(t), guarded(t)
	if !strings.Contains(read(t, "modules/token-guard")["README.md"], "```terraform\n"+files["main.tf"]+"```\n") {
		t.Error("README.md does not show examples/complete/main.tf")
	}

	// The module has no resource, so that a data source of the caller that depends on
	// it is read at plan.
	files["caller.tf"] = "data \"tokencheck_cloudflare\" \"caller\" {\n  depends_on = [module.token_guard]\n}\n"
	w, env := clitest.Workspace(t, files), s.env(t, t.TempDir())
	run := func(succeed bool, command string, texts ...string) string {
		t.Helper()

		output := clitest.Run(t, w, env, succeed, strings.Fields(command+" -input=false -no-color"), texts...).Output
		for _, token := range []string{userToken, accountToken, venafiToken} {
			if strings.Contains(output, token) {
				t.Errorf("%s shows a token:\n%s", command, output)
			}
		}

		return output
	}

	run(true, "plan -out=plan", `"cloudflare/workers" = {`)
	if clitest.Show(t, w, env, "plan").PriorState.Values.RootModule.Find("data.tokencheck_cloudflare.caller") == nil {
		t.Error("the caller's data source was put off")
	}

	s.revokeAll() // One error names every bad token.
	output := run(false, "plan",
		"cloudflare/dns: The Cloudflare API token (source: env:CLOUDFLARE_DNS_TOKEN) was refused",
		"cloudflare/workers: The Cloudflare API token (source: env:CLOUDFLARE_ACCOUNT_TOKEN) was refused",
		"venafi/web: The Venafi access token (source: env:VENAFI_TOKEN) was refused")
	if n := strings.Count(output, "Error: "); n != 1 {
		t.Errorf("%d errors, want one:\n%s", n, output)
	}

	run(false, "plan -refresh=false", "was refused")
	run(false, "plan -target=terraform_data.dns_record", "was refused")
	run(true, "plan -refresh-only", "Warning: ", "was refused")

	// An issuer that cannot say anything is an error, and no verdict.
	s.venafi.SetFault(issuertest.Reply(http.StatusServiceUnavailable, "", "Retry-After", "86400"))
	outage := []string{"The issuer reports a server error", `data.tokencheck_venafi.this["web"]`, "this says nothing about whether it is valid"}
	if output := run(false, "plan", outage...); strings.Contains(output, "venafi/web:") {
		t.Errorf("an outage became a verdict:\n%s", output)
	}

	clitest.Run(t, w, env, true, []string{"apply", "-input=false", "-no-color", "plan"}, "terraform_data.dns_record: Creation complete")
	run(false, "destroy -auto-approve", outage...)
	run(true, "plan -destroy -refresh=false", "1 to destroy")
	s.venafi.SetFault(nil)
	run(true, "destroy -auto-approve", "Resources: 1 destroyed.")
}

// What the module's README says of its inputs, beyond what the module's own tests show.
func TestTokenGuardInputs(t *testing.T) {
	t.Parallel()

	s, files := newIssuers(t), guarded(t)
	files["dns.token"], files["web.token"] = userToken+"\n", venafiToken+"\n"
	files["main.tf"] = clitest.RequiredProviders + `
module "token_guard" {
  source            = "./modules/token-guard"
  cloudflare_tokens = { dns = { api_token_file = "dns.token", min_remaining = null } }
  venafi_tokens     = { web = { access_token_file = "web.token", required_scopes = [], min_remaining = null } }
}
`
	clitest.Run(t, clitest.Workspace(t, files), s.env(t, t.TempDir()), true, []string{"plan", "-input=false", "-no-color"}, "No changes.")

	// A typing error is noticed where it would ask for less.
	files["main.tf"] = clitest.RequiredProviders + `
module "margin" {
  source            = "./modules/token-guard"
  cloudflare_tokens = { dns = { api_token_env = "CLOUDFLARE_DNS_TOKEN", remaining = "72h" } }
}
module "scopes" {
  source        = "./modules/token-guard"
  venafi_tokens = { web = { access_token_env = "VENAFI_TOKEN", required_scope = ["ssh"], min_remaining = null } }
}
`
	clitest.Run(t, clitest.Workspace(t, files), unreachable, false, []string{"validate", "-no-color"},
		`attribute "min_remaining" is required`, `attribute "required_scopes" is required`)
}

// The configuration whose module has the tests stops an apply, since the ephemeral
// resource is in it.
func TestEphemeralResourceAboveTheModule(t *testing.T) {
	t.Parallel()

	s, files := newIssuers(t), map[string]string{}

	for file, text := range read(t, "tests/ephemeral-resource") {
		if path.Ext(file) == ".tf" {
			files[file] = text
		}
	}

	w, env := clitest.Workspace(t, files), s.env(t, t.TempDir())
	clitest.Run(t, w, env, true, []string{"plan", "-input=false", "-no-color", "-out=plan"})
	s.revokeAll()

	result := clitest.Run(t, w, env, false, []string{"apply", "-input=false", "-no-color", "plan"}, "The Cloudflare API token does not work")
	if strings.Contains(result.Output, "Creation complete") {
		t.Errorf("created although the token does not work:\n%s", result.Output)
	}
}

// What the guide says of mocks: an override replaces the defaults, what is not set is
// generated, and arguments are looked at all the same.
func TestMocks(t *testing.T) {
	t.Parallel()

	w := clitest.Workspace(t, map[string]string{
		"main.tf": clitest.RequiredProviders + `
variable "margin" { default = null }
data "tokencheck_cloudflare" "this" {
  min_remaining = var.margin
  lifecycle {
    postcondition {
      condition     = self.valid && self.status == "active"
      error_message = "The token does not work."
    }
  }
}
`,
		"tests/guard.tftest.hcl": `
mock_provider "tokencheck" {
  mock_data "tokencheck_cloudflare" {
    defaults = { valid = true, status = "active" }
  }
}
mock_provider "tokencheck" { alias = "nothing_set" }
run "defaults" { command = plan }
run "override" {
  command         = plan
  expect_failures = [data.tokencheck_cloudflare.this]

  override_data {
    target = data.tokencheck_cloudflare.this
    values = { valid = true }
  }
}
run "nothing_set" {
  command         = plan
  expect_failures = [data.tokencheck_cloudflare.this]
  providers       = { tokencheck = tokencheck.nothing_set }
}
run "argument" {
  command   = plan
  variables { margin = "14d" }
}
`,
	})

	clitest.Run(t, w, unreachable, false, []string{"test", "-no-color"}, "3 passed, 1 failed", `run "argument"... fail`, `write "336h"`)
}
