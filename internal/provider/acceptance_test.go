package provider_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/providerserver"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"

	"github.com/tokencheck/terraform-provider-tokencheck/internal/cli/clitest"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/cloudflare/cloudflaretest"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/provider"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/venafi/venafitest"
)

// factories runs the provider in this process, with nothing but env.
func factories(env map[string]string) map[string]func() (tfprotov6.ProviderServer, error) {
	return map[string]func() (tfprotov6.ProviderServer, error){
		"tokencheck": providerserver.NewProtocol6WithError(provider.New("test", host(env))()),
	}
}

// withIssuers puts a provider configuration for the fakes before config.
func withIssuers(c *cloudflaretest.Server, v *venafitest.Server, config string) string {
	block := fmt.Sprintf("  cloudflare = { base_url = %q, trust_bundle = %q }\n", c.BaseURL(), c.TrustBundle)
	if v != nil {
		block += fmt.Sprintf("  venafi = { url = %q, trust_bundle = %q }\n", v.URL, v.TrustBundle)
	}

	return "provider \"tokencheck\" {\n" + block + "}\n" + config
}

const preconditions = `
data "tokencheck_cloudflare" "dns" {}

data "tokencheck_venafi" "certificates" {
  required_scopes = ["certificate:manage"]
}

resource "terraform_data" "guarded" {
  lifecycle {
    precondition {
      condition     = data.tokencheck_cloudflare.dns.valid
      error_message = data.tokencheck_cloudflare.dns.reason
    }
    precondition {
      condition     = data.tokencheck_venafi.certificates.valid
      error_message = data.tokencheck_venafi.certificates.reason
    }
  }
}

output "verdict" {
  value = {
    valid = data.tokencheck_cloudflare.dns.valid, status = data.tokencheck_cloudflare.dns.status,
    reason = data.tokencheck_cloudflare.dns.reason, expires_on = data.tokencheck_cloudflare.dns.expires_on
  }
}
`

// The main job: a precondition stops the plan with the reason, and nothing shows
// a change while the answer is the same. The destroy at the end is made with a
// refused token.
func TestAccPrecondition(t *testing.T) {
	t.Parallel()

	c, v := newCloudflare(t), newVenafi(t, venafiToken())
	env := map[string]string{"CLOUDFLARE_API_TOKEN": "term-0123456789", "VENAFI_TOKEN": venafiSecret}
	config := withIssuers(c, v, preconditions)

	resource.UnitTest(t, resource.TestCase{
		ProtoV6ProviderFactories: factories(env),
		Steps: []resource.TestStep{
			{
				Config: config,
				ConfigStateChecks: []statecheck.StateCheck{
					statecheck.ExpectKnownValue("data.tokencheck_cloudflare.dns", tfjsonpath.New("valid"), knownvalue.Bool(true)),
					statecheck.ExpectKnownValue("data.tokencheck_cloudflare.dns", tfjsonpath.New("token_source"), knownvalue.StringExact("env:CLOUDFLARE_API_TOKEN")),
					statecheck.ExpectKnownValue("data.tokencheck_cloudflare.dns", tfjsonpath.New("api_token"), knownvalue.Null()),
					statecheck.ExpectKnownValue("data.tokencheck_venafi.certificates", tfjsonpath.New("missing_scopes"), knownvalue.SetSizeExact(0)),
				},
			},
			{
				Config:           config,
				ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{plancheck.ExpectEmptyPlan()}},
			},
			{
				PreConfig:   func() { c.Revoke("term-0123456789") },
				Config:      config,
				ExpectError: clitest.Says("The Cloudflare API token (source: env:CLOUDFLARE_API_TOKEN) was refused. Cloudflare's user endpoint"),
			},
		},
	})
}

func TestAccConditions(t *testing.T) {
	t.Parallel()

	tests := map[string]struct {
		config string
		error  string
		output map[string]knownvalue.Check
	}{
		"postcondition with a margin": {
			config: `data "tokencheck_cloudflare" "dns" {
  api_token_env = "TERM"
  min_remaining = "72h"
  lifecycle {
    postcondition {
      condition     = self.valid
      error_message = self.reason
    }
  }
}`,
			error: "still works, but ends at",
		},
		"check block warns only": {
			config: `check "token" {
  data "tokencheck_cloudflare" "dns" {
    api_token_env = "EXPIRED"
  }
  assert {
    condition     = data.tokencheck_cloudflare.dns.valid
    error_message = data.tokencheck_cloudflare.dns.reason
  }
}
output "done" { value = true }`,
			output: map[string]knownvalue.Check{"done": knownvalue.Bool(true)},
		},
		"condition on the end": {
			config: `data "tokencheck_cloudflare" "dns" { api_token_env = "TERM" }
resource "terraform_data" "guarded" {
  lifecycle {
    precondition {
      condition = data.tokencheck_cloudflare.dns.expires_on == null ? true : timecmp(
        data.tokencheck_cloudflare.dns.expires_on, "2999-01-01T00:00:00Z") > 0
      error_message = "The token does not live for ever."
    }
  }
}`,
			error: "The token does not live for ever.",
		},
		"condition on the source": {
			config: `variable "token" {
  type    = string
  default = null
}
data "tokencheck_cloudflare" "dns" {
  api_token = var.token
  lifecycle {
    postcondition {
      condition     = self.token_source == "argument"
      error_message = "The token must be given by the variable, but came from ${self.token_source}."
    }
  }
}`,
			error: "but came from env:CLOUDFLARE_API_TOKEN.",
		},
		"an error names its argument": {
			config: `data "tokencheck_cloudflare" "dns" { api_token_env = "NOT_SET" }`,
			error:  `on terraform_plugin_test.tf`,
		},
		"an unknown provider token": {
			config: `resource "terraform_data" "token" { input = "made-in-this-run" }
provider "tokencheck" {
  alias      = "late"
  cloudflare = { api_token = terraform_data.token.output }
}
data "tokencheck_cloudflare" "dns" { provider = tokencheck.late }`,
			error: "Provider configuration is not known yet",
		},
	}

	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			c := newCloudflare(t)
			step := resource.TestStep{
				Config: withIssuers(c, nil, test.config),
				// A data source in a check block is planned to be read again at each apply.
				ExpectNonEmptyPlan: strings.Contains(test.config, "check \""),
			}

			if test.error != "" {
				step.ExpectError = clitest.Says(test.error)
			}

			for output, want := range test.output {
				step.ConfigStateChecks = append(step.ConfigStateChecks, statecheck.ExpectKnownOutputValue(output, want))
			}

			resource.UnitTest(t, resource.TestCase{
				ProtoV6ProviderFactories: factories(map[string]string{
					"CLOUDFLARE_API_TOKEN": "active-0123456789", "TERM": "term-0123456789", "EXPIRED": "expired-0123456789", "GONE": "gone-0123456789",
				}),
				Steps: []resource.TestStep{step},
			})
		})
	}
}
