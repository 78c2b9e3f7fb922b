package examples_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tokencheck/terraform-provider-tokencheck/internal/cli"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/cli/clitest"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/cloudflare/cloudflaretest"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/issuertest"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/venafi/venafitest"
)

// The command of the guide.
var evalCommand = []string{
	"eval", "--stdin-input", "--data", "policies/tokencheck.rego", "--data", "policies/settings.yaml",
	"--format", "raw", "--fail-defined", "data.tokencheck.deny[_]",
}

// policy is a directory with the policy in it, as in a user's repository.
type policy struct {
	opa, dir string
}

func newPolicy(t *testing.T) policy {
	t.Helper()

	p := policy{clitest.Tool(t, "opa", "opa"), t.TempDir()}
	if err := os.CopyFS(filepath.Join(p.dir, "policies"), os.DirFS(filepath.Join(clitest.Root(t), "examples", "policies", "rego"))); err != nil {
		t.Fatal(err)
	}

	return p
}

// run runs OPA and gives what it prints and its exit code.
func (p policy) run(t *testing.T, input string, args ...string) (output string, code int) {
	t.Helper()

	command := exec.CommandContext(t.Context(), p.opa, args...)
	command.Dir = p.dir
	command.Stdin = strings.NewReader(input)

	out, err := command.CombinedOutput()

	exit := new(exec.ExitError)
	if errors.As(err, &exit) {
		return string(out), exit.ExitCode()
	}

	if err != nil {
		t.Fatal(err)
	}

	return string(out), 0
}

