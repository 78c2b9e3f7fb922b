terraform {
  # Ephemeral variables need Terraform 1.10 or OpenTofu 1.11.
  required_version = ">= 1.10"
}

# Ephemeral, so that the apply of a saved plan gets the answer of that moment.
variable "cloudflare_token_works" {
  description = "Whether the Cloudflare API token works: the attribute valid of an ephemeral tokencheck_cloudflare."
  type        = bool
  nullable    = false
  ephemeral   = true
}

# The guard is a resource of its own: what depends on it is refreshed only once
# its conditions hold.
resource "terraform_data" "token_guard" {
  lifecycle {
    precondition {
      condition     = var.cloudflare_token_works
      error_message = "The Cloudflare API token does not work. To see why and what to do, set require_valid = true where it is verified, and plan."
    }
  }
}

# Stands for everything that needs the token.
resource "terraform_data" "dns_record" {
  input = "www"

  depends_on = [terraform_data.token_guard]
}
