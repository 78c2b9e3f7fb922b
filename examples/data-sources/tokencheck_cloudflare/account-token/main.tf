terraform {
  required_version = ">= 1.4"

  required_providers {
    tokencheck = {
      source = "tokencheck/tokencheck"
    }
  }
}

# An account ID is no secret. Set it by TF_VAR_cloudflare_account_id.
variable "cloudflare_account_id" {
  description = "ID of the account that owns the token."
  type        = string
  nullable    = false
}

data "tokencheck_cloudflare" "this" {
  account_id = var.cloudflare_account_id

  lifecycle {
    postcondition {
      condition     = self.valid
      error_message = self.reason
    }
  }
}

# Placeholder for a resource that needs the token.
resource "terraform_data" "worker" {
  input = "hello"

  depends_on = [data.tokencheck_cloudflare.this]
}
