package examples_test

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/tokencheck/terraform-provider-tokencheck/internal/cli"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/cli/clitest"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/issuertest"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/venafi/venafitest"
)

// newPolicy returns a configuration next to the policy, which evaluates its plans.
func newPolicy(t *testing.T, files map[string]string) *workspace {
	t.Helper()
	for file, text := range read(t, "examples/policies/rego", "") {
		files["policies/"+file] = text
	}
	files["main.tf"] = clitest.Require(files["main.tf"])
	return newWorkspace(t, files)
}

// opaPath is OPA's path. Go takes longer to find it than it takes to run.
var opaPath = sync.OnceValues(func() (string, error) { return cli.Tool(context.Background(), "opa", "opa") })

func opa(t *testing.T, dir, input string, args ...string) (output string, code int) {
	t.Helper()
	path, err := opaPath()
	if err != nil {
		t.Fatal(err)
	}
	command := exec.CommandContext(t.Context(), path, args...)
	command.Dir, command.Stdin = dir, strings.NewReader(input)
	out, _ := command.CombinedOutput()
	return string(out), command.ProcessState.ExitCode()
}

func settings(hours int, checks ...string) string {
	return fmt.Sprintf("tokencheck_settings: {gated_providers: [cloudflare/cloudflare], min_remaining_hours: %d, required_checks: %s, allow_switched_off_gates: false}",
		hours, strings.ReplaceAll(fmt.Sprintf("%q", checks), `" "`, `", "`))
}

// wants asserts that the policy, run with the guide's command, refuses a plan with
// messages that begin like these, in alphabetical order, or passes it if there are none.
func (w *workspace) wants(t *testing.T, plan, settings string, messages ...string) {
	t.Helper()
	w.write(t, "policies/settings.yaml", settings)
	_, command, _ := strings.Cut(read(t, "templates/guides", "")["refuse-plans-by-policy.md.tmpl"], "opa eval ")
	command, _, _ = strings.Cut(command, "```")
	// Any directory next to the policy's.
	output, code := opa(t, filepath.Join(w.Dir, "policies"), plan, append([]string{"eval"}, strings.Fields(strings.NewReplacer("\\\n", "", "'", "").Replace(command))...)...)
	lines := slices.Sorted(strings.FieldsFuncSeq(output, func(r rune) bool { return r == '\n' }))
	if code != min(len(messages), 1) || !slices.EqualFunc(lines, messages, strings.HasPrefix) || strings.Contains(output, suffix) {
		t.Errorf("settings %s: exit code %d, messages:\n%s\nwant them without a token, to begin with:\n%s", settings, code, output, strings.Join(messages, "\n"))
	}
}

// Beginnings of messages.
const (
	dependsOn    = ": its token also depends on "
	notGated     = ": no argument refers to a verified_token"
	aToken       = "The Cloudflare API token (source: "
	refusedBy    = "not valid, status rejected. " + aToken
	checkRefused = "data.tokencheck_cloudflare.this: " + refusedBy + "env:CLOUDFLARE_API_TOKEN) was rejected"
	noVerdict    = "the plan has no verdict: the check is deferred, or failed with a warning."
)

// plan creates a plan, also a failed one, and returns its show -json output.
func (w *workspace) plan(t *testing.T, succeed bool, flags string) string {
	t.Helper()
	w.run(t, succeed, "plan -out=plan.tfplan "+flags)
	return w.run(t, true, "show -json plan.tfplan").Stdout
}

