package cloudflare_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/tokencheck/terraform-provider-tokencheck/internal/cloudflare"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/cloudflare/cloudflaretest"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/issuertest"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/issuertest/clienttest"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/transport"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/verdict"
)

// TestRequest asserts that one GET is sent, and nothing else.
func TestRequest(t *testing.T) {
	t.Parallel()

	tests := []struct{ name, base, account, want string }{
		{"user endpoint", "/client/v4", "", "/client/v4/user/tokens/verify"},
		{"account endpoint", "/client/v4", account, "/client/v4/accounts/" + account + "/tokens/verify"},
		{"uppercase account", "/client/v4", strings.ToUpper(account), "/client/v4/accounts/" + strings.ToUpper(account) + "/tokens/verify"},
		{"trailing slashes", "/client/v4///", "", "/client/v4/user/tokens/verify"},
		{"no path", "", "", "/user/tokens/verify"},
		{"custom prefix", "/a/b%2Fc", "", "/a/b%2Fc/user/tokens/verify"},
	}

	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()

			s := start(t)
			s.SetFault(issuertest.Reply(http.StatusOK, ok(result("active"))))

			if _, err := issuer.Connect(t, s.URL+test.base, s.TrustBundle, nil).Verify(context.Background(), clienttest.Bearer(t, secret), test.account, true); err != nil {
				t.Fatal(err)
			}

			requests := s.Requests()
			if len(requests) != 1 {
				t.Fatalf("%d requests, want 1", len(requests))
			}

			got := requests[0]
			if got.Method != http.MethodGet || got.Path != test.want || got.Proto != "HTTP/2.0" {
				t.Errorf("request = %s %s %s, want GET %s HTTP/2.0", got.Method, got.Path, got.Proto, test.want)
			}

			for name, want := range map[string]string{
				"Authorization": "Bearer " + secret, "Accept": "application/json", "Cache-Control": "no-cache",
				"User-Agent": "terraform-provider-tokencheck/test", "Cookie": "", "Referer": "", "Content-Type": "", "Content-Length": "",
			} {
				if values := got.Header.Values(name); strings.Join(values, "|") != want {
					t.Errorf("%s = %q, want %q", name, values, want)
				}
			}
		})
	}
}

// badAccounts are not account IDs; some would reach another endpoint.
var badAccounts = []string{
	" ", account[:31], account + "0", strings.Replace(account, "0", "g", 1), "a/../../user", "../user", "..", account + "/", account + "\n", "\n" + account,
	account[:31] + "%", account[:29] + "%2f", " " + account, account + "?x", strings.Repeat("é", 16), strings.Repeat("0", 64), account[:31] + "０",
}

func TestBadAccountID(t *testing.T) {
	t.Parallel()

	for _, id := range badAccounts {
		t.Run(id, func(t *testing.T) {
			t.Parallel()

			s := start(t)
			s.Set(secret, cloudflaretest.Token{ID: tokenID})

			b := clienttest.Bearer(t, secret)

			answer, err := issuer.Connect(t, s.BaseURL(), s.TrustBundle, nil).Verify(context.Background(), b, id, true)
			if answer != nil {
				t.Errorf("answer = %+v", answer)
			}

			fault := clienttest.WantFault(t, b, err, "Not an account ID: The value of account_id is not 32 hexadecimal digits.\n\nCopy the account ID from ")
			if fault.Asked {
				t.Errorf("error = %+v, want one on account_id, before any request", fault)
			}

			if n := len(s.Requests()); n != 0 {
				t.Errorf("%d requests, want none", n)
			}

			if cloudflare.CheckAccountID(id) == nil {
				t.Error("CheckAccountID accepts it")
			}
		})
	}

	for _, id := range []string{account, strings.ToUpper(account), strings.Repeat("0", 32)} {
		if err := cloudflare.CheckAccountID(id); err != nil {
			t.Errorf("CheckAccountID(%q) = %v", id, err)
		}
	}

	// A user may have put the token there.
	if err := cloudflare.CheckAccountID(secret); err == nil || clienttest.Bearer(t, secret).In(err.Error()) {
		t.Errorf("CheckAccountID = %v", err)
	}
}

