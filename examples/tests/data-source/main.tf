terraform {
  required_version = ">= 1.5"

  required_providers {
    tokencheck = {
      source = "tokencheck/tokencheck"
    }
  }
}

data "tokencheck_cloudflare" "this" {
  min_remaining = "336h"
}

# Warns from 14 days before the end.
check "cloudflare_token_ends_soon" {
  assert {
    condition     = data.tokencheck_cloudflare.this.status != "expiring"
    error_message = data.tokencheck_cloudflare.this.reason
  }
}

# The guard is a resource of its own: what depends on it is refreshed only once
# its conditions hold. A token that ends soon still works, so it stops nothing.
resource "terraform_data" "token_guard" {
  lifecycle {
    precondition {
      condition     = contains(["active", "expiring"], data.tokencheck_cloudflare.this.status)
      error_message = data.tokencheck_cloudflare.this.reason
    }
  }
}

# Stands for everything that needs the Cloudflare token.
resource "terraform_data" "dns_record" {
  input = "www"

  depends_on = [terraform_data.token_guard]
}

data "tokencheck_venafi" "this" {
  required_scopes = ["certificate:manage"]

  lifecycle {
    postcondition {
      condition     = self.valid
      error_message = self.reason
    }
  }
}

# Stands for everything that needs the Venafi token.
resource "terraform_data" "certificate" {
  input = "www.example.com"

  depends_on = [data.tokencheck_venafi.this]
}
