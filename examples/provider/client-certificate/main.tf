provider "tokencheck" {
  venafi {
    url                = "https://tpp.example.com"
    client_certificate = file("client.pem")
    client_key         = file("client.key")
    tls_max_version    = "1.2"
  }
}
