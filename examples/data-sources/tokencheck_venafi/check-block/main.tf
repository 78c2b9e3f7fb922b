terraform {
  required_version = ">= 1.5"

  required_providers {
    tokencheck = {
      source = "tokencheck/tokencheck"
    }
  }
}

# Warns 14 days before the access token ends, and does not stop the run.
check "venafi_token" {
  data "tokencheck_venafi" "this" {
    min_remaining = "336h"
  }

  assert {
    condition     = data.tokencheck_venafi.this.valid
    error_message = data.tokencheck_venafi.this.reason
  }
}
