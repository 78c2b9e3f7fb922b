package venafi_test

import (
	"context"
	"fmt"
	"math"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tokencheck/terraform-provider-tokencheck/internal/issuertest"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/issuertest/clienttest"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/transport"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/venafi"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/verdict"
)

// documented is the example in the vendor's documentation.
const documented = `{ "access_issued_on":"/Date(1604956045163)/", "access_issued_on_ISO8601":"2020-11-09T21:07:25Z", "access_issued_on_unix_time":1604956045, ` +
	`"application":"TPP.Auto", "expires":"/Date(1636492045163)/", "expires_ISO8601":"2021-11-09T21:07:25Z", "expires_unix_time":1636492045, ` +
	`"grant_issued_on":"/Date(1604956045163)/", "grant_issued_on_ISO8601":"2020-11-09T21:07:25Z", "grant_issued_on_unix_time":1604956045, ` +
	`"identity":"local:{8e1bf110-8ef8-4a53-a6da-d5d29c983451}", "scope":"certificate:manage;configuration:manage;security:manage", "valid_for":7776000 }`

// issued starts a body whose token was issued at noon before now.
const issued = `"access_issued_on_unix_time":1607256000`

// body returns a JSON object of fields.
func body(fields ...string) string { return "{" + strings.Join(fields, ",") + "}" }

