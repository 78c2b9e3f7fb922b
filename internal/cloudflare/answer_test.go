package cloudflare_test

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/tokencheck/terraform-provider-tokencheck/internal/cloudflare/cloudflaretest"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/issuertest"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/issuertest/clienttest"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/transport"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/verdict"
)

// ok returns the body of a 200 with a result.
func ok(result string) string {
	return `{"result":` + result + `,"success":true,"errors":[],"messages":[{"code":10000,"message":"This API Token is valid and active","type":null}]}`
}

// result returns a JSON result with a status and more fields.
func result(status string, more ...string) string {
	return fmt.Sprintf(`{"id":%q,"status":%q%s}`, tokenID, status, strings.Join(append([]string{""}, more...), ","))
}

// refusal returns the body of a failure with errors.
func refusal(errs ...string) string {
	return `{"success":false,"errors":[` + strings.Join(errs, ",") + `],"messages":[],"result":null}`
}

func coded(code int, message string) string {
	return fmt.Sprintf(`{"code":%d,"message":%q}`, code, message)
}

// malformed is the captured error for a value that cannot be a token.
const malformed = `{"code":6003,"message":"Invalid request headers","error_chain":[{"code":6111,"message":"Invalid format for Authorization header"}]}`

// TestVerdicts covers the responses that decide whether the token is valid.
func TestVerdicts(t *testing.T) {
	t.Parallel()

	day := 24 * time.Hour

	tests := []struct {
		name    string
		http    int
		body    string
		account string
		min     *time.Duration

		want                 verdict.Status
		reason               []string
		noReason             []string
		notBefore, expiresOn string
	}{
		// The documented success.
		{name: "active, as captured", body: `{"result":{"id":"` + tokenID + `","status":"active"},"success":true,"errors":[],"messages":[{"code":10000,"message":"This API Token is valid and active","type":null}]}`, want: verdict.Active, reason: []string{"active", "user endpoint", "does not expire"}},
		{name: "active at the account endpoint", body: ok(result("active")), account: account, want: verdict.Active, reason: []string{"account endpoint"}},
		{name: "active with both dates", body: ok(result("active", `"not_before":"2024-01-01T00:00:00Z"`, `"expires_on":"2026-06-30T23:59:59Z"`)), want: verdict.Active, notBefore: "2024-01-01T00:00:00Z", expiresOn: "2026-06-30T23:59:59Z", reason: []string{"2026-06-30T23:59:59Z"}},
		{name: "without messages", body: `{"result":` + result("active") + `,"success":true,"errors":[]}`, want: verdict.Active},
		{name: "messages null", body: `{"result":` + result("active") + `,"success":true,"errors":[],"messages":null}`, want: verdict.Active},
		{name: "undocumented fields", body: `{"result":{"id":"` + tokenID + `","status":"active","policies":[{"effect":"allow"}],"x":{"status":"disabled"}},"success":true,"errors":[],"messages":[],"result_info":{"page":1},"new":null}`, want: verdict.Active},
		{name: "whitespace around and inside", body: " \r\n\t{ \"result\" : " + result("active") + " , \"success\" : true , \"errors\" : [ ] }\n", want: verdict.Active},
		{name: "escaped strings", body: `{"result":{"id":"` + tokenID + `","\u0073tatus":"activ\u0065"},"success":true,"errors":[]}`, want: verdict.Active},
		{name: "id of different length", body: ok(`{"id":"abc","status":"active"}`), want: verdict.Active},

		// Status words.
		{name: "disabled", body: ok(result("disabled")), want: verdict.Disabled, reason: []string{"disabled", "nable"}},
		{name: "expired without a date", body: ok(result("expired")), want: verdict.Expired},
		{name: "expired with a date", body: ok(result("expired", `"expires_on":"2026-02-01T00:00:00Z"`)), want: verdict.Expired, expiresOn: "2026-02-01T00:00:00Z", reason: []string{"2026-02-01T00:00:00Z"}},
		{name: "disabled and expired", body: ok(result("disabled", `"expires_on":"2020-01-01T00:00:00Z"`)), want: verdict.Disabled, expiresOn: "2020-01-01T00:00:00Z"},
		{name: "revoked (exposed)", body: ok(result("revoked (exposed)")), want: "revoked (exposed)", reason: []string{"revoked (exposed)"}},
		{name: "status in upper case", body: ok(result("ACTIVE")), want: "ACTIVE"},
		{name: "status in mixed case", body: ok(result("Active")), want: "Active", reason: []string{`"Active"`}},
		{name: "status with trailing space", body: ok(result("active ")), want: "active "},
		{name: "status of one character", body: ok(result("x")), want: "x"},
		{name: "status of 64 characters", body: ok(result(strings.Repeat("w", 64))), want: verdict.Status(strings.Repeat("w", 64))},
		{name: "non-ASCII status", body: ok(result("gesperrt – ü")), want: "gesperrt – ü"},

		// Dates.
		{name: "example in the API schema: active, expired in 2020", body: ok(result("active", `"expires_on":"2020-01-01T00:00:00Z"`, `"not_before":"2018-07-01T05:20:00Z"`)), want: verdict.Expired, notBefore: "2018-07-01T05:20:00Z", expiresOn: "2020-01-01T00:00:00Z", reason: []string{"2020-01-01T00:00:00Z"}},
		{name: "null dates", body: ok(result("active", `"expires_on":null`, `"not_before":null`)), want: verdict.Active, noReason: []string{"0001", "1970"}},
		{name: "expires now", body: ok(result("active", `"expires_on":"2026-03-01T12:00:00Z"`)), want: verdict.Expired, expiresOn: "2026-03-01T12:00:00Z"},
		{name: "expires in one second", body: ok(result("active", `"expires_on":"2026-03-01T12:00:01Z"`)), want: verdict.Active, expiresOn: "2026-03-01T12:00:01Z"},
		{name: "expires_on with offset", body: ok(result("active", `"expires_on":"2026-03-01T13:30:00+02:00"`)), want: verdict.Expired, expiresOn: "2026-03-01T11:30:00Z", reason: []string{"2026-03-01T11:30:00Z"}},
		{name: "expires_on with fractional seconds", body: ok(result("active", `"expires_on":"2026-03-01T12:00:00.25Z"`)), want: verdict.Active, expiresOn: "2026-03-01T12:00:00.25Z"},
		{name: "expires_on in the last second of 9999", body: ok(result("active", `"expires_on":"9999-12-31T23:59:59Z"`)), want: verdict.Active, expiresOn: "9999-12-31T23:59:59Z"},
		{name: "valid from tomorrow", body: ok(result("active", `"not_before":"2026-03-02T12:00:00Z"`)), want: verdict.NotYetValid, notBefore: "2026-03-02T12:00:00Z", reason: []string{"2026-03-02T12:00:00Z"}},
		{name: "valid from now", body: ok(result("active", `"not_before":"2026-03-01T12:00:00Z"`)), want: verdict.Active, notBefore: "2026-03-01T12:00:00Z"},
		{name: "valid from tomorrow, expired yesterday", body: ok(result("active", `"not_before":"2026-03-02T12:00:00Z"`, `"expires_on":"2026-02-28T12:00:00Z"`)), want: verdict.NotYetValid, notBefore: "2026-03-02T12:00:00Z", expiresOn: "2026-02-28T12:00:00Z"},

		// Minimum remaining lifetime.
		{name: "sufficient remaining lifetime", body: ok(result("active", `"expires_on":"2026-03-02T12:00:00Z"`)), min: &day, want: verdict.Active, expiresOn: "2026-03-02T12:00:00Z"},
		{name: "expires one second too soon", body: ok(result("active", `"expires_on":"2026-03-02T11:59:59Z"`)), min: &day, want: verdict.Expiring, expiresOn: "2026-03-02T11:59:59Z", reason: []string{"2026-03-02T11:59:59Z", "24h"}},
		{name: "does not expire", body: ok(result("active")), min: &day, want: verdict.Active},

		// Rejections.
		{name: "invalid, as captured", http: 401, body: `{"success":false,"errors":[{"code":1000,"message":"Invalid API Token"}],"messages":[],"result":null}`, want: verdict.Rejected, reason: []string{"Invalid API Token", "1000", "account_id", "account-owned", "user endpoint"}},
		{name: "invalid at the account endpoint", http: 401, body: cloudflaretest.BodyInvalid, account: account, want: verdict.Rejected, reason: []string{"account_id", "user", "account endpoint", account}},
		{name: "invalid with 400", http: 400, body: cloudflaretest.BodyInvalid, want: verdict.Rejected},
		{name: "invalid with 403", http: 403, body: cloudflaretest.BodyInvalid, want: verdict.Rejected},
		{name: "invalid without messages and result", http: 401, body: `{"success":false,"errors":[{"code":1000,"message":"Invalid API Token"}]}`, want: verdict.Rejected},
		{name: "invalid with an empty result", http: 401, body: `{"success":false,"errors":[{"code":1000,"message":"Invalid API Token"}],"messages":[],"result":{}}`, want: verdict.Rejected},
		{name: "invalid without a message", http: 401, body: `{"success":false,"errors":[{"code":1000}]}`, want: verdict.Rejected, reason: []string{"1000"}},
		{name: "invalid with different message", http: 401, body: refusal(coded(1000, "Ungültiges Token")), want: verdict.Rejected, reason: []string{"Ungültiges Token"}},
		{name: "invalid with undocumented fields", http: 401, body: `{"success":false,"errors":[{"code":1000,"message":"m","type":null,"documentation_url":"u","source":{"pointer":"/p"},"error_chain":[]}],"messages":[],"result":null,"x":1}`, want: verdict.Rejected},
		{name: "authentication error with 401", http: 401, body: refusal(coded(10000, "Authentication error")), want: verdict.Rejected, reason: []string{"Authentication error", "10000"}},
		{name: "authentication error with 403", http: 403, body: refusal(coded(10000, "Authentication error")), want: verdict.Rejected},
		{name: "malformed", http: 400, body: refusal(malformed), want: verdict.Rejected, reason: []string{"Invalid format for Authorization header", "6111", "6003"}},
		{name: "hint for malformed token", http: 400, body: refusal(malformed), want: verdict.Rejected, reason: []string{"truncated", "Global API"}},
		{name: "two rejections", http: 401, body: refusal(coded(1000, "Invalid API Token"), coded(10000, "Authentication error")), want: verdict.Rejected, reason: []string{"1000", "10000"}},
		{name: "expired token rejected with 1000", http: 403, body: refusal(coded(1000, "Token expired")), min: &day, want: verdict.Rejected},
	}

	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()

			if test.http == 0 {
				test.http = http.StatusOK
			}

			s, b, answer, err := verify(t, issuertest.Reply(test.http, test.body, "Cf-Ray", ray), test.account)
			if err != nil {
				t.Fatalf("no verdict: %v", err)
			}

			v := decide(t, b, answer, test.min)
			if v.Status != test.want || v.Valid() != (test.want == verdict.Active) {
				t.Errorf("status = %q, valid = %v; want %q", v.Status, v.Valid(), test.want)
			}

			for _, part := range append(test.reason, "source: argument", "Cloudflare") {
				if !strings.Contains(v.Reason, part) {
					t.Errorf("reason %q lacks %q", v.Reason, part)
				}
			}

			// The ray ID differs with each response and would change the text.
			for _, part := range append(test.noReason, ray, ray[:16], "127.0.0.1") {
				if strings.Contains(v.Reason, part) {
					t.Errorf("reason %q contains %q", v.Reason, part)
				}
			}

			if b.In(v.Reason) || b.In(answer.ID) {
				t.Errorf("a part of the token is shown: %q, %q", v.Reason, answer.ID)
			}

			if clienttest.Written(answer.ExpiresOn) != test.expiresOn || clienttest.Written(answer.NotBefore) != test.notBefore {
				t.Errorf("not_before = %v, expires_on = %v; want %q, %q", answer.NotBefore, answer.ExpiresOn, test.notBefore, test.expiresOn)
			}

			if (answer.ID == "") != answer.Refused {
				t.Errorf("id = %q, refused = %v", answer.ID, answer.Refused)
			}

			if !answer.Now.Equal(now) || len(answer.Warnings) > 0 {
				t.Errorf("now = %v, warnings = %v", answer.Now, answer.Warnings)
			}

			if n := len(s.Requests()); n != 1 {
				t.Errorf("%d requests, want 1", n)
			}
		})
	}
}

