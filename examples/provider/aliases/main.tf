terraform {
  # Ephemeral variables need Terraform 1.10 or OpenTofu 1.11.
  required_version = ">= 1.10"

  required_providers {
    tokencheck = {
      source = "tokencheck/tokencheck"
    }
  }
}

# Each alias names its server and its token. What one leaves out comes from the
# environment: without access_token, VENAFI_TOKEN would go to either server.
provider "tokencheck" {
  alias = "production"

  venafi = {
    url          = var.production_url
    access_token = var.production_token
  }
}

provider "tokencheck" {
  alias = "staging"

  venafi = {
    url          = var.staging_url
    access_token = var.staging_token
  }
}

data "tokencheck_venafi" "production" {
  provider = tokencheck.production

  lifecycle {
    postcondition {
      condition     = self.valid
      error_message = self.reason
    }
  }
}

data "tokencheck_venafi" "staging" {
  provider = tokencheck.staging

  lifecycle {
    postcondition {
      condition     = self.valid
      error_message = self.reason
    }
  }
}

variable "production_url" {
  description = "URL of the production server."
  type        = string
  nullable    = false
}

variable "production_token" {
  description = "Access token of the production server."
  type        = string
  nullable    = false
  sensitive   = true
  ephemeral   = true
}

variable "staging_url" {
  description = "URL of the staging server."
  type        = string
  nullable    = false
}

variable "staging_token" {
  description = "Access token of the staging server."
  type        = string
  nullable    = false
  sensitive   = true
  ephemeral   = true
}
