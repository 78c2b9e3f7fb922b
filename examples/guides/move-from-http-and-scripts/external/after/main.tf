terraform {
  required_version = ">= 1.4"

  required_providers {
    tokencheck = {
      source = "tokencheck/tokencheck"
    }
  }
}

variable "cloudflare_account_id" {
  description = "ID of the Cloudflare account that owns the token."
  type        = string
  nullable    = false
}

data "tokencheck_cloudflare" "token" {
  account_id    = var.cloudflare_account_id
  api_token_env = "CLOUDFLARE_ACCOUNT_TOKEN"

  lifecycle {
    postcondition {
      condition     = self.valid
      error_message = self.reason
    }
  }
}

# Placeholder for a resource that needs the token.
resource "terraform_data" "dns_record" {
  input = "www"

  depends_on = [data.tokencheck_cloudflare.token]
}
