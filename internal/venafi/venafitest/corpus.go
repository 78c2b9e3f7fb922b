package venafitest

import (
	"strings"

	"github.com/tokencheck/terraform-provider-tokencheck/internal/issuertest"
)

const (
	// required is what the documentation and every captured success have.
	required = `"application":"VenafiPS","scope":"certificate:manage,revoke;ssh"`
	// The documentation's sample, with a later year: the token expires before the grant.
	sample = required + `,"identity":"local:{8e1bf110-8ef8-4a53-a6da-d5d29c983451}","valid_for":7776000,` +
		`"access_issued_on":"/Date(1764547200000)/","access_issued_on_ISO8601":"2025-12-01T00:00:00Z","access_issued_on_unix_time":1764547200,` +
		`"grant_issued_on":"/Date(1764547200000)/","grant_issued_on_ISO8601":"2025-12-01T00:00:00Z","grant_issued_on_unix_time":1764547200,` +
		`"expires":"/Date(1796083200000)/","expires_ISO8601":"2026-12-01T00:00:00Z","expires_unix_time":1796083200`
	html = "<html><h2>401 - Unauthorized</h2></html>"
)

// Corpus returns responses of servers, and of gateways in front of them.
func Corpus() map[string]issuertest.Case {
	all := map[string]issuertest.Case{
		"active": {
			Answer: ok(sample), Want: "active",
			Attributes: map[string]any{
				"access_issued_on": "2025-12-01T00:00:00Z", "grant_issued_on": "2025-12-01T00:00:00Z", "grant_expires_on": "2026-12-01T00:00:00Z",
				"expires_on": "2026-03-01T00:00:00Z", "valid_for": 7776000, "application": "VenafiPS", "identity": "local:{8e1bf110-8ef8-4a53-a6da-d5d29c983451}",
				"scope": "certificate:manage,revoke;ssh", "scopes": map[string]any{"certificate": []string{"manage", "revoke"}, "ssh": []string{}}, "missing_scopes": nil,
			},
		},
		"active, before 20.2.2": {
			Answer: ok(`"application":"VenafiPS","scope":"certificate:manage;"`), Want: "active",
			Attributes: map[string]any{"expires_on": nil, "valid_for": nil, "identity": nil, "grant_expires_on": nil, "access_issued_on": nil, "scopes": map[string]any{"certificate": []string{"manage"}}},
		},
		"active, the grant never ends": {
			Answer: ok(required + `,"valid_for":7776000,"access_issued_on_unix_time":1764547200,"expires":"/Date(-62135596800000)/","expires_ISO8601":null,"expires_unix_time":0`), Want: "active",
			Attributes: map[string]any{"expires_on": "2026-03-01T00:00:00Z", "grant_expires_on": nil},
		},
		"active, the grant ends first": {
			Answer: ok(required + `,"valid_for":7776000,"access_issued_on_unix_time":1764547200,"expires_unix_time":1767312000,"grant_issued_on_unix_time":1764547200`), Want: "active",
			Attributes: map[string]any{"expires_on": "2026-01-02T00:00:00Z", "grant_issued_on": "2025-12-01T00:00:00Z", "grant_expires_on": "2026-01-02T00:00:00Z"},
		},
		"active, only ISO 8601": {
			Answer: ok(required + `,"valid_for":7776000.0,"access_issued_on":"?","access_issued_on_ISO8601":"2025-12-01T00:00:00.5","access_issued_on_unix_time":"x","grant_issued_on_ISO8601":"2025-12-01T02:00:00+02:00","expires_ISO8601":"2026-12-01T00:00:00Z"`), Want: "active",
			Attributes: map[string]any{"access_issued_on": "2025-12-01T00:00:00.5Z", "expires_on": "2026-03-01T00:00:00.5Z", "grant_issued_on": "2025-12-01T00:00:00Z", "grant_expires_on": "2026-12-01T00:00:00Z"},
		},
		"active, only /Date()/": {
			Answer: ok(required + `,"valid_for":86400,"access_issued_on":"/Date(1767225600500+0200)/","grant_issued_on":"/Date(1764547200000)/","expires":"/Date(1796083200000-0500)/"`), Want: "active",
			Attributes: map[string]any{"access_issued_on": "2026-01-01T00:00:00.5Z", "expires_on": "2026-01-02T00:00:00.5Z", "grant_issued_on": "2025-12-01T00:00:00Z", "grant_expires_on": "2026-12-01T00:00:00Z"},
		},
		"active, one form cannot be read": {
			Answer: ok(strings.Replace(sample, "/Date(1764547200000)/", "last week", 1)), Want: "active", Attributes: map[string]any{"expires_on": "2026-03-01T00:00:00Z"},
		},
		"active, members that decide nothing cannot be read": {
			Answer: ok(required + `,"identity":7,"valid_for":"long","access_issued_on_unix_time":1764547200.5,"grant_issued_on":"x/Date(1764547200000)/x","expires_ISO8601":{}`), Want: "active",
			Attributes: map[string]any{"identity": nil, "valid_for": nil, "expires_on": nil, "access_issued_on": nil, "grant_issued_on": nil},
		},
		"active, negative lifetime":       {Answer: ok(required + `,"valid_for":-1,"access_issued_on_unix_time":1764547200`), Want: "active", Attributes: map[string]any{"valid_for": nil, "expires_on": nil}},
		"active, a lifetime from no time": {Answer: ok(required + `,"valid_for":7776000`), Want: "active", Attributes: map[string]any{"valid_for": 7776000, "expires_on": nil}},
		"active, until the year 9999":     {Answer: ok(required + `,"valid_for":251637753599,"access_issued_on_unix_time":1764547200,"grant_issued_on_unix_time":253402300800,"expires_unix_time":253402300799`), Want: "active", Attributes: map[string]any{"expires_on": "9999-12-31T23:59:59Z", "grant_issued_on": nil, "grant_expires_on": "9999-12-31T23:59:59Z"}},
		"active, by the server's clock":   {Answer: issuertest.Respond(200, "{"+sample+"}", "Date", "Thu, 01 Jan 2026 01:00:00 GMT"), Want: "active", Warning: "Clock skew detected"},
		"active, endless lifetime": {
			Answer: ok(required + `,"valid_for":251637753600,"access_issued_on_unix_time":1764547200`), Want: "active", Attributes: map[string]any{"expires_on": nil},
		},
		"active, expired by its own clock": {
			Answer: ok(required + `,"valid_for":60,"access_issued_on_unix_time":1764547200`), Want: "active", Warning: "Expiration ignored", Attributes: map[string]any{"expires_on": nil},
		},
		"active, in other scripts": {
			Answer: ok(`"application":"証明書　管理","identity":"AD+Zürich:\u0000x","scope":"certificate:manage"`), Want: "active",
			Attributes: map[string]any{"application": "証明書　管理", "identity": "AD+Zürich:\ufffdx"},
		},
		"active, with an echo": {
			Answer: ok(`"application":"` + issuertest.Secret + `","scope":"any"`), Want: "active", Attributes: map[string]any{"application": "(withheld: contains part of the token)"},
		},
		"active, further members": {
			Answer: ok(sample + `,"error":null,"error_count":0,"last_error":"invalid_token","revoked_on":"2026-06-01","description":"Renews expired certificates","status":"revoked","active":false`),
			Want:   "active",
		},
		"active, an empty error": {Answer: ok(required + `,"error":""`), Want: "active"},
		"scopes, none missing": {
			Answer: ok(`"application":"a","scope":"Certificate:Manage, revoke; SSH;"`), Want: "active",
			Arguments: scopes("certificate", "certificate:manage", "ssh", "any", "certificate:revoke,manage"), Attributes: map[string]any{"missing_scopes": []string{}},
		},
		"scopes, some missing": {
			Answer: ok(sample), Want: "missing_scope", Arguments: scopes("certificate:delete,manage", "ssh:manage", "codesign"),
			Attributes: map[string]any{"missing_scopes": []string{"certificate:delete", "codesign", "ssh:manage"}, "scope": "certificate:manage,revoke;ssh"},
		},
		"scope missing":      {Answer: ok(required), Want: "missing_scope", Arguments: scopes("codesign")},
		"expiring":           {Answer: ok(sample), Want: "expiring", Arguments: map[string]any{"min_remaining": "1416h1s"}},
		"longer than needed": {Answer: ok(sample), Want: "active", Arguments: map[string]any{"min_remaining": "1416h"}},
		"expiring, the grant": {
			Answer: ok(required + `,"valid_for":7776000,"access_issued_on_unix_time":1764547200,"expires_unix_time":1767312000`), Want: "expiring", Arguments: map[string]any{"min_remaining": "72h"},
		},
		"expiration unknown": {Answer: ok(required), Arguments: map[string]any{"min_remaining": "1h"}},
		"expiration ignored": {
			Answer: ok(required + `,"valid_for":60,"access_issued_on_unix_time":1764547200`), Arguments: map[string]any{"min_remaining": "1h"}, Warning: "Expiration ignored",
		},

		"rejected":                      {Answer: issuertest.Respond(401, BodyInvalid), Want: "rejected", Attributes: map[string]any{"scope": nil, "scopes": nil, "missing_scopes": nil, "expires_on": nil}},
		"rejected, scopes required":     {Answer: issuertest.Respond(401, BodyInvalid), Want: "rejected", Arguments: scopes("ssh"), Attributes: map[string]any{"missing_scopes": nil}},
		"rejected, the grant":           {Answer: issuertest.Respond(401, `{"error":"invalid_token","error_description":"Grant not found"}`), Want: "rejected"},
		"rejected, expired_token":       {Answer: issuertest.Respond(401, `{"error":"expired_token","error_description":"Access token expired"}`), Want: "rejected"},
		"rejected, invalid_grant":       {Answer: issuertest.Respond(400, BodyGrant), Want: "rejected"},
		"rejected, with a challenge":    {Answer: issuertest.Respond(401, BodyInvalid, "WWW-Authenticate", `Bearer realm="x", error="invalid_token"`), Want: "rejected"},
		"rejected, description unknown": {Answer: issuertest.Respond(401, `{"error":"invalid_token","error_description":[]}`), Want: "rejected"},
		"echo":                          {Answer: issuertest.Respond(401, `{"error":"invalid_token","error_description":"no: `+issuertest.Secret+`"}`), Want: "rejected"},

		"session_error":             {Answer: issuertest.Respond(401, `{"error":"session_error","error_description":"Invalid token format"}`)},
		"invalid_request, 400":      {Answer: issuertest.Respond(400, `{"error":"invalid_request","error_description":"Missing or invalid request property"}`)},
		"invalid_request, 401":      {Answer: issuertest.Respond(401, BodyMissing)},
		"insufficient_scope":        {Answer: issuertest.Respond(403, `{"error":"insufficient_scope","error_description":"The request requires higher privileges than provided by the access token"}`)},
		"invalid_token, Basic":      {Answer: issuertest.Respond(401, BodyInvalid, "WWW-Authenticate", `Basic realm="gateway"`)},
		"invalid_token, 403":        {Answer: issuertest.Respond(403, BodyInvalid)},
		"invalid_token, 503":        {Answer: issuertest.Respond(503, BodyInvalid), Retried: true},
		"Unauthorized":              {Answer: issuertest.Respond(401, `{"error":"Unauthorized"}`)},
		"Windows sign-in":           {Answer: issuertest.Respond(401, html, "Content-Type", "text/html", "WWW-Authenticate", "Negotiate")},
		"login_required":            {Answer: issuertest.Respond(401, `{"error":"login_required"}`)},
		"server_error":              {Answer: issuertest.Respond(401, `{"error":"server_error"}`)},
		"access denied, line":       {Answer: line(401, "Access Denied")},
		"grant not found, 400":      {Answer: line(400, "Grant not found")},
		"grant not found, Basic":    {Answer: issuertest.Answer{Status: 401, Phrase: "Grant not found", Header: map[string][]string{"Www-Authenticate": {"Basic"}}}},
		"grant not found, HTML":     {Answer: issuertest.Answer{Status: 401, Phrase: "Grant not found", Body: html}},
		"grant not found, longer":   {Answer: line(401, "Grant not found on server 7")},
		"no client certificate":     {Answer: issuertest.Respond(400, "<center>No required SSL certificate was sent</center>", "Content-Type", "text/html")},
		"no vedauth":                {Answer: issuertest.Respond(404, notFound, "Content-Type", "text/html")},
		"IIS, TLS 1.3":              {Answer: issuertest.Respond(500, "<html><h2>500 - Internal server error.</h2></html>", "Content-Type", "text/html"), Retried: true},
		"redirect":                  {Answer: issuertest.Respond(307, "", "Location", "http://x/")},
		"200, an empty object":      {Answer: issuertest.Respond(200, "{}")},
		"200, another program":      {Answer: issuertest.Respond(200, `{"application":"Grafana","valid_for":1,"login_url":"/sso"}`)},
		"200, no scope":             {Answer: ok(`"application":"a","scope":" "`)},
		"200, no application":       {Answer: ok(`"scope":"any","valid_for":1`)},
		"200, scope is a list":      {Answer: ok(`"application":"a","scope":["any"]`)},
		"200, an error":             {Answer: ok(sample + `,"error":"invalid_token"`)},
		"200, an error object":      {Answer: ok(sample + `,"error":{"code":1}`)},
		"200, names in other cases": {Answer: ok(`"Application":"a","Scope":"any"`)},
		"200, a list":               {Answer: issuertest.Respond(200, "[{"+required+"}]")},
		"200, HTML":                 {Answer: issuertest.Respond(200, html, "Content-Type", "text/html")},
	}
	for _, phrase := range []string{
		"Grant not found", "Token not found", "Access token expired", "The access token is expired", "Invalid token format", "INVALID TOKEN FORMAT",
		"The access token provided is expired, revoked, malformed, or invalid for other reasons", "Grant has been revoked, has expired, or the refresh token is invalid",
	} {
		all["rejected, line "+phrase] = issuertest.Case{Answer: line(401, phrase), Want: "rejected"}
	}
	return all
}

func ok(members string) issuertest.Answer { return issuertest.Respond(200, "{"+members+"}") }

// line returns a response whose only text is in the status line.
func line(status int, phrase string) issuertest.Answer {
	return issuertest.Answer{Status: status, Phrase: phrase}
}

func scopes(all ...any) map[string]any { return map[string]any{"required_scopes": all} }
