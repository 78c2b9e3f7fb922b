# Where the tokens are, and never the tokens: a sensitive map cannot drive
# for_each, and a data source stores its own token argument in the state.
#
# min_remaining and required_scopes are not optional, although they may be null
# or empty: an attribute that an object type does not know is dropped without an
# error, so that a typing error in an optional one would ask for less.

variable "cloudflare_tokens" {
  description = <<-EOT
    Cloudflare API tokens to verify, by name:
    - api_token_env or api_token_file: the environment variable or the file that holds the token. Exactly one of them.
    - account_id: the ID of the account that owns the token. Not set for a token that a user owns.
    - min_remaining: how long the token must still live, such as "72h". Null: as long as it works.
  EOT
  type = map(object({
    api_token_env  = optional(string)
    api_token_file = optional(string)
    account_id     = optional(string)
    min_remaining  = string
  }))
  nullable = false
  default  = {}

  # With neither, the check would take the token of the provider or of
  # CLOUDFLARE_API_TOKEN.
  validation {
    condition     = alltrue([for token in var.cloudflare_tokens : (token.api_token_env == null) != (token.api_token_file == null)])
    error_message = "Each Cloudflare token needs exactly one of api_token_env and api_token_file."
  }
}

variable "venafi_tokens" {
  description = <<-EOT
    Venafi access tokens to verify, by name:
    - access_token_env or access_token_file: the environment variable or the file that holds the token. Exactly one of them.
    - required_scopes: the scopes that the token must have, such as ["certificate:manage"]. Empty: any will do.
    - min_remaining: how long the token must still live, such as "72h". Null: as long as it works.
  EOT
  type = map(object({
    access_token_env  = optional(string)
    access_token_file = optional(string)
    required_scopes   = set(string)
    min_remaining     = string
  }))
  nullable = false
  default  = {}

  # With neither, the check would take the token of the provider or of
  # VENAFI_TOKEN.
  validation {
    condition     = alltrue([for token in var.venafi_tokens : (token.access_token_env == null) != (token.access_token_file == null)])
    error_message = "Each Venafi token needs exactly one of access_token_env and access_token_file."
  }

  validation {
    condition     = alltrue([for token in var.venafi_tokens : token.required_scopes != null])
    error_message = "A Venafi token that needs no scope says so by required_scopes = []."
  }
}

variable "allow_no_tokens" {
  description = "Whether there may be no token to verify. If not, two empty maps are an error."
  type        = bool
  nullable    = false
  default     = false
}
