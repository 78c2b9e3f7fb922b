# No test asks an issuer, and none needs a token. Mocks need Terraform 1.7 or
# OpenTofu 1.8.

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

variables {
  cloudflare_tokens = {
    dns     = { api_token_env = "CLOUDFLARE_DNS_TOKEN", min_remaining = "72h" }
    workers = { api_token_file = "workers.token", account_id = "023e105f4ecef8ad9ca31a8372d0c353", min_remaining = null }
  }

  venafi_tokens = {
    web = { access_token_env = "VENAFI_TOKEN", required_scopes = ["certificate:manage"], min_remaining = "72h" }
  }
}

run "every_token_works" {
  command = plan

  assert {
    condition     = join(" ", keys(output.verdicts)) == "cloudflare/dns cloudflare/workers venafi/web"
    error_message = "A token has no verdict: ${join(" ", keys(output.verdicts))}"
  }

  assert {
    condition = (
      output.verdicts["cloudflare/dns"].valid &&
      output.verdicts["cloudflare/dns"].expires_on == null &&
      output.verdicts["venafi/web"].expires_on == "2099-12-31T23:59:59Z"
    )
    error_message = "A verdict is not what the issuer said: ${jsonencode(output.verdicts)}"
  }
}

run "every_argument_reaches_its_check" {
  command = plan

  assert {
    condition = (
      data.tokencheck_cloudflare.this["dns"].api_token_env == "CLOUDFLARE_DNS_TOKEN" &&
      data.tokencheck_cloudflare.this["dns"].min_remaining == "72h" &&
      data.tokencheck_cloudflare.this["workers"].api_token_file == "workers.token" &&
      data.tokencheck_cloudflare.this["workers"].account_id == "023e105f4ecef8ad9ca31a8372d0c353"
    )
    error_message = "An argument of a Cloudflare token got lost."
  }

  assert {
    condition = (
      data.tokencheck_venafi.this["web"].access_token_env == "VENAFI_TOKEN" &&
      contains(data.tokencheck_venafi.this["web"].required_scopes, "certificate:manage") &&
      data.tokencheck_venafi.this["web"].min_remaining == "72h"
    )
    error_message = "An argument of a Venafi token got lost."
  }
}

run "one_bad_token_stops_the_plan" {
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

  expect_failures = [output.verdicts]

  assert {
    condition     = join("; ", local.bad_tokens) == "venafi/web: The Venafi access token lacks a scope."
    error_message = "The message is another one: ${join("; ", local.bad_tokens)}"
  }
}

run "every_bad_token_is_named" {
  command = plan

  override_data {
    target = data.tokencheck_cloudflare.this
    values = {
      valid      = false
      status     = "expiring"
      reason     = "The Cloudflare API token ends soon."
      expires_on = "2026-01-01T00:00:00Z"
    }
  }

  override_data {
    target = data.tokencheck_venafi.this
    values = {
      valid      = false
      status     = "rejected"
      reason     = "The Venafi access token was refused."
      expires_on = null
    }
  }

  expect_failures = [output.verdicts]

  assert {
    condition = join("; ", local.bad_tokens) == join("; ", [
      "cloudflare/dns: The Cloudflare API token ends soon.",
      "cloudflare/workers: The Cloudflare API token ends soon.",
      "venafi/web: The Venafi access token was refused.",
    ])
    error_message = "The message is another one: ${join("; ", local.bad_tokens)}"
  }
}

run "no_tokens_is_an_error" {
  command = plan

  variables {
    cloudflare_tokens = {}
    venafi_tokens     = {}
  }

  expect_failures = [output.verdicts]
}

run "no_tokens_may_be_allowed" {
  command = plan

  variables {
    cloudflare_tokens = {}
    venafi_tokens     = {}
    allow_no_tokens   = true
  }

  assert {
    condition     = length(output.verdicts) == 0
    error_message = "There is a verdict without a token: ${jsonencode(output.verdicts)}"
  }
}

run "a_cloudflare_token_is_somewhere" {
  command = plan

  variables {
    cloudflare_tokens = { dns = { min_remaining = "72h" } }
  }

  expect_failures = [var.cloudflare_tokens]
}

run "a_cloudflare_token_is_in_one_place" {
  command = plan

  variables {
    cloudflare_tokens = {
      dns = { api_token_env = "CLOUDFLARE_DNS_TOKEN", api_token_file = "dns.token", min_remaining = "72h" }
    }
  }

  expect_failures = [var.cloudflare_tokens]
}

run "a_venafi_token_is_somewhere" {
  command = plan

  variables {
    venafi_tokens = { web = { required_scopes = [], min_remaining = "72h" } }
  }

  expect_failures = [var.venafi_tokens]
}

run "a_venafi_token_is_in_one_place" {
  command = plan

  variables {
    venafi_tokens = {
      web = { access_token_env = "VENAFI_TOKEN", access_token_file = "web.token", required_scopes = [], min_remaining = "72h" }
    }
  }

  expect_failures = [var.venafi_tokens]
}

run "scopes_are_not_null" {
  command = plan

  variables {
    venafi_tokens = { web = { access_token_env = "VENAFI_TOKEN", required_scopes = null, min_remaining = "72h" } }
  }

  expect_failures = [var.venafi_tokens]
}
