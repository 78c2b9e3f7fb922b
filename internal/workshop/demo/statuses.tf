terraform {
  required_providers {
    tokencheck = {
      source  = "tokencheck/tokencheck"
      version = "~> 0.1"
    }
  }
}

data "tokencheck_cloudflare" "this" {
  min_remaining = "72h"

  lifecycle {
    postcondition {
      condition     = self.valid
      error_message = self.reason
    }
  }
}

data "tokencheck_venafi" "this" {
  required_scopes = ["certificate:manage"]
  min_remaining   = "72h"

  lifecycle {
    postcondition {
      condition     = self.valid
      error_message = self.reason
    }
  }
}

data "tokencheck_github" "this" {
  required_scopes = ["repo"]
  min_remaining   = "72h"

  lifecycle {
    postcondition {
      condition     = self.valid
      error_message = self.reason
    }
  }
}

data "tokencheck_gitlab" "this" {
  required_scopes = ["read_api"]
  min_remaining   = "72h"

  lifecycle {
    postcondition {
      condition     = self.valid
      error_message = self.reason
    }
  }
}
