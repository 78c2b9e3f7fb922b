package provider_test

import (
	"fmt"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/tokencheck/terraform-provider-tokencheck/internal/cli"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/cli/clitest"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/issuertest"
)

// These tests cover what the pages promise about the CLI: where an error is, and what
// runs when. Much of it is the CLI's doing and not the provider's: if a test fails
// with a new CLI, the pages have to change.

// misconfigured are arguments that validate refuses. An error about the argument of
// its name is at that line, any other one at the block.
func misconfigured(f fake) map[string]string {
	all := map[string]string{
		"min_remaining": `min_remaining = "3d"`, "conflict": "TOKEN_env = \"GOOD\"\n  TOKEN_file = \"absent\"", "malformed": `TOKEN = "Bearer x"`, "misnamed": `TOKEN_env = "$GOOD"`,
	}
	for name, value := range f.invalid {
		all[name] = fmt.Sprintf("%s = %q", name, value)
	}
	return all
}

// unverifiable are arguments with which a plan fails.
func unverifiable(fake) map[string]string {
	return map[string]string{
		"absent": `TOKEN_file = "absent"`, "unset": `TOKEN_env = "ABSENT"`, "none": "", "down": "TOKEN_env = \"GOOD\"\n  provider = tokencheck.down", "rejected": `TOKEN_env = "REJECTED"`,
	}
}

var literal = regexp.MustCompile(`"[^"]*"`)

// Each error of a data source and of an ephemeral resource has a location, in
// validate and in plan, whether its arguments are literal or from variables.
func TestLocations(t *testing.T) {
	t.Parallel()
	all := start(t, fakes(), issuertest.Secret)
	down := slices.Clone(all)
	for n := range down {
		down[n].url = "https://127.0.0.1:1"
	}
	for name, test := range map[string]struct {
		command   string
		variables bool
		faults    func(f fake) map[string]string
	}{
		"validate":                      {"validate", false, misconfigured},
		"plan, misconfigured":           {"plan", false, misconfigured},
		"plan, unverifiable":            {"plan", false, unverifiable},
		"plan, misconfigured variables": {"plan", true, misconfigured},
		"plan, unverifiable variables":  {"plan", true, unverifiable},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			config, want := []string{configured(all), aliased("down", configured(down))}, []string{}
			for _, i := range all {
				for name, arguments := range test.faults(i.fake) {
					pointed := strings.HasPrefix(arguments, name)
					if test.variables {
						arguments = literal.ReplaceAllStringFunc(arguments, func(value string) string {
							variable := fmt.Sprint("v", len(config))
							config = append(config, fmt.Sprintf("\nvariable %q { default = %s }\n", variable, value))
							return "var." + variable
						})
					}
					for _, block := range []string{"data", "ephemeral"} {
						head := fmt.Sprintf("%s %q %q", block, i.kind(), name)
						config = append(config, "\n"+head+" {\n  "+i.words(arguments, "")+"\n}\n")
						line := map[bool]string{true: name + " =", false: head}[pointed]
						if block == "ephemeral" || name != "rejected" { // A rejected token is no error of a data source.
							want = append(want, fmt.Sprintf(`with %s\.%s\.%s,\s+on main\.tf line \d+, in %s:\s+\d+:\s+%s`, block, i.kind(), name, head, line))
						}
					}
				}
			}
			w := clitest.Workspace(t, map[string]string{"main.tf": clitest.Require(strings.Join(config, ""))})
			output := clitest.Run(t, w, []string{"GOOD=" + issuertest.Secret, "REJECTED=rejected-0123456789"}, false, []string{test.command, "-no-color"}).Output

			if found := clitest.Diagnostics(output); len(found) != len(want) {
				t.Errorf("%d diagnostics, want %d:\n%s", len(found), len(want), output)
			}
			for _, location := range want {
				if !regexp.MustCompile(location).MatchString(output) {
					t.Errorf("nothing is %s\n%s", location, output)
				}
			}
		})
	}
}

// A misspelt argument is an error, and not a token for the default server.
func TestMisspelt(t *testing.T) {
	t.Parallel()
	all := start(t, fakes(), issuertest.Secret)
	config := configured(all)
	for _, i := range all {
		config = strings.Replace(config, fmt.Sprintf("%s = %q", i.urlArgument, i.url), fmt.Sprintf("%ss = %q", i.urlArgument, i.url), 1)
	}
	w := clitest.Workspace(t, map[string]string{"main.tf": clitest.Require(config + forAll(all, "data \"KIND\" \"this\" {}\n"))})
	output := clitest.Run(t, w, tokens(all, issuertest.Secret), false, []string{"plan", "-no-color"}).Output
	for _, i := range all {
		if !diagnosed(output, i.urlArgument+"s", `Did you mean "`+i.urlArgument+`"?`) {
			t.Error(output)
		}
		if n := len(i.Requests()); n > 0 {
			t.Errorf("%s: %d requests were made", i.block, n)
		}
	}
}

