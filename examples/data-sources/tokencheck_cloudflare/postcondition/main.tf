terraform {
  required_version = ">= 1.4"

  required_providers {
    tokencheck = {
      source  = "tokencheck/tokencheck"
      version = "~> 0.1"
    }
  }
}

# Verifies the token in CLOUDFLARE_API_TOKEN. For an account-owned token, set account_id.
data "tokencheck_cloudflare" "this" {
  lifecycle {
    postcondition {
      condition     = self.valid
      error_message = self.reason
    }
  }
}

# Placeholder for a resource that needs the token, such as cloudflare_dns_record.
resource "terraform_data" "dns_record" {
  input = "www"

  depends_on = [data.tokencheck_cloudflare.this]
}
