terraform {
  # Ephemeral resources need Terraform 1.10 or OpenTofu 1.11.
  required_version = ">= 1.10"

  required_providers {
    tokencheck = {
      source = "tokencheck/tokencheck"
    }
  }
}

# Asks the server in VENAFI_URL about the token in VENAFI_TOKEN, at plan and
# again at apply. A token that is not valid is no error here, so that a destroy
# is not stopped.
ephemeral "tokencheck_venafi" "this" {
  required_scopes = ["certificate:manage"]
  require_valid   = false
}

# The guard is a resource of its own: what depends on it is refreshed only once
# its conditions hold.
resource "terraform_data" "token_guard" {
  lifecycle {
    # The message cannot hold ephemeral values, such as the reason.
    precondition {
      condition     = ephemeral.tokencheck_venafi.this.valid
      error_message = "The Venafi access token in VENAFI_TOKEN does not work, or may not manage certificates. To see why and what to do, set require_valid = true and plan."
    }
  }
}

# Stands for everything that needs the token.
resource "terraform_data" "certificate" {
  input = "www.example.com"

  depends_on = [terraform_data.token_guard]
}
