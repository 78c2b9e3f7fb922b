# A valid token, unless a run overrides it. Attributes that are not set here get generated
# values: false, 0, or a random string.
mock_provider "tokencheck" {
  mock_data "tokencheck_cloudflare" {
    defaults = {
      valid  = true
      status = "active"
      reason = "The Cloudflare API token is active."
    }
  }
}

run "a_valid_token_passes" {
  command = plan
}

run "a_rejected_token_stops_the_plan" {
  command = plan

  override_data {
    target = data.tokencheck_cloudflare.this
    values = {
      valid  = false
      status = "rejected"
      reason = "The Cloudflare API token was rejected."
    }
  }

  expect_failures = [data.tokencheck_cloudflare.this]
}

# Only the check block is expected to fail: if the plan stopped too, this run would fail.
run "an_expiring_token_only_warns" {
  command = plan

  override_data {
    target = data.tokencheck_cloudflare.this
    values = {
      valid  = false
      status = "expiring"
      reason = "The Cloudflare API token expires soon."
    }
  }

  expect_failures = [check.cloudflare_token_expires_soon]
}