// TestAccepted covers the responses with which the server accepts a token.
func TestAccepted(t *testing.T) {
	t.Parallel()

	const (
		noon    = "2020-12-06T12:00:00Z" // as in issued
		maximum = "9223372036854775807"
	)

	day := 24 * time.Hour

	tests := []struct {
		name     string
		body     string
		required []string
		min      *time.Duration

		want     verdict.Status // active if empty, unless undecidable is set
		reason   []string
		noReason []string
		// undecidable is the argument in the error, if the verdict is one.
		undecidable string

		accessIssued, grantIssued, grantExpires, expires string
		validFor                                         int64
		application, identity, scope                     string
		scopes                                           venafi.Scopes
		missing                                          []string
		warnings                                         int
	}{
		// The documented example: the token expires nine months before its grant.
		{
			name: "documented", body: documented, reason: []string{"2021-02-07T21:07:25Z"}, noReason: []string{"2021-11-09"},
			accessIssued: "2020-11-09T21:07:25Z", grantIssued: "2020-11-09T21:07:25Z", grantExpires: "2021-11-09T21:07:25Z", expires: "2021-02-07T21:07:25Z",
			validFor: 7776000, application: "TPP.Auto", identity: "local:{8e1bf110-8ef8-4a53-a6da-d5d29c983451}", scope: "certificate:manage;configuration:manage;security:manage",
			scopes: venafi.Scopes{"certificate": {"manage"}, "configuration": {"manage"}, "security": {"manage"}},
		},
		{
			name:         "grant does not expire",
			body:         body(issued, `"access_issued_on":"/Date(1607256000000)/"`, `"access_issued_on_ISO8601":"2020-12-06T12:00:00Z"`, `"valid_for":172800`, `"expires":null`, `"expires_ISO8601":null`, `"expires_unix_time":0`),
			accessIssued: noon, expires: "2020-12-08T12:00:00Z", validFor: 172800,
		},
		{name: "undocumented fields", body: body(issued, `"valid_for":172800`, `"new":{"a":[1]}`, `"client_id":"x"`, `"invalidated":false`), accessIssued: noon, expires: "2020-12-08T12:00:00Z", validFor: 172800},
		{name: "identity without braces", body: body(issued, `"identity":"AD+corp:8e1bf110-8ef8-4a53-a6da-d5d29c983451"`), accessIssued: noon, identity: "AD+corp:8e1bf110-8ef8-4a53-a6da-d5d29c983451"},

		// Older servers send fewer fields.
		{name: "application and scope only", body: body(`"application":"a"`, `"scope":"ssh"`), application: "a", scope: "ssh", scopes: venafi.Scopes{"ssh": {}}, reason: []string{"unknown"}, noReason: []string{"1970", "0001", "does not expire"}},
		{name: "valid_for only", body: body(`"valid_for":60`), validFor: 60, reason: []string{"unknown"}},
		{name: "valid_for one second only", body: body(`"valid_for":1`), validFor: 1},
		{
			name: "members that do not deny validity",
			body: body(issued, `"revoked":""`, `"expired":"no"`, `"blocked":" None "`, `"disabled":"False"`, `"deleted":0`, `"suspended":null`, `"inactive":false`,
				`"active":null`, `"valid":"yes"`, `"ok":1`, `"new":{"a":{},"b":[null,"c",false]}`),
			accessIssued: noon,
		},
		{name: "other fields null", body: body(issued, `"application":"a"`, `"identity":null`, `"scope":null`, `"valid_for":null`, `"expires":null`, `"expires_unix_time":null`, `"access_issued_on_ISO8601":null`), application: "a", accessIssued: noon},
		{name: "grant expiration only", body: body(`"expires_unix_time":1636492045`), grantExpires: "2021-11-09T21:07:25Z", reason: []string{"unknown"}, noReason: []string{"2021"}},
		{name: "issued only", body: body(issued), accessIssued: noon},
		{name: "whitespace", body: "\r\n " + body(` "scope" : "ssh" `, ` "application" : "a"`) + "\n", application: "a", scope: "ssh", scopes: venafi.Scopes{"ssh": {}}},

		// Three date formats, in order of precedence: seconds, ISO 8601, /Date(…)/.
		{name: "seconds take precedence", body: body(`"grant_issued_on_unix_time":1604956045`, `"grant_issued_on_ISO8601":"2019-01-01T00:00:00Z"`, `"grant_issued_on":"/Date(1500000000000)/"`), grantIssued: "2020-11-09T21:07:25Z"},
		{name: "ISO before Date", body: body(`"grant_issued_on_ISO8601":"2019-01-01T00:00:00Z"`, `"grant_issued_on":"/Date(1500000000000)/"`), grantIssued: "2019-01-01T00:00:00Z"},
		{name: "Date alone", body: body(`"grant_issued_on":"/Date(1604956045163)/"`), grantIssued: "2020-11-09T21:07:25.163Z"},
		{name: "Date with offset, which is ignored", body: body(`"grant_issued_on":"/Date(1604956045163+0100)/"`), grantIssued: "2020-11-09T21:07:25.163Z"},
		{name: "Date with negative offset", body: body(`"grant_issued_on":"/Date(1604956045163-0800)/"`), grantIssued: "2020-11-09T21:07:25.163Z"},
		{name: "Date with escaped slashes", body: body(`"grant_issued_on":"\/Date(1604956045163)\/"`), grantIssued: "2020-11-09T21:07:25.163Z"},
		{name: "ISO without time zone is UTC", body: body(`"grant_issued_on_ISO8601":"2020-11-09T21:07:25"`), grantIssued: "2020-11-09T21:07:25Z"},
		{name: "ISO with fractional seconds", body: body(`"grant_issued_on_ISO8601":"2020-11-09T21:07:25.163Z"`), grantIssued: "2020-11-09T21:07:25.163Z"},
		{name: "ISO with seven fractional digits", body: body(`"grant_issued_on_ISO8601":"2020-11-09T21:07:25.1634567Z"`), grantIssued: "2020-11-09T21:07:25.1634567Z"},
		{name: "ISO with fractional seconds, no time zone", body: body(`"grant_issued_on_ISO8601":"2020-11-09T21:07:25.163"`), grantIssued: "2020-11-09T21:07:25.163Z"},
		{name: "ISO with offset", body: body(`"grant_issued_on_ISO8601":"2020-11-09T22:07:25+01:00"`), grantIssued: "2020-11-09T21:07:25Z"},

		// What servers send for no date.
		{name: "zero, null, null", body: body(`"application":"a"`, `"scope":"ssh"`, `"grant_issued_on_unix_time":0`, `"grant_issued_on_ISO8601":null`, `"grant_issued_on":null`), application: "a", scope: "ssh", scopes: venafi.Scopes{"ssh": {}}},
		{name: ".NET zero value", body: body(`"application":"a"`, `"scope":"ssh"`, `"expires":"/Date(-62135596800000)/"`), application: "a", scope: "ssh", scopes: venafi.Scopes{"ssh": {}}},
		{name: ".NET zero value in all forms", body: body(`"application":"a"`, `"scope":"ssh"`, `"expires":"/Date(-62135596800000)/"`, `"expires_ISO8601":"0001-01-01T00:00:00Z"`, `"expires_unix_time":-62135596800`), application: "a", scope: "ssh", scopes: venafi.Scopes{"ssh": {}}},
		{name: ".NET zero value with offset", body: body(`"application":"a"`, `"scope":"ssh"`, `"expires":"/Date(-62135596800000+0000)/"`), application: "a", scope: "ssh", scopes: venafi.Scopes{"ssh": {}}},
		{name: "1970 in ISO", body: body(`"application":"a"`, `"scope":"ssh"`, `"access_issued_on_ISO8601":"1970-01-01T00:00:00"`, `"valid_for":60`), application: "a", scope: "ssh", scopes: venafi.Scopes{"ssh": {}}, validFor: 60},
		{name: "1970 in Date", body: body(`"application":"a"`, `"scope":"ssh"`, `"access_issued_on":"/Date(0)/"`, `"valid_for":60`), application: "a", scope: "ssh", scopes: venafi.Scopes{"ssh": {}}, validFor: 60},
		{name: "zero seconds and an ISO date", body: body(`"grant_issued_on_unix_time":0`, `"grant_issued_on_ISO8601":"2020-11-09T21:07:25Z"`), grantIssued: "2020-11-09T21:07:25Z"},

		// The lifetime.
		{name: "valid_for 0 is unknown", body: body(issued, `"valid_for":0`), accessIssued: noon, reason: []string{"unknown"}},
		{name: "negative valid_for is unknown", body: body(issued, `"valid_for":-1`), accessIssued: noon},
		{name: "most negative valid_for", body: body(issued, `"valid_for":-9223372036854775808`), accessIssued: noon},
		{name: "valid_for missing", body: body(issued, `"expires_unix_time":1636492045`), accessIssued: noon, grantExpires: "2021-11-09T21:07:25Z"},
		{name: "one year", body: body(issued, `"valid_for":31536000`), accessIssued: noon, validFor: 31536000, expires: "2021-12-06T12:00:00Z"},
		{name: "300 years, longer than a Duration", body: body(issued, `"valid_for":9467280000`), accessIssued: noon, validFor: 9467280000, expires: "2320-12-09T12:00:00Z"},
		{name: "up to the last second of 9999", body: body(issued, `"valid_for":251795044799`), accessIssued: noon, validFor: 251795044799, expires: "9999-12-31T23:59:59Z"},
		{name: "one second after 9999", body: body(issued, `"valid_for":251795044800`), accessIssued: noon, validFor: 251795044800, warnings: 1},
		{name: "largest number", body: body(issued, `"valid_for":`+maximum), accessIssued: noon, validFor: math.MaxInt64, warnings: 1},
		{name: "largest number with grant expiration", body: body(issued, `"valid_for":`+maximum, `"expires_unix_time":1636492045`), accessIssued: noon, validFor: math.MaxInt64, grantExpires: "2021-11-09T21:07:25Z", expires: "2021-11-09T21:07:25Z", warnings: 1},
		{name: "milliseconds are kept", body: body(`"access_issued_on":"/Date(1607256000163)/"`, `"valid_for":172800`), accessIssued: "2020-12-06T12:00:00.163Z", validFor: 172800, expires: "2020-12-08T12:00:00.163Z"},

		// The earlier of token expiration and grant expiration.
		{name: "refreshed, token would outlive the grant", body: body(issued, `"valid_for":7776000`, `"expires_unix_time":1607601600`), accessIssued: noon, validFor: 7776000, grantExpires: "2020-12-10T12:00:00Z", expires: "2020-12-10T12:00:00Z", reason: []string{"2020-12-10T12:00:00Z"}},
		{name: "token and grant expire together", body: body(issued, `"valid_for":345600`, `"expires_unix_time":1607601600`), accessIssued: noon, validFor: 345600, grantExpires: "2020-12-10T12:00:00Z", expires: "2020-12-10T12:00:00Z"},

		// An expiration in the past contradicts the server, and is ignored.
		{name: "token expiration in the past", body: body(issued, `"valid_for":3600`), accessIssued: noon, validFor: 3600, warnings: 1, reason: []string{"unknown"}, noReason: []string{"2020-12-06T13"}},
		{name: "token expiration now", body: body(issued, `"valid_for":86400`), accessIssued: noon, validFor: 86400, warnings: 1},
		{name: "token expiration in one second", body: body(issued, `"valid_for":86401`), accessIssued: noon, validFor: 86401, expires: "2020-12-07T12:00:01Z"},
		{name: "token expiration in the past, grant's in the future", body: body(issued, `"valid_for":3600`, `"expires_unix_time":1607601600`), accessIssued: noon, validFor: 3600, grantExpires: "2020-12-10T12:00:00Z", expires: "2020-12-10T12:00:00Z", warnings: 1},
		{name: "grant expiration in the past", body: body(issued, `"valid_for":172800`, `"expires_unix_time":1607256000`), accessIssued: noon, validFor: 172800, expires: "2020-12-08T12:00:00Z", warnings: 1},
		{name: "both expirations in the past", body: body(issued, `"valid_for":60`, `"expires_unix_time":1607256000`), accessIssued: noon, validFor: 60, warnings: 2},
		{name: "grant expiration in the past only", body: body(`"expires_ISO8601":"2020-01-01T00:00:00"`), warnings: 1},

		// The year 9999.
		{name: "grant expires in the last second of 9999", body: body(`"expires_ISO8601":"9999-12-31T23:59:59"`), grantExpires: "9999-12-31T23:59:59Z"},
		{name: "latest .NET date", body: body(`"expires":"/Date(253402300799999)/"`), grantExpires: "9999-12-31T23:59:59.999Z"},
		{name: "grant expires after the year 9999 because of the offset", body: body(`"expires_ISO8601":"9999-12-31T23:59:59-01:00"`), warnings: 1},
		{name: "grant expires after the year 9999, seconds", body: body(`"expires_unix_time":253402300800`), warnings: 1},
		{name: "grant expires after the year 9999, largest number", body: body(`"expires_unix_time":` + maximum), warnings: 1},
		{name: "grant expires after the year 9999, Date", body: body(`"expires":"/Date(` + maximum + `)/"`), warnings: 1},
		{name: "grant expires after the year 9999, token before", body: body(issued, `"valid_for":172800`, `"expires_unix_time":253402300800`), accessIssued: noon, validFor: 172800, expires: "2020-12-08T12:00:00Z", warnings: 1},
		{name: "issued after the year 9999", body: body(`"access_issued_on_unix_time":`+maximum, `"grant_issued_on_unix_time":`+maximum, `"valid_for":`+maximum), validFor: math.MaxInt64, warnings: 1},

		// min_remaining.
		{name: "sufficient remaining lifetime", body: body(issued, `"valid_for":172800`), min: &day, accessIssued: noon, validFor: 172800, expires: "2020-12-08T12:00:00Z"},
		{name: "expires one second too soon", body: body(issued, `"valid_for":172799`), min: &day, want: verdict.Expiring, accessIssued: noon, validFor: 172799, expires: "2020-12-08T11:59:59Z", reason: []string{"2020-12-08T11:59:59Z", "24h"}},
		{name: "grant expires too soon", body: body(issued, `"valid_for":7776000`, `"expires_unix_time":1607344200`), min: &day, want: verdict.Expiring, accessIssued: noon, validFor: 7776000, grantExpires: "2020-12-07T12:30:00Z", expires: "2020-12-07T12:30:00Z"},
		{name: "unknown expiration", body: body(issued), min: &day, undecidable: "min_remaining", accessIssued: noon},
		{name: "unknown lifetime, grant remains", body: body(issued, `"expires_unix_time":1636492045`), min: &day, undecidable: "min_remaining", accessIssued: noon, grantExpires: "2021-11-09T21:07:25Z"},
		{name: "expiration in the past, ignored", body: body(issued, `"valid_for":60`), min: &day, undecidable: "min_remaining", accessIssued: noon, validFor: 60, warnings: 1},
		{name: "expiration in the past, ignored, grant remains", body: body(issued, `"valid_for":60`, `"expires_unix_time":1636492045`), min: &day, undecidable: "min_remaining", accessIssued: noon, validFor: 60, grantExpires: "2021-11-09T21:07:25Z", expires: "2021-11-09T21:07:25Z", warnings: 1},

		// required_scopes.
		{name: "granted", body: body(`"application":"a"`, `"scope":"Certificate:Manage,Revoke; ssh ;"`), required: []string{"certificate:revoke", "ssh", "certificate"}, application: "a", scope: "Certificate:Manage,Revoke; ssh ;", scopes: venafi.Scopes{"certificate": {"manage", "revoke"}, "ssh": {}}, missing: []string{}},
		{name: "missing restriction", body: body(`"application":"a"`, `"scope":"certificate:manage"`), required: []string{"certificate:manage,revoke", "certificate:approve"}, want: verdict.MissingScope, application: "a", scope: "certificate:manage", scopes: venafi.Scopes{"certificate": {"manage"}}, missing: []string{"certificate:approve", "certificate:revoke"}, reason: []string{"certificate:revoke", "certificate:approve", "new token"}},
		{name: "missing scope", body: body(`"application":"a"`, `"scope":"ssh"`), required: []string{"codesign"}, want: verdict.MissingScope, application: "a", scope: "ssh", scopes: venafi.Scopes{"ssh": {}}, missing: []string{"codesign"}},
		{name: "any", body: body(`"application":"a"`, `"scope":"ssh"`), required: []string{"any"}, application: "a", scope: "ssh", scopes: venafi.Scopes{"ssh": {}}, missing: []string{}},
		{name: "unknown scopes", body: body(issued), required: []string{"ssh"}, accessIssued: noon, missing: []string{"ssh"}, undecidable: "required_scopes"},
		{name: "empty scope", body: body(issued, `"scope":""`), required: []string{"ssh"}, accessIssued: noon, missing: []string{"ssh"}, undecidable: "required_scopes"},
		{name: "unknown scopes, any", body: body(issued), required: []string{"any"}, accessIssued: noon, missing: []string{}},
		{name: "missing scope, expiring", body: body(issued, `"valid_for":90000`, `"scope":"ssh"`), required: []string{"agent"}, min: &day, want: verdict.MissingScope, accessIssued: noon, validFor: 90000, expires: "2020-12-07T13:00:00Z", scope: "ssh", scopes: venafi.Scopes{"ssh": {}}, missing: []string{"agent"}},
		{name: "missing scope, unknown expiration", body: body(`"application":"a"`, `"scope":"ssh"`), required: []string{"agent"}, min: &day, want: verdict.MissingScope, application: "a", scope: "ssh", scopes: venafi.Scopes{"ssh": {}}, missing: []string{"agent"}},
	}

	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()

			s, b, answer, err := verify(t, issuertest.Reply(http.StatusOK, test.body))
			if err != nil {
				t.Fatalf("no verdict: %v", err)
			}

			facts := answer.Require(test.required)

			v, err := decide(b, facts, test.min)

			if test.want == "" {
				test.want = verdict.Active
			}

			switch {
			case test.undecidable != "":
				clienttest.WantFault(t, b, err, test.undecidable)
			case err != nil:
				t.Errorf("no decision: %v", err)
			case v.Status != test.want || v.Valid() != (test.want == verdict.Active):
				t.Errorf("status = %q, valid = %v; want %q", v.Status, v.Valid(), test.want)
			default:
				for _, part := range append(test.reason, "source: argument", "Venafi") {
					if !strings.Contains(v.Reason, part) {
						t.Errorf("reason %q lacks %q", v.Reason, part)
					}
				}

				for _, part := range append(test.noReason, "127.0.0.1", "1970", "0001-01") {
					if strings.Contains(v.Reason, part) {
						t.Errorf("reason %q contains %q", v.Reason, part)
					}
				}
			}

			for name, moment := range map[string]struct {
				got  *time.Time
				want string
			}{
				"access_issued_on": {answer.AccessIssuedOn, test.accessIssued}, "grant_issued_on": {answer.GrantIssuedOn, test.grantIssued},
				"grant_expires_on": {answer.GrantExpiresOn, test.grantExpires}, "expires_on": {answer.ExpiresOn, test.expires},
			} {
				if got := clienttest.Written(moment.got); got != moment.want {
					t.Errorf("%s = %q, want %q", name, got, moment.want)
				}
			}

			if answer.ValidFor != test.validFor || answer.Application != test.application || answer.Identity != test.identity || answer.Scope != test.scope {
				t.Errorf("answer = %+v, want valid_for %d, application %q, identity %q, scope %q", answer, test.validFor, test.application, test.identity, test.scope)
			}

			if len(answer.Scopes)+len(test.scopes) > 0 && !reflect.DeepEqual(answer.Scopes, test.scopes) {
				t.Errorf("scopes = %v, want %v", answer.Scopes, test.scopes)
			}

			if !reflect.DeepEqual(facts.MissingScopes, test.missing) {
				t.Errorf("missing_scopes = %#v, want %#v", facts.MissingScopes, test.missing)
			}

			if len(answer.Warnings) != test.warnings || !answer.Now.Equal(now) {
				t.Errorf("warnings = %+v, want %d; now = %v", answer.Warnings, test.warnings, answer.Now)
			}

			if n := len(s.Requests()); n != 1 {
				t.Errorf("%d requests, want 1", n)
			}
		})
	}
}