// TestNoVerdict covers the responses that say nothing about the token.
func TestNoVerdict(t *testing.T) {
	t.Parallel()

	html := "<html><title>Attention Required! | Cloudflare</title></html>"

	tests := []struct {
		name    string
		http    int // 200 if zero
		body    string
		kind    string // Content-Type, if different
		account string

		parts    []string // of the error
		not      []string // not in the error
		requests int      // 1 if zero
	}{
		// 200, but not the documented response.
		{name: "success false", body: `{"result":` + result("active") + `,"success":false,"errors":[],"messages":[]}`, parts: []string{"HTTP 200"}},
		{name: "success false with an error", body: `{"result":null,"success":false,"errors":[` + coded(1000, "Invalid API Token") + `]}`, parts: []string{"Invalid API Token", "1000"}},
		{name: "success missing", body: `{"result":` + result("active") + `,"errors":[]}`},
		{name: "success null", body: `{"result":` + result("active") + `,"success":null,"errors":[]}`},
		{name: "success a string", body: `{"result":` + result("active") + `,"success":"true","errors":[]}`},
		{name: "success a number", body: `{"result":` + result("active") + `,"success":1,"errors":[]}`},
		{name: "success with errors", body: `{"result":` + result("active") + `,"success":true,"errors":[` + coded(1234, "something") + `]}`, parts: []string{"something", "1234"}},
		{name: "success with null error", body: `{"result":` + result("active") + `,"success":true,"errors":[null]}`},
		{name: "messages a string", body: `{"result":` + result("active") + `,"success":true,"errors":[],"messages":"x"}`},
		{name: "messages an object", body: `{"result":` + result("active") + `,"success":true,"errors":[],"messages":{}}`},
		{name: "errors an object", body: `{"result":` + result("active") + `,"success":true,"errors":{}}`},
		{name: "errors a string", body: `{"result":` + result("active") + `,"success":true,"errors":""}`},
		{name: "errors as strings", body: `{"result":` + result("active") + `,"success":true,"errors":["x"]}`},
		{name: "code a string", body: `{"result":` + result("active") + `,"success":true,"errors":[{"code":"1000","message":"m"}]}`},
		{name: "result null", body: ok("null")},
		{name: "result missing", body: `{"success":true,"errors":[],"messages":[]}`},
		{name: "result a list", body: ok(`[` + result("active") + `]`)},
		{name: "result a string", body: ok(`"active"`)},
		{name: "result true", body: ok(`true`)},
		{name: "result empty", body: ok(`{}`)},
		{name: "id missing", body: ok(`{"status":"active"}`)},
		{name: "id null", body: ok(`{"id":null,"status":"active"}`)},
		{name: "id empty", body: ok(`{"id":"","status":"active"}`)},
		{name: "id a number", body: ok(`{"id":1,"status":"active"}`)},
		{name: "status missing", body: ok(`{"id":"` + tokenID + `"}`)},
		{name: "status null", body: ok(`{"id":"` + tokenID + `","status":null}`)},
		{name: "status empty", body: ok(result(""))},
		{name: "status a list", body: ok(`{"id":"` + tokenID + `","status":["active"]}`)},
		{name: "status true", body: ok(`{"id":"` + tokenID + `","status":true}`)},
		{name: "status of 65 characters", body: ok(result(strings.Repeat("w", 65)))},
		{name: "status with newline", body: ok(`{"id":"` + tokenID + `","status":"act\nive"}`)},
		{name: "status with NUL", body: ok(`{"id":"` + tokenID + `","status":"active\u0000"}`)},
		{name: "status with escape sequence", body: ok(`{"id":"` + tokenID + `","status":"\u001b[2Jactive"}`)},
		{name: "status with bidirectional control", body: ok(`{"id":"` + tokenID + `","status":"\u202eevitca"}`)},
		{name: "status with lone surrogate", body: ok(`{"id":"` + tokenID + `","status":"active\ud800"}`)},

		// Invalid dates.
		{name: "expires_on empty", body: ok(result("active", `"expires_on":""`))},
		{name: "expires_on garbage", body: ok(result("active", `"expires_on":"never"`))},
		{name: "expires_on without time", body: ok(result("active", `"expires_on":"2030-01-01"`))},
		{name: "expires_on without time zone", body: ok(result("active", `"expires_on":"2030-01-01T00:00:00"`))},
		{name: "expires_on with space", body: ok(result("active", `"expires_on":"2030-01-01 00:00:00Z"`))},
		{name: "expires_on in seconds", body: ok(result("active", `"expires_on":1893456000`))},
		{name: "expires_on false", body: ok(result("active", `"expires_on":false`))},
		{name: "expires_on on February 30", body: ok(result("active", `"expires_on":"2030-02-30T00:00:00Z"`))},
		{name: "expires_on after the year 9999 in UTC", body: ok(result("active", `"expires_on":"9999-12-31T23:59:59-01:00"`))},
		{name: "expires_on with five-digit year", body: ok(result("active", `"expires_on":"10000-01-01T00:00:00Z"`))},
		{name: "not_before garbage", body: ok(result("active", `"not_before":"soon"`))},
		{name: "not_before empty", body: ok(result("active", `"not_before":""`))},
		{name: "not_before before the year 0 in UTC", body: ok(result("active", `"not_before":"0000-01-01T00:00:00+01:00"`)), parts: []string{"before the year 0"}},
		{name: "expires_on garbage, token disabled", body: ok(result("disabled", `"expires_on":"x"`))},

		// JSON is parsed strictly.
		{name: "keys in different case", body: `{"Result":` + result("active") + `,"Success":true,"Errors":[]}`},
		{name: "success in different case", body: `{"result":` + result("active") + `,"SUCCESS":true,"errors":[]}`},
		{name: "status in different case", body: ok(`{"id":"` + tokenID + `","Status":"active"}`)},
		{name: "duplicate key", body: `{"success":false,"success":true,"errors":[],"result":` + result("active") + `}`},
		{name: "duplicate result", body: `{"success":true,"errors":[],"result":` + result("disabled") + `,"result":` + result("active") + `}`},
		{name: "duplicate status", body: ok(`{"id":"` + tokenID + `","status":"disabled","status":"active"}`)},
		{name: "duplicate status, escaped", body: ok(`{"id":"` + tokenID + `","status":"disabled","\u0073tatus":"active"}`)},
		{name: "duplicate unknown key", body: `{"success":true,"errors":[],"result":` + result("active") + `,"x":1,"x":2}`},
		{name: "duplicate key nested in unknown field", body: `{"success":true,"errors":[],"result":` + result("active") + `,"x":[{"y":{"z":1,"z":1}}]}`},
		{name: "trailing text", body: ok(result("active")) + "x"},
		{name: "trailing brace", body: ok(result("active")) + "}"},
		{name: "two values", body: ok(result("active")) + ok(result("active"))},
		{name: "two lines", body: ok(result("active")) + "\n" + ok(result("disabled"))},
		{name: "trailing NUL", body: ok(result("active")) + "\x00"},
		{name: "byte order mark", body: "\ufeff" + ok(result("active"))},
		{name: "JSON hijacking prefix", body: ")]}'\n" + ok(result("active"))},
		{name: "comment", body: "/* c */" + ok(result("active"))},
		{name: "trailing comma", body: `{"success":true,"errors":[],"result":` + result("active") + `,}`},
		{name: "single quotes", body: strings.ReplaceAll(ok(result("active")), `"`, `'`)},
		{name: "truncated", body: strings.TrimSuffix(ok(result("active")), "}")},
		{name: "invalid UTF-8", body: ok(`{"id":"` + tokenID + `","status":"active","x":"` + "\xff" + `"}`)},
		{name: "UTF-16", body: "\xff\xfe{\x00}\x00"},
		{name: "null", body: "null"},
		{name: "true", body: "true"},
		{name: "a string", body: `"active"`},
		{name: "a number", body: "10000"},
		{name: "a list", body: "[" + ok(result("active")) + "]"},
		{name: "an empty list", body: "[]"},
		{name: "an empty object", body: "{}"},
		{name: "empty body", body: "", parts: []string{"no body"}},
		{name: "whitespace only", body: "  \n"},
		{name: "HTML", body: html, kind: "text/html; charset=UTF-8", parts: []string{"text/html", strconv.Itoa(len(html)) + " bytes", "cloudflare.base_url"}, not: []string{"Attention"}},
		{name: "unrelated JSON", body: `{"status":"active","id":"1"}`},
		{name: "deeply nested", body: strings.Repeat("[", 20000)},
		{name: "larger than 64 KiB", body: ok(result("active")) + strings.Repeat(" ", 64<<10), parts: []string{"64 KiB"}},
		{name: "larger than 64 KiB because of a field", body: `{"x":"` + strings.Repeat("x", 64<<10) + `",` + ok(result("active"))[1:], parts: []string{"64 KiB"}},

		// Other success statuses.
		{name: "201", http: 201, body: ok(result("active")), parts: []string{"HTTP 201"}},
		{name: "202", http: 202, body: ok(result("active"))},
		{name: "203", http: 203, body: ok(result("active"))},
		{name: "204", http: 204},
		{name: "206", http: 206, body: ok(result("active"))},
		{name: "304", http: 304, not: []string{"redirect"}},
		{name: "300", http: 300, not: []string{"redirect"}},
		{name: "305", http: 305, not: []string{"redirect"}},
		{name: "399", http: 399, not: []string{"redirect"}},
		{name: "success with 401", http: 401, body: ok(result("active")), parts: []string{"HTTP 401"}},
		{name: "success with 404", http: 404, body: ok(result("active"))},
		{name: "success with 500", http: 500, body: ok(result("active")), requests: 3},

		// Errors that do not reject the token.
		{name: "malformed without chain", http: 400, body: refusal(coded(6003, "Invalid request headers")), parts: []string{"Invalid request headers", "6003"}},
		{name: "malformed with different chain", http: 400, body: refusal(`{"code":6003,"message":"Invalid request headers","error_chain":[{"code":6103,"message":"Invalid format for X-Auth-Key header"}]}`), parts: []string{"6103", "X-Auth-Key"}},
		{name: "6111 alone", http: 400, body: refusal(coded(6111, "Invalid format for Authorization header"))},
		{name: "invalid with 404", http: 404, body: cloudflaretest.BodyInvalid},
		{name: "invalid with 405", http: 405, body: cloudflaretest.BodyInvalid},
		{name: "invalid with 407", http: 407, body: cloudflaretest.BodyInvalid, parts: []string{"proxy"}},
		{name: "invalid with 451", http: 451, body: cloudflaretest.BodyInvalid},
		{name: "invalid with 201", http: 201, body: cloudflaretest.BodyInvalid},
		{name: "invalid with 302", http: 302, body: cloudflaretest.BodyInvalid},
		{name: "invalid with 429", http: 429, body: cloudflaretest.BodyInvalid, requests: 3},
		{name: "invalid with 500", http: 500, body: cloudflaretest.BodyInvalid, requests: 3},
		{name: "invalid with 503", http: 503, body: cloudflaretest.BodyInvalid, requests: 3},
		{name: "authentication error with 400", http: 400, body: refusal(coded(10000, "Authentication error"))},
		{name: "authentication error with 404", http: 404, body: refusal(coded(10000, "Authentication error"))},
		{name: "authentication error with 500", http: 500, body: refusal(coded(10000, "Authentication error")), requests: 3},
		{name: "malformed with 500", http: 500, body: refusal(malformed), requests: 3},
		{name: "malformed with 429", http: 429, body: refusal(malformed), requests: 3},
		{name: "10000 in messages only", http: 401, body: `{"success":false,"errors":[],"messages":[{"code":10000,"message":"m"}],"result":null}`},
		{name: "1000 in messages only", http: 401, body: `{"success":false,"errors":[],"messages":[{"code":1000,"message":"Invalid API Token"}],"result":null}`},
		{name: "1000 in error_chain only", http: 401, body: refusal(`{"code":9999,"message":"m","error_chain":[{"code":1000,"message":"Invalid API Token"}]}`)},
		{name: "no errors", http: 401, body: refusal()},
		{name: "errors missing", http: 401, body: `{"success":false}`},
		{name: "errors null", http: 403, body: `{"success":false,"errors":null}`},
		{name: "empty object with 401", http: 401, body: `{}`},
		{name: "invalid, but success", http: 401, body: `{"success":true,"errors":[` + coded(1000, "Invalid API Token") + `]}`},
		{name: "invalid, but success null", http: 401, body: `{"success":null,"errors":[` + coded(1000, "Invalid API Token") + `]}`},
		{name: "code a string with 401", http: 401, body: `{"success":false,"errors":[{"code":"1000","message":"Invalid API Token"}]}`},
		{name: "code with fraction", http: 401, body: `{"success":false,"errors":[{"code":1000.5,"message":"m"}]}`},
		{name: "code in different case", http: 401, body: `{"success":false,"errors":[{"Code":1000,"message":"m"}]}`},
		{name: "code twice", http: 401, body: `{"success":false,"errors":[{"code":9109,"code":1000,"message":"m"}]}`},
		{name: "message not a string", http: 401, body: `{"success":false,"errors":[{"code":1000,"message":{}}]}`},
		{name: "rejection with trailing text", http: 401, body: cloudflaretest.BodyInvalid + "<!-- -->"},
		{name: "message without code", http: 401, body: refusal(coded(4321, "Invalid API Token")), parts: []string{"Invalid API Token", "4321"}},
		{name: "rejection with rate limit", http: 403, body: refusal(coded(1000, "Invalid API Token"), coded(971, "Please wait")), requests: 3},
		{name: "malformed with longer chain", http: 400, body: refusal(`{"code":6003,"message":"m","error_chain":[{"code":6100,"message":"a"},{"code":6111,"message":"b"}]}`)},
		{name: "caused by an internal error", http: 403, body: refusal(`{"code":10000,"message":"Authentication error","error_chain":[{"code":10500,"message":"Internal authentication error: internal server error"}]}`)},
		{name: "rate limit with success", http: 200, body: `{"success":true,"errors":[{"code":10100,"message":"Please wait"}],"messages":[],"result":{"id":"x","status":"active"}}`, parts: []string{"Rate limit"}, requests: 3},
		{name: "rejection with address filter", http: 403, body: refusal(coded(10000, "Authentication error"), coded(9109, "Cannot use the access token from location: 203.0.113.7")), parts: []string{"Cannot use the access token from location"}},
		{name: "rejection with null error", http: 401, body: refusal(coded(1000, "Invalid API Token"), "null")},

		{name: "rejection caused by lockout", http: 403, body: refusal(`{"code":10000,"message":"m","error_chain":[{"code":10502,"message":"Too many authentication failures"}]}`), parts: []string{"locked out"}},
		{name: "rejection caused by address filter", http: 401, body: refusal(`{"code":1000,"message":"m","error_chain":[{"code":9109,"message":"Cannot use the access token from location"}]}`), parts: []string{"address filter"}},
		{name: "rejection caused by missing header", http: 401, body: refusal(`{"code":1000,"message":"m","error_chain":[{"code":1001,"message":"no header"}]}`)},
		{name: "rejection with result", http: 401, body: `{"success":false,"errors":[` + coded(1000, "Invalid API Token") + `],"result":` + result("active") + `}`},
		{name: "lockout with 200", body: cloudflaretest.BodyLockOut, parts: []string{"locked out"}},

		// Errors with a specific cause.
		{name: "missing header", http: 400, body: cloudflaretest.BodyNoHeader, parts: []string{"Authorization header may not have reached Cloudflare", "1001", `Missing "Authorization" header`, "proxy"}},
		{name: "1001 with different message", http: 401, body: refusal(coded(1001, "List accounts endpoint does not support account owned tokens")), parts: []string{"List accounts endpoint", "may not have reached Cloudflare"}},
		{name: "no route without account", http: 404, body: refusal(coded(7000, "No route for that URI")), parts: []string{"No route for that URI", "cloudflare.base_url"}, not: []string{"account_id"}},
		{name: "7003 without account", http: 400, body: refusal(coded(7003, "Could not route")), parts: []string{"cloudflare.base_url"}},
		{name: "no route with account", http: 404, body: refusal(coded(7000, "No route for that URI")), account: account, parts: []string{"cloudflare.base_url", "Then check account_id"}, not: []string{"does not know this account"}},
		{name: "7000 and 7003 with account", http: 404, body: cloudflaretest.BodyNoRoute, account: account, parts: []string{"Could not route", "Check account_id."}},
		{name: "7003 with account and 403", http: 403, body: refusal(coded(7003, "Could not route")), account: account, parts: []string{"Check account_id."}},
		{name: "lockout", http: 429, body: cloudflaretest.BodyLockOut, parts: []string{"locked out this machine", "Too many authentication failures", "10502", "wait ten minutes"}, not: []string{"-parallelism"}},
		{name: "lockout with 403", http: 403, body: cloudflaretest.BodyLockOut, parts: []string{"locked out this machine", "wait ten minutes"}},
		{name: "9109 without a location", http: 403, body: refusal(coded(9109, "Valid user-level authentication not found")), parts: []string{"Valid user-level authentication not found", "may be one of them", "If the message names a location"}},
		{name: "9109 with 503", http: 503, body: refusal(coded(9109, "Unauthorized to access requested resource")), not: []string{"address filter"}, requests: 3},
		{name: "1001 with 399", http: 399, body: cloudflaretest.BodyNoHeader, not: []string{"may not have reached Cloudflare"}},
		{name: "1001 with 499", http: 499, body: cloudflaretest.BodyNoHeader, parts: []string{"may not have reached Cloudflare"}},
		{name: "1001 with 500", http: 500, body: cloudflaretest.BodyNoHeader, not: []string{"may not have reached Cloudflare"}, requests: 3},
		{name: "1001 with 429", http: 429, body: cloudflaretest.BodyNoHeader, not: []string{"may not have reached Cloudflare"}, requests: 3},
		{name: "message of 7003 with another code", http: 404, body: refusal(coded(1, "Could not route to the requested path, perhaps your object identifier is invalid?")), account: account, not: []string{"account_id"}},
		{name: "address not allowed", http: 403, body: refusal(coded(9109, "Cannot use the access token from location: 203.0.113.7")), parts: []string{"Cannot use the access token from location: 203.0.113.7", "9109", "client IP address filter"}},
		{name: "rate limit, code 971", http: 429, body: refusal(coded(971, "Please wait and consider throttling your request speed")), parts: []string{"Rate limit", "Please wait", "971", "3 requests"}, requests: 3},
		{name: "rate limit, code 10100", http: 429, body: refusal(coded(10100, "More than 1200 requests per 300 seconds reached")), parts: []string{"Rate limit", "10100"}, requests: 3},
		{name: "rate limit as HTML", http: 429, body: html, kind: "text/html", parts: []string{"Rate limit", "text/html"}, requests: 3},
		{name: "code 971 with 403", http: 403, body: refusal(coded(971, "Please wait")), parts: []string{"Rate limit", "971"}, requests: 3},
		{name: "edge block", http: 403, body: html, kind: "text/html", parts: []string{"HTTP 403", "text/html", "firewall"}, not: []string{"Attention"}},
		{name: "HTML with 401", http: 401, body: html, kind: "text/html"},
		{name: "no body with 401", http: 401, parts: []string{"HTTP 401", "no body"}},
		{name: "HTML with 400", http: 400, body: html, kind: "text/html"},
		{name: "HTML with 404", http: 404, body: html, kind: "text/html", parts: []string{"cloudflare.base_url"}},
		{name: "500 with HTML", http: 500, body: html, kind: "text/html", parts: []string{"HTTP 500", "3 requests"}, requests: 3},
		{name: "502 no body", http: 502, requests: 3},
		{name: "503 with text", http: 503, body: "upstream down", kind: "text/plain", parts: []string{"HTTP 503"}, not: []string{"upstream"}, requests: 3},
		{name: "520", http: 520, body: "error code: 520", kind: "text/plain", parts: []string{"HTTP 520"}, requests: 3},
		{name: "522", http: 522, requests: 3},
		{name: "524", http: 524, body: html, kind: "text/html", requests: 3},
		{name: "526", http: 526, requests: 3},
		{name: "530", http: 530, body: html, kind: "text/html", requests: 3},
		{name: "408", http: 408, requests: 3},
		{name: "418", http: 418, body: "{}"},
		{name: "511", http: 511, body: html, kind: "text/html", requests: 3},
	}

	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()

			if test.http == 0 {
				test.http = http.StatusOK
			}

			if test.kind == "" {
				test.kind = "application/json"
			}

			s, b, answer, err := verify(t, issuertest.Reply(test.http, test.body, "Content-Type", test.kind, "Cf-Ray", ray), test.account)
			if err == nil {
				t.Fatalf("got %+v, want an error", answer)
			}

			clienttest.WantFault(t, b, err, append(test.parts, "HTTP "+strconv.Itoa(test.http), "says nothing about whether it is valid")...)

			for _, part := range test.not {
				if strings.Contains(err.Error(), part) {
					t.Errorf("error %q contains %q", err, part)
				}
			}

			if n := len(s.Requests()); n != max(test.requests, 1) {
				t.Errorf("%d requests, want %d", n, max(test.requests, 1))
			}
		})
	}
}

