terraform {
  required_version = ">= 1.5"

  required_providers {
    tokencheck = {
      source = "tokencheck/tokencheck"
    }
  }
}

data "tokencheck_venafi" "this" {}

# The guard is a resource of its own: what depends on it is refreshed only once
# its conditions hold.
resource "terraform_data" "token_guard" {
  lifecycle {
    precondition {
      condition     = data.tokencheck_venafi.this.valid
      error_message = data.tokencheck_venafi.this.reason
    }

    # The access token's own end. Null is an end that is not known, so it fails.
    # timestamp() is not known until apply, so this condition is evaluated then.
    precondition {
      condition = (
        data.tokencheck_venafi.this.expires_on == null
        ? false
        : timecmp(data.tokencheck_venafi.this.expires_on, timeadd(timestamp(), "1h")) > 0
      )
      error_message = "The Venafi access token ends within the hour, has ended since the plan was made, or its end is not known."
    }
  }
}

# Stands for everything that needs the token.
resource "terraform_data" "certificate" {
  input = "www.example.com"

  depends_on = [terraform_data.token_guard]
}

# The grant's end. After it the access token can no longer be refreshed. A grant
# without an end passes.
check "venafi_grant" {
  assert {
    condition = (
      data.tokencheck_venafi.this.grant_expires_on == null
      ? true
      : timecmp(data.tokencheck_venafi.this.grant_expires_on, timeadd(plantimestamp(), "720h")) > 0
    )
    error_message = "The grant of the Venafi access token ends within 30 days. A new one has to be authorized by then."
  }
}

output "venafi_ends" {
  value = {
    token = data.tokencheck_venafi.this.expires_on
    grant = data.tokencheck_venafi.this.grant_expires_on
  }
}
