package examples_test

import (
	"fmt"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/tokencheck/terraform-provider-tokencheck/internal/cli/clitest"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/issuertest"
)

// unreachable is an environment without a token, in which a check that asks an
// issuer is an error.
var unreachable = []string{"CLOUDFLARE_BASE_URL=http://127.0.0.1:1", "VENAFI_URL=http://127.0.0.1:1"}

var (
	runBlock  = regexp.MustCompile(`(?m)^run "(\w+)" \{$`)
	condition = regexp.MustCompile(`(?m)^( +condition += )(.+)$`)
)

// tested lists the directories of examples/ with a configuration that has tests.
func tested(t *testing.T) []string {
	t.Helper()

	var dirs []string

	for _, parent := range []string{"tests", "modules"} {
		for file := range read(t, parent) {
			if dir, found := strings.CutSuffix(path.Dir(file), "/tests"); found && strings.HasSuffix(file, ".tftest.hcl") {
				dirs = append(dirs, path.Join(parent, dir))
			}
		}
	}

	slices.Sort(dirs)
	dirs = slices.Compact(dirs)

	if want := []string{"modules/token-guard", "tests/data-source", "tests/ephemeral-resource/dns-record"}; !slices.Equal(dirs, want) {
		t.Errorf("configurations with tests: %q, want %q", dirs, want)
	}

	return dirs
}

// The tests that users are shown pass, and none of them is left out. They need no
// token and no issuer.
func TestUsersTests(t *testing.T) {
	t.Parallel()

	for _, dir := range tested(t) {
		t.Run(dir, func(t *testing.T) {
			t.Parallel()

			files, runs := read(t, dir), 0

			for file, text := range files {
				if strings.HasSuffix(file, ".tftest.hcl") {
					runs += len(runBlock.FindAllString(text, -1))
				}
			}

			clitest.Run(t, clitest.Workspace(t, files), unreachable, true, []string{"test", "-no-color"},
				fmt.Sprintf("Success! %d passed, 0 failed.", runs))
		})
	}
}

// A test of a guard that cannot fail is worthless: once any condition of the
// configuration always holds, a run fails for want of the failure it expects.
func TestUsersTestsFailWithoutTheGuard(t *testing.T) {
	t.Parallel()

	for _, dir := range tested(t) {
		for file, text := range read(t, dir) {
			if path.Ext(file) != ".tf" || path.Dir(file) != "." {
				continue
			}

			for i, at := range condition.FindAllStringSubmatchIndex(text, -1) {
				t.Run(fmt.Sprintf("%s/%s/%d", dir, file, i), func(t *testing.T) {
					t.Parallel()

					files := read(t, dir)
					files[file] = text[:at[4]] + "true || (" + text[at[4]:at[5]] + ")" + text[at[5]:]

					clitest.Run(t, clitest.Workspace(t, files), unreachable, false, []string{"test", "-no-color"}, "Missing expected failure")
				})
			}
		}
	}
}

