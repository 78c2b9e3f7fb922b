terraform {
  required_version = ">= 1.4"

  required_providers {
    tokencheck = {
      source  = "tokencheck/tokencheck"
      version = "~> 0.1"
    }
  }
}

variable "venafi_ca_file" {
  description = "Path to the private CA's certificate, in PEM format."
  type        = string
  nullable    = false
}

# The server and the token come from VENAFI_URL and VENAFI_TOKEN.
provider "tokencheck" {
  venafi {
    trust_bundle = file(var.venafi_ca_file)
  }
}

data "tokencheck_venafi" "token" {
  min_remaining = "168h"

  lifecycle {
    postcondition {
      condition     = self.valid
      error_message = self.reason
    }
  }
}

# Placeholder for a resource that needs the token, such as venafi_certificate.
resource "terraform_data" "certificate" {
  input = "www.example.com"

  depends_on = [data.tokencheck_venafi.token]
}
