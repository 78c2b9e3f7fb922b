resource "cloudflare_dns_record" "www" {
  zone_id = "023e105f4ecef8ad9ca31a8372d0c353"
  name    = "www.example.com"
  type    = "CNAME"
  content = "example.com"
  ttl     = 1
}
