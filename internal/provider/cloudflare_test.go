package provider_test

import (
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/tokencheck/terraform-provider-tokencheck/internal/cloudflare/cloudflaretest"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/issuertest"
)

const (
	cloudflareType = "tokencheck_cloudflare"
	account        = "023e105f4ecef8ad9ca31a8372d0c353"
	tokenID        = "ed17574386854bf78a67040be0a770b0"
)

// newCloudflare starts a fake with a token in every state.
func newCloudflare(t *testing.T) *cloudflaretest.Server {
	t.Helper()

	s := cloudflaretest.NewServer()
	t.Cleanup(s.Close)

	now := time.Now().UTC().Truncate(time.Second)
	for secret, token := range map[string]cloudflaretest.Token{
		"active-0123456789":      {},
		"term-0123456789":        {NotBefore: now.Add(-time.Hour), ExpiresOn: now.Add(48 * time.Hour)},
		"expired-0123456789":     {ExpiresOn: now.Add(-time.Hour)},
		"pastend-0123456789":     {Status: "active", ExpiresOn: now.Add(-time.Hour)},
		"switchedoff-0123456789": {Status: "disabled"},
		"future-0123456789":      {NotBefore: now.Add(time.Hour)},
		"exposed-0123456789":     {Status: "revoked (exposed)"},
		"ofaccount-0123456789":   {Account: account},
	} {
		token.ID = tokenID
		s.Set(secret, token)
	}

	return s
}

func cloudflareProvider(s *cloudflaretest.Server, more ...map[string]any) map[string]any {
	block := map[string]any{"base_url": s.BaseURL(), "trust_bundle": s.TrustBundle}

	for _, m := range more {
		maps.Copy(block, m)
	}

	return map[string]any{"cloudflare": block}
}

func TestCloudflareVerdicts(t *testing.T) {
	t.Parallel()

	tests := map[string]struct {
		config map[string]any
		want   map[string]any
		reason string
	}{
		"active": {
			map[string]any{"api_token": "active-0123456789"},
			map[string]any{"valid": true, "status": "active", "id": tokenID, "not_before": nil, "expires_on": nil, "token_source": "argument"},
			"is active and does not expire",
		},
		"active, min_remaining, no expiration": {
			map[string]any{"api_token": "active-0123456789", "min_remaining": "8760h"},
			map[string]any{"valid": true, "status": "active", "expires_on": nil},
			"does not expire",
		},
		"active, min_remaining of zero": {
			map[string]any{"api_token": "term-0123456789", "min_remaining": "0s"},
			map[string]any{"valid": true, "status": "active"},
			"is active and expires at ",
		},
		"active, sufficient remaining lifetime": {
			map[string]any{"api_token": "term-0123456789", "min_remaining": "24h"},
			map[string]any{"valid": true, "status": "active"},
			"is active and expires at ",
		},
		"expiring": {
			map[string]any{"api_token": "term-0123456789", "min_remaining": "72h"},
			map[string]any{"valid": false, "status": "expiring", "id": tokenID},
			"min_remaining requires at least 72h",
		},
		"expired": {
			map[string]any{"api_token": "expired-0123456789"},
			map[string]any{"valid": false, "status": "expired", "id": tokenID},
			"expired at ",
		},
		"active but past its expiration": {
			map[string]any{"api_token": "pastend-0123456789"},
			map[string]any{"valid": false, "status": "expired"},
			"although the issuer still accepts it",
		},
		"disabled": {
			map[string]any{"api_token": "switchedoff-0123456789"},
			map[string]any{"valid": false, "status": "disabled", "expires_on": nil},
			"Enable the token",
		},
		"not yet valid": {
			map[string]any{"api_token": "future-0123456789"},
			map[string]any{"valid": false, "status": "not_yet_valid"},
			"is not valid before ",
		},
		"undocumented status": {
			map[string]any{"api_token": "exposed-0123456789"},
			map[string]any{"valid": false, "status": "revoked (exposed)"},
			`has the status "revoked (exposed)"`,
		},
		"unknown to Cloudflare": {
			map[string]any{"api_token": "deleted-0123456789"},
			map[string]any{"valid": false, "status": "rejected", "id": nil, "not_before": nil, "expires_on": nil},
			"set account_id",
		},
		"account-owned, at the user endpoint": {
			map[string]any{"api_token": "ofaccount-0123456789"},
			map[string]any{"valid": false, "status": "rejected"},
			"set account_id",
		},
		"account-owned, at the account endpoint": {
			map[string]any{"api_token": "ofaccount-0123456789", "account_id": account},
			map[string]any{"valid": true, "status": "active", "account_id": account},
			"Cloudflare's account endpoint (/accounts/" + account + "/tokens/verify)",
		},
		"user token, at the account endpoint": {
			map[string]any{"api_token": "active-0123456789", "account_id": account},
			map[string]any{"valid": false, "status": "rejected"},
			"remove account_id",
		},
		"malformed according to Cloudflare": {
			map[string]any{"api_token": "mal!formed-0123456789"},
			map[string]any{"valid": false, "status": "rejected"},
			"Invalid format for Authorization header",
		},
		"account-owned token prefix, at the user endpoint": {
			map[string]any{"api_token": "cfat_0123456789"}, map[string]any{"status": "rejected"}, "set account_id",
		},
		"account-owned token prefix, at another account's endpoint": {
			map[string]any{"api_token": "cfat_0123456789", "account_id": account}, map[string]any{"status": "rejected"}, "to another account",
		},
		"user token prefix, at the account endpoint": {
			map[string]any{"api_token": "cfut_0123456789", "account_id": account}, map[string]any{"status": "rejected"}, "remove account_id",
		},
		"user token prefix, at the user endpoint": {
			map[string]any{"api_token": "cfut_0123456789"}, map[string]any{"status": "rejected"}, "rolled, or deleted",
		},
		"Global API key prefix": {map[string]any{"api_token": "cfk_0123456789"}, map[string]any{"status": "rejected"}, "Global API key"},
		"Wrangler token prefix": {map[string]any{"api_token": "cfoat_0123456789"}, map[string]any{"status": "rejected"}, "Wrangler"},
		"Origin CA key prefix":  {map[string]any{"api_token": "v1.0-0123456789"}, map[string]any{"status": "rejected"}, "Origin CA"},
	}

	fake := newCloudflare(t)

	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			s := newServer(t, host(nil))
			if all := s.configure(cloudflareProvider(fake)); len(all) > 0 {
				t.Fatal(all)
			}

			got, all := s.read(cloudflareType, test.config)
			if len(all) > 0 {
				t.Fatal(all)
			}

			wantAttributes(t, got, test.want)

			if reason := got["reason"].(string); !strings.Contains(reason, test.reason) {
				t.Errorf("reason lacks %q: %s", test.reason, reason)
			}

			again, _ := s.read(cloudflareType, test.config)
			wantAttributes(t, again, got)
		})
	}
}

