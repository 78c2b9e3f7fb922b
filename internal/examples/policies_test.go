package examples_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/tokencheck/terraform-provider-tokencheck/internal/cli"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/cli/clitest"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/issuertest"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/venafi/venafitest"
)

// policy is the policy with a configuration whose plans it evaluates.
type policy struct {
	*cli.Workspace

	issuers issuers
	env     []string
	opa     string
	eval    []string // The guide's command.
}

func newPolicy(t *testing.T, files map[string]string) policy {
	t.Helper()

	for file, text := range read(t, "policies/rego") {
		files["policies/"+file] = text
	}

	guide, err := os.ReadFile(filepath.Join(clitest.Root(t), "templates", "guides", "refuse-plans-by-policy.md.tmpl"))
	if err != nil {
		t.Fatal(err)
	}

	command := regexp.MustCompile(`(?s)opa eval .*? 'data\.tokencheck\.deny\[_\]'`).FindString(string(guide))
	command = strings.NewReplacer("\\\n", "", "'", "").Replace(command)

	files["main.tf"] = clitest.RequiredWithStandIns + files["main.tf"]
	s := newIssuers(t)

	return policy{clitest.Workspace(t, files), s, s.env(t, t.TempDir()), clitest.Tool(t, "opa", "opa"), strings.Fields(command)[1:]}
}

