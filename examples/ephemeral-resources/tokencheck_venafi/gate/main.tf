terraform {
  # Terraform 1.10 or OpenTofu 1.11.
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

# Verifies the token in VENAFI_TOKEN with the server in VENAFI_URL.
ephemeral "tokencheck_venafi" "this" {
  min_remaining   = "1h" # longer than an apply takes
  required_scopes = ["certificate:manage"]
}

# Also uses VENAFI_URL.
provider "venafi" {
  access_token = ephemeral.tokencheck_venafi.this.verified_token
  zone         = "DevOps\\Terraform"
}

resource "venafi_certificate" "www" {
  common_name = "www.example.com"
}