// TestRayID asserts that an error contains the identifier that Cloudflare support
// needs, and nothing else that a server sends in its place.
func TestRayID(t *testing.T) {
	t.Parallel()

	tests := []struct {
		name   string
		http   int
		body   string
		ray    string
		hidden bool
	}{
		{name: "edge block", http: 403, body: "<html>", ray: ray},
		{name: "rate limit", http: 429, body: refusal(coded(971, "wait")), ray: ray},
		{name: "520 without body", http: 520, ray: ray},
		{name: "other code", http: 400, body: refusal(coded(1001, "m")), ray: ray},
		{name: "200 without success", http: 200, body: refusal(coded(1, "m")), ray: ray},
		{name: "200 with HTML", http: 200, body: "<html>", ray: ray},
		{name: "without location suffix", http: 403, body: "<html>", ray: ray[:16]},
		{name: "not a ray ID", http: 403, body: "<html>", ray: "visit https://example.com", hidden: true},
		{name: "too long", http: 403, body: "<html>", ray: strings.Repeat("0", 400), hidden: true},
	}

	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()

			_, b, _, err := verify(t, issuertest.Reply(test.http, test.body, "Cf-Ray", test.ray), "")
			clienttest.WantFault(t, b, err)

			if strings.HasSuffix(err.Error(), " For Cloudflare support, the Ray ID is "+test.ray+".") == test.hidden || strings.Contains(err.Error(), test.ray) == test.hidden {
				t.Errorf("error %q with the ray ID %q", err, test.ray)
			}
		})
	}

	// A token can look like one.
	s, b := start(t), clienttest.Bearer(t, ray[:16])
	s.SetFault(issuertest.Reply(http.StatusForbidden, "<html>", "Cf-Ray", ray))

	_, err := issuer.Connect(t, s.BaseURL(), s.TrustBundle, nil).Verify(context.Background(), b, "", true)
	clienttest.WantFault(t, b, err)
}

