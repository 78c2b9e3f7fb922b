terraform {
  # Terraform 1.10 or OpenTofu 1.11.
  required_version = ">= 1.10"

  required_providers {
    github = {
      source  = "integrations/github"
      version = "~> 6.0"
    }
    tokencheck = {
      source  = "tokencheck/tokencheck"
      version = "~> 0.1"
    }
  }
}

# Verifies the token in GITHUB_TOKEN during plan, and again during apply.
ephemeral "tokencheck_github" "this" {}

provider "github" {
  token = ephemeral.tokencheck_github.this.verified_token
}

resource "github_repository" "example" {
  name        = "example"
  description = "Managed by Terraform"
}
