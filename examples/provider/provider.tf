terraform {
  # Ephemeral variables need Terraform 1.10 or OpenTofu 1.11.
  required_version = ">= 1.10"

  required_providers {
    tokencheck = {
      source = "tokencheck/tokencheck"
    }
  }
}

# Every argument. All are optional: leave out what the defaults or the
# environment already give.
provider "tokencheck" {
  timeout     = "90s" # for one whole check, retries included
  max_retries = 5

  cloudflare = {
    api_token    = var.cloudflare_api_token               # else CLOUDFLARE_API_TOKEN
    base_url     = "https://api.cloudflare.com/client/v4" # else CLOUDFLARE_BASE_URL
    trust_bundle = file(var.ca_file)                      # where a proxy inspects TLS
  }

  venafi = {
    url                = var.venafi_url          # else VENAFI_URL
    access_token       = var.venafi_access_token # else VENAFI_TOKEN
    trust_bundle       = file(var.ca_file)
    client_certificate = file(var.venafi_client_certificate_file)
    client_key         = var.venafi_client_key
    tls_max_version    = "1.2" # where the server asks for a certificate late
  }
}

# Set the secrets by TF_VAR_cloudflare_api_token and so on, not by -var, which
# the CLI writes to its log. "ephemeral" keeps them out of plan files; an older
# CLI does not know it, and "sensitive" alone does not do that.
variable "cloudflare_api_token" {
  description = "Cloudflare API token."
  type        = string
  nullable    = false
  sensitive   = true
  ephemeral   = true
}

variable "venafi_access_token" {
  description = "Venafi access token."
  type        = string
  nullable    = false
  sensitive   = true
  ephemeral   = true
}

variable "venafi_client_key" {
  description = "Private key of the client certificate, in PEM form."
  type        = string
  nullable    = false
  sensitive   = true
  ephemeral   = true
}

variable "venafi_client_certificate_file" {
  description = "Path of the client certificate, in PEM form."
  type        = string
  nullable    = false
}

variable "venafi_url" {
  description = "URL of the Venafi server."
  type        = string
  nullable    = false
}

variable "ca_file" {
  description = "Path of the certificates of private authorities, in PEM form."
  type        = string
  nullable    = false
}
