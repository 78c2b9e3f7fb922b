terraform {
  # Ephemeral variables and resources require Terraform 1.10 or OpenTofu 1.11.
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
  description = "Cloudflare API token."
  type        = string
  nullable    = false
  sensitive   = true
  ephemeral   = true
}

ephemeral "tokencheck_cloudflare" "this" {
  api_token = var.cloudflare_api_token
}

provider "cloudflare" {
  api_token = ephemeral.tokencheck_cloudflare.this.verified_token
}

# Your resources.
resource "cloudflare_dns_record" "www" {
  zone_id = "023e105f4ecef8ad9ca31a8372d0c353"
  name    = "www.example.com"
  type    = "CNAME"
  content = "example.com"
  ttl     = 1
}
