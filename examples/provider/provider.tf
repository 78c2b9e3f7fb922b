terraform {
  # Ephemeral variables require Terraform 1.10 or OpenTofu 1.11.
  required_version = ">= 1.10"

  required_providers {
    tokencheck = {
      source  = "tokencheck/tokencheck"
      version = "~> 0.1"
    }
  }
}

provider "tokencheck" {
  timeout     = "90s"
  max_retries = 5

  cloudflare {
    api_token    = var.cloudflare_api_token
    base_url     = "https://api.fed.cloudflare.com/client/v4"
    trust_bundle = file(var.ca_file)
  }

  github {
    token        = var.github_token
    base_url     = "https://ghes.example.com/"
    trust_bundle = file(var.ca_file)
  }

  gitlab {
    token        = var.gitlab_token
    base_url     = "https://gitlab.example.com"
    trust_bundle = file(var.ca_file)
  }

  venafi {
    url                = "https://tpp.example.com"
    access_token       = var.venafi_access_token
    trust_bundle       = file(var.ca_file)
    client_certificate = file(var.venafi_client_certificate_file)
    client_key         = var.venafi_client_key
    tls_max_version    = "1.2"
  }
}

variable "cloudflare_api_token" {
  type      = string
  nullable  = false
  ephemeral = true
}

variable "github_token" {
  type      = string
  nullable  = false
  ephemeral = true
}

variable "gitlab_token" {
  type      = string
  nullable  = false
  ephemeral = true
}

variable "venafi_access_token" {
  type      = string
  nullable  = false
  ephemeral = true
}

variable "venafi_client_key" {
  type      = string
  ephemeral = true
}

# Paths to PEM files.
variable "ca_file" {
  type = string
}

variable "venafi_client_certificate_file" {
  type = string
}