// invalid is a rejection as it was observed.
const invalid = `{"error":"invalid_token","error_description":"The access token provided is expired, revoked, malformed, or invalid for other reasons"}`

// line returns a response without a body, with words in its status line.
func line(status int, words string, header ...string) http.HandlerFunc {
	return issuertest.Raw(fmt.Sprintf("HTTP/1.1 %d %s\r\n%sContent-Length: 0\r\nConnection: close\r\n\r\n", status, words, strings.Join(append(header, ""), "\r\n")))
}

// TestRejected covers the responses with which the server rejects a token.
func TestRejected(t *testing.T) {
	t.Parallel()

	tests := []struct {
		name    string
		handler http.HandlerFunc
		reason  []string
	}{
		{"invalid_token", issuertest.Reply(401, invalid), []string{"invalid_token", "The access token provided is expired, revoked, malformed, or invalid for other reasons"}},
		{"grant not found", issuertest.Reply(401, `{"error":"invalid_token","error_description":"Grant not found"}`), []string{"Grant not found"}},
		{"expired_token", issuertest.Reply(401, `{"error":"expired_token","error_description":"Token is expired"}`), []string{"expired_token", "Token is expired"}},
		{"session_error", issuertest.Reply(401, `{"error":"session_error","error_description":"Invalid token format"}`), []string{"session_error", "Invalid token format"}},
		{"invalid_grant with 401", issuertest.Reply(401, `{"error":"invalid_grant"}`), []string{"invalid_grant"}},
		{"without a description", issuertest.Reply(401, `{"error":"invalid_token"}`), []string{"invalid_token"}},
		{"description null", issuertest.Reply(401, `{"error":"invalid_token","error_description":null}`), []string{"invalid_token"}},
		{"additional fields", issuertest.Reply(401, `{"error":"invalid_token","error_description":"d","x":[1],"error_uri":null}`), []string{"invalid_token"}},
		{"JSON under another type", issuertest.Reply(401, invalid, "Content-Type", "text/html"), []string{"invalid_token"}},
		{"with Bearer challenge", issuertest.Reply(401, invalid, "Www-Authenticate", `Bearer realm="x"`), []string{"invalid_token"}},
		{"400 invalid_token", issuertest.Reply(400, invalid), []string{"invalid_token"}},
		{"400 expired_token", issuertest.Reply(400, `{"error":"expired_token"}`), []string{"expired_token"}},
		{"400 invalid_grant", issuertest.Reply(400, `{"error":"invalid_grant","error_description":"Grant has expired"}`), []string{"invalid_grant", "Grant has expired"}},
		{"400 session_error", issuertest.Reply(400, `{"error":"session_error","error_description":"x"}`), []string{"session_error"}},
		{"status text", line(401, "Grant not found"), []string{"Grant not found"}},
		{"different status text", line(401, "The access token is expired"), []string{"The access token is expired"}},
		{"status text and Bearer challenge", line(401, "Grant not found", "WWW-Authenticate: Bearer"), []string{"Grant not found"}},
		{"status text and Bearer challenge with a tab", line(401, "Grant not found", "WWW-Authenticate: Bearer\trealm=\"x\""), []string{"Grant not found"}},
		{"status text after Unauthorized", line(401, "Unauthorized: Grant not found"), []string{"Grant not found"}},
		{"Invalid first", line(401, "Invalid access token"), []string{"Invalid access token"}},
		{"error code", line(401, "invalid_token"), []string{"invalid_token"}},
		{"token format", line(401, "Invalid  token format."), []string{"Invalid token format"}},
		{"provided", line(401, "The provided token has expired or been revoked"), []string{"The provided token"}},
		{"revoked grant in status text", line(401, "Grant has been revoked, has expired, or the refresh token is invalid"), []string{"Grant has been revoked"}},
		{"Bearer challenge with parameters", line(401, "Grant not found", `WWW-Authenticate: Bearer realm="a, Basic b", error = "x"`), []string{"Grant not found"}},
		{"status text and body", issuertest.Raw("HTTP/1.1 401 Grant not found\r\nConnection: close\r\n\r\n" + invalid), []string{"invalid_token"}},
	}

	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()

			s, b, answer, err := verify(t, test.handler)
			if err != nil {
				t.Fatalf("no verdict: %v", err)
			}

			facts := answer.Require([]string{"ssh"})

			day := 24 * time.Hour

			v, err := decide(b, facts, &day)
			if err != nil || v.Status != verdict.Rejected || v.Valid() {
				t.Fatalf("verdict = %+v, %v; want it rejected", v, err)
			}

			for _, part := range append(test.reason, "rejected", "venafi.url") {
				if !strings.Contains(v.Reason, part) {
					t.Errorf("reason %q lacks %q", v.Reason, part)
				}
			}

			if !answer.Now.Equal(now) {
				t.Errorf("now = %v", answer.Now)
			}

			if facts.MissingScopes != nil || answer.Scopes != nil || answer.ExpiresOn != nil || answer.ValidFor != 0 {
				t.Errorf("a rejected token has facts: %+v", answer)
			}

			if n := len(s.Requests()); n != 1 {
				t.Errorf("%d requests, want 1: a rejection is never retried", n)
			}
		})
	}
}

