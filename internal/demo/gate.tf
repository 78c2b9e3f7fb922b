terraform {
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

ephemeral "tokencheck_cloudflare" "this" {}

provider "cloudflare" {
  api_token = ephemeral.tokencheck_cloudflare.this.verified_token
}