// semantics is a configuration for one issuer, with the token in the environment.
// What the CLI runs is the same for every issuer.
type semantics struct {
	*cli.Workspace

	i   issuer
	env []string
}

// newSemantics sets a further argument in the issuer's block. The guarded provider's
// API is the issuer's, which refuses an invalid token.
func newSemantics(t *testing.T, argument, config string) semantics {
	t.Helper()
	all := start(t, fakes()[:1], issuertest.Secret)
	i := all[0]
	plain := httptest.NewServer(i.Config.Handler) // The stand-ins do not trust its CA.
	t.Cleanup(plain.Close)
	config = configured(all, argument) + i.words(config, strings.Replace(i.url, i.URL, plain.URL, 1))
	w := clitest.Workspace(t, map[string]string{"main.tf": clitest.Require(config)})
	return semantics{w, i, tokens(all, issuertest.Secret)}
}

// run runs a command that must succeed, or fail, and print the texts. It returns the
// output, and the number of verifications.
func (s semantics) run(t *testing.T, succeed bool, command string, texts ...string) (output string, verified int) {
	t.Helper()
	before, args := len(s.i.Requests()), strings.Fields(command)
	output = clitest.Run(t, s.Workspace, s.env, succeed, append([]string{args[0], "-no-color", "-input=false"}, args[1:]...), texts...).Output
	for _, r := range s.i.Requests()[before:] {
		if strings.HasPrefix(r.Header.Get("User-Agent"), "terraform-provider-tokencheck/") {
			verified++
		}
	}
	return output, verified
}

// revoke makes the issuer reject the token from now on.
func (s semantics) revoke() { s.i.SetFault(s.i.rejected().ServeHTTP) }

const postcondition = `
  lifecycle {
    postcondition {
      condition     = self.valid
      error_message = "The token is not valid."
    }
  }
}
`

// A data source with a postcondition is read during plan, and stops that, but not
// during the apply of a saved plan.
func TestSemanticsDataSource(t *testing.T) {
	t.Parallel()
	s := newSemantics(t, "", `
variable "n" { default = 1 }

provider "PROVIDER" {
  SERVER
}

resource "RECORD" "this" {
  count      = var.n
  depends_on = [data.KIND.this]
}

data "KIND" "this" {`+postcondition)
	s.run(t, true, "apply -auto-approve", "1 added")
	s.run(t, true, "plan -out=saved -var=n=2", "1 to add")

	for _, test := range []struct {
		command                 string
		outage, verifies, stops bool // Before the guarded provider's first request.
	}{
		{"apply saved", false, false, false}, // First: later commands write the state.
		{"plan", false, true, true},
		{"plan -refresh=false", false, true, true},
		{"plan -refresh-only", false, true, false},
		{"plan -target=" + s.i.guarded[0] + ".this", false, true, true},
		{"import -var=n=2 " + s.i.guarded[0] + ".this[1] name", false, true, false},
		{"destroy -auto-approve", false, true, false},
		{"destroy -auto-approve", true, true, true},
		{"destroy -auto-approve -refresh=false", false, false, false},
	} {
		s.revoke()
		if test.outage {
			s.i.SetFault(issuertest.Reply(503, ""))
		}
		output, verified := s.run(t, false, test.command)
		if stopped := !clitest.Says("401 Unauthorized").MatchString(output); stopped != test.stops || verified > 0 != test.verifies {
			t.Errorf("%s: %d verifications, stopped: %t\n%s", test.command, verified, stopped, output)
		}
	}
}

// A check that has unknown arguments, or a data source that depends on a resource
// with pending changes, is deferred: the plan passes, and the apply decides.
func TestSemanticsDeferred(t *testing.T) {
	t.Parallel()

	for block, arguments := range map[string]string{
		"data":      "TOKEN = terraform_data.late.output",
		"ephemeral": "TOKEN = terraform_data.late.output",
		"\ndata":    "TOKEN = \"rejected-0123456789\"\n  depends_on = [terraform_data.late]",
	} {
		t.Run(block, func(t *testing.T) {
			t.Parallel()
			s := newSemantics(t, "", `
resource "terraform_data" "late" { input = "rejected-0123456789" }

`+block+` "KIND" "this" {
  `+arguments+`
}

resource "terraform_data" "guarded" {
  lifecycle {
    precondition {
      condition     = `+strings.TrimSpace(block)+`.KIND.this.valid
      error_message = "The token was rejected."
    }
  }
}
`)
			if _, verified := s.run(t, true, "plan -out=saved", "2 to add"); verified > 0 {
				t.Errorf("the plan verified %d times", verified)
			}
			s.run(t, false, "apply saved", "was rejected")
			if list := clitest.Run(t, s.Workspace, s.env, true, []string{"state", "list"}); strings.Contains(list.Output, "guarded") {
				t.Error("the guarded resource was created")
			}
		})
	}
}