// TestFurtherMembers covers names of other members of a 200 that do not contradict
// validity.
func TestFurtherMembers(t *testing.T) {
	t.Parallel()

	for _, member := range []string{
		`"tenant":"default"`, `"default":true`, `"default_scope":"x"`, `"isDefault":1`, `"node":"failover-2"`, `"failover":true`, `"interactive":false`, `"active_directory":false`,
		`"valid_until":""`, `"valid_from":0`, `"refresh_valid_for":0`, `"successor":""`, `"mfa":"disabled"`, `"note":"not set"`, `"refresh":"not supported"`, `"failed_logins":2`,
		`"revoked":false`, `"expired":0`, `"status":"active"`, `"message":"The token is valid"`, `"result":{"page":0,"default":false}`, `"invalid":"no"`, `"disabled":null`, `"code":200`,
		`"permissions":{"certificate":{"manage":true,"revoke":true}}`, `"mfa_enabled":false`, `"refresh_token_valid":false`, `"application_description":"Rotates expired certificates"`, `"x":1e400`, `"message":"No errors"`, `"message":"not revoked"`, `"revoked_on":"/Date(-62135596800000)/"`, `"revoked_on_ISO8601":"0001-01-01T00:00:00Z"`,
		`"authorized_on_unix_time":0`, `"token":{"n":1e999}`, `"revoked":{}`, `"status":399`, `"status":600`, `"message":"never expired"`, `"message":"without errors"`, `"ok":"verified"`, `"status":0`, `"message":""`, `"message":"token found"`, `"message":"Valid and active"`, `"message":"no longer a trial, is valid"`,
	} {
		if _, _, answer, err := verify(t, issuertest.Reply(200, body(issued, member))); err != nil || answer.Refused {
			t.Errorf("%s: %+v, %v", member, answer, err)
		}
	}
}

// TestNestedMembers covers a response whose members are nested as deeply as its size
// allows, each under a name that says something about its contents.
func TestNestedMembers(t *testing.T) {
	t.Parallel()

	for want, inner := range map[bool]string{true: "1", false: "false"} {
		for _, open := range []string{`{"valid":`, `{"valid":[`} {
			closed := map[string]string{`{"valid":`: "}", `{"valid":[`: "]}"}[open]
			nested := strings.Repeat(open, 500) + inner + strings.Repeat(closed, 500)

			_, _, _, err := verify(t, issuertest.Reply(200, body(issued, `"x":`+nested)))
			if got := err == nil; got != want {
				t.Errorf("%s … %s: %v", open, inner, err)
			}
		}
	}
}

// TestManyMembers covers a list under the longest name that fits.
func TestManyMembers(t *testing.T) {
	t.Parallel()

	list := `"` + strings.Repeat("is", 15_000) + `":[` + strings.Repeat("0,", 16_000) + "1]"
	began := time.Now()

	if _, _, _, err := verify(t, issuertest.Reply(200, body(issued, list))); err != nil {
		t.Error(err)
	}

	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("took %v", took)
	}
}

// TestGrantExpiresFirst: what renews a token that its grant bounds is another grant.
func TestGrantExpiresFirst(t *testing.T) {
	t.Parallel()

	for expires, want := range map[string]string{"2026-03-01T13:00:00Z": "a refresh does not extend it", "2026-05-30T11:00:00Z": "a refresh does not extend it", "2026-09-01T13:00:00Z": "Refresh the token"} {
		_, b, answer, err := verify(t, issuertest.Reply(200, body(`"access_issued_on_ISO8601":"2026-03-01T11:00:00Z"`, `"valid_for":7776000`, `"expires_ISO8601":"`+expires+`"`)))
		if err != nil {
			t.Fatal(err)
		}

		if v, err := decide(b, answer.Answer, new(time.Duration(1<<62))); err != nil || v.Status != verdict.Expiring || !strings.Contains(v.Reason, want) {
			t.Errorf("grant expires at %s: %+v, want %q", expires, v, want)
		}
	}
}

