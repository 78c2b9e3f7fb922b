data "tokencheck_cloudflare" "this" {
  for_each = var.cloudflare_tokens

  api_token_env  = each.value.api_token_env
  api_token_file = each.value.api_token_file
  account_id     = each.value.account_id
  min_remaining  = each.value.min_remaining
}

data "tokencheck_venafi" "this" {
  for_each = var.venafi_tokens

  access_token_env  = each.value.access_token_env
  access_token_file = each.value.access_token_file
  required_scopes   = each.value.required_scopes
  min_remaining     = each.value.min_remaining
}

locals {
  checks = merge(
    { for name, check in data.tokencheck_cloudflare.this : "cloudflare/${name}" => check },
    { for name, check in data.tokencheck_venafi.this : "venafi/${name}" => check },
  )

  # Not the whole objects: those are sensitive, because they have an argument for
  # a token.
  verdicts = {
    for name, check in local.checks : name => {
      valid      = check.valid
      status     = check.status
      reason     = check.reason
      expires_on = check.expires_on
    }
  }

  bad_tokens = [for name, verdict in local.verdicts : "${name}: ${verdict.reason}" if !verdict.valid]
}
