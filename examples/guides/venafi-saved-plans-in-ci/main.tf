terraform {
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

ephemeral "tokencheck_venafi" "this" {
  min_remaining   = "1h"
  required_scopes = ["certificate:manage"]
}

provider "venafi" {
  access_token = ephemeral.tokencheck_venafi.this.verified_token
  zone         = "DevOps\\Terraform"
}

# Your resources.
resource "venafi_certificate" "www" {
  common_name = "www.example.com"
}