// wants asserts that the policy refuses a plan with these messages, by their
// beginning and in the order of the alphabet, or with none that it passes.
func (p policy) wants(t *testing.T, plan, settings string, messages ...string) {
	t.Helper()

	args := evalCommand

	if settings == "" {
		args = slices.Delete(slices.Clone(args), 4, 6) // The second --data.
	} else if err := os.WriteFile(filepath.Join(p.dir, "policies", "settings.yaml"), []byte(settings), 0o600); err != nil {
		t.Fatal(err)
	}

	output, code := p.run(t, plan, args...)
	if want := min(len(messages), 1); code != want {
		t.Fatalf("exit code %d, want %d:\n%s", code, want, output)
	}

	lines := strings.Split(strings.TrimSpace(output), "\n")
	if output == "" {
		lines = nil
	}

	slices.Sort(lines)

	if !slices.EqualFunc(lines, messages, strings.HasPrefix) {
		t.Errorf("messages:\n%s\nwant them to begin with:\n%s", output, strings.Join(messages, "\n"))
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
	planPartial   = "The plan is not complete"
	noPlan        = "This is not a plan in a format that the policy knows."
	noCheck       = "The plan has no token check."
	checkRefused  = "data.tokencheck_cloudflare.this: not valid, status rejected. The Cloudflare API token (source: env:CLOUDFLARE_API_TOKEN) was refused."
	checkNotAsked = "data.tokencheck_cloudflare.this: the plan has no verdict. The check was put off to the apply, or failed with a warning; this says nothing about the token."
)

// What configurations are made of.
const (
	withoutRetries = `provider "tokencheck" {
  max_retries = 0
}
`
	plainCheck = `data "tokencheck_cloudflare" "this" {}
`
	pendingChange = `resource "terraform_data" "this" {
  input = timestamp()
}
`
)

// A policyStep is a plan, and what the policy says of it.
type policyStep struct {
	before func(issuers) // Before the plan.
	flags  []string      // Of the plan.
	fails  bool          // Whether the plan fails.

	settings string
	messages []string

	apply bool // Afterwards, so that there is a state with the verdict.
}

func cloudflareIsDown(s issuers) { s.cloudflare.SetFault(issuertest.Reply(503, "")) }

func cloudflareIsBack(s issuers) { s.cloudflare.SetFault(nil) }

// The policy sees in a real plan what was verified, and nothing passes that was not.
func TestPolicy(t *testing.T) {
	t.Parallel()

	// OpenTofu does not mark such a plan, as the guide tells.
	partial := []string{planPartial}
	if clitest.OpenTofu(t) {
		partial = nil
	}

	cases := map[string]struct {
		files map[string]string // Without main.tf's required_providers.
		steps []policyStep
	}{
		"without a condition": {
			files: map[string]string{"main.tf": plainCheck + pendingChange},
			steps: []policyStep{
				{apply: true},
				{before: issuers.revokeAll, messages: []string{checkRefused}},
				{flags: []string{"-refresh-only"}, messages: []string{checkRefused}},
				{flags: []string{"-refresh=false"}, messages: []string{checkRefused}},
				{flags: []string{"-destroy"}, messages: []string{checkRefused}},
				{flags: []string{"-target=terraform_data.this"}, messages: partial},
			},
		},
		"with a condition": {
			files: map[string]string{"main.tf": `data "tokencheck_cloudflare" "this" {
  lifecycle {
    postcondition {
      condition     = self.valid
      error_message = self.reason
    }
  }
}
`},
			steps: []policyStep{{before: issuers.revokeAll, fails: true, messages: []string{planFailed, checkRefused}}},
		},
		"outage": {
			files: map[string]string{"main.tf": withoutRetries + plainCheck},
			steps: []policyStep{
				{before: cloudflareIsDown, fails: true, messages: []string{planFailed}},
				{before: cloudflareIsBack, apply: true},
				{before: cloudflareIsDown, fails: true, messages: []string{planFailed}},
			},
		},
		"check block": {
			files: map[string]string{"main.tf": withoutRetries + `check "token" {
  data "tokencheck_cloudflare" "this" {}

  assert {
    condition     = data.tokencheck_cloudflare.this.valid
    error_message = data.tokencheck_cloudflare.this.reason
  }
}
`},
			steps: []policyStep{
				{apply: true},
				{before: cloudflareIsDown, messages: []string{checkNotAsked}},
				{
					before: func(s issuers) {
						cloudflareIsBack(s)
						s.revokeAll()
					},
					messages: []string{checkRefused},
				},
			},
		},
		"put off": {
			files: map[string]string{"main.tf": pendingChange + `data "tokencheck_cloudflare" "this" {
  depends_on = [terraform_data.this]
}
`},
			steps: []policyStep{{messages: []string{checkNotAsked}, apply: true}, {messages: []string{checkNotAsked}}},
		},
		"put off by a module's depends_on": {
			files: map[string]string{
				"main.tf":       pendingChange + "module \"token\" {\n  source     = \"./token\"\n  depends_on = [terraform_data.this]\n}\n",
				"token/main.tf": clitest.RequiredProviders + plainCheck,
			},
			steps: []policyStep{{messages: []string{"module.token." + checkNotAsked}}},
		},
		"in modules": {
			files: map[string]string{
				"main.tf": `module "zone" {
  source    = "./zone"
  for_each  = { dns = "CLOUDFLARE_DNS_TOKEN", workers = "CLOUDFLARE_WORKERS_TOKEN" }
  token_env = each.value
}
`,
				"zone/main.tf": `variable "token_env" {
  type = string
}

module "token" {
  source    = "../token"
  token_env = var.token_env
}
`,
				"token/main.tf": clitest.RequiredProviders + `variable "token_env" {
  type = string
}

data "tokencheck_cloudflare" "this" {
  count         = 1
  api_token_env = var.token_env
}
`,
			},
			steps: []policyStep{
				{settings: `tokencheck_settings:
  required_checks:
    - module.zone["dns"].module.token.data.tokencheck_cloudflare.this[0]
    - module.zone["workers"].module.token.data.tokencheck_cloudflare.this[0]
`},
				{
					before: func(s issuers) { s.cloudflare.Revoke(userToken) },
					settings: `tokencheck_settings:
  required_checks:
    - data.tokencheck_cloudflare.this
    - module.zone["workers"].module.token.data.tokencheck_cloudflare.this[1]
`,
					messages: []string{
						"data.tokencheck_cloudflare.this: required_checks demands this check, and the plan does not have it.",
						`module.zone["dns"].module.token.data.tokencheck_cloudflare.this[0]: not valid, status rejected. The Cloudflare API token (source: env:CLOUDFLARE_DNS_TOKEN) was refused.`,
						`module.zone["workers"].module.token.data.tokencheck_cloudflare.this[1]: required_checks demands this check, and the plan does not have it.`,
					},
				},
			},
		},
		"nothing that counts": {
			files: map[string]string{"main.tf": `ephemeral "tokencheck_cloudflare" "this" {}

resource "terraform_data" "this" {
  input = {
    mode          = "data"
    type          = "tokencheck_cloudflare"
    address       = "data.tokencheck_cloudflare.this"
    provider_name = "registry.terraform.io/tokencheck/tokencheck"
    values        = { valid = true, expires_on = null }
  }
}
`},
			steps: []policyStep{{messages: []string{noCheck}, apply: true}, {messages: []string{noCheck}}},
		},
		"ends": {
			files: map[string]string{"main.tf": `data "tokencheck_cloudflare" "in_30_days" {}

data "tokencheck_cloudflare" "never" {
  api_token_env = "CLOUDFLARE_DNS_TOKEN"
}

data "tokencheck_venafi" "not_known" {}
`},
			steps: []policyStep{
				{
					before: func(s issuers) { // What old servers say.
						s.venafi.Set(venafiToken, venafitest.Token{Application: "example", Scope: "certificate:manage"})
					},
					messages: []string{"data.tokencheck_venafi.not_known: the end of the token is not known, so that min_remaining_hours (24) cannot be judged."},
				},
				{settings: "tokencheck_settings: {min_remaining_hours: 0}"},
				{
					settings: "tokencheck_settings: {min_remaining_hours: 721}",
					messages: []string{
						"data.tokencheck_cloudflare.in_30_days: the token ends at ",
						"data.tokencheck_venafi.not_known: the end of the token is not known",
					},
				},
			},
		},
		// A token that is an argument is in the plan, but in no message.
		"token as an argument": {
			files: map[string]string{"main.tf": `variable "cloudflare_api_token" {
  type      = string
  sensitive = true
  nullable  = false
}

data "tokencheck_cloudflare" "this" {
  api_token = var.cloudflare_api_token
}
`},
			steps: []policyStep{{
				before:   issuers.revokeAll,
				messages: []string{"data.tokencheck_cloudflare.this: not valid, status rejected. The Cloudflare API token (source: argument) was refused."},
			}},
		},
	}

	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			c.files["main.tf"] = clitest.RequiredProviders + c.files["main.tf"]
			s, w, p := newIssuers(t), clitest.Workspace(t, c.files), newPolicy(t)
			env := s.env(t, t.TempDir())

			for _, step := range c.steps {
				if step.before != nil {
					step.before(s)
				}

				p.wants(t, planJSON(t, w, env, !step.fails, step.flags...), step.settings, step.messages...)

				if step.apply {
					clitest.Run(t, w, env, true, []string{"apply", "-no-color", "-input=false", "plan.tfplan"})
				}
			}
		})
	}
}

