package venafi_test

import (
	"fmt"
	"io"
	"log"
	"testing"
	"time"

	"github.com/tokencheck/terraform-provider-tokencheck/internal/issuertest"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/transport"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/venafi"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/venafi/venafitest"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/verdict"
)

// FuzzVerify sends any bytes as the answer: no panic, no hang, nothing of the
// token in what comes out, and no valid token but for the documented success.
func FuzzVerify(f *testing.F) {
	log.SetOutput(io.Discard) // Package net/http logs what is left over after an answer.

	server := issuertest.StartCanned()
	f.Cleanup(server.Close)

	base, err := venafi.ParseURL(server.URL)
	if err != nil {
		f.Fatal(err)
	}

	client, err := transport.New(transport.Config{
		Issuer: "The Venafi server", Block: "venafi", URLArgument: "url", LateClientAuth: true,
		Timeout: 5 * time.Second, Backoff: time.Microsecond, Now: clock,
	})
	if err != nil {
		f.Fatal(err)
	}

	f.Cleanup(client.CloseIdleConnections)

	checks := venafi.NewClient(base, client)
	active := venafitest.Body(venafitest.Token{
		IssuedOn: now.Add(-time.Hour), ValidFor: 7776000, GrantIssuedOn: now, GrantExpiresOn: now.AddDate(1, 0, 0),
		Application: "TPP.Auto", Identity: "local:{8e1bf110-8ef8-4a53-a6da-d5d29c983451}", Scope: "certificate:manage;ssh",
	})

	for _, body := range []string{
		active, venafitest.Body(venafitest.Token{IssuedOn: now.AddDate(-1, 0, 0), ValidFor: 1}), `{"scope":"any","valid_for":9223372036854775807,"access_issued_on_unix_time":1}`,
		venafitest.BodyInvalid, venafitest.BodyGrant, venafitest.BodyMissing, `{"error":null,"scope":"x"}`, `{"expires":"/Date(253402300800000+0100)/"}`,
		secret, "<html>", "{}", "[]", "null", "",
	} {
		for _, status := range []string{"200 Token is valid", "400 Bad Request", "401 Unauthorized", "401 Grant not found", "403 " + secret} {
			f.Add(fmt.Appendf(nil, "HTTP/1.1 %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", status, len(body), body))
		}
	}

	f.Add([]byte("HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Negotiate\r\nContent-Length: 0\r\n\r\n"))
	f.Add([]byte("HTTP/1.1 200 OK\r\nDate: Sun, 01 Mar 2026 11:00:00 GMT\r\nAge: 3\r\n\r\n" + active))

	f.Fuzz(func(t *testing.T, raw []byte) {
		server.Set(raw)

		// Fresh, so that no earlier answer is taken.
		answer, err := checks.Verify(t.Context(), bearer(t, secret), true)

		all := fmt.Sprintf("%+v %v", answer, err)

		if answer != nil {
			facts := answer.Require([]string{"certificate:manage"})
			v, err := verdict.Decide(facts, verdict.Question{TokenSource: "argument"}, venafi.Words)
			all += fmt.Sprint(facts, v, err)

			if v.Valid() && !venafitest.Accepts(raw, now) {
				t.Errorf("valid for %q", raw)
			}
		}

		if bearer(t, secret).In(all) {
			t.Errorf("the token is in %s", all)
		}
	})
}
