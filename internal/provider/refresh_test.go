package provider_test

import (
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tokencheck/terraform-provider-tokencheck/internal/cli"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/cli/clitest"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/cloudflare/cloudflaretest"
)

// These tests guard a resource whose provider fails with 401 after a revocation.

// withDNS creates a workspace with a configuration for one fake. The Cloudflare
// provider uses the check's token.
func withDNS(t *testing.T, config string) (*cloudflaretest.Server, *cli.Workspace, []string) {
	t.Helper()

	c := newCloudflare(t)
	w := clitest.Workspace(t, map[string]string{"main.tf": clitest.RequiredWithStandIns + withIssuers(c, nil, config), "ca.pem": c.TrustBundle})

	return c, w, []string{"CLOUDFLARE_API_TOKEN=" + secret, "CLOUDFLARE_BASE_URL=" + c.BaseURL(), "SSL_CERT_FILE=" + filepath.Join(w.Dir, "ca.pem")}
}

// Outcomes of a command.
const (
	passes  = "passes"
	byGuard = "stopped by the guard"
	by401   = "stopped by 401"
	warned  = "warned by the guard, and stopped by 401"
)

// outcome returns the outcome of a command with an invalid token.
func outcome(result cli.Result) string {
	says := func(text string) bool { return clitest.Says(text).MatchString(result.Output) }

	switch {
	case result.Err == nil:
		return passes
	case !says("401 Unauthorized"):
		if says("was rejected") {
			return byGuard
		}
	case !says("was rejected"):
		return by401
	case says("Warning: Resource precondition failed") || says("Warning: Resource postcondition failed"):
		return warned
	}

	return result.Output
}

const (
	dataCheck = `
data "tokencheck_cloudflare" "now" {}
`
	dataCondition = `
    precondition {
      condition     = data.tokencheck_cloudflare.now.valid
      error_message = data.tokencheck_cloudflare.now.reason
    }
`
)

func onItself(condition string) string { return "  lifecycle {" + condition + "  }\n" }

func dependsOn(address string) string { return "  depends_on = [" + address + "]\n" }

// A resource is refreshed before its own preconditions are evaluated. Once it exists,
// only a guard that it depends on reports before its provider's error.
func TestSemanticsRefresh(t *testing.T) {
	t.Parallel()

	for name, test := range map[string]struct {
		// config is the guard, and body the content of the guarded resources.
		config, body string
		// Outcomes of the commands with a revoked token. The apply is of an earlier
		// saved plan, and creates another resource.
		plan, target, refreshOnly, apply, destroy string
	}{
		"data source, precondition of the resource itself": {dataCheck, onItself(dataCondition), by401, by401, by401, by401, by401},
		"data source, postcondition":                       {atPlan, dependsOn("data.tokencheck_cloudflare.now"), byGuard, byGuard, warned, by401, warned},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			c, w, env := withDNS(t, test.config+"\nresource \"cloudflare_dns_record\" \"old\" {\n"+test.body+"}\n")
			further := filepath.Join(w.Dir, "new.tf")

			clitest.Run(t, w, env, true, []string{"apply", "-auto-approve", "-no-color"})

			if err := os.WriteFile(further, []byte("resource \"cloudflare_dns_record\" \"new\" {\n"+test.body+"}\n"), 0o600); err != nil {
				t.Fatal(err)
			}

			clitest.Run(t, w, env, true, []string{"plan", "-no-color", "-out=saved"}, "1 to add")

			if err := os.Remove(further); err != nil {
				t.Fatal(err)
			}

			c.Revoke(secret)

			// First: the commands below write the state.
			if got := outcome(w.Run(t.Context(), env, "apply", "-no-color", "saved")); got != test.apply {
				t.Errorf("apply saved: %s, want %s", got, test.apply)
			}

			want := map[string]string{
				"plan":                                   test.plan,
				"plan -refresh=false":                    byGuard, // The resource's own condition is evaluated as well.
				"plan -target=cloudflare_dns_record.old": test.target,
				"plan -refresh-only":                     test.refreshOnly,
				"destroy -auto-approve":                  test.destroy,
				// No check runs, and the deletion fails.
				"destroy -auto-approve -refresh=false": by401,
			}

			if test.apply == by401 && test.plan == by401 { // The first plan shows the problem.
				clear(want)

				want["plan"] = by401
			}

			got := map[string]string{}
			for command := range want {
				args := strings.Fields(command)
				got[command] = outcome(w.Run(t.Context(), env, append([]string{args[0], "-no-color"}, args[1:]...)...))
			}

			if !maps.Equal(got, want) {
				t.Errorf("got %q\nwant %q", got, want)
			}

			if created(t, w, "cloudflare_dns_record.new") || !created(t, w, "cloudflare_dns_record.old") {
				t.Error("something was created or destroyed")
			}
		})
	}
}
