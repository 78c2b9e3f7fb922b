package venafi_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/tokencheck/terraform-provider-tokencheck/internal/issuertest"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/issuertest/clienttest"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/transport"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/venafi"
)

func TestParseURL(t *testing.T) {
	t.Parallel()

	tests := []struct{ raw, want, fault string }{
		{raw: "https://tpp.example.com", want: "https://tpp.example.com"},
		{raw: "tpp.example.com", want: "https://tpp.example.com"},
		{raw: "tpp.example.com:8443", want: "https://tpp.example.com:8443"},
		{raw: "tpp.example.com/vedsdk", want: "https://tpp.example.com"},
		{raw: "tpp", want: "https://tpp"},
		{raw: "  https://tpp.example.com \n", want: "https://tpp.example.com"},
		{raw: "\ttpp.example.com\r\n", want: "https://tpp.example.com"},
		{raw: "HTTPS://TPP.example.com", want: "https://TPP.example.com"},
		{raw: "https://tpp.example.com/", want: "https://tpp.example.com"},
		{raw: "https://tpp.example.com///", want: "https://tpp.example.com"},
		{raw: "https://tpp.example.com/vedsdk", want: "https://tpp.example.com"},
		{raw: "https://tpp.example.com/vedsdk/", want: "https://tpp.example.com"},
		{raw: "https://tpp.example.com/vedauth", want: "https://tpp.example.com"},
		{raw: "https://tpp.example.com/VEDAuth//", want: "https://tpp.example.com"},
		{raw: "https://tpp.example.com/VedSDK", want: "https://tpp.example.com"},
		{raw: "https://tpp.example.com/vedauth/authorize/verify", want: "https://tpp.example.com"},
		{raw: "https://tpp.example.com/vedauth/Authorize/Verify/", want: "https://tpp.example.com"},
		{raw: "https://tpp.example.com:8443/VEDAUTH/AUTHORIZE/VERIFY", want: "https://tpp.example.com:8443"},
		{raw: "https://tpp.example.com/venafi/vedsdk", want: "https://tpp.example.com/venafi"},
		{raw: "https://tpp.example.com/a/B%2Fc/vedauth", want: "https://tpp.example.com/a/B%2Fc"},
		{raw: "https://tpp.example.com/prefix", want: "https://tpp.example.com/prefix"},
		{raw: "https://tpp.example.com/myvedsdk", want: "https://tpp.example.com/myvedsdk"},
		{raw: "https://tpp.example.com/vedsdk/vedauth", want: "https://tpp.example.com/vedsdk"}, // One is dropped.
		{raw: "https://tpp.example.com/vedsdk/certificates", want: "https://tpp.example.com/vedsdk/certificates"},
		{raw: "https://[2001:db8::1]:8443/vedsdk", want: "https://[2001:db8::1]:8443"},
		{raw: "[2001:db8::1]", want: "https://[2001:db8::1]"},
		{raw: "http://localhost:8080/vedauth", want: "http://localhost:8080"},
		{raw: "http://127.0.0.1", want: "http://127.0.0.1"},
		{raw: "http://[::1]:1", want: "http://[::1]:1"},
		{raw: "https://venafi.cloud.example.com", want: "https://venafi.cloud.example.com"},
		{raw: "https://myvenafi.cloud", want: "https://myvenafi.cloud"},

		{raw: "https://Xk29ZqPw7LmN4RtYv8BcD3fGh6JsQ1aE", want: "https://Xk29ZqPw7LmN4RtYv8BcD3fGh6JsQ1aE"},
		{raw: "venafi-prod-001", want: "https://venafi-prod-001"},
		{raw: "venafi-production:8443", want: "https://venafi-production:8443"},

		// A token in place of the URL would be looked up, and shown.
		{raw: "Xk29ZqPw7LmN4RtYv8BcD3fGh6JsQ1aE", fault: "may not be a host name"},
		{raw: "Zq8RtYw3LmN5pKj/7HgFd2sXcVbA9eU4i==", fault: "may not be a host name"},
		{raw: "jQGRksJCJOLK/Mrjph+1hg", fault: "may not be a host name"},
		{raw: "tpp/venafi", fault: "may not be a host name"},
		{raw: "tpp/VEDsdk/", want: "https://tpp"},
		{raw: "https://api.venafi.cloud.", fault: "SaaS"},
		{raw: "api.venafi.eu", fault: "SaaS"},
		{raw: "venafi-prod-0001", fault: "may not be a host name"},
		{raw: "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl", fault: "may not be a host name"},
		{raw: "https//tpp.example.com", fault: "may not be a host name"},

		{raw: "", fault: "empty"},
		{raw: " \n", fault: "empty"},
		{raw: "http://tpp.example.com", fault: "http://"},
		{raw: "HTTP://tpp.example.com/vedsdk", fault: "http://"},
		{raw: "ftp://tpp.example.com"},
		{raw: "file:///etc/passwd"},
		{raw: "https://user:" + secret + "@tpp.example.com", fault: "user"},
		{raw: "user:" + secret + "@tpp.example.com", fault: "user"},
		{raw: "user@tpp.example.com", fault: "user"},
		{raw: "https://tpp.example.com?x=" + secret, fault: "query"},
		{raw: "https://tpp.example.com/vedauth?", fault: "query"},
		{raw: "tpp.example.com?next=https://evil.example", fault: "query"},
		{raw: "https://tpp.example.com#" + secret, fault: "fragment"},
		{raw: "https://tpp.example.com/#"},
		{raw: "//evil.example.com"},
		{raw: "///evil.example.com"},
		{raw: "/vedsdk"},
		{raw: ":8443"},
		{raw: "https://"},
		{raw: "https://:8443"},
		{raw: "https:///vedsdk"},
		{raw: "https:tpp.example.com"},
		{raw: "https:/tpp.example.com"},
		{raw: "http:/tpp.example.com"},
		{raw: "http:/127.0.0.1"},
		{raw: "https://https://tpp.example.com"},
		{raw: "https://tpp.example.com\\@evil.example.com"},
		{raw: "https://tpp.example.com:port"},
		{raw: "https://tpp example.com"},
		{raw: "https://tpp.example.com\n.evil.example"},
		{raw: "https://tpp.example.com/../vedauth"},
		{raw: "https://tpp.example.com/a/./vedauth"},
		{raw: "https://tpp.example.com/%2e%2e/vedauth"},
		{raw: "https://tpp.example.com/%zz"},
		{raw: "https://[::1"},
		{raw: "javascript:alert(1)"},
		{raw: "https://api.venafi.cloud", fault: "SaaS"},
		{raw: "api.venafi.cloud", fault: "SaaS"},
		{raw: "https://API.Venafi.Cloud/vedauth", fault: "SaaS"},
		{raw: "https://api.eu.venafi.cloud", fault: "SaaS"},
		{raw: "https://venafi.cloud", fault: "SaaS"},
	}

	b := clienttest.Bearer(t, secret)

	for _, test := range tests {
		t.Run(test.raw, func(t *testing.T) {
			t.Parallel()

			got, err := venafi.ParseURL(test.raw)
			if test.want != "" {
				if err != nil || got.String() != test.want {
					t.Fatalf("ParseURL returned %v, %v; want %q", got, err, test.want)
				}

				return
			}

			if err == nil {
				t.Fatalf("ParseURL returned %v, want a fault: a token would be sent to %s", got, got.Host)
			}

			if !strings.Contains(err.Error(), test.fault) || b.In(err.Error()) {
				t.Errorf("fault = %q, want it to name %q and to repeat nothing", err, test.fault)
			}
		})
	}
}