// TestFake runs checks against the fake, which mimics the real responses.
func TestFake(t *testing.T) {
	t.Parallel()

	tests := []struct {
		name    string
		token   *cloudflaretest.Token
		secret  string
		account string
		want    verdict.Status
		reason  string
	}{
		{name: "active", token: &cloudflaretest.Token{ID: tokenID}, want: verdict.Active},
		{name: "unknown", want: verdict.Rejected, reason: "account_id"},
		{name: "account-owned token at its account endpoint", token: &cloudflaretest.Token{ID: tokenID, Account: account}, account: account, want: verdict.Active},
		{name: "account-owned token at the user endpoint", token: &cloudflaretest.Token{ID: tokenID, Account: account}, want: verdict.Rejected, reason: "set account_id"},
		{name: "user token at the account endpoint", token: &cloudflaretest.Token{ID: tokenID}, account: account, want: verdict.Rejected, reason: "remove account_id"},
		{name: "account-owned token at another account", token: &cloudflaretest.Token{ID: tokenID, Account: strings.Repeat("f", 32)}, account: account, want: verdict.Rejected, reason: "another account"},
		{name: "expired", token: &cloudflaretest.Token{ID: tokenID, ExpiresOn: now.Add(-time.Second)}, want: verdict.Expired},
		{name: "not yet valid", token: &cloudflaretest.Token{ID: tokenID, NotBefore: now.Add(time.Second)}, want: verdict.NotYetValid},
		{name: "disabled", token: &cloudflaretest.Token{ID: tokenID, Status: "disabled"}, want: verdict.Disabled},
		{name: "malformed", secret: "abc$def#" + secret, want: verdict.Rejected, reason: "6111"},

		// A token's prefix gives a hint, not a verdict.
		{name: "account-owned token prefix, rejected", secret: "cfat_" + secret, want: verdict.Rejected, reason: "account_id"},
		{name: "user token prefix, rejected at the account endpoint", secret: "cfut_" + secret, account: account, want: verdict.Rejected, reason: "account_id"},
		{name: "Global API key prefix, rejected", secret: "cfk_" + secret, want: verdict.Rejected, reason: "Global API key"},
		{name: "Wrangler token prefix, rejected", secret: "cfoat_" + secret, want: verdict.Rejected, reason: "Wrangler"},
		{name: "Origin CA key prefix, rejected", secret: "v1.0-" + secret, want: verdict.Rejected, reason: "Origin CA"},
		{name: "user token prefix, rejected at the user endpoint", secret: "cfut_" + secret, want: verdict.Rejected, reason: "Check that, or create a new token"},
		{name: "account-owned token prefix, rejected at the account endpoint", secret: "cfat_" + secret, account: account, want: verdict.Rejected, reason: "or to another account. Check that, or create"},
		{name: "account-owned token prefix, accepted at the user endpoint", secret: "cfat_" + secret, token: &cloudflaretest.Token{ID: tokenID}, want: verdict.Active},
		{name: "Global API key prefix, accepted", secret: "cfk_" + secret, token: &cloudflaretest.Token{ID: tokenID}, want: verdict.Active},
		{name: "short", secret: "a1", token: &cloudflaretest.Token{ID: tokenID[2:]}, want: verdict.Active},
		{name: "long", secret: strings.Repeat("Zq8R", 500), token: &cloudflaretest.Token{ID: tokenID}, want: verdict.Active},
	}

	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()

			if test.secret == "" {
				test.secret = secret
			}

			s := start(t)
			if test.token != nil {
				s.Set(test.secret, *test.token)
			}

			b := clienttest.Bearer(t, test.secret)

			answer, err := issuer.Connect(t, s.BaseURL(), s.TrustBundle, nil).Verify(context.Background(), b, test.account, true)
			if err != nil {
				t.Fatal(err)
			}

			v := decide(t, b, answer, nil)
			if v.Status != test.want || !strings.Contains(v.Reason, test.reason) {
				t.Errorf("verdict = %+v, want %q with %q in its reason", v, test.want, test.reason)
			}
		})
	}
}