// TestYearOne covers the zero date that some programs write for no expiration: the
// year 1 has passed, and must not count as no expiration.
func TestYearOne(t *testing.T) {
	t.Parallel()

	for _, date := range []string{"0001-01-01T00:00:00Z", "0001-01-01T01:00:00+01:00", "0000-12-31T23:00:00-01:00", "0001-01-01T00:00:01Z", "0000-01-01T00:00:00Z", "1970-01-01T00:00:00Z"} {
		t.Run(date, func(t *testing.T) {
			t.Parallel()

			_, b, answer, err := verify(t, issuertest.Reply(http.StatusOK, ok(result("active", `"expires_on":"`+date+`"`))), "")
			if err != nil {
				clienttest.WantFault(t, b, err)

				return
			}

			if v := decide(t, b, answer, nil); v.Status != verdict.Expired {
				t.Errorf("status = %q, want expired: %s", v.Status, v.Reason)
			}
		})
	}
}

// TestNoFalseValid combines every body with every status: only the documented success
// makes a token valid, and no fault is a rejection.
func TestNoFalseValid(t *testing.T) {
	t.Parallel()

	good, invalid := ok(result("active")), cloudflaretest.BodyInvalid
	bodies := []string{
		good, invalid, cloudflaretest.BodyFormat, cloudflaretest.BodyNoHeader, cloudflaretest.BodyNoRoute,
		"", " ", "null", "true", "false", "0", "[]", "{}", `""`, "active", "OK", "<html></html>", "\x00", "\xff\xfe", "{", "}", "[[[[", `{"`, `{"success":true`,
		ok("null"), ok("{}"), ok("[]"), ok(`"active"`), ok(result("disabled")), ok(result("Active")), ok(result("")), ok(`{"id":"1"}`), ok(`{"status":"active"}`),
		`{"success":true}`, `{"success":true,"result":{"status":"active"}}`, `{"success":"true","result":` + result("active") + `}`,
		`{"success":true,"errors":[{}],"result":` + result("active") + `}`, `{"status":"active"}`, result("active"),
		good + good, good + " x", "[" + good + "]", `{"a":` + good + `}`, strings.ToUpper(good),
		refusal(), refusal("null"), refusal("{}"), refusal(coded(971, "m")), refusal(coded(9109, "m")), refusal(coded(0, "m")), refusal(coded(-1000, "m")),
		refusal(coded(1000, "m"), coded(1, "m")), ok(result("active", `"expires_on":"x"`)), ok(result("active", `"expires_on":"2020-01-01T00:00:00Z"`)),
		ok(result("active", `"not_before":"2050-01-01T00:00:00Z"`)), `{"success":true,"success":true,"result":` + result("active") + `}`,
	}
	statuses := []int{
		200, 201, 202, 204, 206, 299, 301, 302, 304, 307, 400, 401, 403, 404, 407, 408, 410, 429, 499, 500, 503, 520, 530, 999,
	}
	refusing := map[string][]int{invalid: {400, 401, 403}, cloudflaretest.BodyFormat: {400}}

	s := start(t)
	// The token selects the response, so that one server serves all.
	s.SetFault(func(w http.ResponseWriter, r *http.Request) {
		var i, status int

		_, _ = fmt.Sscanf(r.Header.Get("Authorization"), "Bearer b/%d/s/%d", &i, &status)
		issuertest.Reply(status, bodies[i])(w, r)
	})

	client := issuer.Connect(t, s.BaseURL(), s.TrustBundle, func(c *transport.Config) { c.MaxRetries = 0 })

	for i, body := range bodies {
		for _, status := range statuses {
			b := clienttest.Bearer(t, fmt.Sprintf("b/%d/s/%d", i, status))

			answer, err := client.Verify(context.Background(), b, "", true)
			if err != nil {
				clienttest.WantFault(t, b, err)

				if body == good && status == 200 {
					t.Errorf("the documented success is an error: %v", err)
				}

				continue
			}

			v := decide(t, b, answer, nil)
			if v.Valid() != (body == good && status == 200) {
				t.Errorf("HTTP %d with %q returned %+v", status, body, v)
			}

			var may bool
			for _, other := range refusing[body] {
				may = may || other == status
			}

			if v.Status == verdict.Rejected && !may {
				t.Errorf("HTTP %d with %q is a rejection", status, body)
			}
		}
	}
}

