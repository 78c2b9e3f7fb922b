terraform {
  # Ephemeral resources require Terraform 1.10 or OpenTofu 1.11.
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

ephemeral "tokencheck_cloudflare" "this" {
  for_each = {
    dns     = "CLOUDFLARE_DNS_TOKEN"
    workers = "CLOUDFLARE_WORKERS_TOKEN"
  }

  api_token_env = each.value
}

provider "cloudflare" {
  api_token = ephemeral.tokencheck_cloudflare.this["dns"].verified_token
}

provider "cloudflare" {
  alias     = "workers"
  api_token = ephemeral.tokencheck_cloudflare.this["workers"].verified_token
}

resource "cloudflare_dns_record" "www" {
  zone_id = var.zone_id
  name    = "www.example.com"
  type    = "CNAME"
  content = "example.com"
  ttl     = 1
}

# Uses the aliased provider configuration.
resource "cloudflare_dns_record" "worker" {
  provider = cloudflare.workers

  zone_id = var.zone_id
  name    = "worker.example.com"
  type    = "CNAME"
  content = "example.com"
  ttl     = 1
}
