package transport

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tokencheck/terraform-provider-tokencheck/internal/issuertest"
)

// TestResponse covers the errors about responses, by a clock that starts at midnight.
func TestResponse(t *testing.T) {
	t.Parallel()

	const unexpected, outage, limit, cache, redirect = "Unexpected response from the issuer", "Issuer returned a server error", "Rate limit reached", "Cached response", "Redirect not followed"

	for _, test := range []struct {
		status            int
		body              string
		header            []string
		title, part, lack string
	}{
		{200, "wisdom", nil, unexpected, "issuer.url", "wisdom"},
		{200, "<html>wisdom", []string{"Content-Type", "text/html; charset=x"}, unexpected, "HTML", "wisdom"},
		{404, "", nil, unexpected, "HTTP 404 Not Found", ""},
		{403, secret, []string{"X-Echo", secret}, unexpected, "HTTP 403 Forbidden", ""},
		{408, "", nil, outage, "OUTAGE.", "tls_max_version"},
		{500, "", nil, outage, "issuer.tls_max_version", ""},
		{503, "", []string{"Age", "60"}, outage, "Requests sent: 1", "tls_max_version"},
		{503, "", []string{"Retry-After", "90"}, outage, "2000-01-01T00:01:30Z", ""},
		{429, "", []string{"Age", "60"}, limit, "-parallelism", ""},
		{301, "", []string{"Location", "https://issuer.example.com:8443/new?x=y"}, redirect, "https://issuer.example.com:8443", "/new"},
		{302, "", []string{"Location", "/login"}, redirect, "http://127.0.0.1", "/login"},
		{307, "", []string{"Location", "https://" + secret + ".example.com"}, redirect, "withheld", ""},
		{308, "", []string{"Location", "https://wisdom:a b"}, redirect, "issuer.url", "wisdom"},
		{300, "", []string{"Location", "https://x", "Age", "1"}, redirect, "", ""},
		{399, "", []string{"Location", "https://x"}, redirect, "", ""},
		{299, "", []string{"Location", "https://x"}, unexpected, "", ""},
		{400, "", []string{"Location", "https://x"}, unexpected, "", ""},

		{200, "", []string{"Age", "1"}, cache, "Exempt", ""},
		{401, "", []string{"Age", "99999999999999999999"}, cache, "Exempt", ""},
		{200, "", []string{"Age", "0"}, unexpected, "", ""},
	} {
		synctest.Test(t, func(t *testing.T) {
			c, f := fake(t, func(i *Issuer, c *Config) { i.LateClientAuth, c.MaxRetries = true, 0 }, issuertest.Reply(test.status, test.body, test.header...))
			resp, err := c.Get(t.Context(), bearer(t, secret), true)
			if err == nil {
				err = resp.Unexpected("", "", "")
			}
			wantFault(t, err, test.title, test.part)
			if test.lack != "" && strings.Contains(err.Error(), test.lack) || len(f.sent) != 1 {
				t.Errorf("%d requests, and error %q, want it without %q", len(f.sent), err, test.lack)
			}
		})
	}
}

// TestPhrase covers the words of a status line, which may be anything.
func TestPhrase(t *testing.T) {
	t.Parallel()

	for phrase, part := range map[string]string{"Go away": "HTTP 403 Go away", "": "HTTP 403 Forbidden", secret: "withheld", "a\x1b[31mb": "a\ufffd[31mb"} {
		resp, err := connect(t, raw(t, "HTTP/1.1 403 "+phrase+"\r\n\r\n")).Get(t.Context(), bearer(t, secret), true)
		if err != nil {
			t.Fatal(err)
		}
		wantFault(t, resp.Unexpected("", "", ""), "Unexpected response from the issuer", part)
	}
}

// TestClock covers the issuer's clock.
func TestClock(t *testing.T) {
	t.Parallel()

	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for date, want := range map[string]struct {
		skew     time.Duration
		warnings int
	}{
		"Sun, 01 Mar 2026 12:00:00 GMT": {0, 0}, "Sun, 01 Mar 2026 12:05:00 GMT": {5 * time.Minute, 0}, "Sun, 01 Mar 2026 12:05:01 GMT": {301 * time.Second, 1},
		"Sun, 01 Mar 2026 11:54:59 GMT": {-301 * time.Second, 1}, "": {0, 0}, "noon": {0, 0},
	} {
		c, _ := fake(t, func(_ *Issuer, c *Config) { c.Now = func() time.Time { return at } }, issuertest.Reply(200, "{}", "Date", date))
		resp, err := c.Get(t.Context(), bearer(t, secret), true)
		if err != nil || resp.Now.Sub(at) != want.skew || len(resp.Warnings) != want.warnings {
			t.Errorf("%q: %+v, %v; want %+v", date, resp, err, want)
		}
	}
}