// TestIssuerClockDecides covers tokens that have expired by one of the two clocks.
func TestIssuerClockDecides(t *testing.T) {
	t.Parallel()

	tests := []struct {
		name     string
		issuer   string // the Date header; "" for none
		local    time.Time
		want     verdict.Status
		warnings int
	}{
		{"expired by the issuer's clock", "Sun, 01 Mar 2026 13:00:00 GMT", now.Add(-2 * time.Hour), verdict.Expired, 1},
		{"expired by the local clock only", "Sun, 01 Mar 2026 11:00:00 GMT", now.Add(2 * time.Hour), verdict.Active, 1},
		{"no date, expired by the local clock", "", now.Add(2 * time.Hour), verdict.Expired, 0},
		{"no date, not expired by the local clock", "", now.Add(-2 * time.Hour), verdict.Active, 0},
		{"invalid date", "yesterday", now.Add(2 * time.Hour), verdict.Expired, 0},
		{"clocks agree", "Sun, 01 Mar 2026 11:00:00 GMT", now.Add(-time.Hour), verdict.Active, 0},
	}

	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()

			s := start(t)
			s.SetFault(issuertest.Reply(http.StatusOK, ok(result("active", `"expires_on":"2026-03-01T12:00:00Z"`)), "Date", test.issuer))

			b := clienttest.Bearer(t, secret)

			answer, err := issuer.Connect(t, s.BaseURL(), s.TrustBundle, func(c *transport.Config) { c.Now = func() time.Time { return test.local } }).
				Verify(context.Background(), b, "", true)
			if err != nil {
				t.Fatal(err)
			}

			if v := decide(t, b, answer, nil); v.Status != test.want {
				t.Errorf("status = %q, want %q", v.Status, test.want)
			}

			if len(answer.Warnings) != test.warnings {
				t.Errorf("warnings = %+v, want %d", answer.Warnings, test.warnings)
			}
		})
	}

	_, _, answer, err := verify(t, issuertest.Reply(http.StatusUnauthorized, cloudflaretest.BodyInvalid, "Date", "Sun, 01 Mar 2026 13:00:00 GMT"), "")
	if err != nil || !answer.Refused || len(answer.Warnings) != 1 {
		t.Errorf("a rejection with clock skew: %+v, %v; want a warning", answer, err)
	}
}

// TestRetry covers faults that do not recur on the next attempt.
func TestRetry(t *testing.T) {
	t.Parallel()

	good := issuertest.Reply(http.StatusOK, ok(result("active")))
	broken := func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }

	tests := []struct {
		name     string
		handlers []http.HandlerFunc
		want     verdict.Status
		requests int
	}{
		{"503, then success", []http.HandlerFunc{issuertest.Reply(503, ""), good}, verdict.Active, 2},
		{"429 and 520, then success", []http.HandlerFunc{issuertest.Reply(429, refusal(coded(971, "wait"))), issuertest.Reply(520, ""), good}, verdict.Active, 3},
		{"408, then rejected", []http.HandlerFunc{issuertest.Reply(408, ""), issuertest.Reply(401, cloudflaretest.BodyInvalid), good}, verdict.Rejected, 2},
		{"stream reset, then success", []http.HandlerFunc{broken, good}, verdict.Active, 2},
		{"rejected at once", []http.HandlerFunc{issuertest.Reply(401, cloudflaretest.BodyInvalid), good}, verdict.Rejected, 1},
		{"disabled at once", []http.HandlerFunc{issuertest.Reply(200, ok(result("disabled"))), good}, verdict.Disabled, 1},
		{"edge error is not retried", []http.HandlerFunc{issuertest.Reply(403, "<html>"), good}, "", 1},
		{"broken JSON is not retried", []http.HandlerFunc{issuertest.Reply(200, "{"), good}, "", 1},
	}

	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()

			s, b, answer, err := verify(t, issuertest.Sequence(test.handlers...), "")

			switch {
			case test.want == "":
				clienttest.WantFault(t, b, err)
			case err != nil:
				t.Error(err)
			default:
				if v := decide(t, b, answer, nil); v.Status != test.want {
					t.Errorf("status = %q, want %q", v.Status, test.want)
				}
			}

			if n := len(s.Requests()); n != test.requests {
				t.Errorf("%d requests, want %d", n, test.requests)
			}
		})
	}
}
