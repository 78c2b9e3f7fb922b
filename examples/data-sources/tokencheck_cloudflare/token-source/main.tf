terraform {
  required_version = ">= 1.4"

  required_providers {
    tokencheck = {
      source = "tokencheck/tokencheck"
    }
  }
}

# Set it by TF_VAR_cloudflare_api_token. Null stands for a secret that the
# pipeline did not pass on.
variable "cloudflare_api_token" {
  description = "Cloudflare API token of the pipeline."
  type        = string
  sensitive   = true
  default     = null
}

provider "tokencheck" {
  cloudflare = {
    api_token = var.cloudflare_api_token
  }
}

# A null argument counts as not set. Without the first condition, a variable that
# is null and a good token in CLOUDFLARE_API_TOKEN would pass.
data "tokencheck_cloudflare" "this" {
  lifecycle {
    postcondition {
      condition     = self.token_source == "provider"
      error_message = "The token was taken from ${self.token_source}. Set the variable cloudflare_api_token."
    }

    postcondition {
      condition     = self.valid
      error_message = self.reason
    }
  }
}
