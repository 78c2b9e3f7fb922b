terraform {
  required_version = ">= 1.4"

  required_providers {
    tokencheck = {
      source = "tokencheck/tokencheck"
    }
  }
}

# Set it by TF_VAR_venafi_ca_file.
variable "venafi_ca_file" {
  description = "Path of the certificate, in PEM form, of the authority that signed the server's certificate."
  type        = string
  nullable    = false
}

# The token and the server's URL are those of VENAFI_TOKEN and VENAFI_URL.
provider "tokencheck" {
  venafi = {
    trust_bundle = file(var.venafi_ca_file)
  }
}

data "tokencheck_venafi" "this" {
  lifecycle {
    postcondition {
      condition     = self.valid
      error_message = self.reason
    }
  }
}