func TestCloudflareTokenSources(t *testing.T) {
	t.Parallel()

	fake := newCloudflare(t)
	tokenFile := file(t, "active-0123456789\n")
	env := map[string]string{"CLOUDFLARE_API_TOKEN": "active-0123456789", "MY_TOKEN": "term-0123456789", "EMPTY": ""}

	tests := map[string]struct {
		env      map[string]string
		provider map[string]any
		config   map[string]any
		source   string
	}{
		"argument before all other sources":     {env, map[string]any{"api_token": "expired-0123456789"}, map[string]any{"api_token": "active-0123456789"}, "argument"},
		"variable before the provider's":        {env, map[string]any{"api_token": "expired-0123456789"}, map[string]any{"api_token_env": "MY_TOKEN"}, "env:MY_TOKEN"},
		"file before the provider's":            {env, map[string]any{"api_token": "expired-0123456789"}, map[string]any{"api_token_file": tokenFile}, "file:" + tokenFile},
		"provider before the issuer's variable": {env, map[string]any{"api_token": "term-0123456789"}, nil, "provider"},
		"the issuer's own variable":             {env, nil, nil, "env:CLOUDFLARE_API_TOKEN"},
		"own argument, provider configuration unknown": {
			env, map[string]any{"api_token": unknown{}}, map[string]any{"api_token_env": "MY_TOKEN"}, "env:MY_TOKEN",
		},
	}

	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			s := newServer(t, host(test.env))
			if all := s.configure(cloudflareProvider(fake, test.provider)); len(all) > 0 {
				t.Fatal(all)
			}

			got, all := s.read(cloudflareType, test.config)
			if len(all) > 0 {
				t.Fatal(all)
			}

			wantAttributes(t, got, map[string]any{"token_source": test.source, "valid": true})

			if !strings.Contains(got["reason"].(string), "(source: "+test.source+")") {
				t.Error("the reason does not name the source:", got["reason"])
			}
		})
	}
}

