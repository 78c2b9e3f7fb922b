terraform {
  # Ephemeral resources need Terraform 1.10 or OpenTofu 1.11.
  required_version = ">= 1.10"

  required_providers {
    tokencheck = {
      source = "tokencheck/tokencheck"
    }
  }
}

# At plan: the margin, and the reason in full.
data "tokencheck_cloudflare" "this" {
  min_remaining = "72h"
}

# At plan and again at apply: whether the token works. The two share one request
# at plan.
ephemeral "tokencheck_cloudflare" "this" {
  require_valid = false
}

# The guard is a resource of its own: what depends on it is refreshed only once
# its conditions hold.
resource "terraform_data" "token_guard" {
  lifecycle {
    precondition {
      condition     = data.tokencheck_cloudflare.this.valid
      error_message = data.tokencheck_cloudflare.this.reason
    }

    precondition {
      condition     = ephemeral.tokencheck_cloudflare.this.valid
      error_message = "The Cloudflare API token in CLOUDFLARE_API_TOKEN does not work. A plan shows why, and what to do."
    }
  }
}

# Stands for everything that needs the token.
resource "terraform_data" "dns_record" {
  input = "www"

  depends_on = [terraform_data.token_guard]
}