// planJSON makes a plan, also one that fails, and gives what show -json tells of it.
func planJSON(t *testing.T, w *cli.Workspace, env []string, succeed bool, flags ...string) string {
	t.Helper()

	clitest.Run(t, w, env, succeed, append([]string{"plan", "-no-color", "-input=false", "-out=plan.tfplan"}, flags...))

	return clitest.Run(t, w, env, true, []string{"show", "-json", "plan.tfplan"}).Stdout
}

// The margin counts from the time at which the policy runs, and not from the plan's.
func TestPolicyNow(t *testing.T) {
	t.Parallel()

	s, w := newIssuers(t), clitest.Workspace(t, map[string]string{"main.tf": clitest.RequiredProviders + plainCheck})
	end := time.Now().AddDate(0, 0, 2)
	s.cloudflare.Set(endingToken, cloudflaretest.Token{ID: tokenID, ExpiresOn: end})

	p := newPolicy(t)
	plan := planJSON(t, w, s.env(t, t.TempDir()), true)
	p.wants(t, plan, "tokencheck_settings: {min_remaining_hours: 24}")

	later := slices.Clone(evalCommand)
	later[len(later)-1] += " with time.now_ns as time.parse_rfc3339_ns(\"" + end.Add(-23*time.Hour).Format(time.RFC3339) + "\")"

	if output, code := p.run(t, plan, later...); code != 1 || !strings.Contains(output, "less than min_remaining_hours (24) is left") {
		t.Errorf("exit code %d:\n%s", code, output)
	}
}

