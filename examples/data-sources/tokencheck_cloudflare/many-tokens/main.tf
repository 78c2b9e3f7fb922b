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

  # One run reports every invalid token.
  lifecycle {
    postcondition {
      condition     = self.valid
      error_message = "${each.key}: ${self.reason}"
    }
  }
}

# Placeholder for the resources that need the tokens.
resource "terraform_data" "dns_record" {
  input = "www"

  depends_on = [data.tokencheck_cloudflare.all]
}
