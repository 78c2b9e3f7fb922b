package cloudflare_test

import (
	"fmt"
	"io"
	"log"
	"testing"
	"time"

	"github.com/tokencheck/terraform-provider-tokencheck/internal/cloudflare"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/cloudflare/cloudflaretest"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/issuertest"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/transport"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/verdict"
)

// FuzzVerify sends any bytes as the answer: no panic, no hang, nothing of the
// token in what comes out, and no valid token but for the documented success.
func FuzzVerify(f *testing.F) {
	log.SetOutput(io.Discard) // Package net/http logs what is left over after an answer.

	server := issuertest.StartCanned()
	f.Cleanup(server.Close)

	base, err := transport.ParseURL(server.URL)
	if err != nil {
		f.Fatal(err)
	}

	client, err := transport.New(transport.Config{
		Issuer: "Cloudflare", Block: "cloudflare", URLArgument: "base_url", Timeout: 5 * time.Second, Backoff: time.Microsecond, Now: clock,
	})
	if err != nil {
		f.Fatal(err)
	}

	f.Cleanup(client.CloseIdleConnections)

	checks := cloudflare.NewClient(base, client)
	active := cloudflaretest.Body(cloudflaretest.Token{ID: "ed17574386854bf78a67040be0a770b0"}, now)

	for _, body := range []string{
		active, cloudflaretest.Body(cloudflaretest.Token{ID: "1", ExpiresOn: now.Add(time.Hour), NotBefore: now.Add(-time.Hour)}, now),
		cloudflaretest.Body(cloudflaretest.Token{ID: "1", Status: "revoked (exposed)"}, now),
		cloudflaretest.BodyInvalid, cloudflaretest.BodyFormat, cloudflaretest.BodyNoHeader, cloudflaretest.BodyNoRoute,
		`{"success":true,"result":{"id":"1","status":"active","expires_on":"2020-01-01T00:00:00Z"}}`, secret, "<html>", "{}", "",
	} {
		for _, status := range []string{"200 OK", "400 Bad Request", "401 Unauthorized", "403 " + secret, "429 Too Many Requests"} {
			f.Add(fmt.Appendf(nil, "HTTP/1.1 %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", status, len(body), body))
		}
	}

	f.Add([]byte("HTTP/1.1 200 OK\r\nAge: 11\r\n\r\n" + active))
	f.Add([]byte("HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\nDate: Sun, 01 Mar 2026 11:00:00 GMT\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{\r\n0\r\n\r\n"))
	f.Add([]byte("HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nRetry-After: 1\r\n\r\n"))

	f.Fuzz(func(t *testing.T, raw []byte) {
		server.Set(raw)

		// Fresh, so that no earlier answer is taken.
		answer, err := checks.Verify(t.Context(), bearer(t, secret), "", true)

		all := fmt.Sprintf("%+v %v", answer, err)

		if answer != nil {
			v, err := verdict.Decide(answer.Facts, verdict.Question{TokenSource: "argument"}, answer.Words)
			all += fmt.Sprint(v, err)

			if v.Valid() && !cloudflaretest.Accepts(raw, now) {
				t.Errorf("valid for %q", raw)
			}
		}

		if bearer(t, secret).In(all) {
			t.Errorf("the token is in %s", all)
		}
	})
}
