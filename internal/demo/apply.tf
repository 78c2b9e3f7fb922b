terraform {
  required_providers {
    tokencheck = {
      source = "tokencheck/tokencheck"
    }
  }
}

# Terraform asks at plan, and again at apply.
ephemeral "tokencheck_cloudflare" "dns" {}

resource "terraform_data" "deployment" {
  depends_on = [ephemeral.tokencheck_cloudflare.dns]
}
