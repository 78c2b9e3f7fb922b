terraform {
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

# For an account-owned token, set account_id.
ephemeral "tokencheck_cloudflare" "this" {
  min_remaining = "1h"
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
