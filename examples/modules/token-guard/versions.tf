terraform {
  # Optional object attributes.
  required_version = ">= 1.3"

  required_providers {
    tokencheck = {
      source = "tokencheck/tokencheck"
    }
  }
}
