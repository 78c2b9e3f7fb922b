variable "verify_tokens" {
  type    = bool
  default = true
}

ephemeral "tokencheck_venafi" "this" {
  count           = var.verify_tokens ? 1 : 0
  min_remaining   = "1h" # longer than an apply takes
  required_scopes = ["certificate:manage"]
}

provider "venafi" {
  access_token = var.verify_tokens ? coalesce(ephemeral.tokencheck_venafi.this[0].verified_token, "no-verified-token") : null
  zone         = "DevOps\\Terraform"
}
