package provider_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/tokencheck/terraform-provider-tokencheck/internal/cli"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/cli/clitest"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/cloudflare/cloudflaretest"
)

// These tests cover the behavior between plan and apply that users rely on. Much of
// it is the CLI's and not the provider's: if a test fails with a new CLI, the guides
// have to change.

const secret = "active-0123456789"

// guarded creates a workspace with a configuration for one fake, with the token from
// the environment.
func guarded(t *testing.T, config string) (*cloudflaretest.Server, *cli.Workspace, []string) {
	t.Helper()

	c := newCloudflare(t)
	w := clitest.Workspace(t, map[string]string{"main.tf": clitest.RequiredProviders + withIssuers(c, nil, config)})

	return c, w, []string{"CLOUDFLARE_API_TOKEN=" + secret}
}

func created(t *testing.T, w *cli.Workspace, address string) bool {
	t.Helper()

	return strings.Contains(w.Run(t.Context(), nil, "state", "list").Stdout, address)
}

// atPlan is a data source that is not read during apply.
const atPlan = `
data "tokencheck_cloudflare" "now" {
  lifecycle {
    postcondition {
      condition     = self.valid
      error_message = self.reason
    }
  }
}

resource "terraform_data" "guarded" {
  depends_on = [data.tokencheck_cloudflare.now]
}
`

// A data source is read during plan only: a saved plan is applied even if the token
// has since been revoked, and a destroy is not stopped.
func TestSemanticsDataSource(t *testing.T) {
	t.Parallel()

	c, w, env := guarded(t, atPlan)
	clitest.Run(t, w, env, true, []string{"plan", "-no-color", "-out=plan"}, "terraform_data.guarded will be created")
	c.Revoke(secret)
	clitest.Run(t, w, env, true, []string{"apply", "-no-color", "plan"}, "terraform_data.guarded: Creation complete")
	clitest.Run(t, w, env, false, []string{"plan", "-no-color"}, "was rejected")
	clitest.Run(t, w, env, true, []string{"destroy", "-auto-approve", "-no-color"}, "terraform_data.guarded: Destruction complete")
}

// A check that has unknown arguments, or depends on a resource with pending changes,
// is deferred: the plan passes, and the apply decides.
func TestSemanticsDeferred(t *testing.T) {
	t.Parallel()

	for name, test := range map[string]struct{ block, config, refusal string }{
		"data source with an unknown argument": {"data", "api_token = terraform_data.late.output", "was rejected"},
		"data source with depends_on":          {"data", "api_token = \"dead-0123456789\"\n  depends_on = [terraform_data.late]", "was rejected"},
		"ephemeral with an unknown argument":   {"ephemeral", "api_token = terraform_data.late.output", "was rejected"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			c, w, env := guarded(t, fmt.Sprintf(`
resource "terraform_data" "late" { input = "dead-0123456789" }

%[1]s "tokencheck_cloudflare" "now" {
  %[2]s
}

resource "terraform_data" "guarded" {
  lifecycle {
    precondition {
      condition     = %[3]stokencheck_cloudflare.now.valid
      error_message = %[4]s
    }
  }
}
`, test.block, test.config, map[string]string{"data": "data.", "ephemeral": "ephemeral."}[test.block],
				map[string]string{"data": "data.tokencheck_cloudflare.now.reason", "ephemeral": `"The token is not valid."`}[test.block]))

			clitest.Run(t, w, env, true, []string{"plan", "-no-color", "-out=plan"}, "2 to add")

			if n := len(c.Requests()); n > 0 {
				t.Errorf("the plan made %d requests", n)
			}

			clitest.Run(t, w, env, false, []string{"apply", "-no-color", "plan"}, test.refusal)

			if created(t, w, "terraform_data.guarded") {
				t.Error("the guarded resource was created")
			}
		})
	}
}

// A provider token created in the same run is never treated as not set, by either
// face; as the check's own argument, it defers the check.
func TestSemanticsUnknownProvider(t *testing.T) {
	t.Parallel()

	for _, block := range []string{"data", "ephemeral"} {
		t.Run(block, func(t *testing.T) {
			t.Parallel()

			c := newCloudflare(t)
			w := clitest.Workspace(t, map[string]string{"main.tf": clitest.RequiredProviders + fmt.Sprintf(`
resource "terraform_data" "token" { input = "made-in-this-run" }

provider "tokencheck" {
  cloudflare = { base_url = %q, trust_bundle = %q, api_token = terraform_data.token.output }
}

%s "tokencheck_cloudflare" "now" {}
`, c.BaseURL(), c.TrustBundle, block)})

			clitest.Run(t, w, []string{"CLOUDFLARE_API_TOKEN=" + secret}, false, []string{"plan", "-no-color"}, "Provider configuration is unknown", "own argument")

			if n := len(c.Requests()); n > 0 {
				t.Errorf("%d requests were made", n)
			}
		})
	}
}

// An ephemeral variable can set the provider's token and an ephemeral resource's
// argument, but not a data source's, and has to be set again for a saved plan.
func TestSemanticsEphemeralVariable(t *testing.T) {
	t.Parallel()

	const variable = `
variable "token" {
  type      = string
  ephemeral = true
  sensitive = true
}
`

	c := newCloudflare(t)
	provider := strings.Replace(withIssuers(c, nil, ""), "trust_bundle", "api_token = var.token, trust_bundle", 1)
	w := clitest.Workspace(t, map[string]string{"main.tf": clitest.RequiredProviders + variable + provider + atPlan + `
ephemeral "tokencheck_cloudflare" "own" {
  api_token = var.token
}
`})
	env := []string{"TF_VAR_token=" + secret}

	clitest.Run(t, w, env, true, []string{"plan", "-no-color", "-input=false", "-out=plan"}, "1 to add")
	clitest.Run(t, w, nil, false, []string{"apply", "-no-color", "-input=false", "plan"}, "No value for required variable")
	clitest.Run(t, w, env, true, []string{"apply", "-no-color", "-input=false", "plan"}, "1 added")

	w = clitest.Workspace(t, map[string]string{"main.tf": clitest.RequiredProviders + variable + withIssuers(c, nil, `
data "tokencheck_cloudflare" "own" {
  api_token = var.token
}
`)})
	refusal := "Invalid use of ephemeral value"
	if clitest.OpenTofu(t) {
		refusal = "Ephemeral value used in non-ephemeral context"
	}

	clitest.Run(t, w, env, false, []string{"plan", "-no-color", "-input=false"}, refusal)
}

// If nothing refers to an ephemeral resource, Terraform opens it when it applies a
// saved plan, OpenTofu does not.
func TestSemanticsUnused(t *testing.T) {
	t.Parallel()

	terraform := !clitest.OpenTofu(t)
	c, w, env := guarded(t, `
ephemeral "tokencheck_cloudflare" "now" {}

resource "terraform_data" "other" {}
`)
	clitest.Run(t, w, env, true, []string{"plan", "-no-color", "-out=plan"}, "1 to add")

	requests := len(c.Requests())

	c.Revoke(secret)
	clitest.Run(t, w, env, !terraform, []string{"apply", "-no-color", "plan"})

	if opened := len(c.Requests()) > requests; opened != terraform {
		t.Errorf("the apply opened it: %t", opened)
	}
}
