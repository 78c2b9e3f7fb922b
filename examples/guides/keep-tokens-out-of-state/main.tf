terraform {
  # Terraform 1.10 or OpenTofu 1.11.
  required_version = ">= 1.10"

  required_providers {
    cloudflare = {
      source  = "cloudflare/cloudflare"
      version = "~> 5.0"
    }
    tokencheck = {
      source  = "tokencheck/tokencheck"
      version = "~> 0.1"
    }
  }
}

# Set TF_VAR_cloudflare_api_token, for the plan and again for the apply.
variable "cloudflare_api_token" {
  type      = string
  nullable  = false
  sensitive = true
  ephemeral = true
}

ephemeral "tokencheck_cloudflare" "this" {
  api_token = var.cloudflare_api_token
}

provider "cloudflare" {
  api_token = ephemeral.tokencheck_cloudflare.this.verified_token
}
