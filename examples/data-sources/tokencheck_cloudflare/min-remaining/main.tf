terraform {
  required_version = ">= 1.4"

  required_providers {
    tokencheck = {
      source = "tokencheck/tokencheck"
    }
  }
}

data "tokencheck_cloudflare" "this" {
  api_token_env = "CLOUDFLARE_API_TOKEN"
  min_remaining = "72h"

  lifecycle {
    postcondition {
      condition     = self.valid
      error_message = self.reason
    }
  }
}

# Placeholder for a resource that needs the token.
resource "terraform_data" "dns_record" {
  input = "www"

  depends_on = [data.tokencheck_cloudflare.this]
}
