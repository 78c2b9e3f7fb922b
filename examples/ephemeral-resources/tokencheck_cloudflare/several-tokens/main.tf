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
