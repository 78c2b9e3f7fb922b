package gitlabtest

import (
	"strings"

	"github.com/tokencheck/terraform-provider-tokencheck/internal/issuertest"
)

const (
	member = `"id":4,"name":"t","revoked":false,"active":true,"scopes":["api"],"user_id":3,"created_at":"2020-07-23T14:31:47.729Z","last_used_at":null,"expires_at":`
	// The whole sentence with which GitLab tells an OAuth token that it is one.
	bodyOAuth    = `{"message":"400 Bad request - This endpoint requires token type to be a personal access token"}`
	bodyGranular = `{"error":"insufficient_granular_scope","error_description":"Access denied: Your Personal Access Token lacks the required permissions: [read_personal_access_token]."}`
	bodyScope    = `{"error":"insufficient_scope","error_description":"The request requires higher privileges than provided by the access token.","scope":"api"}`
	html         = "<html><title>Sign in</title></html>"
)

// Corpus returns responses of GitLab, and of gateways in front of it.
func Corpus() map[string]issuertest.Case {
	all := map[string]issuertest.Case{
		"active": {
			Answer: ok(`null`), Want: "active",
			Attributes: map[string]any{"id": 4, "name": "t", "user_id": 3, "scopes": []string{"api"}, "missing_scopes": nil, "expires_on": nil},
		},
		"active, with an expiration": {Answer: ok(`"2027-01-10"`), Want: "active", Attributes: map[string]any{"expires_on": "2027-01-10T00:00:00Z"}},
		"active, until today ends": {
			Answer: issuertest.Respond(200, "{"+member+`"2027-01-10"}`, "Date", "Sat, 09 Jan 2027 23:59:59 GMT"), Want: "active", Warning: "Clock skew detected",
			Attributes: map[string]any{"expires_on": "2027-01-10T00:00:00Z"},
		},
		"active, expired by its own clock": {
			Answer: issuertest.Respond(200, "{"+member+`"2027-01-10"}`, "Date", "Sun, 10 Jan 2027 00:00:01 GMT"), Want: "active", Warning: "Expiration ignored",
			Attributes: map[string]any{"expires_on": nil},
		},
		"active, further members":      {Answer: ok(`null,"granular":false,"expired":true,"last_used_ips":["192.0.2.1"],"description":null,"error":"x"`), Want: "active"},
		"active, details not readable": {Answer: issuertest.Respond(200, `{"id":4,"revoked":false,"active":true,"name":7,"scopes":["api",7],"user_id":"3","expires_at":"sooon-1"}`), Want: "active", Attributes: map[string]any{"name": nil, "scopes": nil, "user_id": nil, "expires_on": nil}},
		"active, granular":             {Answer: issuertest.Respond(200, "{"+strings.Replace(member, `"api"`, `"granular"`, 1)+"null}"), Want: "active"},
		"active, OAuth":                {Answer: issuertest.Respond(400, bodyOAuth), Want: "active", Attributes: map[string]any{"id": nil, "name": nil, "scopes": nil, "expires_on": nil}},
		"active, granular, no details": {Answer: issuertest.Respond(403, bodyGranular), Want: "active"},
		"active, scope too small":      {Answer: issuertest.Respond(403, bodyScope), Want: "active"},
		"active, name with its prefix": {Answer: issuertest.Respond(200, `{"id":4,"revoked":false,"active":true,"name":"issuertest-ci","scopes":[],"expires_at":null}`), Want: "active", Attributes: map[string]any{"name": "(withheld: contains part of the token)", "scopes": []string{}}},
		"active, required scopes": {
			Answer: ok("null"), Want: "active", Arguments: scopes("api", "read_api", "read_user", "create_runner", "manage_runner", "read_repository", "write_repository", "read_registry", "write_registry", "self_rotate", "ai_features", "read_virtual_registry", "write_virtual_registry"), Attributes: map[string]any{"missing_scopes": []string{}},
		},
		"active, granular by mistake": {
			Answer: issuertest.Respond(200, "{"+strings.Replace(member, `"api"`, `"api","granular","api"`, 1)+"null}"), Want: "active", Arguments: scopes("read_api"), Attributes: map[string]any{"scopes": []string{"api", "granular"}},
		},
		"active, many permissions": {
			Answer: ok(`null,"granular_scopes":[` + strings.Repeat(`{"permissions":["read_personal_access_token"]},`, 4000) + `{}]`), Want: "active",
		},
		"active, until a year with five digits": {Answer: ok(`"10000-12-31"`), Want: "active", Arguments: map[string]any{"min_remaining": "1h"}, Attributes: map[string]any{"expires_on": "9999-12-31T00:00:00Z"}},
		"active, required scopes of read_api": {
			Answer: issuertest.Respond(200, "{"+strings.Replace(member, `"api"`, `"read_api","write_virtual_registry"`, 1)+"null}"), Want: "active", Arguments: scopes("read_user", "read_repository", "read_registry", "read_virtual_registry"),
		},
		"missing scopes, write_registry": {
			Answer: issuertest.Respond(200, "{"+strings.Replace(member, `"api"`, `"write_registry"`, 1)+"null}"), Want: "missing_scope", Arguments: scopes("read_registry"),
		},
		"missing scopes": {
			Answer: issuertest.Respond(200, "{"+strings.Replace(member, `"api"`, `"read_api","write_repository","write_registry"`, 1)+"null}"), Want: "missing_scope",
			Arguments: scopes("api", "read_user", "read_repository", "read_registry", "sudo", "self_rotate"), Attributes: map[string]any{"missing_scopes": []string{"api", "self_rotate", "sudo"}},
		},
		"longer than needed":           {Answer: ok(`"2026-01-04"`), Want: "active", Arguments: map[string]any{"min_remaining": "72h"}},
		"no expiration needed":         {Answer: ok("null"), Want: "active", Arguments: map[string]any{"min_remaining": "0s"}},
		"expiring":                     {Answer: ok(`"2026-01-03"`), Want: "expiring", Arguments: map[string]any{"min_remaining": "72h"}},
		"disabled":                     {Answer: issuertest.Respond(200, "{"+strings.Replace(member, `"active":true`, `"active":false`, 1)+`"2020-01-01"}`), Want: "disabled"},
		"rejected, revoked with a 200": {Answer: issuertest.Respond(200, "{"+strings.Replace(member, `"revoked":false`, `"revoked":true`, 1)+"null}"), Want: "rejected"},
		"scopes unknown, granular":     {Answer: issuertest.Respond(200, "{"+strings.Replace(member, `"api"`, `"granular"`, 1)+"null}"), Arguments: scopes("api")},
		"scopes unknown, a prefix like a scope": {
			Answer: issuertest.Respond(200, "{"+strings.Replace(member, `"api"`, `"granular"`, 1)+"null}"), Arguments: scopes("api"), Token: "granular-" + issuertest.Secret,
		},
		"scopes unknown, OAuth":            {Answer: issuertest.Respond(400, bodyOAuth), Arguments: scopes("api")},
		"expiration in another form":       {Answer: ok(`"soon"`), Arguments: map[string]any{"min_remaining": "1h"}},
		"expiration unknown":               {Answer: issuertest.Respond(403, bodyScope), Arguments: map[string]any{"min_remaining": "1h"}},
		"rejected":                         {Answer: issuertest.Respond(401, BodyUnauthorized), Want: "rejected"},
		"rejected, expired":                {Answer: issuertest.Respond(401, BodyExpired, "WWW-Authenticate", challenge), Want: "rejected"},
		"rejected, revoked":                {Answer: issuertest.Respond(401, BodyRevoked, "WWW-Authenticate", challenge), Want: "rejected"},
		"rejected, scopes required":        {Answer: issuertest.Respond(200, "{"+strings.Replace(member, "false", "true", 1)+"null}"), Want: "rejected", Arguments: scopes("sudo"), Attributes: map[string]any{"missing_scopes": nil}},
		"echo in the scopes":               {Answer: issuertest.Respond(200, "{"+strings.Replace(member, "api", issuertest.Secret, 1)+"null}"), Want: "active"},
		"echo":                             {Answer: issuertest.Respond(401, `{"error":"invalid_token","error_description":"no: `+issuertest.Secret+`"}`), Want: "rejected"},
		"unauthorized, 403":                {Answer: issuertest.Respond(403, BodyUnauthorized)},
		"blocked, 401":                     {Answer: issuertest.Respond(401, BodyBlocked)},
		"blocked, without 403":             {Answer: issuertest.Respond(403, `{"message":"Your account has been blocked."}`)},
		"terms, not accepted by others":    {Answer: issuertest.Respond(403, `{"message":"403 Forbidden - They (@u) must accept the Terms of Service in order to perform this action."}`)},
		"another refusal of a user":        {Answer: issuertest.Respond(403, `{"message":"403 Forbidden - You (@u) must accept."}`)},
		"OAuth, 404":                       {Answer: issuertest.Respond(404, bodyOAuth)},
		"insufficient_scope, 401":          {Answer: issuertest.Respond(401, bodyScope)},
		"job token":                        {Answer: issuertest.Respond(401, BodyUnauthorized), Token: "glcbt-64_" + issuertest.Secret},
		"deploy token, with a prefix":      {Answer: issuertest.Respond(401, BodyUnauthorized), Token: "corp-gldt-" + issuertest.Secret},
		"runner token, expired":            {Answer: issuertest.Respond(401, BodyExpired), Want: "rejected", Token: "glrt-" + issuertest.Secret},
		"proof of possession":              {Answer: issuertest.Respond(401, `{"error":"dpop_error","error_description":"DPoP validation error"}`)},
		"gateway, Basic":                   {Answer: issuertest.Respond(401, BodyUnauthorized, "WWW-Authenticate", `Basic realm="x"`)},
		"gateway, HTML":                    {Answer: issuertest.Respond(401, html, "Content-Type", "text/html")},
		"too many addresses":               {Answer: issuertest.Respond(403, `{"message":"403 Forbidden"}`)},
		"internal user":                    {Answer: issuertest.Respond(403, `{"message":"403 Forbidden - This action cannot be performed by internal users"}`)},
		"block of an address":              {Answer: issuertest.Respond(403, "Forbidden\n", "Content-Type", "text/plain")},
		"rate limit":                       {Answer: issuertest.Respond(429, "Retry later", "Content-Type", "text/plain"), Retried: true},
		"rate limit, wait":                 {Answer: issuertest.Respond(429, "Retry later", "Content-Type", "text/plain", "Retry-After", "30")},
		"challenge":                        {Answer: issuertest.Respond(403, html, "Content-Type", "text/html", "Cf-Mitigated", "challenge")},
		"sign-in":                          {Answer: issuertest.Respond(302, "", "Location", "https://x/users/sign_in")},
		"before 15.5, 404":                 {Answer: issuertest.Respond(404, `{"error":"404 Not Found"}`)},
		"before 15.5, 400":                 {Answer: issuertest.Respond(400, `{"error":"id is invalid"}`)},
		"OAuth, another sentence":          {Answer: issuertest.Respond(400, `{"message":"400 Bad request - This endpoint requires a personal access token"}`)},
		"version 3":                        {Answer: issuertest.Respond(410, `{"error":"API V3 is no longer supported."}`)},
		"restart":                          {Answer: issuertest.Respond(502, html, "Content-Type", "text/html"), Retried: true},
		"restart, invalid_token":           {Answer: issuertest.Respond(503, BodyExpired), Retried: true},
		"403, a page":                      {Answer: issuertest.Respond(403, html, "Content-Type", "text/html; charset=utf-8")},
		"400, a page":                      {Answer: issuertest.Respond(400, html, "Content-Type", "text/html")},
		"insufficient_scope, from gateway": {Answer: issuertest.Respond(403, bodyScope, "WWW-Authenticate", "Negotiate")},
		"200, without active":              {Answer: issuertest.Respond(200, `{"id":4,"revoked":false}`)},
		"200, active is a text":            {Answer: issuertest.Respond(200, `{"id":4,"revoked":false,"active":"true"}`)},
		"200, without revoked":             {Answer: issuertest.Respond(200, `{"id":4,"active":true}`)},
		"200, without id":                  {Answer: issuertest.Respond(200, `{"active":true,"revoked":false}`)},
		"200, HTML":                        {Answer: issuertest.Respond(200, html, "Content-Type", "text/html")},
	}

	for name, sentence := range map[string]string{
		"blocked": "Your account has been blocked.", "pending": "Your account is pending approval from your administrator and hence blocked.",
		"deactivated": "Your account has been deactivated by your administrator. Please log back in from a web browser to reactivate your account at https://x",
		"unconfirmed": "Your primary email address is not confirmed. Please check your inbox for the confirmation instructions.",
		"password":    "Your password expired. Please access GitLab from a web browser to update your password.",
		"terms":       "You (@u) must accept the Terms of Service in order to perform this action. To accept these terms, please access GitLab from a web browser at https://x.",
	} {
		all["rejected, "+name] = issuertest.Case{Answer: issuertest.Respond(403, `{"message":"403 Forbidden - `+sentence+`"}`), Want: "rejected"}
	}
	for _, prefix := range []string{"glrt-", "glrtr-", "glptt-", "glft-", "glagent-"} {
		all["another kind, "+prefix] = issuertest.Case{Answer: issuertest.Respond(401, BodyUnauthorized), Token: prefix + issuertest.Secret}
	}
	return all
}

func ok(expires string) issuertest.Answer { return issuertest.Respond(200, "{"+member+expires+"}") }

func scopes(all ...any) map[string]any { return map[string]any{"required_scopes": all} }
