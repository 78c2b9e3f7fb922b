run "a_token_that_works_passes" {
  command = plan

  variables {
    cloudflare_token_works = true
  }
}

run "a_token_that_does_not_work_stops_the_plan" {
  command = plan

  variables {
    cloudflare_token_works = false
  }

  expect_failures = [terraform_data.token_guard]
}
