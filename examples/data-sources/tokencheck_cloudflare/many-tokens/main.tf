# Names of environment variables, not tokens: for_each does not accept sensitive values.
data "tokencheck_cloudflare" "all" {
  for_each = {
    dns     = "CLOUDFLARE_DNS_TOKEN"
    workers = "CLOUDFLARE_WORKERS_TOKEN"
  }

  api_token_env = each.value
  min_remaining = "168h"

  # One run reports every invalid token.
  lifecycle {
    postcondition {
      condition     = self.valid
      error_message = "${each.key}: ${self.reason}"
    }
  }
}