// Other faults of a guard that a run notices.
func TestUsersTestsFailWithAFault(t *testing.T) {
	t.Parallel()

	for _, test := range []struct{ dir, file, old, replacement, run string }{
		{
			"tests/data-source", "main.tf", `contains(["active", "expiring"], data.tokencheck_cloudflare.this.status)`,
			"data.tokencheck_cloudflare.this.valid", "a_cloudflare_token_that_ends_soon_only_warns",
		},
		{
			"tests/data-source", "main.tf", "self.valid",
			`self.status != "rejected"`, "a_venafi_token_without_the_scope_stops_the_plan",
		},
		{
			"tests/ephemeral-resource/dns-record", "main.tf", "= var.cloudflare_token_works",
			"= !var.cloudflare_token_works", "a_token_that_works_passes",
		},
		{"modules/token-guard", "main.tf", "each.value.min_remaining", "null", "every_argument_reaches_its_check"},
		{"modules/token-guard", "main.tf", "if !verdict.valid", `if verdict.status == "rejected"`, "one_bad_token_stops_the_plan"},
		{"modules/token-guard", "main.tf", `"${name}: ${verdict.reason}"`, "name", "every_bad_token_is_named"},
	} {
		t.Run(test.dir+"/"+test.run, func(t *testing.T) {
			t.Parallel()

			files := read(t, test.dir)
			if !strings.Contains(files[test.file], test.old) {
				t.Fatalf("%s does not hold %q", test.file, test.old)
			}

			files[test.file] = strings.ReplaceAll(files[test.file], test.old, test.replacement)

			clitest.Run(t, clitest.Workspace(t, files), unreachable, false, []string{"test", "-no-color"},
				fmt.Sprintf("run %q... fail", test.run))
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

// The caller that the module's README shows is the one that is tested.
func TestTokenGuardREADME(t *testing.T) {
	t.Parallel()

	if !strings.Contains(read(t, "modules/token-guard")["README.md"], "```terraform\n"+guarded(t)["main.tf"]+"```\n") {
		t.Error("README.md does not show examples/complete/main.tf")
	}
}

// Tokens that work let the caller's resources be created; bad ones are named in
// one error, and nothing is created; a destroy needs no token that works.
func TestTokenGuard(t *testing.T) {
	t.Parallel()

	s := newIssuers(t)
	env, w := s.env(t, t.TempDir()), clitest.Workspace(t, guarded(t))
	apply := []string{"apply", "-auto-approve", "-input=false", "-no-color"}

	s.revokeAll()

	result := clitest.Run(t, w, env, false, apply,
		"cloudflare/dns: The Cloudflare API token (source: env:CLOUDFLARE_DNS_TOKEN) was refused",
		"cloudflare/workers: The Cloudflare API token (source: env:CLOUDFLARE_ACCOUNT_TOKEN) was refused",
		"venafi/web: The Venafi access token (source: env:VENAFI_TOKEN) was refused")

	if n := strings.Count(result.Output, "Error: "); n != 1 {
		t.Errorf("%d errors, want one:\n%s", n, result.Output)
	}

	for _, token := range []string{userToken, accountToken, venafiToken} {
		if strings.Contains(result.Output, token) {
			t.Errorf("a token is shown:\n%s", result.Output)
		}
	}

	if _, err := os.Stat(filepath.Join(w.Dir, "terraform.tfstate")); !os.IsNotExist(err) {
		t.Errorf("a state was written although the plan failed: %v", err)
	}

	// What depends on the module is guarded in a plan of a part as well.
	clitest.Run(t, w, env, false, []string{"plan", "-input=false", "-no-color", "-target=terraform_data.dns_record"}, "was refused")

	working := newIssuers(t)
	env = working.env(t, t.TempDir())

	clitest.Run(t, w, env, true, apply, "terraform_data.dns_record: Creation complete", `"cloudflare/workers" = {`)
	working.revokeAll()
	clitest.Run(t, w, env, false, []string{"plan", "-input=false", "-no-color", "-refresh=false"}, "was refused")
	clitest.Run(t, w, env, true, []string{"plan", "-input=false", "-no-color", "-refresh-only"}, "Warning: ", "was refused")
	clitest.Run(t, w, env, true, []string{"destroy", "-auto-approve", "-input=false", "-no-color"}, "Destroy complete! Resources: 1 destroyed.")
}

// An issuer that cannot say anything is an error, and no verdict. It stops neither
// the apply of a plan that was saved before, nor a destroy that does not ask.
func TestTokenGuardInAnOutage(t *testing.T) {
	t.Parallel()

	s, w := newIssuers(t), clitest.Workspace(t, guarded(t))
	env := s.env(t, t.TempDir())
	outage := []string{"The issuer reports a server error", `data.tokencheck_venafi.this["web"]`, "this says nothing about whether it is valid"}

	clitest.Run(t, w, env, true, []string{"plan", "-input=false", "-no-color", "-out=plan"})
	s.venafi.SetFault(issuertest.Reply(http.StatusServiceUnavailable, "", "Retry-After", "86400"))

	result := clitest.Run(t, w, env, false, []string{"plan", "-input=false", "-no-color"}, outage...)
	if clitest.Says("venafi/web:").MatchString(result.Output) {
		t.Errorf("an outage became a verdict:\n%s", result.Output)
	}

	clitest.Run(t, w, env, true, []string{"apply", "-input=false", "-no-color", "plan"}, "Resources: 1 added")
	clitest.Run(t, w, env, false, []string{"destroy", "-auto-approve", "-input=false", "-no-color"}, outage...)
	clitest.Run(t, w, env, true, []string{"destroy", "-auto-approve", "-input=false", "-no-color", "-refresh=false"}, "Resources: 1 destroyed")
}

// What the module's README says of its inputs.
func TestTokenGuardInputs(t *testing.T) {
	t.Parallel()

	for _, test := range []struct {
		name, inputs string
		succeed      bool
		text         string
	}{
		{"no tokens", "", false, "There is no token to verify"},
		{"no tokens, allowed", "allow_no_tokens = true", true, "token_guard_passed"},
		{"files and no scopes", `
			cloudflare_tokens = { dns = { api_token_file = "dns.token", min_remaining = null } }
			venafi_tokens     = { web = { access_token_file = "web.token", required_scopes = [], min_remaining = null } }
		`, true, "token_guard_passed"},
		{"neither variable nor file", `cloudflare_tokens = { dns = { min_remaining = null } }`, false, "exactly one of api_token_env and api_token_file"},
		{"a variable that is not set", `cloudflare_tokens = { dns = { api_token_env = "CLOUDFLARE_DSN_TOKEN", min_remaining = null } }`, false, "CLOUDFLARE_DSN_TOKEN"},
		{"a margin under another name", `cloudflare_tokens = { dns = { api_token_env = "CLOUDFLARE_DNS_TOKEN", remaining = "72h" } }`, false, `attribute "min_remaining" is required`},
		{"scopes under another name", `
			venafi_tokens = { web = { access_token_env = "VENAFI_TOKEN", required_scope = ["ssh"], min_remaining = null } }
		`, false, `attribute "required_scopes" is required`},
		{"an account under another name", `
			cloudflare_tokens = { dns = { api_token_env = "CLOUDFLARE_ACCOUNT_TOKEN", account = "` + account + `", min_remaining = null } }
		`, false, "set account_id to verify an account-owned token"},
		{"another issuer", `vault_tokens = {}`, false, "Unsupported argument"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()

			s, files := newIssuers(t), guarded(t)
			files["dns.token"], files["web.token"] = userToken+"\n", venafiToken+"\n"
			files["main.tf"] = clitest.RequiredProviders + `
				module "token_guard" {
					source = "./modules/token-guard"
					` + test.inputs + `
				}

				output "token_guard_passed" {
					value = length(module.token_guard.verdicts)
				}
			`

			clitest.Run(t, clitest.Workspace(t, files), s.env(t, t.TempDir()), test.succeed, []string{"plan", "-input=false", "-no-color"}, test.text)
		})
	}
}

// The module has no resource, so that a data source of the caller that depends on
// it is read at plan.
func TestTokenGuardPutsNothingOff(t *testing.T) {
	t.Parallel()

	s, files := newIssuers(t), guarded(t)
	files["caller.tf"] = `
		data "tokencheck_cloudflare" "caller" {
			depends_on = [module.token_guard]
		}
	`
	w := clitest.Workspace(t, files)
	env := s.env(t, t.TempDir())

	clitest.Run(t, w, env, true, []string{"plan", "-input=false", "-no-color", "-out=plan"})

	if clitest.Show(t, w, env, "plan").PriorState.Values.RootModule.Find("data.tokencheck_cloudflare.caller") == nil {
		t.Error("the caller's data source was put off")
	}
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

	w := clitest.Workspace(t, files)
	env := s.env(t, t.TempDir())

	clitest.Run(t, w, env, true, []string{"plan", "-input=false", "-no-color", "-out=plan"})
	s.revokeAll()
	clitest.Run(t, w, env, false, []string{"apply", "-input=false", "-no-color", "plan"}, "The Cloudflare API token does not work")

	if list := w.Run(t.Context(), env, "state", "list"); strings.Contains(list.Stdout, "terraform_data") {
		t.Errorf("created although the token does not work:\n%s", list.Stdout)
	}
}

// What the guide says of an ephemeral resource under mock_provider.
func TestMockedEphemeralResource(t *testing.T) {
	t.Parallel()

	w := clitest.Workspace(t, map[string]string{
		"main.tf": clitest.RequiredProviders + `
			ephemeral "tokencheck_cloudflare" "this" {
				require_valid = false
			}

			resource "terraform_data" "dns_record" {
				lifecycle {
					precondition {
						condition     = ephemeral.tokencheck_cloudflare.this.valid
						error_message = "The token does not work."
					}
				}
			}
		`,
		"tests/guard.tftest.hcl": `
			mock_provider "tokencheck" {}

			run "generated" {
				command         = plan
				expect_failures = [terraform_data.dns_record]
			}
		`,
	})

	if clitest.OpenTofu(t) {
		clitest.Run(t, w, unreachable, true, []string{"test", "-no-color"}, "Success! 1 passed, 0 failed.")

		return
	}

	// A later Terraform may mock it as well.
	if result := w.Run(t.Context(), unreachable, "test", "-no-color"); result.Err != nil && !strings.Contains(result.Output, "No ephemeral resource types in mock providers") {
		t.Errorf("test: %v\n%s", result.Err, result.Output)
	}
}

// What the guide says of mocks, overrides and expected failures.
func TestMocks(t *testing.T) {
	t.Parallel()

	const mock = `
		mock_provider "tokencheck" {
			mock_data "tokencheck_cloudflare" {
				defaults = { valid = true, status = "active", expires_on = "2099-12-31T23:59:59Z" }
			}
		}
	`

	guard := func(condition string) string {
		return `
			data "tokencheck_cloudflare" "this" {}

			resource "terraform_data" "this" {
				lifecycle {
					precondition {
						condition     = ` + condition + `
						error_message = "The token does not work."
					}
				}
			}
		`
	}

	checkBlock := `
		check "token" {
			data "tokencheck_cloudflare" "this" {}

			assert {
				condition     = data.tokencheck_cloudflare.this.valid
				error_message = "The token does not work."
			}
		}
	`

	bad := `
		override_data {
			target = data.tokencheck_cloudflare.this
			values = { valid = false }
		}
	`

	for _, test := range []struct {
		name, config, mock, run string
		succeed                 bool
		text                    string
	}{
		{"an expected failure that the plan of an apply meets", guard("data.tokencheck_cloudflare.this.valid"), mock, bad + "expect_failures = [terraform_data.this]", false, "The token does not work"},
		{"an expected failure of a check block at apply", checkBlock, mock, bad + "expect_failures = [check.token]", true, "1 passed"},
		{"an override replaces the defaults", guard(`data.tokencheck_cloudflare.this.status == "active"`), mock, bad + "command = plan\nexpect_failures = [terraform_data.this]", true, "1 passed"},
		{"nothing set", guard("data.tokencheck_cloudflare.this.valid"), `mock_provider "tokencheck" {}`, "command = plan\nexpect_failures = [terraform_data.this]", true, "1 passed"},
		{"a generated time", guard(`timecmp(data.tokencheck_cloudflare.this.expires_on, "2026-01-01T00:00:00Z") > 0`), mock, bad + "command = plan\nexpect_failures = [terraform_data.this]", false, "Missing expected failure"},
		{"an argument that cannot be", `data "tokencheck_cloudflare" "this" { min_remaining = "14d" }`, mock, "command = plan", false, `write "336h"`},
		{"a provider configuration that cannot be", guard("data.tokencheck_cloudflare.this.valid") + `
			provider "tokencheck" {
				timeout = "soon"
			}
		`, mock, "command = plan", true, "1 passed"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()

			w := clitest.Workspace(t, map[string]string{
				"main.tf":                clitest.RequiredProviders + test.config,
				"tests/guard.tftest.hcl": test.mock + "\nrun \"guard\" {\n" + test.run + "\n}\n",
			})

			clitest.Run(t, w, unreachable, test.succeed, []string{"test", "-no-color"}, test.text)
		})
	}
}

// An instance of a data source can be overridden in Terraform alone.
func TestOverriddenInstance(t *testing.T) {
	t.Parallel()

	const text = `
		mock_provider "tokencheck" {
			mock_data "tokencheck_cloudflare" {
				defaults = { valid = true, status = "active", reason = "It works.", expires_on = null }
			}
		}

		run "one_of_two" {
			command = plan

			variables {
				cloudflare_tokens = {
					dns     = { api_token_env = "CLOUDFLARE_DNS_TOKEN", min_remaining = null }
					workers = { api_token_env = "CLOUDFLARE_WORKERS_TOKEN", min_remaining = null }
				}
			}

			override_data {
				target = data.tokencheck_cloudflare.this["dns"]
				values = { valid = false, status = "rejected", reason = "It was refused.", expires_on = null }
			}

			expect_failures = [output.verdicts]

			assert {
				condition     = join("; ", local.bad_tokens) == "cloudflare/dns: It was refused."
				error_message = join("; ", local.bad_tokens)
			}
		}
	`

	// OpenTofu refuses it at init already.
	w := clitest.Workspace(t, read(t, "modules/token-guard"))
	if err := os.WriteFile(filepath.Join(w.Dir, "tests", "instance.tftest.hcl"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}

	if clitest.OpenTofu(t) {
		clitest.Run(t, w, unreachable, false, []string{"test", "-no-color"}, "Resource instance address with keys is not allowed")
	} else {
		clitest.Run(t, w, unreachable, true, []string{"test", "-no-color", "-filter=tests/instance.tftest.hcl"}, "Success! 1 passed")
	}
}
