package cloudflaretest

import (
	"fmt"

	"github.com/tokencheck/terraform-provider-tokencheck/internal/issuertest"
)

// AccountID is an account ID in the documented form.
const AccountID = "023e105f4ecef8ad9ca31a8372d0c353"

const (
	tokenID = "ed17574386854bf78a67040be0a770b0"
	result  = `"id":"` + tokenID + `","status":"active"`
	html    = "<!DOCTYPE html><title>Attention Required! | Cloudflare</title>"
)

// Corpus returns responses of the real API. Some are from other operations, because
// the same gateway sends them.
func Corpus() map[string]issuertest.Case {
	all := map[string]issuertest.Case{
		"active": {
			Answer: ok(result), Want: "active",
			Attributes: map[string]any{"id": tokenID, "expires_on": nil, "not_before": nil},
		},
		"active, with dates": {
			Answer: ok(result + `,"not_before":"2024-01-01T00:00:00Z","expires_on":"2026-06-30T23:59:59Z"`), Want: "active",
			Attributes: map[string]any{"id": tokenID, "expires_on": "2026-06-30T23:59:59Z", "not_before": "2024-01-01T00:00:00Z"},
		},
		"active, with an offset":       {Answer: ok(result + `,"expires_on":"2026-06-30T23:59:59.5+02:00"`), Want: "active", Attributes: map[string]any{"expires_on": "2026-06-30T21:59:59.5Z"}},
		"active, with null dates":      {Answer: ok(result + `,"not_before":null,"expires_on":null`), Want: "active"},
		"active, with further members": {Answer: ok(result + `,"issued_on":"yesterday","status_reason":"expired","policies":[{}]`), Want: "active"},
		"active, without messages":     {Answer: issuertest.Respond(200, `{"success":true,"result":{`+result+`}}`), Want: "active"},
		"active, with messages in another form": {
			Answer: issuertest.Respond(200, `{"success":true,"errors":null,"messages":["expired",{"code":"x"}],"result":{`+result+`}}`), Want: "active",
		},
		"active, for an account": {Answer: ok(result), Want: "active", Arguments: map[string]any{"account_id": AccountID}},
		"active, by the issuer's clock": {
			Answer: issuertest.Respond(200, envelope(result+`,"expires_on":"2025-12-31T12:00:00Z"`), "Date", "Wed, 31 Dec 2025 11:59:59 GMT"), Want: "active",
			Warning: "Clock skew detected",
		},
		"longer than required":  {Answer: ok(result + `,"expires_on":"2026-01-04T00:00:00Z"`), Want: "active", Arguments: map[string]any{"min_remaining": "72h"}},
		"no expiration needed":  {Answer: ok(result), Want: "active", Arguments: map[string]any{"min_remaining": "72h"}},
		"expiring":              {Answer: ok(result + `,"expires_on":"2026-01-03T23:59:59Z"`), Want: "expiring", Arguments: map[string]any{"min_remaining": "72h"}, Attributes: map[string]any{"expires_on": "2026-01-03T23:59:59Z"}},
		"documentation example": {Answer: ok(result + `,"expires_on":"2020-01-01T00:00:00Z","not_before":"2018-07-01T05:20:00Z"`), Want: "expired"},
		"expires now":           {Answer: ok(result + `,"expires_on":"2026-01-01T00:00:00Z"`), Want: "expired"},
		"not valid yet":         {Answer: ok(result + `,"not_before":"2026-01-01T00:00:01Z"`), Want: "not_yet_valid"},
		"valid from now":        {Answer: ok(result + `,"not_before":"2026-01-01T00:00:00Z"`), Want: "active"},
		"disabled":              {Answer: status("disabled"), Want: "disabled", Attributes: map[string]any{"id": tokenID}},
		"expired":               {Answer: status("expired"), Want: "expired"},
		"revoked (exposed)":     {Answer: status("revoked (exposed)"), Want: "revoked (exposed)"},
		"Active":                {Answer: status("Active"), Want: "Active"},
		"expiring, by its word": {Answer: status("expiring"), Want: "expiring"},

		"rejected":            {Answer: issuertest.Respond(401, BodyInvalid), Want: "rejected", Attributes: map[string]any{"id": nil, "expires_on": nil}},
		"rejected, 400":       {Answer: issuertest.Respond(400, BodyInvalid), Want: "rejected"},
		"rejected, 403":       {Answer: issuertest.Respond(403, BodyInvalid), Want: "rejected"},
		"rejected, malformed": {Answer: issuertest.Respond(400, BodyFormat), Want: "rejected"},
		"rejected, for an account": {
			Answer: issuertest.Respond(401, BodyInvalid), Want: "rejected", Arguments: map[string]any{"account_id": AccountID},
		},
		"rejected, user-owned for an account": {
			Answer: issuertest.Respond(401, BodyInvalid), Want: "rejected", Arguments: map[string]any{"account_id": AccountID}, Token: "cfut_" + issuertest.Secret,
		},
		"echo": {Answer: issuertest.Respond(401, `{"success":false,"errors":[{"code":1000,"message":"No: `+issuertest.Secret+`"}]}`), Want: "rejected"},

		"rejected, and another cause":                  {Answer: issuertest.Respond(401, `{"success":false,"errors":[{"code":1000,"message":"Invalid API Token"},{"code":10500,"message":"x"}]}`)},
		"rejected, without success":                    {Answer: issuertest.Respond(401, `{"errors":[{"code":1000,"message":"Invalid API Token"}]}`)},
		"rejected, with another status":                {Answer: issuertest.Respond(404, BodyInvalid)},
		"rejected, in an outage":                       {Answer: issuertest.Respond(503, BodyInvalid), Retried: true},
		"rejected, account-owned, for another account": {Answer: issuertest.Respond(401, BodyInvalid), Want: "rejected", Arguments: map[string]any{"account_id": AccountID}, Token: "cfat_" + issuertest.Secret},
		"rejected, and success":                        {Answer: issuertest.Respond(401, `{"success":true,"errors":[{"code":1000,"message":"Invalid API Token"}]}`)},
		"malformed, with another status":               {Answer: issuertest.Respond(403, BodyFormat)},
		"malformed, without a chain":                   {Answer: issuertest.Respond(400, failure(6003, "Invalid request headers"))},
		"authentication, 401":                          {Answer: issuertest.Respond(401, failure(10000, "Authentication error")), Retried: true},
		"authentication, 403":                          {Answer: issuertest.Respond(403, failure(10000, "Authentication error")), Retried: true},
		"no header":                                    {Answer: issuertest.Respond(400, BodyNoHeader)},
		"no header, former":                            {Answer: issuertest.Respond(400, failure(9106, "Missing X-Auth-Key, X-Auth-Email or Authorization headers"))},
		"no account-owned tokens":                      {Answer: issuertest.Respond(403, failure(1001, "List accounts endpoint does not support account owned tokens"))},
		"no route, no such object":                     {Answer: issuertest.Respond(404, BodyNoRoute)},
		"no route":                                     {Answer: issuertest.Respond(404, failure(7000, "No route for that URI"))},
		"no route, for an account":                     {Answer: issuertest.Respond(404, failure(7000, "No route for that URI")), Arguments: map[string]any{"account_id": AccountID}},
		"no such account":                              {Answer: issuertest.Respond(404, failure(7003, "Could not route")), Arguments: map[string]any{"account_id": AccountID}},
		"no errors":                                    {Answer: issuertest.Respond(403, `{"success":false,"errors":[],"messages":[],"result":null}`)},
		"unknown code":                                 {Answer: issuertest.Respond(403, failure(4711, "x"), "Cf-Ray", "8f2b0d6f1c2a3b4d-FRA")},
		"lockout":                                      {Answer: issuertest.Respond(429, BodyLockOut)},
		"lockout, in an outage":                        {Answer: issuertest.Respond(503, BodyLockOut), Retried: true},
		"lockout, 403":                                 {Answer: issuertest.Respond(403, BodyLockOut)},
		"rate limit":                                   {Answer: issuertest.Respond(429, failure(971, "Please wait and consider throttling your request speed")), Retried: true},
		"rate limit, another status":                   {Answer: issuertest.Respond(400, failure(971, "Please wait and consider throttling your request speed")), Retried: true},
		"rate limit, former":                           {Answer: issuertest.Respond(429, failure(10100, "More than 1200 requests per 300 seconds reached.")), Retried: true},
		"rate limit, former, another status":           {Answer: issuertest.Respond(403, failure(10100, "More than 1200 requests per 300 seconds reached.")), Retried: true},
		"rate limit, no body":                          {Answer: issuertest.Respond(429, ""), Retried: true},
		"rate limit, far away":                         {Answer: issuertest.Respond(429, "", "Retry-After", "300")},
		"challenge":                                    {Answer: issuertest.Respond(403, html, "Content-Type", "text/html; charset=UTF-8", "Cf-Mitigated", "challenge")},
		"block, 1010":                                  {Answer: issuertest.Respond(403, "error code: 1010", "Content-Type", "text/plain; charset=UTF-8")},
		"block, 1020":                                  {Answer: issuertest.Respond(403, "error code: 1020\n", "Content-Type", "text/plain; charset=UTF-8")},
		"edge block":                                   {Answer: issuertest.Respond(403, html, "Content-Type", "text/html; charset=UTF-8")},
		"edge fault, HTML":                             {Answer: issuertest.Respond(502, "<html><title>502 Bad Gateway</title></html>", "Content-Type", "text/html"), Retried: true},
		"edge fault, text":                             {Answer: issuertest.Respond(520, "error code: 520", "Content-Type", "text/plain; charset=UTF-8"), Retried: true},
		"edge fault, no body":                          {Answer: issuertest.Respond(503, ""), Retried: true},
		"edge fault, from a cache":                     {Answer: issuertest.Respond(503, "", "Age", "30"), Retried: true},
		"redirect":                                     {Answer: issuertest.Respond(302, "", "Location", "https://elsewhere.test/login?next=x")},
		"from a cache":                                 {Answer: issuertest.Respond(200, envelope(result), "Age", "30")},

		"200, without success":        {Answer: issuertest.Respond(200, `{"errors":[],"result":{`+result+`}}`)},
		"200, success is a text":      {Answer: issuertest.Respond(200, `{"success":"true","errors":[],"result":{`+result+`}}`)},
		"200, no success":             {Answer: issuertest.Respond(200, `{"success":false,"errors":[],"result":{`+result+`}}`)},
		"200, with errors":            {Answer: issuertest.Respond(200, `{"success":true,"errors":[{"code":1,"message":"x"}],"result":{`+result+`}}`)},
		"200, without a result":       {Answer: issuertest.Respond(200, `{"success":true,"errors":[],"result":null}`)},
		"200, without an id":          {Answer: ok(`"status":"active"`)},
		"200, without a status":       {Answer: ok(`"id":"` + tokenID + `"`)},
		"200, status with the token":  {Answer: status(issuertest.Secret), Want: "(withheld: contains part of the token)"},
		"200, status not printable":   {Answer: status(`a\u0000b`)},
		"200, status of 65":           {Answer: status("1234567890123456789012345678901234567890123456789012345678901234x")},
		"200, a date that is none":    {Answer: ok(result + `,"expires_on":"tomorrow"`)},
		"200, names in another case":  {Answer: ok(`"id":"` + tokenID + `","Status":"active"`)},
		"200, a name twice":           {Answer: ok(result + `,"status":"active"`)},
		"200, HTML":                   {Answer: issuertest.Respond(200, "<html></html>", "Content-Type", "text/html")},
		"200, a list":                 {Answer: issuertest.Respond(200, "["+envelope(result)+"]")},
		"200, two values":             {Answer: issuertest.Respond(200, envelope(result)+"{}")},
		"200, an empty body":          {Answer: issuertest.Respond(200, "")},
		"201":                         {Answer: issuertest.Respond(201, envelope(result))},
		"invalid UTF-8 in a message":  {Answer: issuertest.Respond(401, "{\"success\":false,\"errors\":[{\"code\":1000,\"message\":\"\xff\"}]}"), Want: "rejected"},
		"lone surrogate in a message": {Answer: issuertest.Respond(401, `{"success":false,"errors":[{"code":1000,"message":"\ud800"}]}`), Want: "rejected"},
		"a message that is no text":   {Answer: issuertest.Respond(401, `{"success":false,"errors":[{"code":1000,"message":{}}]}`), Want: "rejected"},
	}
	for prefix, kind := range map[string]string{"cfk_": "Global API key", "cfoat_": "Wrangler", "cfat_": "account-owned", "cfut_": "user-owned"} {
		all["rejected, "+kind] = issuertest.Case{Answer: issuertest.Respond(401, BodyInvalid), Want: "rejected", Token: prefix + issuertest.Secret}
	}
	// One code with four texts.
	for text, name := range map[string]string{
		"Cannot use the access token from location: 203.0.113.7": "location", "Invalid access token": "access token",
		"Unauthorized to access requested resource": "resource", "Valid user-level authentication not found": "user level",
	} {
		all["forbidden, "+name] = issuertest.Case{Answer: issuertest.Respond(403, failure(9109, text))}
	}
	return all
}

func ok(result string) issuertest.Answer { return issuertest.Respond(200, envelope(result)) }

func status(word string) issuertest.Answer {
	return ok(`"id":"` + tokenID + `","status":"` + word + `"`)
}

func envelope(result string) string {
	return `{"result":{` + result + `},"success":true,"errors":[],"messages":[{"code":10000,"message":"This API Token is valid and active","type":null}]}`
}

func failure(code int, message string) string {
	return fmt.Sprintf(`{"success":false,"errors":[{"code":%d,"message":%q}],"messages":[],"result":null}`, code, message)
}
