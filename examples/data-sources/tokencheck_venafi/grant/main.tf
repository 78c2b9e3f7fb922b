terraform {
  required_version = ">= 1.5"

  required_providers {
    tokencheck = {
      source = "tokencheck/tokencheck"
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

# After the grant has expired, the access token can no longer be refreshed. A grant that
# does not expire passes.
check "venafi_grant" {
  assert {
    condition = (
      data.tokencheck_venafi.this.grant_expires_on == null
      ? true
      : timecmp(data.tokencheck_venafi.this.grant_expires_on, timeadd(plantimestamp(), "720h")) > 0
    )
    error_message = "The grant of the Venafi access token expires within 30 days. A new one has to be authorized by then."
  }
}

output "venafi_expirations" {
  value = {
    token = data.tokencheck_venafi.this.expires_on
    grant = data.tokencheck_venafi.this.grant_expires_on
  }
}
