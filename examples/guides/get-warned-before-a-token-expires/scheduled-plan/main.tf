terraform {
  required_version = ">= 1.2"

  required_providers {
    tokencheck = {
      source  = "tokencheck/tokencheck"
      version = "~> 0.1"
    }
  }
}

# Without resources and outputs, the plan has no changes. It fails if a token is not valid
# or expires within 14 days.
locals {
  cloudflare_tokens = {
    dns     = "CLOUDFLARE_DNS_TOKEN"
    workers = "CLOUDFLARE_WORKERS_TOKEN"
  }
}

data "tokencheck_cloudflare" "all" {
  for_each = local.cloudflare_tokens

  api_token_env = each.value
  min_remaining = "336h"

  lifecycle {
    postcondition {
      condition     = self.valid
      error_message = "${each.key}: ${self.reason}"
    }
  }
}

data "tokencheck_venafi" "this" {
  min_remaining = "336h"

  lifecycle {
    postcondition {
      condition     = self.valid
      error_message = self.reason
    }
  }
}
