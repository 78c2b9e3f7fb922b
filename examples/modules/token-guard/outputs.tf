# The guard. It stands on an output and not on a resource, so that a caller has
# nothing to create: a data source that depends on this module would be put off
# until a resource in it is created.
output "verdicts" {
  description = "What the issuers said: valid, status, reason and expires_on by \"cloudflare/NAME\" and \"venafi/NAME\"."
  value       = local.verdicts

  precondition {
    condition     = var.allow_no_tokens || length(local.verdicts) > 0
    error_message = "There is no token to verify. Set cloudflare_tokens or venafi_tokens, or allow_no_tokens = true."
  }

  # One condition for all of them, so that one run tells of every bad token.
  precondition {
    condition     = length(local.bad_tokens) == 0
    error_message = join("\n\n", local.bad_tokens)
  }
}
