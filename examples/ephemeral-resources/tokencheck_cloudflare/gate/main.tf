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

variable "zone_id" {
  description = "ID of the zone."
  type        = string
  nullable    = false
}

# Verifies the token in CLOUDFLARE_API_TOKEN during plan, and again during apply.
ephemeral "tokencheck_cloudflare" "this" {
  min_remaining = "1h" # longer than an apply takes
}

provider "cloudflare" {
  api_token = ephemeral.tokencheck_cloudflare.this.verified_token
}

resource "cloudflare_dns_record" "www" {
  zone_id = var.zone_id
  name    = "www.example.com"
  type    = "CNAME"
  content = "example.com"
  ttl     = 1
}