// TestDecode asserts that what decides is read strictly, and nothing else is judged.
func TestDecode(t *testing.T) {
	t.Parallel()

	type document struct {
		A    string
		B    *bool
		Text Text
	}
	for body, want := range map[string]string{
		`{"A":"x"}`: "x ", " \r\n{\"new\":[1],\"A\":\"x\",\"Text\":\"y\",\"B\":null}\n": "x y", `{"a":"x"}`: " ", "{\"A\":\"\xff\"}": "\ufffd ", `{"A":"\ud800"}`: "\ufffd ",
		`{"A":"x","Text":1}`: "x ", `{"A":"x","Text":["y"]}`: "x ", `{"A":"x","Text":null}`: "x ", "{\"Text\":\"\xff\"}": " \ufffd",
		"": "", "null": "", `[{"A":"x"}]`: "", `"x"`: "", `{"A":"x"} {}`: "", `{"A":"x","A":"x"}`: "", `{"A":1}`: "", `{"B":"true"}`: "", `{"A":"x"`: "", "\ufeff{}": "", "<html>": "",
	} {
		got, ok := Decode[document](&Response{Body: []byte(body)})
		if ok != (want != "") || ok && got.A+" "+string(got.Text) != want || !ok && got != (document{}) {
			t.Errorf("Decode(%q) = %+v, %v; want %q", body, got, ok, want)
		}
	}
}

// TestTrustBundle asserts that each block of a bundle is used, in addition to the
// system's certificates, or the bundle is refused.
func TestTrustBundle(t *testing.T) {
	t.Parallel()

	authority := issuertest.NewAuthority()
	good, another := authority.PEM, issuertest.NewAuthority().PEM
	_, key := issuertest.PEM(authority.Issue(issuertest.Certificate{}))
	bad := "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
	block, _ := pem.Decode([]byte(good))
	block.Bytes = bytes.Replace(block.Bytes, []byte{2, 1, 1}, []byte{2, 1, 0xff}, 1)
	negative := string(pem.EncodeToMemory(block))

	for bundle, part := range map[string]string{
		good + negative: "certificate 2 of 2 cannot be used: x509: negative serial number",
		good:            "", good + another: "", "# Authority\r\n" + strings.ReplaceAll(good, "\n", "\r\n") + "end": "",
		"/etc/ssl/ca.pem": "no PEM", secret: "no PEM", key: "1 of 1", good + key: "2 of 2", bad: "1 of 1", good + bad + another: "2 of 3",
		good[:len(good)/2]: "1 of 1", good + another[:len(another)/2]: "2 of 2", strings.TrimSpace(good) + another: "newline", strings.ReplaceAll(good, "CERTIFICATE", "TRUSTED CERTIFICATE"): "1 of 1",
	} {
		client, err := New(Issuer{Block: "issuer"}, Config{TrustBundle: bundle})
		if part != "" {
			if err == nil || !strings.Contains(err.Error(), "issuer.trust_bundle") || !strings.Contains(err.Error(), part) || bearer(t, secret).In(err.Error()) {
				t.Errorf("%q: %v, want an error with %q", bundle, err, part)
			}
			continue
		}
		want, _ := x509.SystemCertPool()
		if want.AppendCertsFromPEM([]byte(bundle)); err != nil || !client.transport.TLSClientConfig.RootCAs.Equal(want) {
			t.Errorf("%q: %v, or not all of its certificates are used", bundle, err)
		}
	}
}

func TestParseURL(t *testing.T) {
	t.Parallel()

	for raw, want := range map[string]string{
		"https://api.example.com/client/v4///": "https://api.example.com/client/v4", " HTTPS://API.example.com:8443/A%2Fb/\n": "https://API.example.com:8443/A%2Fb",
		"https://[2001:db8::1]/": "https://[2001:db8::1]", "https://host/a@b:c": "https://host/a@b:c", "https://host_1": "https://host_1",
		"http://127.0.0.1:8080/v4/": "http://127.0.0.1:8080/v4", "http://127.255.255.254": "http://127.255.255.254", "http://[::1]:8080": "http://[::1]:8080", "http://localhost:1": "http://localhost:1",

		"http://api.example.com": "", "http://192.168.0.1": "", "http://0.0.0.0": "", "http://[::]": "", "http://127.0.0.1.example.com": "", "http://localhost.example.com": "", "http://127.1": "", "http://0x7f.0.0.1": "",
		"": "", "host": "", "host:443": "", "//host": "", "/client/v4": "", "https:host": "", "https://": "", "https:///v4": "", "https://:443": "", "ftp://host": "", "file:///etc/passwd": "",
		"https://user@host": "", "https://user:" + secret + "@host": "", "https://@host": "", "https://api.example.com@evil.example.com": "", "https://host\\@evil.example.com": "",
		"https://host?": "", "https://host/?token=" + secret: "", "https://host/#" + secret: "", "https://host/%zz": "", "https://host:port": "", "https://[::1": "", "https://ho st": "", "https://host/\x00": "", "https://${HOST}": "",
	} {
		got, err := ParseURL(raw)
		if want == "" && (err == nil || bearer(t, secret).In(err.Error())) || want != "" && (err != nil || got.String() != want) {
			t.Errorf("ParseURL(%q) = %v, %v; want %q", raw, got, err, want)
		}
	}
}
