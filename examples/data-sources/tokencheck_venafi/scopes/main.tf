terraform {
  required_version = ">= 1.4"

  required_providers {
    tokencheck = {
      source = "tokencheck/tokencheck"
    }
  }
}

# Requesting certificates needs certificate:manage, revoking them
# certificate:revoke.
data "tokencheck_venafi" "this" {
  required_scopes = ["certificate:manage,revoke"]

  lifecycle {
    postcondition {
      condition     = self.valid
      error_message = self.reason
    }
  }
}

# Placeholder for a resource that needs the token.
resource "terraform_data" "certificate" {
  input = "www.example.com"

  depends_on = [data.tokencheck_venafi.this]
}

output "venafi_scopes" {
  value = data.tokencheck_venafi.this.scopes
}
