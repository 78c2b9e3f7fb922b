terraform {
  required_version = ">= 1.4"

  required_providers {
    tokencheck = {
      source  = "tokencheck/tokencheck"
      version = "~> 0.1"
    }
  }
}

# Verifies the token in the environment variable GITHUB_TOKEN.
data "tokencheck_github" "this" {
  required_scopes = ["repo"]

  lifecycle {
    postcondition {
      condition     = self.valid
      error_message = self.reason
    }
  }
}

# Placeholder for a resource that needs the token, such as github_repository.
resource "terraform_data" "example" {
  input = "example"

  depends_on = [data.tokencheck_github.this]
}
