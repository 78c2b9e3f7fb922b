terraform {
  # Ephemeral resources need Terraform 1.10 or OpenTofu 1.11.
  required_version = ">= 1.10"

  required_providers {
    tokencheck = {
      source = "tokencheck/tokencheck"
    }
  }
}

# An ephemeral resource stands outside of the check block. With require_valid =
# false only the assertion judges the token.
ephemeral "tokencheck_cloudflare" "this" {
  require_valid = false
}

# Warns at plan and again at apply, and does not stop the run.
check "cloudflare_token" {
  assert {
    condition     = ephemeral.tokencheck_cloudflare.this.valid
    error_message = "The Cloudflare API token in CLOUDFLARE_API_TOKEN does not work. To see why and what to do, set require_valid = true and plan."
  }
}
