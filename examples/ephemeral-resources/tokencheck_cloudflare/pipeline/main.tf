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

variable "verify_tokens" {
  description = "Set to false in an outage: the provider then uses its environment, unverified."
  type        = bool
  default     = true
}

ephemeral "tokencheck_cloudflare" "this" {
  count         = var.verify_tokens ? 1 : 0
  min_remaining = "1h" # longer than an apply takes
}

provider "cloudflare" {
  api_token = var.verify_tokens ? coalesce(ephemeral.tokencheck_cloudflare.this[0].verified_token, "no-verified-token") : null
}
