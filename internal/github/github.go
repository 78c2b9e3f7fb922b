// Package github verifies personal access tokens, OAuth tokens, and tokens of GitHub
// Apps with GitHub, with one operation: GET /user
// (https://docs.github.com/en/rest/users/users#get-the-authenticated-user), which
// needs no permission and never succeeds without a token.
package github

import (
	"context"
	"errors"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/tokencheck/terraform-provider-tokencheck/internal/token"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/transport"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/verdict"
)

const publicHost = "api.github.com"

// Issuer describes GitHub to [transport.New].
func Issuer() transport.Issuer {
	return transport.Issuer{
		Name: "GitHub", Block: "github", OutageRemedy: "If the error persists, check https://www.githubstatus.com, or ask the administrator of the Enterprise Server.",
		Retry: retry,
	}
}

// ParseURL parses a base URL as the GitHub provider does: github.com and subdomains of
// ghe.com have a host of their own for the API, and an Enterprise Server has it below
// /api/v3. The error continues a sentence and does not repeat the value.
func ParseURL(raw string) (*url.URL, error) {
	base, err := transport.ParseURL(raw)
	if err != nil {
		return nil, err
	}
	host := strings.ToLower(base.Host)
	if host != "github.com" && host != publicHost && !strings.HasSuffix(host, ".ghe.com") {
		base.Path, base.RawPath = strings.TrimSuffix(base.Path, "/api/v3")+"/api/v3", ""
		return base, nil
	}
	if base.Path != "" {
		return nil, errors.New("has a path, which only the URL of an Enterprise Server has")
	}
	base.Host = "api." + strings.TrimPrefix(host, "api.")
	return base, nil
}

// Verification is what GitHub says about a token; nil, zero, or empty if nothing.
type Verification struct {
	verdict.Facts

	Login  string
	UserID int64
	// Scopes are those of a classic token, not redacted; nil for a token of another kind.
	Scopes []string
}

// Verify sends one GET, to /user, and compares the token's scopes with the required
// scopes. A request that is not fresh may be shared, as in [transport.Client.Get]. The
// error is a [*verdict.Error]: the token could not be verified.
func Verify(ctx context.Context, client *transport.Client, t token.Token, required []string, fresh bool) (*Verification, error) {
	resp, err := client.Get(ctx, t, fresh, "user")
	if err != nil {
		return nil, err
	}
	v, err := read(resp, t)
	if err == nil && !v.Rejected && len(required) > 0 {
		v.ScopesUnknown = v.Scopes == nil
		v.MissingScopes = verdict.MissingScopes(required, v.Scopes, includes)
	}
	return v, err
}

// included are the scopes that a scope includes, apart from the write and read of the
// same resource (GitHub's form for a new token (classic), and
// https://docs.github.com/en/enterprise-cloud@latest/apps/oauth-apps/building-oauth-apps/scopes-for-oauth-apps).
var included = map[string]string{
	"repo": "repo:status repo_deployment public_repo repo:invite security_events admin:repo_hook write:repo_hook read:repo_hook",
	"user": "read:user user:email user:follow", "project": "read:project", "audit_log": "read:audit_log", "codespace": "codespace:secrets", "copilot": "manage_billing:copilot",
	"admin:org": "manage_runners:org", "admin:enterprise": "manage_runners:enterprise manage_billing:enterprise scim:enterprise",
}

func includes(granted, required string) bool {
	level, resource, _ := strings.Cut(granted, ":")
	return slices.Contains(strings.Fields(included[granted]), required) ||
		level == "admin" && required == "write:"+resource || (level == "admin" || level == "write") && required == "read:"+resource
}

// advice returns GitHub's part of a reason. The token's prefix only adds a hint:
// prefixes change, and older tokens have none.
func advice(t token.Token, urlSource string) verdict.Advice {
	server := "For a token of an Enterprise Server or of ghe.com, set github.base_url."
	if urlSource != "" {
		server = "It must be a token of the server in " + urlSource + "."
	}

	where := "in GitHub's settings"
	if t.HasPrefix("gho_") || t.HasPrefix("ghu_") {
		where = "with the app that issued it, such as gh"
	}
	a := verdict.Advice{
		Token:         "GitHub token",
		Renew:         "Create a new token " + where + ", and use that.",
		Rejected:      "It may be expired, revoked, or incomplete: create a new token " + where + ". " + server,
		Scope:         "Add the scope to the token " + where + ", or correct required_scopes.",
		ScopesUnknown: "Remove required_scopes: GitHub reports scopes for classic personal access tokens and OAuth tokens only.",
		ExpiryUnknown: "Remove min_remaining: GitHub does not report when this token expires.",
	}
	switch {
	case t.HasPrefix("ghs_"):
		a.Rejected = "An installation token expires after one hour, and GITHUB_TOKEN with its job: create a new one. " + server
		a.ExpiryUnknown = "Remove min_remaining: GitHub does not report when an installation token expires, which it does one hour after its creation, or with its job."
	case t.HasPrefix("ghr_"):
		a.Rejected = "Its prefix indicates a refresh token: use the access token."
	}
	return a
}

// retry decides about responses that GitHub treats differently from other servers. A
// lockout would be prolonged by another request. A token that was created seconds ago
// is rejected at first, so a rejection is confirmed by a second request.
func retry(resp *transport.Response) (wait time.Duration, again, ok bool) {
	body, _ := transport.Decode[failure](resp)
	switch {
	case resp.Outage():
		return 0, false, false
	case lockedOut(body), anonymous(resp), installation(resp, body), suspended(resp, body):
		return 0, false, true
	case badCredentials(resp, body):
		return 3 * resp.Backoff, !resp.SameStatus, true
	case limited(resp, body):
		return max(resetTime(resp).Sub(resp.Now), 0), true, true
	default:
		return 0, false, false
	}
}
