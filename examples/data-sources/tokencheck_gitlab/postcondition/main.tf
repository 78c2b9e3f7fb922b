terraform {
  required_version = ">= 1.4"

  required_providers {
    tokencheck = {
      source  = "tokencheck/tokencheck"
      version = "~> 0.1"
    }
  }
}

# Verifies the token in the environment variable GITLAB_TOKEN.
data "tokencheck_gitlab" "this" {
  required_scopes = ["api"]

  lifecycle {
    postcondition {
      condition     = self.valid
      error_message = self.reason
    }
  }
}

# Placeholder for a resource that needs the token, such as gitlab_project.
resource "terraform_data" "example" {
  input = "example"

  depends_on = [data.tokencheck_gitlab.this]
}
