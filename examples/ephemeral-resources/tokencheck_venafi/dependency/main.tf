terraform {
  # Ephemeral resources need Terraform 1.10 or OpenTofu 1.11.
  required_version = ">= 1.10"

  required_providers {
    tokencheck = {
      source = "tokencheck/tokencheck"
    }
  }
}

# Set it by TF_VAR_venafi_access_token, for the plan and again for the apply.
variable "venafi_access_token" {
  description = "Venafi access token."
  type        = string
  nullable    = false
  sensitive   = true
  ephemeral   = true
}

# A token that is not valid is an error, at plan and at apply. It stops a destroy
# as well, unless that has -refresh=false.
ephemeral "tokencheck_venafi" "this" {
  access_token = var.venafi_access_token
}

# Stands for everything that needs the token. Without depends_on, an apply could
# create it before the check has failed.
resource "terraform_data" "certificate" {
  input = "www.example.com"

  depends_on = [ephemeral.tokencheck_venafi.this]
}
