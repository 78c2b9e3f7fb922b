terraform {
  required_providers {
    tokencheck = { source = "tokencheck/tokencheck" }
  }
}

data "tokencheck_cloudflare" "dns" {
  min_remaining = "72h"
}

resource "terraform_data" "deployment" {
  lifecycle {
    precondition {
      condition     = data.tokencheck_cloudflare.dns.valid
      error_message = data.tokencheck_cloudflare.dns.reason
    }
  }
}
