terraform {
  required_providers {
    tokencheck = {
      source = "tokencheck/tokencheck"
    }
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

data "tokencheck_venafi" "certificates" {
  required_scopes = ["certificate:manage"]
  min_remaining   = "72h"

  lifecycle {
    postcondition {
      condition     = self.valid
      error_message = self.reason
    }
  }
}

# Stands for whatever would change half of your infrastructure.
resource "terraform_data" "deployment" {
  depends_on = [data.tokencheck_cloudflare.dns, data.tokencheck_venafi.certificates]
}