// TestNoVerdict covers the responses that say nothing about the token.
func TestNoVerdict(t *testing.T) {
	t.Parallel()

	const html = "<html><body><h2>404 - File or directory not found.</h2></body></html>"

	good := body(issued, `"valid_for":172800`, `"scope":"ssh"`)
	reply := issuertest.Reply
	field := func(f string) http.HandlerFunc { return reply(200, body(issued, f)) }
	page := func(status int) http.HandlerFunc { return reply(status, html, "Content-Type", "text/html") }

	type noVerdict struct {
		name     string
		handler  http.HandlerFunc
		parts    []string
		not      []string
		requests int // 1 if zero
	}

	tests := []noVerdict{
		// 200, but not the documented response.
		{name: "empty object", handler: reply(200, "{}"), parts: []string{"version"}},
		{name: "error", handler: reply(200, invalid)},
		{name: "error with fields", handler: field(`"error":"invalid_token"`)},
		{name: "error null", handler: field(`"error":null`)},
		{name: "error empty", handler: field(`"error":""`)},
		{name: "error an object", handler: field(`"error":{"code":1}`)},
		{name: "error false", handler: field(`"error":false`)},
		{name: "unrelated JSON", handler: reply(200, `{"status":"ok","active":true}`), parts: []string{"no date or lifetime"}},
		{name: "introspection of an inactive token", handler: reply(200, `{"active":false,"scope":"x"}`)},
		{name: "scope only", handler: reply(200, `{"scope":"ssh"}`)},
		{name: "application only", handler: reply(200, `{"application":"Grafana"}`)},
		{name: "identity only", handler: reply(200, `{"identity":"local:x"}`)},
		{name: "application and scope empty", handler: reply(200, `{"application":"","scope":""}`)},
		{name: "application, whitespace scope", handler: reply(200, `{"application":"a","scope":"  "}`)},
		{name: "zero lifetime", handler: reply(200, `{"valid_for":0}`)},
		{name: "negative lifetime", handler: reply(200, `{"valid_for":-1,"expires_unix_time":0}`)},
		{name: "no times", handler: reply(200, `{"access_issued_on":"/Date(-62135596800000)/","expires":null,"identity":"x"}`)},
		{name: "error description", handler: reply(200, `{"error_description":"Grant not found","scope":"x","application":"a"}`)},
		{name: "Error", handler: field(`"Error":"invalid_token"`)},
		{name: "ERROR", handler: field(`"ERROR":null`)},
		{name: "errorDescription", handler: field(`"errorDescription":"Grant not found"`)},
		{name: "Error-Description", handler: field(`"Error-Description":"x"`)},
		{name: "errors", handler: field(`"errors":[]`)},
		{name: "active false", handler: field(`"active":false`), parts: []string{"reports an error or an invalid token"}},
		{name: "Active false", handler: field(`"Active":false`)},
		{name: "isValid false", handler: field(`"isValid":false`)},
		{name: "token_valid 0", handler: field(`"token_valid":0`)},
		{name: "valid a string", handler: field(`"valid":"false"`)},
		{name: "success false", handler: field(`"success":false`)},
		{name: "revoked true", handler: field(`"revoked":true`)},
		{name: "revoked_on", handler: field(`"revoked_on":"2020-12-01T00:00:00Z"`)},
		{name: "status revoked", handler: field(`"status":"Revoked"`)},
		{name: "state expired", handler: field(`"state":"expired"`)},
		{name: "control character in the application", handler: field(`"application":"a\u001b[31m"`), parts: []string{"not printable"}},
		{name: "newline in the identity", handler: field(`"identity":"a\nb"`)},
		{name: "bidirectional control in the scope", handler: field(`"scope":"ssh\u202e"`)},
		{name: "introspection of another server", handler: reply(200, `{"active":true,"client_id":"x","exp":1}`)},
		{name: "keys in different case", handler: reply(200, `{"Application":"a","SCOPE":"ssh","Valid_For":1}`)},
		{name: "all fields null", handler: reply(200, `{"application":null,"scope":null,"valid_for":null}`)},
		{name: "HTML", handler: page(200), parts: []string{"text/html"}, not: []string{"directory"}},
		{name: "empty body", handler: reply(200, ""), parts: []string{"no body"}},
		{name: "whitespace only", handler: reply(200, " \n")},
		{name: "null", handler: reply(200, "null")},
		{name: "null with whitespace", handler: reply(200, " null ")},
		{name: "list", handler: reply(200, "["+good+"]")},
		{name: "empty list", handler: reply(200, "[]")},
		{name: "true", handler: reply(200, "true")},
		{name: "string", handler: reply(200, `"Token is valid"`)},
		{name: "text", handler: reply(200, "Token is valid", "Content-Type", "text/plain")},
		{name: "number", handler: reply(200, "1")},
		{name: "trailing text", handler: reply(200, good+"x")},
		{name: "two values", handler: reply(200, good+good)},
		{name: "truncated", handler: reply(200, good[:len(good)-1])},
		{name: "trailing comma", handler: reply(200, good[:len(good)-1]+",}")},
		{name: "byte order mark", handler: reply(200, "\ufeff"+good)},
		{name: "invalid UTF-8", handler: reply(200, body(issued, `"application":"a`+"\xff"+`"`))},
		{name: "lone surrogate", handler: reply(200, body(issued, `"application":"\ud800"`))},
		{name: "UTF-16", handler: reply(200, "\xff\xfe{\x00}\x00")},
		{name: "duplicate key", handler: reply(200, body(issued, `"valid_for":1`, `"valid_for":2`))},
		{name: "duplicate unknown key", handler: field(`"x":1,"x":1`)},
		{name: "duplicate key nested in unknown field", handler: field(`"x":[{"y":1,"y":1}]`)},
		{name: "deeply nested", handler: reply(200, strings.Repeat(`{"a":`, 12000))},
		{name: "larger than 64 KiB", handler: reply(200, good+strings.Repeat(" ", 64<<10)), parts: []string{"64 KiB"}},
		{name: "status text only", handler: line(200, "Token is valid")},

		// Documented fields with the wrong type.
		{name: "valid_for a string", handler: field(`"valid_for":"60"`)},
		{name: "valid_for with fraction", handler: field(`"valid_for":60.5`)},
		{name: "valid_for true", handler: field(`"valid_for":true`)},
		{name: "valid_for a list", handler: field(`"valid_for":[60]`)},
		{name: "application a number", handler: field(`"identity":"i","application":1`)},
		{name: "identity an object", handler: field(`"identity":{"id":"i"}`)},
		{name: "scope a list", handler: field(`"scope":["ssh"]`)},
		{name: "scope a map", handler: field(`"scope":{"ssh":[]}`)},
		{name: "seconds a string", handler: field(`"access_issued_on_unix_time":"1607256000"`)},
		{name: "seconds with fraction", handler: field(`"expires_unix_time":1607256000.5`)},
		{name: "ISO a number", handler: field(`"expires_ISO8601":1607256000`)},
		{name: "Date a number", handler: field(`"access_issued_on":1607256000`)},
		{name: "Date false", handler: field(`"grant_issued_on":false`)},

		// Invalid dates.
		{name: "Date garbage", handler: field(`"access_issued_on":"soon"`)},
		{name: "Date without slashes", handler: field(`"expires":"Date(1604956045163)"`)},
		{name: "Date with short offset", handler: field(`"expires":"/Date(1604956045163+01)/"`)},
		{name: "Date with trailing text", handler: field(`"expires":"/Date(1604956045163)/x"`)},
		{name: "Date with trailing newline", handler: field(`"expires":"/Date(1604956045163)/\n"`)},
		{name: "Date without number", handler: field(`"expires":"/Date()/"`)},
		{name: "Date with fraction", handler: field(`"expires":"/Date(1604956045.163)/"`)},
		{name: "Date with too large a number", handler: field(`"expires":"/Date(99999999999999999999)/"`)},
		{name: "ISO garbage", handler: field(`"expires_ISO8601":"never"`)},
		{name: "ISO garbage with valid seconds", handler: field(`"expires_unix_time":1636492045,"expires_ISO8601":"never"`)},
		{name: "ISO on February 30", handler: field(`"expires_ISO8601":"2021-02-30T00:00:00Z"`)},
		{name: "ISO field with Date", handler: field(`"expires_ISO8601":"/Date(1604956045163)/"`)},
		{name: "Date field with ISO", handler: field(`"expires":"2021-11-09T21:07:25Z"`)},

		// 401 from something other than the platform.
		{name: "HTML", handler: page(401), parts: []string{"HTTP 401", "in front"}},
		{name: "empty body", handler: reply(401, ""), parts: []string{"HTTP 401"}},
		{name: "default status text", handler: line(401, "Unauthorized")},
		{name: "default status text in upper case", handler: line(401, "UNAUTHORIZED")},
		{name: "no status text", handler: line(401, "")},
		{name: "whitespace status text", handler: line(401, "   ")},
		{name: "Bearer challenge", handler: line(401, "Unauthorized", "WWW-Authenticate: Bearer")},
		{name: "Basic", handler: line(401, "Unauthorized", `WWW-Authenticate: Basic realm="x"`)},
		{name: "Negotiate", handler: line(401, "Unauthorized", "WWW-Authenticate: Negotiate")},
		{name: "NTLM", handler: line(401, "Unauthorized", "WWW-Authenticate: NTLM")},
		{name: "status text and Basic", handler: line(401, "Authorization Required", `WWW-Authenticate: Basic realm="x"`)},
		{name: "status text and Negotiate after Bearer", handler: line(401, "Access Denied", "WWW-Authenticate: Bearer", "WWW-Authenticate: Negotiate")},
		{name: "status text and lowercase NTLM", handler: line(401, "Access Denied", "WWW-Authenticate: ntlm")},
		{name: "status text and HTML", handler: issuertest.Raw("HTTP/1.1 401 Grant not found\r\nContent-Type: text/html\r\nConnection: close\r\n\r\n" + html), parts: []string{"Grant not found"}},
		{name: "status text and body larger than 64 KiB", handler: issuertest.Raw("HTTP/1.1 401 Grant not found\r\nConnection: close\r\n\r\n" + strings.Repeat(" ", 64<<10+1))},
		{name: "Basic with rejection", handler: reply(401, invalid, "Www-Authenticate", `Basic realm="x"`)},
		{name: "Negotiate with rejection", handler: reply(401, invalid, "Www-Authenticate", "Negotiate")},
		{name: "Basic as the second scheme", handler: reply(401, invalid, "Www-Authenticate", `Bearer realm="a, b", error="invalid_token", Basic realm="x"`)},
		{name: "NTLM as the second scheme, status text", handler: line(401, "Grant not found", "WWW-Authenticate: Bearer, NTLM")},
		{name: "Unauthorized with Basic", handler: reply(401, `{"error":"Unauthorized"}`, "Www-Authenticate", `Basic realm="x"`), parts: []string{"Unauthorized"}},
		{name: "Unauthorized", handler: reply(401, `{"error":"Unauthorized"}`), parts: []string{"Unauthorized", "in front of"}},
		{name: "login_required", handler: reply(401, `{"error":"login_required"}`), parts: []string{"login_required"}},
		{name: "server_error", handler: reply(401, `{"error":"server_error","error_description":"boom"}`), parts: []string{"server_error", "boom"}},
		{name: "temporarily_unavailable", handler: reply(401, `{"error":"temporarily_unavailable"}`), parts: []string{"temporarily_unavailable", "may be failing"}},
		{name: "Spring's default body", handler: reply(401, `{"timestamp":"2020-12-07T12:00:00Z","status":401,"error":"Unauthorized","path":"/vedauth/authorize/verify"}`)},
		{name: "unknown error code", handler: reply(401, `{"error":"something_new"}`), parts: []string{"something_new"}},
		{name: "insufficient_scope", handler: reply(401, `{"error":"insufficient_scope"}`)},
		{name: "rejection in different case", handler: reply(401, `{"error":"Invalid_Token"}`)},
		{name: "Access Denied, no challenge", handler: line(401, "Access Denied"), parts: []string{"401 Access Denied"}},
		{name: "unrelated status text", handler: line(401, "Session expired")},
		{name: "status text without a fault of the token", handler: line(401, "Token required")},
		{name: "invalid_request", handler: reply(401, `{"error":"invalid_request","error_description":"Missing Authorization header"}`), parts: []string{"invalid_request", "Missing Authorization header"}},
		{name: "error a number", handler: reply(401, `{"error":401}`)},
		{name: "error null", handler: reply(401, `{"error":null}`)},
		{name: "error an object", handler: reply(401, `{"error":{"code":"invalid_token"}}`)},
		{name: "error a list", handler: reply(401, `{"error":["invalid_token"]}`)},
		{name: "error empty", handler: reply(401, `{"error":""}`)},
		{name: "error key in different case", handler: reply(401, `{"Error":"invalid_token"}`)},
		{name: "duplicate error", handler: reply(401, `{"error":"invalid_request","error":"invalid_token"}`)},
		{name: "unrelated 401", handler: reply(401, `{"message":"Unauthorized"}`)},
		{name: "empty object", handler: reply(401, `{}`)},
		{name: "list", handler: reply(401, `[`+invalid+`]`)},
		{name: "string", handler: reply(401, `"invalid_token"`)},
		{name: "null", handler: reply(401, `null`)},
		{name: "rejection with trailing text", handler: reply(401, invalid+"<!-- -->")},
		{name: "truncated rejection", handler: reply(401, invalid[:len(invalid)-1])},
		{name: "401 with fields of a success", handler: reply(401, good)},

		// 400.
		{name: "invalid_request", handler: reply(400, `{"error":"invalid_request","error_description":"Missing property"}`), parts: []string{"invalid_request", "Missing property"}},
		{name: "unknown error code", handler: reply(400, `{"error":"something_new"}`), parts: []string{"something_new"}},
		{name: "error code in different case", handler: reply(400, `{"error":"Invalid_Token"}`)},
		{name: "no error code", handler: reply(400, `{"error_description":"invalid_token"}`), parts: []string{`"invalid_token"`}},
		{name: "error a list", handler: reply(400, `{"error":["invalid_token"]}`)},
		{name: "HTML", handler: page(400), parts: []string{"may require a client certificate", "venafi.client_certificate"}},
		{name: "empty body", handler: reply(400, "")},
		{name: "status text does not decide with 400", handler: line(400, "Grant not found"), parts: []string{"400 Grant not found", "suggests that the grant has expired", "request a new grant"}},

		{name: "400 of a gateway, status text", handler: line(400, "Grant not found", "WWW-Authenticate: Negotiate"), parts: []string{"may require a client certificate"}},

		// Other statuses.
		{name: "403", handler: reply(403, `{"error":"insufficient_scope","error_description":"No scope"}`), parts: []string{"insufficient_scope", "No scope"}},
		{name: "403 with invalid_token", handler: reply(403, invalid)},
		{name: "403 in HTML", handler: page(403), parts: []string{"client_certificate"}},
		{name: "403 with status text of a rejection", handler: line(403, "Grant not found"), parts: []string{"Grant not found", "requires no scope"}, not: []string{"suggests that the grant has expired"}},
		{name: "403 with status text", handler: line(403, "Client certificate required"), parts: []string{"Client certificate required"}},
		{name: "404", handler: page(404), parts: []string{"VEDAuth", "venafi.url"}, not: []string{"directory"}},
		{name: "404 with invalid_token", handler: reply(404, invalid)},
		{name: "405", handler: page(405)},
		{name: "406", handler: reply(406, invalid)},
		{name: "407", handler: page(407), parts: []string{"proxy"}},
		{name: "410", handler: reply(410, "")},
		{name: "418", handler: reply(418, invalid)},
		{name: "201", handler: reply(201, documented)},
		{name: "202", handler: reply(202, documented)},
		{name: "203", handler: reply(203, documented)},
		{name: "204", handler: reply(204, "")},
		{name: "206", handler: reply(206, documented)},
		{name: "302", handler: reply(302, documented, "Location", "/login"), parts: []string{"redirect"}},
		{name: "304", handler: reply(304, "")},
		{name: "408", handler: reply(408, ""), requests: 3},
		{name: "429", handler: reply(429, invalid), parts: []string{"Rate limit"}, requests: 3},
		{name: "500", handler: page(500), parts: []string{"HTTP 500", "tls_max_version"}, requests: 3},
		{name: "500 with invalid_token", handler: reply(500, invalid), parts: []string{"invalid_token"}, requests: 3},
		{name: "500 with status text", handler: line(500, "Grant not found"), parts: []string{"Grant not found"}, requests: 3},
		{name: "502", handler: page(502), requests: 3},
		{name: "503", handler: reply(503, "Service Unavailable", "Content-Type", "text/plain"), requests: 3},
		{name: "503 with fields of a success", handler: reply(503, documented), requests: 3},
		{name: "504", handler: reply(504, ""), requests: 3},
		{name: "not HTTP", handler: issuertest.Raw("SSH-2.0-OpenSSH\r\n"), requests: 3},
	}

	// Members, in any form, that contradict the status.
	for _, member := range []string{
		`"status":"revok\u0065d"`, `"active":"f\u0061lse"`, `"status":" REVOKED "`, `"status":"revoked."`, `"active":" false "`, `"active":0.0`, `"active":-0`, `"active":"no"`,
		`"status":"invalid_token"`, `"status":"session_error"`, `"status":["revoked"]`, `"status":{"code":"revoked"}`, `"token":{"active":false}`, `"valid":[false]`,
		`"result":{"valid":false}`, `"data":[{"error":"x"}]`, `"oauth_error":"x"`, `"status":"not active"`, `"status":"blocked"`, `"status":"suspended"`, `"status":"denied"`,
		`"status":"unauthorized"`, `"status":"failed"`, `"authenticated":false`, `"authorized":0`, `"accepted":false`, `"ok":false`, `"blocked":true`, `"suspended":1`,
		`"message":"This token is not valid"`, `"status":"no longer valid"`, `"status":"not_active"`, `"status":"notActive"`, `"status":"deactivated"`, `"active":"0"`, `"valid":"n"`,
		`"Success":"0"`, `"active":"No."`, `"verified":false`, `"status":false`, `"result":false`, `"usable":false`, `"isOk":false`, `"valid":{"value":false}`, `"status":"locked"`, `"status":401`,
		`"deleted":true`, `"message":"token revoked"`, `"exception":"x"`, `"fault":{"code":1,"denied":true}`,
		`"in_active":true`, `"revoked":"yes"`, `"oauth_error_description":"x"`, `"isvalid":false`, `"ISACTIVE":false`, `"isrevoked":true`, `"tokenrevoked":true`, `"tokenstate":"revoked"`, `"status":"false"`,
		`"revoked_on_unix_time":1604956045`, `"token_not_valid":true`, `"has_access_expired":1`,
		`"status":"False"`, `"status":" FALSE "`, `"statusCode":401`, `"http_status":401`, `"result_code":403`, `"this_token_revoked":true`, `"already_revoked":true`, `"session_expired":true`,
		`"currently_active":false`, `"still_valid":false`, `"description":"token revoked"`, `"title":"Unauthorized"`, `"oauth_token_revoked":true`, `"api_token_revoked":true`,
		`"token":{"revoked":true,"n":1e999}`, `"status":{"value":false}`, `"status":"InActive"`, `"status":"in_active"`, `"status":"canceled"`, `"status":"malformed"`,
		`"status":"unauthenticated"`, `"message":"Grant not found"`,
		`"oauthError":"x"`, `"last_exception":"x"`, `"token_fault":{"a":1}`, `"validation_errors":["x"]`, `"status":400`, `"status":599`, `"active":"off"`, `"revoked_on":"/Date(1604956045163)/"`,
		`"was_valid":false`, `"has_been_revoked":true`, `"the_token_valid":false`, `"your_token_expired":true`, `"auth_revoked":true`, `"bearer_valid":false`, `"grant_revoked":true`,
		`"current_status":"revoked"`, `"response_status":"revoked"`, `"msg":"revoked"`, `"reason":"revoked"`, `"details":"revoked"`, `"detail":"revoked"`, `"token":"revoked"`,
		`"validationError":"x"`, `"system_fault":"x"`, `"active":"revoked"`, `"valid":"expired"`, `"active":""`, `"active":"none"`, `"enabled":false`,
	} {
		tests = append(tests, noVerdict{name: member, handler: field(member), parts: []string{"reports an error or an invalid token"}})
	}

	for _, word := range []string{
		"cancelled", "invalidated", "refused", "terminated", "forbidden", "failure", "errors", "not usable", "no longer accepted", "revoked", "expired", "disabled", "inactive", "invalid", "rejected", "blocked", "suspended", "denied", "deleted", "unauthorized", "failed", "fault", "an error", "exception",
	} {
		tests = append(tests, noVerdict{name: word, handler: field(`"state":"` + word + `"`), parts: []string{"reports an error or an invalid token"}})
	}

	// Status text about something other than the token or its grant.
	for _, words := range []string{
		"Access cannot be granted, session expired", "Access not granted: invalid credentials", "Permission not granted - user not found", "Tokenizer service not found",
		"Token service not found", "Token server not found", "OAuth token introspection endpoint not found", "token not checked: backend not found", "Invalid CSRF token",
		"SAML token expired, sign in again", "License token expired", "Ticket Granting Ticket expired", "Session token expired", "Token invalid, license server down", "Token not found. No Authorization header", "Token expired service down", "Grantor not found",
	} {
		tests = append(tests, noVerdict{name: words, handler: line(401, words), parts: []string{words, "in front of"}},
			noVerdict{name: words + ", 400", handler: line(400, words), parts: []string{words}, not: []string{"grant has"}})
	}

	// Other challenges in any form, and unparsable ones.
	for _, challenge := range []string{
		`Bearer realm="a\"b", Basic realm="y"`, `Bearer realm="x, Negotiate`, "Digest\trealm=\"x\"", "Basic\trealm=x", `Bearer realm="x" Basic realm="y"`, "Bearer, Basic", `"Bearer"`,
		`Bearer realm="x"` + "\r\nWWW-Authenticate: Negotiate", `Bearer realm="x` + "\r\nWWW-Authenticate: Negotiate",
	} {
		tests = append(tests, noVerdict{name: challenge, handler: line(401, "Grant not found", "WWW-Authenticate: "+challenge), parts: []string{"not a Bearer challenge", "in front of"}})
	}

	for i, test := range tests {
		t.Run(fmt.Sprintf("%d %s", i, test.name), func(t *testing.T) {
			t.Parallel()

			s, b, answer, err := verify(t, test.handler)
			if err == nil {
				t.Fatalf("got %+v, want an error", answer)
			}

			clienttest.WantFault(t, b, err, append(test.parts, "says nothing about whether it is valid")...)
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

// TestNoFalseValid combines every body with every status: only the documented success
// makes a token valid, and no fault is a rejection.
func TestNoFalseValid(t *testing.T) {
	t.Parallel()

	both := []int{400, 401}
	bodies := []struct {
		text    string
		refuses []int // the statuses with which it is a rejection
	}{
		{text: documented},
		{invalid, both},
		{`{"error":"expired_token"}`, both},
		{`{"error":"invalid_grant"}`, both},
		{`{"error":"session_error"}`, both},
		{text: `{"error":"other"}`},
		{text: strings.Replace(documented, "{", `{"error":"e",`, 1)},
	}

	for _, text := range []string{
		`{"error":"invalid_request"}`, "", " ", "null", "true", "0", "[]", "{}", `""`, "{", "}", "[[", "Token is valid", "<html></html>", "\x00", "\xff",
		`{"error":null}`, `{"error":1}`, `{"valid":true}`, `{"status":"active"}`, `{"Scope":"ssh"}`, `{"scope":1}`, `{"scope":null}`,
		documented + "x", documented + documented, "[" + documented + "]", strings.ToUpper(documented),
		strings.Replace(documented, "7776000", `"7776000"`, 1), strings.Replace(documented, "/Date(", "/date(", 1), strings.Replace(documented, "{", `{"scope":"x",`, 1),
	} {
		bodies = append(bodies, struct {
			text    string
			refuses []int
		}{text: text})
	}

	statuses := []int{
		200, 201, 202, 204, 206, 299, 301, 302, 304, 307, 400, 401, 403, 404, 407, 408, 410, 429, 499, 500, 503, 520, 599, 999,
	}

	s := start(t)
	// The token selects the response, so that one server serves all.
	s.SetFault(func(w http.ResponseWriter, r *http.Request) {
		var i, status int

		_, _ = fmt.Sscanf(r.Header.Get("Authorization"), "Bearer b/%d/s/%d", &i, &status)
		issuertest.Reply(status, bodies[i].text)(w, r)
	})

	client := issuer.Connect(t, s.URL, s.TrustBundle, func(c *transport.Config) { c.MaxRetries = 0 })

	for i, test := range bodies {
		for _, status := range statuses {
			b := clienttest.Bearer(t, fmt.Sprintf("b/%d/s/%d", i, status))
			want := verdict.Status("")

			switch {
			case i == 0 && status == 200:
				want = verdict.Active
			case slices.Contains(test.refuses, status):
				want = verdict.Rejected
			}

			answer, err := client.Verify(context.Background(), b, true)
			if err != nil {
				clienttest.WantFault(t, b, err)

				if want != "" {
					t.Errorf("HTTP %d with %q is an error, want %q: %v", status, test.text, want, err)
				}

				continue
			}

			if v, err := decide(b, answer.Answer, nil); err != nil || v.Status != want {
				t.Errorf("HTTP %d with %q returned %+v, %v; want %q", status, test.text, v, err, want)
			}
		}
	}
}

// TestServerEchoesToken asserts that no part of the token is shown, whichever field
// and form a server echoes it in.
func TestServerEchoesToken(t *testing.T) {
	t.Parallel()

	forms := map[string]string{
		"whole": secret, "first half": secret[:16], "second half": secret[16:], "eight": secret[5:13], "fourteen": secret[3:17], "upper case": strings.ToUpper(secret),
		"lower case": strings.ToLower(secret), "with spaces": secret[:4] + " " + secret[4:12] + " x", "header": "Bearer " + secret,
	}
	reply := issuertest.Reply
	places := map[string]func(text string) http.HandlerFunc{
		"error": func(text string) http.HandlerFunc { return reply(401, fmt.Sprintf(`{"error":%q}`, text)) },
		"description": func(text string) http.HandlerFunc {
			return reply(401, fmt.Sprintf(`{"error":"invalid_token","error_description":%q}`, text))
		},
		"half in each": func(text string) http.HandlerFunc {
			return reply(401, fmt.Sprintf(`{"error":%q,"error_description":%q}`, text[:len(text)/2], text[len(text)/2:]))
		},
		"description with 400": func(text string) http.HandlerFunc {
			return reply(400, fmt.Sprintf(`{"error":"invalid_grant","error_description":%q}`, text))
		},
		"description of a fault": func(text string) http.HandlerFunc {
			return reply(403, fmt.Sprintf(`{"error":"x","error_description":%q}`, text))
		},
		"description with 500": func(text string) http.HandlerFunc { return reply(500, fmt.Sprintf(`{"error_description":%q}`, text)) },
		"application": func(text string) http.HandlerFunc {
			return reply(200, body(issued, fmt.Sprintf(`"application":%q`, text)))
		},
		"identity": func(text string) http.HandlerFunc {
			return reply(200, body(issued, fmt.Sprintf(`"identity":%q`, "local:{"+text+"}")))
		},
		"scope": func(text string) http.HandlerFunc {
			return reply(200, body(issued, fmt.Sprintf(`"scope":%q`, "ssh;"+text+":manage")))
		},
		"restriction": func(text string) http.HandlerFunc {
			return reply(200, body(issued, fmt.Sprintf(`"scope":%q`, "certificate:"+text)))
		},
		"date": func(text string) http.HandlerFunc {
			return reply(200, body(issued, `"scope":"ssh"`, fmt.Sprintf(`"expires":%q`, text)))
		},
		"unknown field": func(text string) http.HandlerFunc {
			return reply(200, body(issued, `"scope":"ssh"`, fmt.Sprintf(`"access_token":%q`, text)))
		},
		"error with 200":       func(text string) http.HandlerFunc { return reply(200, body(fmt.Sprintf(`"error":%q`, text))) },
		"status line with 401": func(text string) http.HandlerFunc { return line(401, "Unknown token "+text) },
		"status line with 403": func(text string) http.HandlerFunc { return line(403, text) },
		"status line with 503": func(text string) http.HandlerFunc { return line(503, text) },
		"status line with 302": func(text string) http.HandlerFunc {
			return line(302, text, "Location: /"+strings.ReplaceAll(text, " ", ""))
		},
		"status line with 200": func(text string) http.HandlerFunc { return line(200, text) },
		"content type": func(text string) http.HandlerFunc {
			return reply(403, "x", "Content-Type", "text/"+strings.Trim(strings.ReplaceAll(text, " ", ""), "="))
		},
		"not HTTP":      func(text string) http.HandlerFunc { return issuertest.Raw(text + "\r\n\r\n") },
		"broken header": func(text string) http.HandlerFunc { return issuertest.Raw("HTTP/1.1 200 OK\r\n" + text + "\r\n\r\n") },
		"broken length": func(text string) http.HandlerFunc {
			return issuertest.Raw("HTTP/1.1 200 OK\r\nContent-Length: " + text + "\r\n\r\n")
		},
		"broken status": func(text string) http.HandlerFunc { return issuertest.Raw("HTTP/1.1 " + text + "\r\n\r\n") },
		"broken encoding": func(text string) http.HandlerFunc {
			return issuertest.Raw("HTTP/1.1 200 OK\r\nTransfer-Encoding: " + text + "\r\n\r\n")
		},
		"broken chunk": func(text string) http.HandlerFunc {
			return issuertest.Raw("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + text + "\r\n")
		},
		"Retry-After": func(text string) http.HandlerFunc { return reply(429, "", "Retry-After", text) },
		"Age":         func(text string) http.HandlerFunc { return reply(200, documented, "Age", text) },
		"Date":        func(text string) http.HandlerFunc { return reply(200, documented, "Date", text) },
	}

	for place, answerWith := range places {
		for form, text := range forms {
			t.Run(place+", "+form, func(t *testing.T) {
				t.Parallel()

				s := start(t)
				s.SetFault(answerWith(text))

				b := clienttest.Bearer(t, secret)

				var logged strings.Builder

				answer, err := issuer.Connect(t, s.URL, s.TrustBundle, func(c *transport.Config) {
					c.MaxRetries = 1
					c.Log = func(_ context.Context, message string, fields map[string]any) {
						_, _ = fmt.Fprintln(&logged, message, fields)
					}
				}).Verify(context.Background(), b, true)

				if b.In(logged.String()) {
					t.Errorf("the log contains the token: %s", logged.String())
				}

				if err != nil {
					clienttest.WantFault(t, b, err)

					return
				}

				v, err := decide(b, answer.Require([]string{"certificate:revoke"}), nil)
				for _, shown := range []string{v.Reason, fmt.Sprint(err), answer.Said, answer.Application, answer.Identity, answer.Scope, fmt.Sprintf("%+v", *answer)} {
					if b.In(shown) {
						t.Errorf("the response shows the token: %q", shown)
					}
				}
			})
		}
	}
}

// Seven characters in each of two fields also count as part of the token.
func TestTokenInTwoFields(t *testing.T) {
	t.Parallel()

	_, b, _, err := verify(t, issuertest.Reply(401, fmt.Sprintf(`{"error":%q,"error_description":%q}`, secret[3:10], secret[10:17])))
	clienttest.WantFault(t, b, err, "withheld")

	if strings.Contains(err.Error(), secret[3:10]) || strings.Contains(err.Error(), secret[10:17]) {
		t.Errorf("error %q shows part of the token", err)
	}
}
