package venafi_test

import (
	"context"
	"testing"
	"time"

	"github.com/tokencheck/terraform-provider-tokencheck/internal/issuertest/clienttest"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/token"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/venafi"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/venafi/venafitest"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/verdict"
)

func FuzzVerify(f *testing.F) {
	active := venafitest.Body(venafitest.Token{
		IssuedOn: now.Add(-time.Hour), ValidFor: 7776000, GrantIssuedOn: now, GrantExpiresOn: now.AddDate(1, 0, 0),
		Application: "TPP.Auto", Identity: "local:{8e1bf110-8ef8-4a53-a6da-d5d29c983451}", Scope: "certificate:manage;ssh",
	})
	statuses := []string{"200 Token is valid", "400 Bad Request", "401 Unauthorized", "401 Grant not found", "403 " + secret}
	bodies := []string{
		active, venafitest.Body(venafitest.Token{IssuedOn: now.AddDate(-1, 0, 0), ValidFor: 1}), `{"scope":"any","valid_for":9223372036854775807,"access_issued_on_unix_time":1}`,
		venafitest.BodyInvalid, venafitest.BodyGrant, venafitest.BodyMissing, `{"error":null,"scope":"x"}`, `{"expires":"/Date(253402300800000+0100)/"}`,
		secret, "<html>", "{}", "[]", "null", "",
	}
	answers := append(clienttest.Answers(statuses, bodies),
		"HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Negotiate\r\nContent-Length: 0\r\n\r\n",
		"HTTP/1.1 200 OK\r\nDate: Sun, 01 Mar 2026 11:00:00 GMT\r\nAge: 3\r\n\r\n"+active)

	issuer.Fuzz(f, secret, answers, func(ctx context.Context, client *venafi.Client, b token.Token) (any, verdict.Verdict, error) {
		answer, err := client.Verify(ctx, b, true)
		if err != nil {
			return nil, verdict.Verdict{}, err
		}

		v, err := decide(b, answer.Require([]string{"certificate:manage"}), nil)

		return answer, v, err
	}, venafitest.Accepts)
}