func TestCloudflareErrors(t *testing.T) {
	t.Parallel()

	const secret = "active-0123456789"

	tests := map[string]struct {
		env      map[string]string
		provider map[string]any
		config   map[string]any
		fault    http.HandlerFunc
		start    string
		texts    []string
	}{
		"no token": {
			env: map[string]string{"CLOUDFLARE_API_TOKEN": ""}, start: "error: No token to verify",
			texts: []string{"api_token_env", "api_token_file", "cloudflare.api_token", "CLOUDFLARE_API_TOKEN"},
		},
		"no token, deprecated variable set": {
			env: map[string]string{"CF_API_TOKEN": secret}, start: "error: No token to verify", texts: []string{"rename it to CLOUDFLARE_API_TOKEN"},
		},
		"no token, Global API key set": {
			env: map[string]string{"CLOUDFLARE_API_KEY": secret}, start: "error: No token to verify", texts: []string{"create an API token instead"},
		},
		"empty argument":                     {config: map[string]any{"api_token": ""}, start: "error: Malformed token", texts: []string{"is empty"}},
		"quoted argument":                    {config: map[string]any{"api_token": `"` + secret + `"`}, start: "error: Malformed token", texts: []string{"quotes"}},
		"Bearer":                             {config: map[string]any{"api_token": "Bearer " + secret}, start: "error: Malformed token", texts: []string{"Bearer"}},
		"two arguments":                      {config: map[string]any{"api_token": secret, "api_token_env": "X"}, start: "error: Conflicting token arguments"},
		"two other arguments":                {config: map[string]any{"api_token_file": "x", "api_token_env": "X"}, start: "error: Conflicting token arguments"},
		"variable is not set":                {config: map[string]any{"api_token_env": "NOT_SET"}, start: "error: Token variable is not set", texts: []string{"api_token_env names is not set"}},
		"variable is empty":                  {env: map[string]string{"X": ""}, config: map[string]any{"api_token_env": "X"}, start: "error: Token variable is not set"},
		"token as variable's name":           {config: map[string]any{"api_token_env": "aB3secret0123456789"}, start: "error: Token variable is not set", texts: []string{"not the token"}},
		"variable with space":                {env: map[string]string{"X": "two words"}, config: map[string]any{"api_token_env": "X"}, start: "error: Malformed token", texts: []string{"contains whitespace"}},
		"name with $":                        {config: map[string]any{"api_token_env": "$X"}, start: "error: Invalid environment variable name"},
		"empty name":                         {config: map[string]any{"api_token_env": ""}, start: "error: Invalid environment variable name"},
		"no such file":                       {config: map[string]any{"api_token_file": "no/such/file"}, start: "error: Token file cannot be read"},
		"directory":                          {config: map[string]any{"api_token_file": "."}, start: "error: Token file cannot be read", texts: []string{"not a regular file"}},
		"empty path":                         {config: map[string]any{"api_token_file": ""}, start: "error: Invalid path"},
		"bad value in the issuer's variable": {env: map[string]string{"CLOUDFLARE_API_TOKEN": "“" + secret + "”"}, start: "error: Malformed token", texts: []string{"CLOUDFLARE_API_TOKEN", "curly quotes"}},
		"bad account":                        {config: map[string]any{"api_token": secret, "account_id": "a/../../user"}, start: "error: Invalid account ID", texts: []string{"32 hexadecimal digits"}},
		"empty account":                      {config: map[string]any{"api_token": secret, "account_id": ""}, start: "error: Invalid account ID"},
		"min_remaining in days":              {config: map[string]any{"min_remaining": "30d"}, start: "error: Invalid duration", texts: []string{`"720h"`}},
		"min_remaining is invalid":           {config: map[string]any{"min_remaining": "soon"}, start: "error: Invalid duration"},
		"min_remaining without unit":         {config: map[string]any{"min_remaining": "90"}, start: "error: Invalid duration", texts: []string{"append one"}},
		"min_remaining is empty":             {config: map[string]any{"min_remaining": ""}, start: "error: Invalid duration"},
		"min_remaining is negative":          {config: map[string]any{"min_remaining": "-1h"}, start: "error: Invalid duration", texts: []string{"negative"}},
		"unknown argument":                   {config: map[string]any{"api_token": unknown{}}, start: "error: Argument is unknown"},
		"unknown variable's name":            {config: map[string]any{"api_token": secret, "api_token_env": unknown{}}, start: "error: Argument is unknown"},
		"unknown argument and a name":        {config: map[string]any{"api_token": unknown{}, "api_token_env": "X"}, start: "error: Argument is unknown"},
		"unknown provider token":             {env: map[string]string{"CLOUDFLARE_API_TOKEN": secret}, provider: map[string]any{"api_token": unknown{}}, start: "error: Provider configuration is unknown", texts: []string{"own argument"}},
		"unknown provider URL":               {provider: map[string]any{"base_url": unknown{}}, config: map[string]any{"api_token": secret}, start: "error: Provider configuration is unknown", texts: []string{"cloudflare.base_url", "earlier run"}},
		"unknown trust bundle":               {provider: map[string]any{"trust_bundle": unknown{}}, config: map[string]any{"api_token": secret}, start: "error: Provider configuration is unknown"},
		"bad URL in the environment":         {env: map[string]string{"CLOUDFLARE_BASE_URL": "http://example.com"}, provider: map[string]any{"base_url": nil}, config: map[string]any{"api_token": secret}, start: "error: Invalid server URL", texts: []string{"CLOUDFLARE_BASE_URL"}},
		"unknown account": {
			config: map[string]any{"api_token": secret, "account_id": account}, fault: issuertest.Reply(http.StatusNotFound, cloudflaretest.BodyNoRoute),
			start: "error: ", texts: []string{"HTTP 404", "this says nothing about whether it is valid"},
		},
		"unknown path for an account": {
			config: map[string]any{"api_token": secret, "account_id": account}, fault: cloudflaretest.Recorded["no route"].ServeHTTP,
			start: "error: Unexpected response", texts: []string{"base_url", "Then check account_id"},
		},
		"API out of order": {
			config: map[string]any{"api_token": secret}, fault: issuertest.Reply(http.StatusBadGateway, "", "Content-Type", "text/html"),
			start: "error: Issuer returned an error", texts: []string{"made 4 requests", "this says nothing about whether it is valid"},
		},
		"200 without JSON": {
			config: map[string]any{"api_token": secret}, fault: issuertest.Reply(http.StatusOK, "active"),
			start: unexpected, texts: []string{"not the documented JSON"},
		},
		"200 without success": {
			config: map[string]any{"api_token": secret}, fault: issuertest.Reply(http.StatusOK, cloudflaretest.BodyInvalid),
			start: unexpected, texts: []string{`does not report success. Errors: "`},
		},
		"200 with error": {
			config: map[string]any{"api_token": secret}, fault: issuertest.Reply(http.StatusOK, `{"success":true,"errors":[{"code":1,"message":"no"}]}`),
			start: unexpected, texts: []string{"success and lists errors"},
		},
		"200 without result": {
			config: map[string]any{"api_token": secret}, fault: issuertest.Reply(http.StatusOK, `{"success":true}`),
			start: unexpected, texts: []string{"has no usable id or status"},
		},
		"200 with an invalid date": {
			config: map[string]any{"api_token": secret},
			fault:  issuertest.Reply(http.StatusOK, `{"success":true,"result":{"id":"x","status":"active","expires_on":"9999-12-31T23:59:59-01:00"}}`),
			start:  unexpected, texts: []string{"after the year 9999"},
		},
		"server echoes the token": {
			config: map[string]any{"api_token": secret},
			fault:  issuertest.Reply(http.StatusOK, strings.ReplaceAll(cloudflaretest.Body(cloudflaretest.Token{ID: "ID"}, time.Time{}), "ID", secret)),
			start:  "error: Unexpected response from the issuer",
		},
	}

	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			fake := newCloudflare(t)
			fake.SetFault(test.fault)

			s := newServer(t, host(test.env))
			if all := s.configure(cloudflareProvider(fake, test.provider)); len(all) > 0 {
				t.Fatal(all)
			}

			got, all := s.read(cloudflareType, test.config)
			if got != nil {
				t.Error("there are attributes:", got)
			}

			wantOneError(t, all, test.start, test.texts...)

			if strings.Contains(all.String(), "0123456789") {
				t.Error("the token is in the text:", all)
			}

			if n := len(fake.Requests()); test.fault == nil && n > 0 {
				t.Errorf("%d requests were made", n)
			}
		})
	}
}