// TestRequest asserts that one GET is sent over HTTP/1.1, and nothing else.
func TestRequest(t *testing.T) {
	t.Parallel()

	for path, want := range map[string]string{
		"": "/vedauth/authorize/verify", "/": "/vedauth/authorize/verify", "/vedsdk/": "/vedauth/authorize/verify", "/VEDAUTH": "/vedauth/authorize/verify",
		"/vedauth/Authorize/Verify": "/vedauth/authorize/verify", "/prefix/vedsdk": "/prefix/vedauth/authorize/verify", "/a%2Fb": "/a%2Fb/vedauth/authorize/verify",
	} {
		t.Run(path, func(t *testing.T) {
			t.Parallel()

			s := start(t)
			s.SetFault(issuertest.Reply(http.StatusOK, documented))

			if _, err := issuer.Connect(t, s.URL+path, s.TrustBundle, nil).Verify(context.Background(), clienttest.Bearer(t, secret), true); err != nil {
				t.Fatal(err)
			}

			requests := s.Requests()
			if len(requests) != 1 {
				t.Fatalf("%d requests, want 1", len(requests))
			}

			got := requests[0]
			if got.Method != http.MethodGet || got.Path != want || got.Proto != "HTTP/1.1" || got.ClientCertificate {
				t.Errorf("request = %+v, want GET %s HTTP/1.1", got, want)
			}

			for name, want := range map[string]string{
				"Authorization": "Bearer " + secret, "Accept": "application/json", "Cache-Control": "no-cache",
				"User-Agent": "terraform-provider-tokencheck/test", "Cookie": "", "Referer": "", "Content-Length": "",
			} {
				if values := got.Header.Values(name); strings.Join(values, "|") != want {
					t.Errorf("%s = %q, want %q", name, values, want)
				}
			}
		})
	}
}

