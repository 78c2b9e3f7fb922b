package provider_test

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-testing/echoprovider"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"
	"github.com/hashicorp/terraform-plugin-testing/tfversion"

	"github.com/tokencheck/terraform-provider-tokencheck/internal/cloudflare/cloudflaretest"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/issuertest"
)

func configured(t *testing.T, env map[string]string, config map[string]any) *server {
	t.Helper()

	s := newServer(t, host(env))
	if all := s.configure(config); len(all) > 0 {
		t.Fatal(all)
	}

	return s
}

// wantOpened wants the data source's verdict, the token only if it is valid, and the
// reason as a warning only if it is not.
func wantOpened(t *testing.T, got map[string]any, all diagnostics, want map[string]any, secret string) {
	t.Helper()

	want["require_valid"], want["verified_token"] = false, nil

	var warnings diagnostics

	if want["valid"] == true {
		want["verified_token"] = secret
	} else {
		warnings = diagnostics{fmt.Sprint("warning: Token is not valid: ", want["reason"])}
	}

	if fmt.Sprint(got) != fmt.Sprint(want) || !slices.Equal(all, warnings) {
		t.Errorf("got %v, want %v; %v", got, want, all)
	}
}

// The ephemeral resource has the data source's schema and verdict, plus require_valid
// and verified_token.
func TestEphemeralMatchesDataSource(t *testing.T) {
	t.Parallel()

	c := newCloudflare(t)
	s := configured(t, nil, cloudflareProvider(c))

	for _, secret := range []string{"active", "term", "expired", "switchedoff", "future", "exposed", "deleted"} {
		arguments := map[string]any{"api_token": secret + "-0123456789", "min_remaining": "1h"}

		want, all := s.read(cloudflareType, arguments)
		if len(all) > 0 {
			t.Fatal(all)
		}

		got, all := s.open(cloudflareType, map[string]any{"api_token": secret + "-0123456789", "min_remaining": "1h", "require_valid": false})
		wantOpened(t, got, all, want, secret+"-0123456789")
	}

	v := newVenafi(t, venafiToken())
	s = configured(t, nil, venafiProvider(v))

	for _, scope := range []string{"certificate:revoke", "ssh"} {
		arguments := map[string]any{"required_scopes": []any{scope}}
		want, _ := s.read(venafiType, arguments)
		arguments["require_valid"] = false
		got, all := s.open(venafiType, arguments)
		wantOpened(t, got, all, want, venafiSecret)
	}

	// A trailing newline in a variable or file is not part of the token.
	s = configured(t, map[string]string{"TOKEN": "active-0123456789\r\n"}, cloudflareProvider(c))
	if got, _ := s.open(cloudflareType, map[string]any{"api_token_env": "TOKEN"}); got["verified_token"] != "active-0123456789" {
		t.Errorf("verified_token = %q", got["verified_token"])
	}
}

func TestEphemeralRequireValid(t *testing.T) {
	t.Parallel()

	c := newCloudflare(t)
	s := configured(t, nil, cloudflareProvider(c))

	for name, require := range map[string]any{"not set": nil, "true": true} {
		_, all := s.open(cloudflareType, map[string]any{"api_token": "expired-0123456789", "require_valid": require})
		wantOneError(t, all, "error: Token is not valid: The Cloudflare API token (source: argument) expired at ", "create a new token")

		if got, all := s.open(cloudflareType, map[string]any{"api_token": "active-0123456789", "require_valid": require}); len(all) > 0 || got["valid"] != true {
			t.Errorf("%s: %v %v", name, got, all)
		}
	}

	// Without a verdict, it is still an error.
	c.SetFault(issuertest.Reply(http.StatusForbidden, "<html>", "Content-Type", "text/html"))

	_, all := s.open(cloudflareType, map[string]any{"api_token": "active-0123456789", "require_valid": false})
	wantOneError(t, all, "error: Unexpected response from the issuer", "this says nothing about whether it is valid")

	_, all = s.open(cloudflareType, map[string]any{"api_token": unknown{}, "require_valid": false})
	wantOneError(t, all, "error: Argument is unknown")

	_, all = s.open(cloudflareType, map[string]any{"api_token": "x", "api_token_env": "X"})
	wantOneError(t, all, "error: Conflicting token arguments")

	s = configured(t, map[string]string{"CLOUDFLARE_API_TOKEN": "active-0123456789"}, cloudflareProvider(c, map[string]any{"api_token": unknown{}}))
	_, all = s.open(cloudflareType, nil)
	wantOneError(t, all, "error: Provider configuration is unknown", "own argument")
}

