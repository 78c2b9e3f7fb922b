provider "tokencheck" {
  # Cloudflare for Government
  cloudflare {
    base_url = "https://api.fed.cloudflare.com/client/v4"
  }

  # GitHub Enterprise Server
  github {
    base_url = "https://ghes.example.com/"
  }

  # GitLab Self-Managed
  gitlab {
    base_url = "https://gitlab.example.com"
  }
}
