terraform {
  required_version = ">= 1.4"

  required_providers {
    tokencheck = {
      source  = "tokencheck/tokencheck"
      version = "~> 0.1"
    }
  }
}

# Verifies the token in VENAFI_TOKEN with the server in VENAFI_URL.
data "tokencheck_venafi" "this" {
  min_remaining   = "24h"
  required_scopes = ["certificate:manage,revoke"]

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