// A data source may reuse a response that is less than ten seconds old; an ephemeral
// resource sends a request. Responses are not shared between configured providers.
func TestFreshness(t *testing.T) {
	t.Parallel()

	c := newCloudflare(t)
	now := time.Now()
	h := host(nil)
	h.Now = func() time.Time { return now }

	s := newServer(t, h)
	s.configure(cloudflareProvider(c))

	arguments := map[string]any{"api_token": "active-0123456789"}
	steps := []struct {
		name     string
		do       func() (map[string]any, diagnostics)
		requests int
		status   string
	}{
		{"the first check sends a request", func() (map[string]any, diagnostics) { return s.read(cloudflareType, arguments) }, 1, "active"},
		{"the next one does not", func() (map[string]any, diagnostics) { return s.read(cloudflareType, arguments) }, 1, "active"},
		{"the same token with min_remaining", func() (map[string]any, diagnostics) {
			return s.read(cloudflareType, map[string]any{"api_token": "active-0123456789", "min_remaining": "1h"})
		}, 1, "active"},
		{"another token", func() (map[string]any, diagnostics) {
			return s.read(cloudflareType, map[string]any{"api_token": "expired-0123456789"})
		}, 2, "expired"},
		{"another endpoint", func() (map[string]any, diagnostics) {
			return s.read(cloudflareType, map[string]any{"api_token": "active-0123456789", "account_id": account})
		}, 3, "rejected"},
		{"after 9 seconds", func() (map[string]any, diagnostics) {
			c.Revoke("active-0123456789")

			now = now.Add(9 * time.Second)

			return s.read(cloudflareType, arguments)
		}, 3, "active"},
		{"after 10 seconds", func() (map[string]any, diagnostics) {
			now = now.Add(time.Second)

			return s.read(cloudflareType, arguments)
		}, 4, "rejected"},
		{"an ephemeral resource sends a request", func() (map[string]any, diagnostics) {
			c.Set("active-0123456789", cloudflaretest.Token{ID: tokenID})

			with := maps.Clone(arguments)
			with["require_valid"] = false

			return s.open(cloudflareType, with)
		}, 5, "active"},
		{"another provider sends a request", func() (map[string]any, diagnostics) {
			s = configured(t, nil, cloudflareProvider(c))

			return s.read(cloudflareType, arguments)
		}, 6, "active"},
	}

	for _, step := range steps {
		got, all := step.do()
		if n := len(c.Requests()); len(all) > 0 || got["status"] != step.status || n != step.requests {
			t.Errorf("%s: status %v, want %s; %d requests, want %d; %v", step.name, got["status"], step.status, n, step.requests, all)
		}
	}
}

// Every attribute of an opened check can be used in a real CLI.
func TestAccEphemeralEcho(t *testing.T) {
	t.Parallel()

	c, v := newCloudflare(t), newVenafi(t, venafiToken())
	factories := factories(map[string]string{"CLOUDFLARE_API_TOKEN": "active-0123456789", "VENAFI_TOKEN": venafiSecret})
	factories["echo"] = echoprovider.NewProviderServer()

	expect := func(attribute string, want knownvalue.Check) statecheck.StateCheck {
		return statecheck.ExpectKnownValue("echo.checks", tfjsonpath.New("data").AtMapKey(attribute), want)
	}

	resource.UnitTest(t, resource.TestCase{
		TerraformVersionChecks:   []tfversion.TerraformVersionCheck{tfversion.SkipBelow(tfversion.Version1_10_0)},
		ProtoV6ProviderFactories: factories,
		Steps: []resource.TestStep{{
			Config: withIssuers(c, v, `
ephemeral "tokencheck_cloudflare" "dns" {}
ephemeral "tokencheck_venafi" "certificates" {
  required_scopes = ["certificate:revoke"]
  require_valid   = false
}
provider "echo" { data = { cloudflare = ephemeral.tokencheck_cloudflare.dns, venafi = ephemeral.tokencheck_venafi.certificates } }
resource "echo" "checks" {}
`),
			ConfigStateChecks: []statecheck.StateCheck{
				expect("cloudflare", knownvalue.ObjectPartial(map[string]knownvalue.Check{
					"valid": knownvalue.Bool(true), "status": knownvalue.StringExact("active"), "reason": knownvalue.NotNull(), "expires_on": knownvalue.Null(),
					"token_source": knownvalue.StringExact("env:CLOUDFLARE_API_TOKEN"), "id": knownvalue.StringExact(tokenID), "not_before": knownvalue.Null(),
				})),
				expect("venafi", knownvalue.ObjectPartial(map[string]knownvalue.Check{
					"valid": knownvalue.Bool(false), "status": knownvalue.StringExact("missing_scope"), "reason": knownvalue.NotNull(),
					"expires_on": knownvalue.StringExact(after(89 * 24 * time.Hour)), "grant_expires_on": knownvalue.StringExact(after(365 * 24 * time.Hour)),
					"access_issued_on": knownvalue.StringExact(after(-24 * time.Hour)), "grant_issued_on": knownvalue.StringExact(after(-48 * time.Hour)),
					"valid_for": knownvalue.Int64Exact(7776000), "application": knownvalue.StringExact("TPP.Auto"),
					"identity": knownvalue.StringExact("local:{8e1bf110-8ef8-4a53-a6da-d5d29c983451}"),
					"scope":    knownvalue.StringExact("certificate:manage,discover;SSH;"),
					"scopes": knownvalue.MapExact(map[string]knownvalue.Check{
						"certificate": knownvalue.SetSizeExact(2), "ssh": knownvalue.SetSizeExact(0),
					}),
					"missing_scopes": knownvalue.SetExact([]knownvalue.Check{knownvalue.StringExact("certificate:revoke")}),
				})),
			},
		}},
	})
}