func (p policy) run(t *testing.T, input string, args ...string) (output string, code int) {
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

func settings(hours int, checks ...string) string {
	return fmt.Sprintf("tokencheck_settings: {gated_providers: [cloudflare/cloudflare], min_remaining_hours: %d, required_checks: %s}",
		hours, strings.ReplaceAll(fmt.Sprintf("%q", checks), `" "`, `", "`))
}

// wants asserts that the policy refuses a plan with messages that begin like these,
// in alphabetical order, or passes it if there are none.
func (p policy) wants(t *testing.T, plan, settings string, messages ...string) {
	t.Helper()

	if err := os.WriteFile(filepath.Join(p.Dir, "policies", "settings.yaml"), []byte(settings), 0o600); err != nil {
		t.Fatal(err)
	}

	output, code := p.run(t, plan, p.eval...)
	lines := strings.FieldsFunc(output, func(r rune) bool { return r == '\n' })
	slices.Sort(lines)

	if code != min(len(messages), 1) || !slices.EqualFunc(lines, messages, strings.HasPrefix) {
		t.Errorf("settings %s: exit code %d, messages:\n%s\nwant them to begin with:\n%s", settings, code, output, strings.Join(messages, "\n"))
	}

	if strings.Contains(output, "-0123456789") { // The suffix of all tokens.
		t.Errorf("a token is in the output:\n%s", output)
	}
}

// Beginnings of messages.
const (
	noCheck      = "The plan has no token check."
	notGated     = ": no argument refers to a verified_token"
	refusedBy    = "not valid, status rejected. The Cloudflare API token (source: "
	checkRefused = "data.tokencheck_cloudflare.this: " + refusedBy + "env:CLOUDFLARE_API_TOKEN) was rejected."
	noVerdict    = "the plan has no verdict: the check is deferred, or failed with a warning."
)

// plan creates a plan, also a failed one, and returns its show -json output.
func (p policy) plan(t *testing.T, succeed bool, flags ...string) string {
	t.Helper()

	clitest.Run(t, p.Workspace, p.env, succeed, append([]string{"plan", "-no-color", "-input=false", "-out=plan.tfplan"}, flags...))

	return clitest.Run(t, p.Workspace, p.env, true, []string{"show", "-json", "plan.tfplan"}).Stdout
}

func (p policy) apply(t *testing.T, flags ...string) {
	t.Helper()
	clitest.Run(t, p.Workspace, p.env, true, append([]string{"apply", "-no-color", "-input=false", "-auto-approve"}, flags...))
}

func TestPolicyOnGates(t *testing.T) {
	t.Parallel()

	config := []string{`
variable "token" { default = "" }
locals { token = ephemeral.tokencheck_cloudflare.this.verified_token }
ephemeral "tokencheck_cloudflare" "this" {}
ephemeral "tokencheck_cloudflare" "many" { for_each = toset(["a"]) }
ephemeral "tokencheck_cloudflare" "reported" { require_valid = false }

provider "cloudflare" { api_token = ephemeral.tokencheck_cloudflare.this.verified_token }
resource "cloudflare_dns_record" "this" {}
resource "cloudflare_dns_record" "nothing" { provider = cloudflare.nothing }

module "inherits" { source = "./inherits" }
module "check" {
  source   = "./check"
  for_each = toset(["a.b"])
}
module "own" {
  source = "./own"
  token  = ephemeral.tokencheck_cloudflare.this.verified_token
}
`}
	// The arguments of the provider's aliases, and the policy's messages about them.
	aliases := [][3]string{
		{"instance", `api_token = ephemeral.tokencheck_cloudflare.many["a"].verified_token`},
		{"output", `api_token = module.check["a.b"].token`},
		{"unused", ""},

		{"literal", `api_token = "literal"`, notGated},
		{"local", "api_token = local.token", notGated},
		{"nothing", "", notGated},
		{"reported", "api_token = ephemeral.tokencheck_cloudflare.reported.verified_token", ": its check, ephemeral.tokencheck_cloudflare.reported, may report"},
		{"valid", "api_token = ephemeral.tokencheck_cloudflare.this.valid ? var.token : null", notGated},
		{"variable", "api_token = var.token", notGated},
	}

	var messages []string

	for _, alias := range aliases {
		config = append(config, fmt.Sprintf("provider \"cloudflare\" {\n  alias = %q\n  %s\n}\n", alias[0], alias[1]))

		// As the guide says, Terraform does not list ephemeral resources.
		if alias[2] != "" && (alias[0] != "reported" || clitest.OpenTofu(t)) {
			messages = append(messages, "provider cloudflare."+alias[0]+alias[2])
		}
	}

	p := newPolicy(t, map[string]string{
		"main.tf": strings.Join(config, ""),
		"check/main.tf": clitest.RequiredProviders + `
ephemeral "tokencheck_cloudflare" "this" { require_valid = true }
output "token" {
  value     = ephemeral.tokencheck_cloudflare.this.verified_token
  ephemeral = true
}
`,
		"inherits/main.tf": clitest.RequiredWithStandIns + `resource "cloudflare_dns_record" "this" {}`,
		"own/main.tf": clitest.RequiredWithStandIns + `
variable "token" { ephemeral = true }
module "inner" { source = "../check" }
provider "cloudflare" { api_token = module.inner.token }
provider "cloudflare" {
  alias = "variable"
  api_token = var.token
}
`,
	})

	p.wants(t, p.plan(t, true), settings(0), append(messages, "provider module.own:cloudflare.variable"+notGated)...)

	// Resources that are only in state need no provider configuration.
	p.apply(t, "-target=cloudflare_dns_record.this")

	if err := os.WriteFile(filepath.Join(p.Dir, "main.tf"), []byte(clitest.RequiredWithStandIns+`ephemeral "tokencheck_cloudflare" "this" {}`), 0o600); err != nil {
		t.Fatal(err)
	}

	p.wants(t, p.plan(t, true), settings(0), noCheck, "provider registry.")
}

// Data sources without conditions, also in modules: only the policy refuses.
func TestPolicyOnDataSources(t *testing.T) {
	t.Parallel()

	p := newPolicy(t, map[string]string{
		"main.tf": `
variable "cloudflare_api_token" {}
provider "tokencheck" { max_retries = 0 }
data "tokencheck_cloudflare" "this" {}
data "tokencheck_cloudflare" "argument" { api_token = var.cloudflare_api_token } # It is in the plan.
data "tokencheck_venafi" "unknown" {}
resource "terraform_data" "this" { input = { time = timestamp(), mode = "data", type = "tokencheck_looks_like", address = "x" } }
module "token" {
  source    = "./token"
  for_each  = { dns = "CLOUDFLARE_DNS_TOKEN", workers = "CLOUDFLARE_WORKERS_TOKEN" }
  token_env = each.value
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

	// Old servers report no expiration.
	p.issuers.venafi.Set(venafiToken, venafitest.Token{Application: "example", Scope: "certificate:manage"})

	const (
		unknown = "data.tokencheck_venafi.unknown: the token's expiration is not reported"
		dns     = `module.token["dns"].data.tokencheck_cloudflare.this[0]`
		workers = `module.token["workers"].data.tokencheck_cloudflare.this[0]`
		expires = ": the token expires at "
	)

	plan := p.plan(t, true)
	p.wants(t, plan, settings(0, dns, workers))
	p.wants(t, plan, settings(0, "data.x.y"), "data.x.y: this required check is not in the plan.")
	p.wants(t, plan, read(t, "policies")["rego/settings.yaml"], unknown)
	p.wants(t, plan, settings(721), "data.tokencheck_cloudflare.argument"+expires, "data.tokencheck_cloudflare.this"+expires, unknown, workers+expires)

	for _, invalid := range []string{
		"{}", "tokencheck_settings: 72h", strings.Replace(settings(0), "0", "'72'", 1), strings.Replace(settings(0), "0", "-1", 1),
		strings.Replace(settings(0), "required_checks", "required_check", 1), strings.Replace(settings(0), "[]", "{a: b}", 1),
	} {
		p.wants(t, plan, invalid, "tokencheck_settings is missing or invalid.")
	}

	p.apply(t)
	for _, input := range []string{clitest.Run(t, p.Workspace, p.env, true, []string{"show", "-json"}).Stdout, "", "[" + plan + "]"} {
		p.wants(t, input, settings(0), "The input is not a plan in a supported format.")
	}

	// OpenTofu does not mark such a plan, as the guide says.
	if !clitest.OpenTofu(t) {
		p.wants(t, p.plan(t, true, "-target=terraform_data.this"), settings(0), "The plan is not complete")
	}

	// Such a plan shows the verdicts of the apply.
	p.issuers.cloudflare.SetFault(issuertest.Reply(503, ""))
	p.wants(t, p.plan(t, false), settings(0), "The plan failed and cannot be applied.")
	p.issuers.cloudflare.SetFault(nil)

	p.issuers.cloudflare.Revoke(userToken)
	p.issuers.cloudflare.Revoke(endingToken)
	p.wants(t, p.plan(t, true, "-destroy"), settings(0), "data.tokencheck_cloudflare.argument: "+refusedBy+"argument) was rejected.", checkRefused,
		dns+": "+refusedBy+"env:CLOUDFLARE_DNS_TOKEN) was rejected.", workers+": "+refusedBy+"env:CLOUDFLARE_WORKERS_TOKEN) was rejected.")
}

// A check without a verdict is refused: a deferred one, also by a module's
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
		late   = "data.tokencheck_cloudflare.late: " + noVerdict
		module = "module.token.data.tokencheck_cloudflare.this: " + noVerdict
	)

	p.apply(t) // Its verdicts do not count.
	p.issuers.cloudflare.SetFault(issuertest.Reply(503, ""))
	p.wants(t, p.plan(t, true), settings(0), late, "data.tokencheck_cloudflare.this: "+noVerdict, module)

	p.issuers.cloudflare.SetFault(nil)
	p.issuers.revokeAll()
	p.wants(t, p.plan(t, true), settings(0), late, checkRefused, module)
}

// The Rego is formatted, and its own tests pass.
func TestPolicyRego(t *testing.T) {
	t.Parallel()

	p := newPolicy(t, map[string]string{})

	for _, args := range [][]string{{"fmt", "--fail", "--list", "policies"}, {"check", "--strict", "policies"}, {"test", "policies"}} {
		if output, code := p.run(t, "", args...); code != 0 {
			t.Errorf("%v: exit code %d:\n%s", args, code, output)
		}
	}
}
