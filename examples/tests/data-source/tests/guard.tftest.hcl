# Valid tokens, unless a run overrides them. Attributes that are not set here get generated
# values: false, 0, or a random string.
mock_provider "tokencheck" {
  mock_data "tokencheck_cloudflare" {
    defaults = {
      valid      = true
      status     = "active"
      reason     = "The Cloudflare API token is active."
      expires_on = null
    }
  }

  mock_data "tokencheck_venafi" {
    defaults = {
      valid      = true
      status     = "active"
      reason     = "The Venafi access token is active."
      expires_on = "2099-12-31T23:59:59Z"
    }
  }
}

run "valid_tokens_pass" {
  command = plan
}

run "a_rejected_cloudflare_token_stops_the_plan" {
  command = plan

  override_data {
    target = data.tokencheck_cloudflare.this
    values = {
      valid      = false
      status     = "rejected"
      reason     = "The Cloudflare API token was rejected."
      expires_on = null
    }
  }

  expect_failures = [data.tokencheck_cloudflare.this]
}

run "an_expired_cloudflare_token_stops_the_plan" {
  command = plan

  override_data {
    target = data.tokencheck_cloudflare.this
    values = {
      valid      = false
      status     = "expired"
      reason     = "The Cloudflare API token has expired."
      expires_on = "2020-01-01T00:00:00Z"
    }
  }

  expect_failures = [data.tokencheck_cloudflare.this]
}

# Only the check block is expected to fail: if the plan stopped too, this run would fail.
run "an_expiring_cloudflare_token_only_warns" {
  command = plan

  override_data {
    target = data.tokencheck_cloudflare.this
    values = {
      valid      = false
      status     = "expiring"
      reason     = "The Cloudflare API token expires soon."
      expires_on = "2099-12-31T23:59:59Z"
    }
  }

  expect_failures = [check.cloudflare_token_expires_soon]
}

run "a_venafi_token_without_the_scope_stops_the_plan" {
  command = plan

  override_data {
    target = data.tokencheck_venafi.this
    values = {
      valid      = false
      status     = "missing_scope"
      reason     = "The Venafi access token lacks a scope."
      expires_on = "2099-12-31T23:59:59Z"
    }
  }

  expect_failures = [data.tokencheck_venafi.this]
}
