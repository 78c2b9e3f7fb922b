terraform {
  # Ephemeral resources need Terraform 1.10 or OpenTofu 1.11.
  required_version = ">= 1.10"

  required_providers {
    tokencheck = {
      source = "tokencheck/tokencheck"
    }
  }
}

# Asks at plan and again at apply. It stands here and not in the module, so that
# the module's tests need no provider.
ephemeral "tokencheck_cloudflare" "this" {
  require_valid = false
}

module "dns_record" {
  source = "./dns-record"

  cloudflare_token_works = ephemeral.tokencheck_cloudflare.this.valid
}
