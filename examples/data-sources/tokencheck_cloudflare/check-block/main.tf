# Warns during the last 30 days, and does not stop the run.
check "cloudflare_token" {
  data "tokencheck_cloudflare" "this" {
    min_remaining = "720h"
  }

  assert {
    condition     = data.tokencheck_cloudflare.this.valid
    error_message = data.tokencheck_cloudflare.this.reason
  }
}
