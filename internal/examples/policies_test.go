package examples_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tokencheck/terraform-provider-tokencheck/internal/cli"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/cli/clitest"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/issuertest"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/venafi/venafitest"
)

// The command of the guide.
var evalCommand = []string{
	"eval", "--stdin-input", "--data", "policies/tokencheck.rego", "--data", "policies/settings.yaml",
	"--format", "raw", "--fail-defined", "data.tokencheck.deny[_]",
}

// policy is the policy beside a configuration, whose plans it judges.
type policy struct {
	*cli.Workspace

	issuers issuers
	env     []string
	opa     string
}

func newPolicy(t *testing.T, files map[string]string) policy {
	t.Helper()

	for file, text := range read(t, "policies/rego") {
		files["policies/"+file] = text
	}

	files["main.tf"] = clitest.RequiredProviders + files["main.tf"]
	s := newIssuers(t)

	return policy{clitest.Workspace(t, files), s, s.env(t, t.TempDir()), clitest.Tool(t, "opa", "opa")}
}

// eval runs OPA and gives what it prints and its exit code.
func (p policy) eval(t *testing.T, input string, args ...string) (output string, code int) {
	t.Helper()

	command := exec.CommandContext(t.Context(), p.opa, args...)
	command.Dir = p.Dir
	command.Stdin = strings.NewReader(input)

	out, err := command.CombinedOutput()
	if command.ProcessState == nil {
		t.Fatal(err)
	}

	return string(out), command.ProcessState.ExitCode()
}

// wants asserts that the policy refuses a plan with these messages, by their
// beginning and in the order of the alphabet, or with none that it passes.
func (p policy) wants(t *testing.T, plan, settings string, messages ...string) {
	t.Helper()

	args := evalCommand

	if settings == "" {
		args = slices.Delete(slices.Clone(args), 4, 6) // The second --data.
	} else if err := os.WriteFile(filepath.Join(p.Dir, "policies", "settings.yaml"), []byte(settings), 0o600); err != nil {
		t.Fatal(err)
	}

	output, code := p.eval(t, plan, args...)
	if want := min(len(messages), 1); code != want {
		t.Fatalf("settings %q: exit code %d, want %d:\n%s", settings, code, want, output)
	}

	lines := strings.FieldsFunc(output, func(r rune) bool { return r == '\n' })
	slices.Sort(lines)

	if !slices.EqualFunc(lines, messages, strings.HasPrefix) {
		t.Errorf("settings %q: messages:\n%s\nwant them to begin with:\n%s", settings, output, strings.Join(messages, "\n"))
	}

	for _, token := range []string{userToken, endingToken, accountToken, venafiToken} {
		if strings.Contains(output, token) {
			t.Errorf("a token is in the output:\n%s", output)
		}
	}
}

// What messages begin with.
const (
	planFailed    = "The plan failed and cannot be applied."
	refusedBy     = "not valid, status rejected. The Cloudflare API token (source: "
	checkRefused  = "data.tokencheck_cloudflare.this: " + refusedBy + "env:CLOUDFLARE_API_TOKEN) was refused."
	checkNotAsked = "the plan has no verdict. The check was put off to the apply, or failed with a warning; this says nothing about the token."
)

// plan makes a plan, also one that fails, and gives what show -json tells of it.
func (p policy) plan(t *testing.T, succeed bool, flags ...string) string {
	t.Helper()

	clitest.Run(t, p.Workspace, p.env, succeed, append([]string{"plan", "-no-color", "-input=false", "-out=plan.tfplan"}, flags...))

	return clitest.Run(t, p.Workspace, p.env, true, []string{"show", "-json", "plan.tfplan"}).Stdout
}

func (p policy) apply(t *testing.T) {
	t.Helper()
	clitest.Run(t, p.Workspace, p.env, true, []string{"apply", "-no-color", "-input=false", "-auto-approve"})
}

