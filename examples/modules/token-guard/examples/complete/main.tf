terraform {
  required_version = ">= 1.4"

  required_providers {
    tokencheck = {
      source = "tokencheck/tokencheck"
    }
  }
}

# An account ID is no secret. Set it by TF_VAR_cloudflare_account_id.
variable "cloudflare_account_id" {
  description = "ID of the account that owns the token for Workers."
  type        = string
  nullable    = false
}

# The Venafi server is the one in VENAFI_URL.
module "token_guard" {
  source = "../.."

  cloudflare_tokens = {
    dns = {
      api_token_env = "CLOUDFLARE_DNS_TOKEN"
      min_remaining = "72h"
    }
    workers = {
      api_token_env = "CLOUDFLARE_ACCOUNT_TOKEN"
      account_id    = var.cloudflare_account_id
      min_remaining = null
    }
  }

  venafi_tokens = {
    web = {
      access_token_env = "VENAFI_TOKEN"
      required_scopes  = ["certificate:manage"]
      min_remaining    = "72h"
    }
  }
}

# Stands for everything that needs the tokens.
resource "terraform_data" "dns_record" {
  input = "www"

  depends_on = [module.token_guard]
}

output "tokens" {
  value = module.token_guard.verdicts
}
