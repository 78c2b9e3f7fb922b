terraform {
  required_version = ">= 1.4"

  required_providers {
    tokencheck = {
      source  = "tokencheck/tokencheck"
      version = "~> 0.1"
    }
  }
}

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

# Placeholder for a resource that needs the token, such as cloudflare_dns_record.
resource "terraform_data" "worker" {
  input = "hello"

  depends_on = [data.tokencheck_cloudflare.this]
}