// TestServersClock covers a token that has expired by the local clock, which does not
// count, and one that has expired by the server's.
func TestServersClock(t *testing.T) {
	t.Parallel()

	tests := []struct {
		name     string
		date     string // the Date header; "" for none
		local    time.Time
		expires  string
		warnings []string
	}{
		{"expired by the local clock only", "Tue, 08 Dec 2020 11:00:00 GMT", now.Add(25 * time.Hour), "2020-12-08T12:00:00Z", []string{"Clock skew detected"}},
		{"expired by the server's clock", "Tue, 08 Dec 2020 13:00:00 GMT", now.Add(23 * time.Hour), "", []string{"Clock skew detected", "Expiration date ignored"}},
		{"no date, expired by the local clock", "", now.AddDate(1, 0, 0), "", []string{"Expiration date ignored"}},
		{"no date", "", now, "2020-12-08T12:00:00Z", nil},
	}

	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()

			s := start(t)
			s.SetFault(issuertest.Reply(http.StatusOK, body(issued, `"valid_for":172800`), "Date", test.date))

			b := clienttest.Bearer(t, secret)

			answer, err := issuer.Connect(t, s.URL, s.TrustBundle, func(c *transport.Config) { c.Now = func() time.Time { return test.local } }).
				Verify(context.Background(), b, true)
			if err != nil {
				t.Fatal(err)
			}

			// The server's 200 means that the token is valid, whatever a clock says.
			if v, err := decide(b, answer.Answer, nil); err != nil || !v.Valid() || clienttest.Written(answer.ExpiresOn) != test.expires {
				t.Errorf("verdict = %+v, %v, expires_on = %v; want it active and %q", v, err, answer.ExpiresOn, test.expires)
			}

			var got []string
			for _, w := range answer.Warnings {
				got = append(got, w.Summary)
			}

			if strings.Join(got, "|") != strings.Join(test.warnings, "|") {
				t.Errorf("warnings = %q, want %q", got, test.warnings)
			}
		})
	}

	_, _, answer, err := verify(t, issuertest.Reply(http.StatusUnauthorized, invalid, "Date", "Mon, 07 Dec 2020 13:00:00 GMT"))
	if err != nil || !answer.Refused || len(answer.Warnings) != 1 {
		t.Errorf("a rejection with clock skew: %+v, %v; want a warning", answer, err)
	}
}
