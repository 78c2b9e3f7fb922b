terraform {
  required_version = ">= 1.5"

  required_providers {
    tokencheck = {
      source  = "tokencheck/tokencheck"
      version = "~> 0.1"
    }
  }
}

data "tokencheck_venafi" "this" {
  min_remaining = "24h"

  lifecycle {
    postcondition {
      condition     = self.valid
      error_message = self.reason
    }
  }
}

# After the grant has expired, the access token can no longer be refreshed. A grant
# without a reported expiration passes.
check "venafi_grant" {
  assert {
    condition = (
      data.tokencheck_venafi.this.grant_expires_on == null
      ? true
      : timecmp(data.tokencheck_venafi.this.grant_expires_on, timeadd(plantimestamp(), "720h")) > 0
    )
    error_message = "The grant of the Venafi access token expires within 30 days. Authorize a new one by then."
  }
}
