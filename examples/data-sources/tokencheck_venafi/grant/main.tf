data "tokencheck_venafi" "this" {
  lifecycle {
    postcondition {
      condition     = self.valid
      error_message = self.reason
    }
  }
}

# A grant without a reported expiration passes.
check "venafi_grant" {
  assert {
    condition = (
      data.tokencheck_venafi.this.grant_expires_on == null
      ? true
      : timecmp(data.tokencheck_venafi.this.grant_expires_on, timeadd(plantimestamp(), "720h")) > 0
    )
    error_message = "The grant expires within 30 days: authorize a new one."
  }
}