func TestPolicyOnGates(t *testing.T) {
	t.Parallel()
	config := []string{`
variable "token" { default = "" }
variable "verify_tokens" {
  type    = bool
  default = true
}
ephemeral "tokencheck_cloudflare" "switched" { count = var.verify_tokens ? 1 : 0 }
locals { token = ephemeral.tokencheck_cloudflare.this.verified_token }
ephemeral "tokencheck_cloudflare" "this" {}
ephemeral "tokencheck_cloudflare" "many" { for_each = toset(["a"]) }
ephemeral "tokencheck_cloudflare" "reported" { require_valid = false }

provider "cloudflare" { api_token = ephemeral.tokencheck_cloudflare.this.verified_token }
resource "cloudflare_dns_record" "this" {}
resource "cloudflare_dns_record" "nothing" { provider = cloudflare.nothing }

module "mixed" { source = "./mixed" }
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
		{"pipeline", `api_token = var.verify_tokens ? coalesce(ephemeral.tokencheck_cloudflare.switched[0].verified_token, "no-verified-token") : null`},
		{"unused", ""},
		{"chosen", "api_token = module.mixed.token", dependsOn + "var.other in module.mixed.token"},
		{"condition", "api_token = ephemeral.tokencheck_cloudflare.this.valid ? ephemeral.tokencheck_cloudflare.this.verified_token : null", dependsOn + "ephemeral.tokencheck_cloudflare.this.valid"},
		{"default", "api_token = coalesce(ephemeral.tokencheck_cloudflare.this.verified_token, var.token)", dependsOn + "var.token"},
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
		"check/main.tf": clitest.Require(`
ephemeral "tokencheck_cloudflare" "this" { require_valid = true }
output "token" {
  value     = ephemeral.tokencheck_cloudflare.this.verified_token
  ephemeral = true
}
`),
		"mixed/main.tf": clitest.Require(`
variable "other" { default = "" }
ephemeral "tokencheck_cloudflare" "this" {}
output "token" {
  value     = var.other == "" ? ephemeral.tokencheck_cloudflare.this.verified_token : var.other
  ephemeral = true
}
`),
		"inherits/main.tf": clitest.Require(`resource "cloudflare_dns_record" "this" {}`),
		"own/main.tf": clitest.Require(`
variable "token" { ephemeral = true }
module "inner" { source = "../check" }
provider "cloudflare" { api_token = module.inner.token }
provider "cloudflare" {
  alias = "variable"
  api_token = var.token
}
`),
	})
	messages = append(messages, "provider module.own:cloudflare.variable"+notGated)
	p.wants(t, p.plan(t, true, ""), settings(0), messages...)

	// A gate that is switched off is refused, unless a setting accepts that, which is told.
	off := p.plan(t, true, "-var=verify_tokens=false")
	p.wants(t, off, settings(0), slices.Sorted(slices.Values(append(messages, "provider cloudflare.pipeline: its gate is switched off by var.verify_tokens, which must be true")))...)
	allowed := strings.Replace(settings(0), "gates: false", "gates: true", 1)
	p.wants(t, off, allowed, messages...)
	output, _ := opa(t, p.Dir, off, "eval", "--stdin-input", "--data=policies/tokencheck.rego", "--data=policies/settings.yaml", "--format=raw", "data.tokencheck.warn[_]")
	if !strings.HasPrefix(output, "provider cloudflare.pipeline: its gate is switched off by var.verify_tokens, and") {
		t.Errorf("the warning is %q", output)
	}

	// Resources that are only in state need no provider configuration.
	p.run(t, true, "apply -auto-approve -target=cloudflare_dns_record.this")
	p.write(t, "main.tf", clitest.Require(`ephemeral "tokencheck_cloudflare" "this" {}`))
	p.wants(t, p.plan(t, true, ""), settings(0), "The plan has no token check.", "provider registry.")
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
		"token/main.tf": clitest.Require(`
variable "token_env" {}
data "tokencheck_cloudflare" "this" {
  count         = 1
  api_token_env = var.token_env
}
`),
	})
	// Old servers report no expiration.
	p.venafi.Set(otherToken, venafitest.Token{Application: "example", Scope: "certificate:manage"})
	const (
		unknown = "data.tokencheck_venafi.unknown: the token's expiration is not reported"
		dns     = `module.token["dns"].data.tokencheck_cloudflare.this[0]`
		workers = `module.token["workers"].data.tokencheck_cloudflare.this[0]`
		expires = ": the token expires at "
	)
	plan := p.plan(t, true, "")
	p.wants(t, plan, settings(0, dns, workers))
	p.wants(t, plan, read(t, "examples/policies/rego", "")["settings.yaml"], unknown)
	p.wants(t, plan, settings(721), "data.tokencheck_cloudflare.argument"+expires, "data.tokencheck_cloudflare.this"+expires, unknown, workers+expires)
	p.run(t, true, "apply -auto-approve")
	for _, input := range []string{p.run(t, true, "show -json").Stdout, "", "[" + plan + "]"} {
		p.wants(t, input, settings(0), "The input is not a plan in a supported format.")
	}
	// OpenTofu does not mark such a plan, as the guide says.
	if !clitest.OpenTofu(t) {
		p.wants(t, p.plan(t, true, "-target=terraform_data.this"), settings(0), "The plan is not complete")
	}
	// Such a plan shows the verdicts of the apply.
	p.cloudflare.SetFault(issuertest.Reply(503, ""))
	p.wants(t, p.plan(t, false, ""), settings(0), "The plan failed and cannot be applied.")
	p.cloudflare.SetFault(nil)

	p.revokeAll()
	p.wants(t, p.plan(t, true, "-destroy"), settings(0), "data.tokencheck_cloudflare.argument: "+refusedBy+"argument) was rejected", checkRefused,
		"data.tokencheck_venafi.unknown: not valid, status rejected. The Venafi access token",
		dns+": "+refusedBy+"env:CLOUDFLARE_DNS_TOKEN) was rejected", workers+": "+refusedBy+"env:CLOUDFLARE_WORKERS_TOKEN) was rejected")
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
		"token/main.tf": clitest.Require(`data "tokencheck_cloudflare" "this" {}`),
	})
	late, module := "data.tokencheck_cloudflare.late: "+noVerdict, "module.token.data.tokencheck_cloudflare.this: "+noVerdict
	p.run(t, true, "apply -auto-approve") // Its verdicts do not count.
	p.cloudflare.SetFault(issuertest.Reply(503, ""))
	p.wants(t, p.plan(t, true, ""), settings(0), late, "data.tokencheck_cloudflare.this: "+noVerdict, module)

	p.cloudflare.SetFault(nil)
	p.revokeAll()
	p.wants(t, p.plan(t, true, ""), settings(0), late, checkRefused, module)
}

// The Rego is formatted, its own tests pass, and its settings have each provider.
func TestPolicyRego(t *testing.T) {
	t.Parallel()
	for _, s := range cli.StandIns() {
		if !strings.Contains(read(t, "examples/policies/rego", "")["settings.yaml"], s.Source) {
			t.Errorf("settings.yaml lacks %s", s.Source)
		}
	}
	for _, args := range [][]string{{"fmt", "--fail", "--list", "policies/rego"}, {"check", "--strict", "policies/rego"}, {"test", "policies/rego"}} {
		if output, code := opa(t, filepath.Join(clitest.Root(t), "examples"), "", args...); code != 0 {
			t.Errorf("%v: exit code %d:\n%s", args, code, output)
		}
	}
}
