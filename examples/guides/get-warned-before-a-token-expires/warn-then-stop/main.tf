terraform {
  required_version = ">= 1.5"

  required_providers {
    tokencheck = {
      source  = "tokencheck/tokencheck"
      version = "~> 0.1"
    }
  }
}

data "tokencheck_cloudflare" "this" {
  min_remaining = "336h"

  # A token that expires soon can still be used, so "expiring" passes.
  lifecycle {
    postcondition {
      condition     = contains(["active", "expiring"], self.status)
      error_message = self.reason
    }
  }
}

# Warns during the last 14 days.
check "cloudflare_token_expires_soon" {
  assert {
    condition     = data.tokencheck_cloudflare.this.status != "expiring"
    error_message = data.tokencheck_cloudflare.this.reason
  }
}