// What is not a plan is refused, and so are settings that are not understood.
func TestPolicyFailsClosed(t *testing.T) {
	t.Parallel()

	s, w := newIssuers(t), clitest.Workspace(t, map[string]string{"main.tf": clitest.RequiredProviders + plainCheck})
	env, p := s.env(t, t.TempDir()), newPolicy(t)
	shipped := read(t, "policies")["rego/settings.yaml"]

	plan := planJSON(t, w, env, true)
	p.wants(t, plan, shipped)
	p.wants(t, plan, "tokencheck_settings: {}")
	p.wants(t, plan, "other_settings: {}")

	clitest.Run(t, w, env, true, []string{"apply", "-no-color", "-input=false", "plan.tfplan"})

	for _, input := range []string{clitest.Run(t, w, env, true, []string{"show", "-json"}).Stdout, "", "{}", "[]", "[" + plan + "]", "null", `"plan"`, `{"format_version": 1.2}`} {
		p.wants(t, input, shipped, noPlan)
	}

	for _, input := range []string{"{", plan + plan} {
		if output, code := p.run(t, input, evalCommand...); code != 2 {
			t.Errorf("exit code %d:\n%s", code, output)
		}
	}

	for settings, messages := range map[string][]string{
		"null":                           {"tokencheck_settings is not a map"},
		"false":                          {"tokencheck_settings is not a map"},
		"72h":                            {"tokencheck_settings is not a map"},
		"{min_remaining: 72}":            {"tokencheck_settings.min_remaining is not understood."},
		"{min_remaining_hours: '72'}":    {"tokencheck_settings.min_remaining_hours is not understood."},
		"{min_remaining_hours: -1}":      {"tokencheck_settings.min_remaining_hours is not understood."},
		"{min_remaining_hours: null}":    {"tokencheck_settings.min_remaining_hours is not understood."},
		"{provider_names: []}":           {"tokencheck_settings.provider_names is not understood."},
		"{provider_names: acme}":         {"tokencheck_settings.provider_names is not understood."},
		"{required_checks: [1]}":         {"tokencheck_settings.required_checks is not understood."},
		"{required_checks: {a: b}}":      {"tokencheck_settings.required_checks is not understood."},
		"{required_checks: [data.x.y]}":  {"data.x.y: required_checks demands this check"},
		"{provider_names: [a.test/b/c]}": {"data.tokencheck_cloudflare.this: its provider is registry."},
		"{min_remaining_hours: 1000000}": {"data.tokencheck_cloudflare.this: the token ends at"},
	} {
		p.wants(t, plan, "tokencheck_settings: "+settings, messages...)
	}
}

// The Rego is in OPA's own form, and its own tests pass.
func TestPolicyRego(t *testing.T) {
	t.Parallel()

	p := newPolicy(t)

	for _, args := range [][]string{
		{"fmt", "--fail", "--list", "policies"},
		{"check", "--strict", "policies"},
		{"test", "policies"},
	} {
		if output, code := p.run(t, "", args...); code != 0 {
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
