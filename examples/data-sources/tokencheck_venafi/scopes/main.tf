terraform {
  required_version = ">= 1.4"

  required_providers {
    tokencheck = {
      source  = "tokencheck/tokencheck"
      version = "~> 0.1"
    }
  }
}

# Requesting certificates needs certificate:manage; revoking them, certificate:revoke.
data "tokencheck_venafi" "this" {
  required_scopes = ["certificate:manage,revoke"]

  lifecycle {
    postcondition {
      condition     = self.valid
      error_message = self.reason
    }
  }
}
