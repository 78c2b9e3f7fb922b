ephemeral "tokencheck_cloudflare" "this" {
  min_remaining = "1h" # longer than an apply takes
}

provider "cloudflare" {
  api_token = ephemeral.tokencheck_cloudflare.this.verified_token
}
