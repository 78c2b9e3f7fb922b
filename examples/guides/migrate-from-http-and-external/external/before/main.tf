terraform {
  required_version = ">= 1.4"

  required_providers {
    external = {
      source  = "hashicorp/external"
      version = "~> 2.3"
    }
  }
}

variable "cloudflare_account_id" {
  description = "ID of the Cloudflare account that owns the token."
  type        = string
  nullable    = false
}

variable "cloudflare_api_token" {
  description = "Cloudflare API token."
  type        = string
  nullable    = false
  sensitive   = true
}

data "external" "token" {
  program = ["bash", "${path.module}/check-token.sh"]

  query = {
    url   = "https://api.cloudflare.com/client/v4/accounts/${var.cloudflare_account_id}/tokens/verify"
    token = var.cloudflare_api_token
  }

  lifecycle {
    postcondition {
      condition     = self.result.valid == "true"
      error_message = "The Cloudflare API token is not valid."
    }
  }
}

# Placeholder for a resource that needs the token, such as cloudflare_dns_record.
resource "terraform_data" "dns_record" {
  input = "www"

  depends_on = [data.external.token]
}
