terraform {
  required_version = ">= 1.4"

  required_providers {
    http = {
      source  = "hashicorp/http"
      version = "~> 3.3"
    }
  }
}

variable "cloudflare_api_token" {
  description = "Cloudflare API token."
  type        = string
  nullable    = false
  sensitive   = true
}

data "http" "token" {
  url = "https://api.cloudflare.com/client/v4/user/tokens/verify"

  request_headers = {
    Authorization = "Bearer ${var.cloudflare_api_token}"
  }

  lifecycle {
    postcondition {
      condition     = self.status_code == 200 && try(jsondecode(self.response_body).result.status, "") == "active"
      error_message = "The Cloudflare API token is not valid."
    }
  }
}

# Placeholder for a resource that needs the token, such as cloudflare_dns_record.
resource "terraform_data" "dns_record" {
  input = "www"

  depends_on = [data.http.token]
}