// TestRedirects asserts that a token is sent only to the configured server.
func TestRedirects(t *testing.T) {
	t.Parallel()

	for _, status := range []int{301, 302, 303, 307, 308} {
		for _, where := range []string{"same host", "other host", "plain HTTP", "relative", "none", "garbage"} {
			t.Run(fmt.Sprintf("%d to %s", status, where), func(t *testing.T) {
				t.Parallel()

				s, other := start(t), start(t)
				other.Set(secret, cloudflaretest.Token{ID: tokenID})

				location := map[string]string{
					"same host": s.BaseURL() + "/user/tokens/verify/", "other host": other.BaseURL() + "/user/tokens/verify",
					"plain HTTP": strings.Replace(s.BaseURL(), "https:", "http:", 1), "relative": "../verify", "none": "", "garbage": "http://[::1",
				}[where]

				s.SetFault(issuertest.Reply(status, ok(result("active")), "Location", location))

				b := clienttest.Bearer(t, secret)

				_, err := issuer.Connect(t, s.BaseURL(), s.TrustBundle+other.TrustBundle, nil).Verify(context.Background(), b, "", true)

				fault := clienttest.WantFault(t, b, err, "redirect", "cloudflare.base_url", strconv.Itoa(status))
				if !fault.Asked {
					t.Error("the error does not say that a request was made")
				}

				if n := len(s.Requests()); n != 1 {
					t.Errorf("the token was sent %d times", n)
				}

				if n := len(other.Requests()); n != 0 {
					t.Errorf("the other host received %d requests", n)
				}
			})
		}
	}
}

