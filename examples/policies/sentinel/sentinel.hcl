policy "tokencheck" {
  source            = "./tokencheck.sentinel"
  enforcement_level = "hard-mandatory"
}
