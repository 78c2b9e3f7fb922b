mock_provider "cloudflare" {}

run "plan" {
  command = plan

  variables {
    zone_id = "023e105f4ecef8ad9ca31a8372d0c353"
  }
}
