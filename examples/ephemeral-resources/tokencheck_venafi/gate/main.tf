terraform {
  # Ephemeral resources need Terraform 1.10 or OpenTofu 1.11.
  required_version = ">= 1.10"

  required_providers {
    tokencheck = {
      source  = "tokencheck/tokencheck"
      version = "~> 0.1"
    }
    venafi = {
      source  = "venafi/venafi"
      version = "~> 0.21"
    }
  }
}

# Verifies the token in VENAFI_TOKEN at the server in VENAFI_URL, during plan and again
# during apply.
ephemeral "tokencheck_venafi" "this" {
  required_scopes = ["certificate:manage"]
}

# The provider takes the server from VENAFI_URL as well.
provider "venafi" {
  access_token = ephemeral.tokencheck_venafi.this.verified_token
  zone         = "DevOps\\Terraform"
}

resource "venafi_certificate" "www" {
  common_name = "www.example.com"
}
