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

# Placeholder for a resource that needs the token, such as cloudflare_dns_record.
resource "terraform_data" "dns_record" {
  input = "www"

  depends_on = [data.tokencheck_cloudflare.this]
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

# Placeholder for a resource that needs the token, such as venafi_certificate.
resource "terraform_data" "certificate" {
  input = "www.example.com"

  depends_on = [data.tokencheck_venafi.this]
}