// A provider token created in the same run is never treated as not set.
func TestSemanticsUnknownProvider(t *testing.T) {
	t.Parallel()
	s := newSemantics(t, "TOKEN = terraform_data.token.output", `
resource "terraform_data" "token" { input = "made-in-this-run" }

data "KIND" "this" {}

ephemeral "KIND" "this" {}
`)
	output, verified := s.run(t, false, "plan")
	if n := strings.Count(output, "Error: Provider configuration is unknown"); n != 2 || verified > 0 {
		t.Errorf("%d errors, %d verifications:\n%s", n, verified, output)
	}
}

// An ephemeral variable can set the provider's token and an ephemeral resource's
// argument, but not a data source's, and has to be set again for a saved plan. One of
// several token arguments may be null, as in a module.
func TestSemanticsVariables(t *testing.T) {
	t.Parallel()

	const variables = `
variable "token" { ephemeral = true }
variable "not_set" { default = null }

data "KIND" "this" {
  TOKEN     = var.not_set
  TOKEN_env = var.not_set
}

ephemeral "KIND" "this" {
  TOKEN     = var.token
  TOKEN_env = var.not_set
}
`
	s := newSemantics(t, "TOKEN = var.token", variables)
	s.env = []string{"TF_VAR_token=" + issuertest.Secret}
	s.run(t, true, "plan -out=saved")
	clitest.Run(t, s.Workspace, nil, false, []string{"apply", "-input=false", "saved"}, "No value for required variable")
	s.run(t, true, "apply saved")

	s = newSemantics(t, "", strings.Replace(variables, "var.not_set", "var.token", 1))
	s.env = []string{"TF_VAR_token=" + issuertest.Secret}
	if output, _ := s.run(t, false, "plan"); !regexp.MustCompile(`(?i)(use of|Error:) ephemeral value`).MatchString(output) {
		t.Error(output)
	}
}

// If nothing refers to an ephemeral resource, Terraform opens it when it applies a
// saved plan, OpenTofu does not. A condition on it stops a destroy on Terraform only.
func TestSemanticsEphemeral(t *testing.T) {
	t.Parallel()
	terraform := !clitest.OpenTofu(t)
	s := newSemantics(t, "", "resource \"terraform_data\" \"this\" {}\n\nephemeral \"KIND\" \"this\" {}\n")
	s.run(t, true, "plan -out=saved", "1 to add")
	s.revoke()
	if _, verified := s.run(t, !terraform, "apply saved"); verified > 0 != terraform {
		t.Errorf("the apply verified %d times", verified)
	}

	s = newSemantics(t, "", `
resource "terraform_data" "this" {}

ephemeral "KIND" "this" {
  require_valid = false
`+postcondition)
	s.run(t, true, "apply -auto-approve", "1 added")
	s.revoke()
	s.run(t, false, "plan", "Resource postcondition failed")
	s.run(t, !terraform, "destroy -auto-approve")
}

// A data source in a check block is read during plan and again during apply, and only
// warns.
func TestSemanticsCheckBlock(t *testing.T) {
	t.Parallel()
	s := newSemantics(t, "", `
check "token" {
  data "KIND" "this" {}

  assert {
    condition     = data.KIND.this.valid
    error_message = data.KIND.this.reason
  }
}
`)
	s.run(t, true, "plan -out=saved")
	s.revoke()
	for _, command := range []string{"apply saved", "plan"} {
		if _, verified := s.run(t, true, command, "Warning: Check block assertion failed", "was rejected"); verified == 0 {
			t.Errorf("%s does not verify the token", command)
		}
	}
	s.i.SetFault(issuertest.Reply(503, ""))
	s.run(t, true, "plan", "so its validity is unknown")
}

// On Terraform, depends_on does not defer an ephemeral resource: a token file that the
// same run creates does not exist during plan. OpenTofu defers it.
func TestTokenFileOfTheSameRun(t *testing.T) {
	t.Parallel()
	s := newSemantics(t, "", "resource \"terraform_data\" \"file\" {}\n\nephemeral \"KIND\" \"this\" {\n  TOKEN_file = \"token\"\n  depends_on = [terraform_data.file]\n}\n")
	if clitest.OpenTofu(t) {
		s.run(t, true, "plan", "1 to add")
	} else {
		s.run(t, false, "plan", "Error: Token file cannot be read", "ephemeral."+s.i.kind()+".this")
	}
}
