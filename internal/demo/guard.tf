terraform {
  required_providers {
    tokencheck = {
      source = "tokencheck/tokencheck"
    }
  }
}

data "tokencheck_cloudflare" "dns" {
  min_remaining = "72h"
}

data "tokencheck_venafi" "certificates" {
  required_scopes = ["certificate:manage"]
  min_remaining   = "72h"
}

# Stands for whatever would change half of your infrastructure.
resource "terraform_data" "deployment" {
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
