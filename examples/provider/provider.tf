terraform {
  required_providers {
    tokencheck = {
      source  = "tokencheck/tokencheck"
      version = "~> 0.1"
    }
  }
}

# The token is in VENAFI_TOKEN.
provider "tokencheck" {
  venafi {
    url          = "https://tpp.example.com"
    trust_bundle = file("ca.pem")
  }
}
