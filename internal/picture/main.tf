terraform {
  required_providers {
    tokencheck = { source = "tokencheck/tokencheck" }
  }
}

data "tokencheck_cloudflare" "dns" {
  min_remaining = "72h"

  lifecycle {
    postcondition {
      condition     = self.valid
      error_message = self.reason
    }
  }
}

resource "terraform_data" "deployment" {
  depends_on = [data.tokencheck_cloudflare.dns]
}