// Checks without conditions of their own, in modules too: only the policy refuses.
func TestPolicyOnChecksAtPlan(t *testing.T) {
	t.Parallel()

	p := newPolicy(t, map[string]string{
		"main.tf": `
variable "cloudflare_api_token" {}
data "tokencheck_cloudflare" "this" {}
data "tokencheck_cloudflare" "argument" { api_token = var.cloudflare_api_token } # It is in the plan.
data "tokencheck_venafi" "not_known" {}
resource "terraform_data" "this" { input = timestamp() }
module "zone" {
  source    = "./zone"
  for_each  = { dns = "CLOUDFLARE_DNS_TOKEN", workers = "CLOUDFLARE_WORKERS_TOKEN" }
  token_env = each.value
}
`,
		"zone/main.tf": `
variable "token_env" {}
module "token" {
  source    = "../token"
  token_env = var.token_env
}
`,
		"token/main.tf": clitest.RequiredProviders + `
variable "token_env" {}
data "tokencheck_cloudflare" "this" {
  count         = 1
  api_token_env = var.token_env
}
`,
	})

	// What old servers say has no end.
	p.issuers.venafi.Set(venafiToken, venafitest.Token{Application: "example", Scope: "certificate:manage"})

	const (
		notKnown = "data.tokencheck_venafi.not_known: the end of the token is not known, so that min_remaining_hours ("
		noMargin = "tokencheck_settings: {min_remaining_hours: 0}"
		demands  = ": required_checks demands this check, and the plan does not have it."
		dns      = `module.zone["dns"].module.token.data.tokencheck_cloudflare.this[0]`
		workers  = `module.zone["workers"].module.token.data.tokencheck_cloudflare.this[0]`
		ends     = ": the token ends at "
	)

	plan := p.plan(t, true)
	p.wants(t, plan, noMargin)
	p.wants(t, plan, "", notKnown+"24) cannot be judged.")
	p.wants(t, plan, read(t, "policies")["rego/settings.yaml"], notKnown+"72)")

	for settings, messages := range map[string][]string{
		// The token for DNS does not end.
		"{min_remaining_hours: 721}": {
			"data.tokencheck_cloudflare.argument" + ends, "data.tokencheck_cloudflare.this" + ends, notKnown, workers + ends,
		},
		"{min_remaining_hours: 0, required_checks: ['" + dns + "', '" + workers + "']}":        nil,
		"{min_remaining_hours: 0, required_checks: [data.x.y, 'module.zone[\"dns\"].data.z']}": {"data.x.y" + demands, `module.zone["dns"].data.z` + demands},

		"72h":                         {notKnown, "tokencheck_settings is not a map"},
		"{min_remaining: 72}":         {notKnown, "tokencheck_settings.min_remaining is not understood."},
		"{min_remaining_hours: '72'}": {notKnown, "tokencheck_settings.min_remaining_hours is not understood."},
		"{provider_names: []}":        {notKnown, "tokencheck_settings.provider_names is not understood."},
		"{required_checks: {a: b}}":   {notKnown, "tokencheck_settings.required_checks is not understood."},
		"{provider_names: [a.test/b/c]}": {
			"data.tokencheck_cloudflare.argument: its provider is registry.", "data.tokencheck_cloudflare.this: its provider is registry.",
			"data.tokencheck_venafi.not_known: its provider is registry.", dns + ": its provider is registry.", workers + ": its provider is registry.",
		},
	} {
		p.wants(t, plan, "tokencheck_settings: "+settings, messages...)
	}

	// The margin counts from the time at which the policy runs, and not from the plan's.
	p.wants(t, plan, "tokencheck_settings: {min_remaining_hours: 24}", notKnown)
	later := slices.Clone(evalCommand)
	later[len(later)-1] += " with time.now_ns as time.parse_rfc3339_ns(\"" + time.Now().AddDate(0, 0, 29).Add(time.Hour).Format(time.RFC3339) + "\")"

	if output, code := p.eval(t, plan, later...); code != 1 || !strings.Contains(output, "less than min_remaining_hours (24) is left") {
		t.Errorf("a day before the end: exit code %d:\n%s", code, output)
	}

	p.apply(t)
	state := clitest.Run(t, p.Workspace, p.env, true, []string{"show", "-json"}).Stdout
	for _, input := range []string{state, "", "{}", "[" + plan + "]", `{"format_version": 1.2}`} {
		p.wants(t, input, noMargin, "This is not a plan in a format that the policy knows.")
	}

	if output, code := p.eval(t, "{", evalCommand...); code != 2 {
		t.Errorf("what is no JSON: exit code %d:\n%s", code, output)
	}

	// OpenTofu does not mark a plan of a part, as the guide tells.
	if !clitest.OpenTofu(t) {
		p.wants(t, p.plan(t, true, "-target=terraform_data.this"), noMargin, "The plan is not complete")
	}

	p.issuers.cloudflare.Revoke(userToken)
	p.issuers.cloudflare.Revoke(endingToken)
	for _, flag := range []string{"-refresh=true", "-destroy"} {
		p.wants(t, p.plan(t, true, flag), noMargin, "data.tokencheck_cloudflare.argument: "+refusedBy+"argument) was refused.", checkRefused,
			dns+": "+refusedBy+"env:CLOUDFLARE_DNS_TOKEN) was refused.", workers+": "+refusedBy+"env:CLOUDFLARE_WORKERS_TOKEN) was refused.")
	}
}

