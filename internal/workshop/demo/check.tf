terraform {
  required_providers {
    tokencheck = {
      source  = "tokencheck/tokencheck"
      version = "~> 0.1"
    }
  }
}

data "tokencheck_cloudflare" "this" {
  lifecycle {
    postcondition {
      condition     = self.valid
      error_message = self.reason
    }
  }
}

output "token" {
  value = {
    status     = data.tokencheck_cloudflare.this.status
    expires_on = data.tokencheck_cloudflare.this.expires_on
    reason     = data.tokencheck_cloudflare.this.reason
  }
}
