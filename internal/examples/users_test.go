package examples_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/tokencheck/terraform-provider-tokencheck/internal/cli/clitest"
)

// unreachable has no token, and makes checks that send a request fail.
var unreachable = []string{"CLOUDFLARE_BASE_URL=http://127.0.0.1:1", "VENAFI_URL=http://127.0.0.1:1"}

var (
	runBlock  = regexp.MustCompile(`(?m)^run "\w+" \{$`)
	condition = regexp.MustCompile(`(?m)^( +condition += )(.+)$`)
)

// The example tests pass. They need no token and no issuer. With conditions that
// always hold, each run that expects a failure fails: a test of a guard that cannot
// fail is worthless.
func TestExampleTests(t *testing.T) {
	t.Parallel()

	const guard = "tests/guard.tftest.hcl"

	files := read(t, "tests/data-source")
	tests := files[guard]
	runs, failures := runBlock.FindAllStringIndex(tests, -1), strings.Count(tests, "expect_failures")

	clitest.Run(t, clitest.Workspace(t, files), unreachable, true, []string{"test", "-no-color"},
		fmt.Sprintf("Success! %d passed, 0 failed.", len(runs)))

	// After a failure the other runs of a file are skipped: each gets its own.
	for i, at := range runs {
		files[fmt.Sprintf("tests/%d.tftest.hcl", i)] = tests[:runs[0][0]] + tests[at[0]:append(runs, []int{len(tests)})[i+1][0]]
	}

	delete(files, guard)

	files["main.tf"] = condition.ReplaceAllString(files["main.tf"], "${1}(${2}) || true")

	clitest.Run(t, clitest.Workspace(t, files), unreachable, false, []string{"test", "-no-color"},
		fmt.Sprintf("%d passed, %d failed.", len(runs)-failures, failures))
}

// A root module with a gate is tested with a mock of the gated provider, and the
// token is verified.
func TestGateTest(t *testing.T) {
	t.Parallel()

	s, w := newIssuers(t), clitest.Workspace(t, read(t, "ephemeral-resources/tokencheck_cloudflare/gate"))
	env := s.env(t, t.TempDir())

	clitest.Run(t, w, env, true, []string{"test", "-no-color"}, "Success! 1 passed, 0 failed.")
	s.revokeAll()
	clitest.Run(t, w, env, false, []string{"test", "-no-color"}, "was rejected")
}

// As the guide says of mocks, an override replaces the defaults, unset attributes are
// generated, and arguments are still validated.
func TestMocks(t *testing.T) {
	t.Parallel()

	w := clitest.Workspace(t, map[string]string{
		"main.tf": clitest.RequiredProviders + `
variable "remaining" { default = null }
data "tokencheck_cloudflare" "this" {
  min_remaining = var.remaining
  lifecycle {
    postcondition {
      condition     = self.valid && self.status == "active"
      error_message = "The token is not valid."
    }
  }
}
`,
		"tests/guard.tftest.hcl": `
mock_provider "tokencheck" {
  mock_data "tokencheck_cloudflare" {
    defaults = { valid = true, status = "active" }
  }
}
mock_provider "tokencheck" { alias = "nothing_set" }
run "defaults" { command = plan }
run "override" {
  command         = plan
  expect_failures = [data.tokencheck_cloudflare.this]

  override_data {
    target = data.tokencheck_cloudflare.this
    values = { valid = true }
  }
}
run "nothing_set" {
  command         = plan
  expect_failures = [data.tokencheck_cloudflare.this]
  providers       = { tokencheck = tokencheck.nothing_set }
}
run "argument" {
  command   = plan
  variables { remaining = "14d" }
}
`,
	})

	clitest.Run(t, w, unreachable, false, []string{"test", "-no-color"}, "3 passed, 1 failed", `run "argument"... fail`, `write "336h"`)
}
