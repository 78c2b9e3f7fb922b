package githubtest

import (
	"strings"

	"github.com/tokencheck/terraform-provider-tokencheck/internal/issuertest"
)

const (
	user       = `{"login":"u","id":1}`
	expiration = "Github-Authentication-Token-Expiration"
	html       = "<html><title>Sign in</title></html>"
)

// Corpus returns responses of GitHub, and of gateways in front of it.
func Corpus() map[string]issuertest.Case {
	return map[string]issuertest.Case{
		"active": {
			Answer: ok("X-OAuth-Scopes", "repo", expiration, "2026-09-14 09:21:47 UTC"), Want: "active",
			Attributes: map[string]any{"login": "u", "user_id": 1, "scopes": []string{"repo"}, "missing_scopes": nil, "expires_on": "2026-09-14T09:21:47Z"},
		},
		"active, with an offset": {
			Answer: ok(expiration, "2026-10-19 14:18:25 +0900", "Date", "Thu, 01 Jan 2026 01:00:00 GMT"), Want: "active", Warning: "Clock skew detected", Attributes: map[string]any{"expires_on": "2026-10-19T05:18:25Z", "scopes": nil},
		},
		"active, a token of an App": {
			Answer: ok("X-OAuth-Scopes", "", "X-OAuth-Client-Id", "Iv1.0"), Want: "active", Attributes: map[string]any{"expires_on": nil, "scopes": nil},
		},
		"active, an OAuth token": {Answer: ok("X-OAuth-Scopes", "repo", "X-OAuth-Client-Id", "0"), Want: "active", Attributes: map[string]any{"scopes": []string{"repo"}}},
		"active, without scopes": {Answer: ok("X-OAuth-Scopes", ""), Want: "active", Attributes: map[string]any{"scopes": []string{}}},
		"active, expired by its own clock": {
			Answer: ok(expiration, "2025-09-05 17:55:53 +0500", "Date", "Fri, 05 Sep 2025 12:55:53 GMT"), Want: "active", Warning: "Expiration ignored",
			Attributes: map[string]any{"expires_on": nil},
		},
		"active, expiration in another form": {Answer: ok(expiration, "2026-09-14 09:21:47 AM"), Want: "active", Attributes: map[string]any{"expires_on": nil}},
		"active, further members":            {Answer: issuertest.Respond(200, `{"login":"u","id":1,"message":"Bad credentials","suspended_at":"2020-01-01T00:00:00Z","email":7}`), Want: "active"},
		"active, an installation":            {Answer: own(403, "Resource not accessible by integration", "X-Ratelimit-Limit", "5000"), Want: "active", Attributes: map[string]any{"login": nil, "user_id": nil, "scopes": nil, "expires_on": nil}},
		"active, GITHUB_TOKEN":               {Answer: own(403, "Resource not accessible by integration", "X-Ratelimit-Limit", "1000"), Want: "active", Token: "ghs_" + issuertest.Secret},
		"active, longer than needed":         {Answer: ok(expiration, "2026-01-04 00:00:00 UTC"), Want: "active", Arguments: map[string]any{"min_remaining": "72h"}},
		"expiring":                           {Answer: ok(expiration, "2026-01-03 23:59:59 UTC"), Want: "expiring", Arguments: map[string]any{"min_remaining": "72h"}},
		"active, required scopes": {
			Answer: ok("X-OAuth-Scopes", "admin:org, repo, user, project, write:packages, admin:enterprise, audit_log, codespace, copilot, repo"), Want: "active",
			Arguments: scopes("admin:repo_hook", "read:repo_hook", "manage_runners:org", "manage_runners:enterprise", "manage_billing:enterprise", "scim:enterprise", "read:enterprise", "read:audit_log", "codespace:secrets", "manage_billing:copilot",
				"repo:status", "repo:invite", "repo_deployment", "public_repo", "security_events", "read:user", "user:follow", "write:org", "read:org", "user:email", "read:project", "read:packages", "admin:org"),
			Attributes: map[string]any{"missing_scopes": []string{}, "scopes": strings.Fields("admin:enterprise admin:org audit_log codespace copilot project repo user write:packages")},
		},
		"missing scopes": {
			Answer: ok("X-OAuth-Scopes", "write:org, public_repo, read:packages, admin:gpg_key, manage_runners:enterprise"), Want: "missing_scope", Arguments: scopes("repo", "read:enterprise", "admin:org", "read:org", "write:packages", "user"),
			Attributes: map[string]any{"missing_scopes": []string{"admin:org", "read:enterprise", "repo", "user", "write:packages"}},
		},
		"scopes unknown, fine-grained":       {Answer: ok(), Arguments: scopes("repo")},
		"scopes unknown, a token of an App":  {Answer: ok("X-OAuth-Scopes", "", "X-OAuth-Client-Id", "Iv1.0"), Arguments: scopes("repo")},
		"scopes unknown, an installation":    {Answer: own(403, "Resource not accessible by integration"), Arguments: scopes("repo")},
		"expiration unknown":                 {Answer: ok(), Arguments: map[string]any{"min_remaining": "1h"}},
		"expiration unknown, not github.com": {Answer: ok(), Arguments: map[string]any{"min_remaining": "1h"}, Token: "ghp_" + issuertest.Secret},
		"expiration unknown, installation":   {Answer: own(403, "Resource not accessible by integration"), Arguments: map[string]any{"min_remaining": "1h"}, Token: "ghs_" + issuertest.Secret},

		"rejected":                   {Answer: own(401, "Bad credentials", "X-Ratelimit-Limit", "60"), Want: "rejected", Retried: true, Attributes: map[string]any{"login": nil, "scopes": nil, "missing_scopes": nil}},
		"rejected, installation":     {Answer: own(401, "Bad credentials"), Want: "rejected", Retried: true, Token: "ghs_" + issuertest.Secret},
		"rejected, OAuth":            {Answer: own(401, "Bad credentials"), Want: "rejected", Retried: true, Token: "gho_" + issuertest.Secret},
		"rejected, refresh token":    {Answer: own(401, "Bad credentials"), Want: "rejected", Retried: true, Token: "ghr_" + issuertest.Secret},
		"rejected, by a header":      {Answer: issuertest.Respond(401, `{"message":"Bad credentials"}`, "X-GitHub-Media-Type", "github.v3"), Want: "rejected", Retried: true},
		"rejected, by a link":        {Answer: issuertest.Respond(401, `{"message":"Bad credentials","documentation_url":"https://docs.github.com/rest"}`), Want: "rejected", Retried: true},
		"rejected, scopes required":  {Answer: own(401, "Bad credentials"), Want: "rejected", Retried: true, Arguments: scopes("repo"), Attributes: map[string]any{"missing_scopes": nil}},
		"rejected, the last request": {Answer: own(403, "Sorry. Your account was suspended.", "X-Ratelimit-Remaining", "0"), Want: "rejected"},
		"rejected, suspended":        {Answer: own(403, "Sorry. Your account was suspended."), Want: "rejected"},
		"rejected, installation suspended": {
			Answer: own(403, "This installation has been suspended"), Want: "rejected",
		},
		"echo": {Answer: own(401, "Bad credentials. "+issuertest.Secret), Want: "rejected", Retried: true},

		"suspended, from elsewhere":                     {Answer: issuertest.Respond(403, `{"message":"Sorry. Your account was suspended."}`)},
		"Bad credentials, from elsewhere":               {Answer: issuertest.Respond(401, `{"message":"Bad credentials"}`)},
		"integration, from elsewhere":                   {Answer: issuertest.Respond(403, `{"message":"Resource not accessible by integration"}`)},
		"integration, from a cache":                     {Answer: own(403, "Resource not accessible by integration", "Age", "30", "X-Ratelimit-Remaining", "0")},
		"integration, the last request":                 {Answer: own(403, "Resource not accessible by integration", "X-Ratelimit-Limit", "5000", "X-Ratelimit-Remaining", "0"), Want: "active"},
		"echo in the scopes":                            {Answer: ok("X-OAuth-Scopes", issuertest.Secret), Want: "active"},
		"missing scopes, none granted":                  {Answer: ok("X-OAuth-Scopes", ""), Want: "missing_scope", Arguments: scopes("repo")},
		"missing scopes, an OAuth token":                {Answer: ok("X-OAuth-Scopes", ""), Want: "missing_scope", Arguments: scopes("repo"), Token: "ghu_" + issuertest.Secret},
		"missing scopes, hooks of private repositories": {Answer: ok("X-OAuth-Scopes", "public_repo"), Want: "missing_scope", Arguments: scopes("admin:repo_hook")},
		"rejected, no time to confirm":                  {Answer: own(401, "Bad credentials", "Retry-After", "120")},
		"missing scopes, a typo":                        {Answer: ok("X-OAuth-Scopes", "repo"), Want: "missing_scope", Arguments: scopes("repo:statuses")},
		"integration, anonymous":                        {Answer: own(403, "Resource not accessible by integration", "X-Ratelimit-Limit", "60")},
		"integration, and more":                         {Answer: own(403, "Resource not accessible by integration or policy")},
		"no header":                                     {Answer: own(401, "Requires authentication")},
		"no header, the last request":                   {Answer: own(401, "Requires authentication", "X-Ratelimit-Remaining", "0")},
		"private mode":                                  {Answer: own(401, "Must authenticate to access this API.")},
		"private mode, HTML":                            {Answer: issuertest.Respond(401, html, "Content-Type", "text/html", "WWW-Authenticate", `Basic realm="GitHub"`)},
		"lockout":                                       {Answer: own(403, "Maximum number of login attempts exceeded. Please try again later.")},
		"lockout, former":                               {Answer: own(403, "Max number of login attempt exceeded")},
		"lockout, 429":                                  {Answer: own(429, "Maximum number of login attempts exceeded. Please try again later.")},
		"lockout, in an outage":                         {Answer: own(503, "Maximum number of login attempts exceeded."), Retried: true},
		"rate limit of an address":                      {Answer: own(403, "API rate limit exceeded for 192.0.2.1.", "X-Ratelimit-Limit", "60", "X-Ratelimit-Remaining", "0")},
		"rate limit of an address, 429":                 {Answer: own(429, "API rate limit exceeded for 192.0.2.1.", "X-Ratelimit-Limit", "60", "X-Ratelimit-Remaining", "0")},
		"rate limit, until its reset":                   {Answer: own(403, "API rate limit exceeded for installation ID 1.", "X-Ratelimit-Limit", "5000", "X-Ratelimit-Remaining", "0", "X-Ratelimit-Reset", "1767229200")},
		"rate limit, until its reset, 429":              {Answer: own(429, "API rate limit exceeded for user ID 1.", "X-Ratelimit-Remaining", "0", "X-Ratelimit-Reset", "1767229200")},
		"rate limit, without a reset":                   {Answer: own(403, "API rate limit exceeded for user ID 1.", "X-Ratelimit-Remaining", "0"), Retried: true},
		"rate limit, any message":                       {Answer: own(403, "Slow down", "Retry-After", "60")},
		"rate limit, past its reset":                    {Answer: own(403, "API rate limit exceeded for installation ID 1.", "X-Ratelimit-Remaining", "0", "X-Ratelimit-Reset", "1767222000"), Retried: true},
		"secondary rate limit":                          {Answer: own(429, "You have exceeded a secondary rate limit. Please wait a few minutes before you try again."), Retried: true},
		"secondary rate limit, 403":                     {Answer: own(403, "You have exceeded a secondary rate limit.", "X-Ratelimit-Remaining", "4999", "X-Ratelimit-Reset", "1767229200"), Retried: true},
		"secondary rate limit, wait":                    {Answer: own(403, "You have exceeded a secondary rate limit.", "Retry-After", "60")},
		"abuse detection":                               {Answer: own(403, "You have triggered an abuse detection mechanism. Please wait a few minutes before you try again."), Retried: true},
		"single sign-on":                                {Answer: own(403, "Resource protected by organization SAML enforcement.", "X-GitHub-SSO", "required; url=https://github.com/orgs/o/sso")},
		"IP allow list":                                 {Answer: own(403, "Although you appear to have the correct authorization credentials, the organization has an IP allow list enabled.")},
		"wrong URL":                                     {Answer: issuertest.Respond(404, html, "Content-Type", "text/html")},
		"outage":                                        {Answer: issuertest.Respond(503, html, "Content-Type", "text/html"), Retried: true},
		"outage, Bad credentials":                       {Answer: own(500, "Bad credentials"), Retried: true},
		"redirect":                                      {Answer: issuertest.Respond(302, "", "Location", "https://x/login")},
		"200, without login":                            {Answer: issuertest.Respond(200, `{"id":1}`)},
		"200, without id":                               {Answer: issuertest.Respond(200, `{"login":"u"}`)},
		"200, id is a text":                             {Answer: issuertest.Respond(200, `{"login":"u","id":"1"}`)},
		"200, of another endpoint":                      {Answer: issuertest.Respond(200, `{"resources":{"core":{"limit":60}}}`)},
		"200, HTML":                                     {Answer: issuertest.Respond(200, html, "Content-Type", "text/html")},
		"304":                                           {Answer: issuertest.Respond(304, "")},
		"unverified e-mail, like any text":              {Answer: own(403, "At least one email address must be verified to do that.")},
	}
}

// ok returns a 200, with header fields in pairs of name and value.
func ok(header ...string) issuertest.Answer { return issuertest.Respond(200, user, header...) }

// own returns one of GitHub's own error responses.
func own(status int, message string, header ...string) issuertest.Answer {
	return issuertest.Respond(status, failure(message), append(header, "X-GitHub-Request-Id", "C0FE:1A2B:3C4D5E:6F7A8B:693F0000")...)
}

func scopes(all ...any) map[string]any { return map[string]any{"required_scopes": all} }
