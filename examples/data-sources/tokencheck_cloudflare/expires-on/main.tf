terraform {
  required_version = ">= 1.4"

  required_providers {
    tokencheck = {
      source = "tokencheck/tokencheck"
    }
  }
}

data "tokencheck_cloudflare" "this" {}

# The guard is a resource of its own: what depends on it is refreshed only once
# its conditions hold.
resource "terraform_data" "token_guard" {
  lifecycle {
    precondition {
      condition     = data.tokencheck_cloudflare.this.valid
      error_message = data.tokencheck_cloudflare.this.reason
    }

    # timestamp() is not known until apply, so this condition is evaluated then,
    # without another request. A token without an end passes.
    precondition {
      condition = (
        data.tokencheck_cloudflare.this.expires_on == null
        ? true
        : timecmp(data.tokencheck_cloudflare.this.expires_on, timeadd(timestamp(), "1h")) > 0
      )
      error_message = "The Cloudflare API token ends within the hour, or has ended since the plan was made. Roll it, and plan again."
    }
  }
}

# Stands for everything that needs the token.
resource "terraform_data" "dns_record" {
  input = "www"

  depends_on = [terraform_data.token_guard]
}
