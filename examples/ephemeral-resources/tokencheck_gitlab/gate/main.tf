terraform {
  # Terraform 1.10 or OpenTofu 1.11.
  required_version = ">= 1.10"

  required_providers {
    gitlab = {
      source  = "gitlabhq/gitlab"
      version = ">= 17.0"
    }
    tokencheck = {
      source  = "tokencheck/tokencheck"
      version = "~> 0.1"
    }
  }
}

# Verifies the token in GITLAB_TOKEN during plan, and again during apply.
ephemeral "tokencheck_gitlab" "this" {
  min_remaining = "1h" # longer than an apply takes
}

provider "gitlab" {
  token = ephemeral.tokencheck_gitlab.this.verified_token
}

resource "gitlab_project" "example" {
  name        = "example"
  description = "Managed by Terraform"
}
