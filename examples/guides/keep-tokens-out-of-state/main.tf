terraform {
  # Ephemeral variables need Terraform 1.10 or OpenTofu 1.11.
  required_version = ">= 1.10"

  required_providers {
    tokencheck = {
      source = "tokencheck/tokencheck"
    }
  }
}

# Set it by TF_VAR_cloudflare_api_token, for the plan and again for the apply. It
# has no default: terraform show -json would show that.
variable "cloudflare_api_token" {
  description = "Cloudflare API token."
  type        = string
  nullable    = false
  sensitive   = true
  ephemeral   = true
}

# A data source takes no ephemeral value, but its provider does.
provider "tokencheck" {
  cloudflare = {
    api_token = var.cloudflare_api_token
  }
}

data "tokencheck_cloudflare" "this" {
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

  depends_on = [data.tokencheck_cloudflare.this]
}
