package cloudflare_test

import (
	"context"
	"testing"
	"time"

	"github.com/tokencheck/terraform-provider-tokencheck/internal/cloudflare"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/cloudflare/cloudflaretest"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/issuertest/clienttest"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/token"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/verdict"
)

func FuzzVerify(f *testing.F) {
	active := cloudflaretest.Body(cloudflaretest.Token{ID: tokenID}, now)
	statuses := []string{"200 OK", "400 Bad Request", "401 Unauthorized", "403 " + secret, "429 Too Many Requests"}
	bodies := []string{
		active, cloudflaretest.Body(cloudflaretest.Token{ID: "1", ExpiresOn: now.Add(time.Hour), NotBefore: now.Add(-time.Hour)}, now),
		cloudflaretest.Body(cloudflaretest.Token{ID: "1", Status: "revoked (exposed)"}, now),
		cloudflaretest.BodyInvalid, cloudflaretest.BodyFormat, cloudflaretest.BodyNoHeader, cloudflaretest.BodyNoRoute,
		`{"success":true,"result":{"id":"1","status":"active","expires_on":"2020-01-01T00:00:00Z"}}`, secret, "<html>", "{}", "",
	}
	answers := append(clienttest.Answers(statuses, bodies),
		"HTTP/1.1 200 OK\r\nAge: 11\r\n\r\n"+active,
		"HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\nDate: Sun, 01 Mar 2026 11:00:00 GMT\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{\r\n0\r\n\r\n",
		"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nRetry-After: 1\r\n\r\n")

	issuer.Fuzz(f, secret, answers, func(ctx context.Context, client *cloudflare.Client, b token.Token) (any, verdict.Verdict, error) {
		answer, err := client.Verify(ctx, b, "", true)
		if err != nil {
			return nil, verdict.Verdict{}, err
		}

		v, err := verdict.Decide(answer.Answer, verdict.Question{TokenSource: b.Source()})

		return answer, v, err
	}, cloudflaretest.Accepts)
}
