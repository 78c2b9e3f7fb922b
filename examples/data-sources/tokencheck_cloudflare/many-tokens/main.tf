terraform {
  required_version = ">= 1.4"

  required_providers {
    tokencheck = {
      source = "tokencheck/tokencheck"
    }
  }
}

# Where the tokens are, and never the tokens: a sensitive map cannot drive
# for_each. Set the two environment variables, or other ones in this map.
variable "cloudflare_tokens" {
  description = "Tokens to verify, by name."
  type = map(object({
    api_token_env = string
    account_id    = optional(string)
    min_remaining = optional(string, "168h")
  }))
  nullable = false

  default = {
    dns     = { api_token_env = "CLOUDFLARE_DNS_TOKEN" }
    workers = { api_token_env = "CLOUDFLARE_WORKERS_TOKEN", min_remaining = "24h" }
  }

  # An api_token_env of null would count as not set.
  validation {
    condition     = alltrue([for token in var.cloudflare_tokens : token.api_token_env != null])
    error_message = "Every token needs api_token_env, the name of an environment variable."
  }
}

data "tokencheck_cloudflare" "all" {
  for_each = var.cloudflare_tokens

  api_token_env = each.value.api_token_env
  account_id    = each.value.account_id
  min_remaining = each.value.min_remaining
}

locals {
  bad_tokens = {
    for name, token in data.tokencheck_cloudflare.all : name => token.reason if !token.valid
  }
}

# The guard is a resource of its own: what depends on it is refreshed only once
# its conditions hold.
resource "terraform_data" "token_guard" {
  lifecycle {
    # One for all of them, so that one run tells of every bad token.
    precondition {
      condition     = length(local.bad_tokens) == 0
      error_message = join("\n\n", [for name, reason in local.bad_tokens : "${name}: ${reason}"])
    }
  }
}

# Stands for everything that needs the tokens.
resource "terraform_data" "dns_record" {
  input = "www"

  depends_on = [terraform_data.token_guard]
}
