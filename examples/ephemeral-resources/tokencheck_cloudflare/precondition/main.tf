terraform {
  # Ephemeral resources need Terraform 1.10 or OpenTofu 1.11.
  required_version = ">= 1.10"

  required_providers {
    tokencheck = {
      source = "tokencheck/tokencheck"
    }
  }
}

# Asks about the token in the environment variable CLOUDFLARE_API_TOKEN, at plan
# and again at apply. A token that is not valid is no error here, so that a
# destroy is not stopped.
ephemeral "tokencheck_cloudflare" "this" {
  require_valid = false
}

# The guard is a resource of its own: what depends on it is refreshed only once
# its conditions hold.
resource "terraform_data" "token_guard" {
  lifecycle {
    # The message cannot hold ephemeral values, such as the reason.
    precondition {
      condition     = ephemeral.tokencheck_cloudflare.this.valid
      error_message = "The Cloudflare API token in CLOUDFLARE_API_TOKEN does not work. To see why and what to do, set require_valid = true and plan."
    }
  }
}

# Stands for everything that needs the token.
resource "terraform_data" "dns_record" {
  input = "www"

  depends_on = [terraform_data.token_guard]
}