// A plan that failed is refused as such, and an outage is not called a bad token.
func TestPolicyOnFailedPlans(t *testing.T) {
	t.Parallel()

	p := newPolicy(t, map[string]string{"main.tf": `
provider "tokencheck" { max_retries = 0 }
data "tokencheck_cloudflare" "this" {
  lifecycle {
    postcondition {
      condition     = self.valid
      error_message = self.reason
    }
  }
}
`})
	p.apply(t) // The plan shows the verdict of the apply.

	p.issuers.cloudflare.SetFault(issuertest.Reply(503, ""))
	p.wants(t, p.plan(t, false), "", planFailed)

	p.issuers.cloudflare.SetFault(nil)
	p.issuers.revokeAll()
	p.wants(t, p.plan(t, false), "", planFailed, checkRefused)
}

// What no plan has asked is refused: a check that is put off, also by a module's
// depends_on, and one that failed in a check block.
func TestPolicyOnChecksWithoutAVerdict(t *testing.T) {
	t.Parallel()

	p := newPolicy(t, map[string]string{
		"main.tf": `
provider "tokencheck" { max_retries = 0 }
check "token" {
  data "tokencheck_cloudflare" "this" {}
  assert {
    condition     = data.tokencheck_cloudflare.this.valid
    error_message = data.tokencheck_cloudflare.this.reason
  }
}

resource "terraform_data" "this" { input = timestamp() }
data "tokencheck_cloudflare" "late" { depends_on = [terraform_data.this] }
module "token" {
  source     = "./token"
  depends_on = [terraform_data.this]
}
`,
		"token/main.tf": clitest.RequiredProviders + `data "tokencheck_cloudflare" "this" {}`,
	})

	const (
		late   = "data.tokencheck_cloudflare.late: " + checkNotAsked
		module = "module.token.data.tokencheck_cloudflare.this: " + checkNotAsked
	)

	p.wants(t, p.plan(t, true), "", late, module)

	// Nor does the verdict of an apply count.
	p.apply(t)
	p.issuers.cloudflare.SetFault(issuertest.Reply(503, ""))
	p.wants(t, p.plan(t, true), "", late, "data.tokencheck_cloudflare.this: "+checkNotAsked, module)

	p.issuers.cloudflare.SetFault(nil)
	p.issuers.revokeAll()
	p.wants(t, p.plan(t, true), "", late, checkRefused, module)
}

// An ephemeral resource is not in the JSON, and what looks like a check is none.
func TestPolicyOnAPlanWithoutChecks(t *testing.T) {
	t.Parallel()

	p := newPolicy(t, map[string]string{"main.tf": `
ephemeral "tokencheck_cloudflare" "this" {}
resource "terraform_data" "this" {
  input = {
    mode          = "data"
    type          = "tokencheck_cloudflare"
    address       = "data.tokencheck_cloudflare.this"
    provider_name = "registry.terraform.io/tokencheck/tokencheck"
    values        = { valid = true, expires_on = null }
  }
}
`})

	p.apply(t)
	p.wants(t, p.plan(t, true), "", "The plan has no token check.")
}

// The Rego is in OPA's own form, and its own tests pass.
func TestPolicyRego(t *testing.T) {
	t.Parallel()

	p := newPolicy(t, map[string]string{})

	for _, args := range [][]string{{"fmt", "--fail", "--list", "policies"}, {"check", "--strict", "policies"}, {"test", "policies"}} {
		if output, code := p.eval(t, "", args...); code != 0 {
			t.Errorf("%v: exit code %d:\n%s", args, code, output)
		}
	}

	guide, err := os.ReadFile(filepath.Join(clitest.Root(t), "templates", "guides", "refuse-a-plan-by-policy.md.tmpl"))
	if err != nil {
		t.Fatal(err)
	}

	// As in the guide, where the command stands on several lines.
	command := strings.ReplaceAll("opa "+strings.Join(evalCommand, " "), "data.tokencheck.deny[_]", "'data.tokencheck.deny[_]'")
	if !strings.Contains(strings.Join(strings.Fields(strings.ReplaceAll(string(guide), "\\\n", "")), " "), command) {
		t.Errorf("the guide does not have the command that is tested: %s", command)
	}
}