// TestServerEchoesToken asserts that no part of the token is shown, whichever field
// and form a server echoes it in.
func TestServerEchoesToken(t *testing.T) {
	t.Parallel()

	forms := map[string]string{
		"whole": secret, "first half": secret[:16], "last eight": secret[24:], "upper case": strings.ToUpper(secret), "lower case": strings.ToLower(secret),
		"with spaces": secret[:8] + " " + secret[8:], "spaced out": strings.Join(strings.Split(secret, ""), " "), "header": "Bearer " + secret,
	}
	places := map[string]func(text string) (int, string){
		"message of a rejection": func(text string) (int, string) { return 401, refusal(coded(1000, "Invalid token "+text)) },
		"message in error_chain": func(text string) (int, string) {
			return 400, refusal(strings.Replace(malformed, "Invalid format", text, 1))
		},
		"message of a fault": func(text string) (int, string) { return 403, refusal(coded(9109, text)) },
		"message with 404":   func(text string) (int, string) { return 404, refusal(coded(7003, text)) },
		"message with 429":   func(text string) (int, string) { return 429, refusal(coded(971, text)) },
		"message with 200":   func(text string) (int, string) { return 200, refusal(coded(1000, text)) },
		"message of a success": func(text string) (int, string) {
			return 200, strings.Replace(ok(result("active")), "This API", text, 1)
		},
		"status word": func(text string) (int, string) { return 200, ok(result(text)) },
		"id":          func(text string) (int, string) { return 200, ok(fmt.Sprintf(`{"id":%q,"status":"active"}`, text)) },
		"a date": func(text string) (int, string) {
			return 200, ok(result("active", fmt.Sprintf(`"expires_on":%q`, text)))
		},
		"a key":         func(text string) (int, string) { return 200, ok(fmt.Sprintf(`{%q:1}`, text)) },
		"a key twice":   func(text string) (int, string) { return 200, ok(fmt.Sprintf(`{%q:1,%q:1}`, text, text)) },
		"broken JSON":   func(text string) (int, string) { return 200, `{"success":` + text },
		"text":          func(text string) (int, string) { return 401, text },
		"text with 502": func(text string) (int, string) { return 502, "<p>" + text },
		"two messages":  func(text string) (int, string) { return 401, refusal(coded(1000, text), coded(10000, text)) },
	}

	for place, answerWith := range places {
		for form, text := range forms {
			t.Run(place+", "+form, func(t *testing.T) {
				t.Parallel()

				status, body := answerWith(text)

				_, b, answer, err := verify(t, issuertest.Reply(status, body, "Content-Type", "application/"+strings.ReplaceAll(text, " ", ""), "Cf-Ray", strings.ToLower(text), "X-Echo", text), "")
				if err != nil {
					clienttest.WantFault(t, b, err)

					return
				}

				v := decide(t, b, answer, nil)
				for _, shown := range []string{v.Reason, string(v.Status), answer.ID, answer.Said, answer.Word, fmt.Sprintf("%+v", *answer)} {
					if b.In(shown) {
						t.Errorf("the response shows the token: %q", shown)
					}
				}

				for _, w := range answer.Warnings {
					if b.In(w.Summary + w.Detail) {
						t.Errorf("a warning shows the token: %+v", w)
					}
				}
			})
		}
	}
}

// Seven characters in each of several errors also count as part of the token.
func TestTokenInSeveralErrors(t *testing.T) {
	t.Parallel()

	_, b, answer, err := verify(t, issuertest.Reply(401, refusal(coded(1000, secret[:7]), coded(1000, secret[7:14]))), "")
	if err != nil {
		t.Fatal(err)
	}

	if v := decide(t, b, answer, nil); v.Status != verdict.Rejected || strings.Contains(v.Reason, secret[:7]) || !strings.Contains(v.Reason, "withheld") {
		t.Errorf("verdict = %+v", v)
	}
}
