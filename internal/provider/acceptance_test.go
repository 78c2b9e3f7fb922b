package provider_test

import (
	"fmt"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/providerserver"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"

	"github.com/tokencheck/terraform-provider-tokencheck/internal/cli/clitest"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/cloudflare/cloudflaretest"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/provider"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/venafi/venafitest"
)

// factories runs the provider in this process, with only env.
func factories(env map[string]string) map[string]func() (tfprotov6.ProviderServer, error) {
	return map[string]func() (tfprotov6.ProviderServer, error){
		"tokencheck": providerserver.NewProtocol6WithError(provider.New("test", host(env))()),
	}
}

// withIssuers prepends a provider configuration for the fakes to config.
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

// The main use, with the provider in this process: a precondition stops the plan with
// the reason.
func TestAccPrecondition(t *testing.T) {
	t.Parallel()

	c, v := newCloudflare(t), newVenafi(t, venafiToken())
	env := map[string]string{"CLOUDFLARE_API_TOKEN": "deleted-0123456789", "VENAFI_TOKEN": venafiSecret}

	resource.UnitTest(t, resource.TestCase{
		ProtoV6ProviderFactories: factories(env),
		Steps: []resource.TestStep{{
			Config:      withIssuers(c, v, preconditions),
			ExpectError: clitest.Says("The Cloudflare API token (source: env:CLOUDFLARE_API_TOKEN) was rejected. Cloudflare's user endpoint"),
		}},
	})
}
