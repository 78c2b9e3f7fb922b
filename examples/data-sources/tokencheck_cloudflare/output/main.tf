terraform {
  required_version = ">= 1.4"

  required_providers {
    tokencheck = {
      source  = "tokencheck/tokencheck"
      version = "~> 0.1"
    }
  }
}

data "tokencheck_cloudflare" "this" {}

# Stops the plan where there is nothing that could depend on the data source.
output "cloudflare_token" {
  value = data.tokencheck_cloudflare.this.status

  precondition {
    condition     = data.tokencheck_cloudflare.this.valid
    error_message = data.tokencheck_cloudflare.this.reason
  }
}
