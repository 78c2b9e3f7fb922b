terraform {
  required_version = ">= 1.4"

  required_providers {
    tokencheck = {
      source  = "tokencheck/tokencheck"
      version = "~> 0.1"
    }
  }
}

# Names of environment variables, not tokens: for_each does not accept sensitive values.
data "tokencheck_cloudflare" "all" {
  for_each = {
    dns     = "CLOUDFLARE_DNS_TOKEN"
    workers = "CLOUDFLARE_WORKERS_TOKEN"
  }

  api_token_env = each.value
  min_remaining = "168h"

  # One run reports every invalid token.
  lifecycle {
    postcondition {
      condition     = self.valid
      error_message = "${each.key}: ${self.reason}"
    }
  }
}

# Placeholder for the resources that need the tokens, such as cloudflare_dns_record.
resource "terraform_data" "dns_record" {
  input = "www"

  depends_on = [data.tokencheck_cloudflare.all]
}
