package provider_test

import (
	"crypto/tls"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tokencheck/terraform-provider-tokencheck/internal/issuertest"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/venafi/venafitest"
)

const (
	venafiType   = "tokencheck_venafi"
	venafiSecret = "venafi-0123456789"
)

// clock is the fakes' clock where times are compared: the start time, since the
// binary uses the machine's clock.
var clock = time.Now().UTC().Truncate(time.Second)

// after returns a time by that clock, formatted as in an attribute.
func after(d time.Duration) string { return clock.Add(d).Format(time.RFC3339) }

func venafiToken() venafitest.Token {
	return venafitest.Token{
		IssuedOn: clock.Add(-24 * time.Hour), ValidFor: 7776000,
		GrantIssuedOn: clock.Add(-48 * time.Hour), GrantExpiresOn: clock.Add(365 * 24 * time.Hour),
		Application: "TPP.Auto", Identity: "local:{8e1bf110-8ef8-4a53-a6da-d5d29c983451}", Scope: "certificate:manage,discover;SSH;",
	}
}

func newVenafi(t *testing.T, token venafitest.Token, options ...issuertest.Option) *venafitest.Server {
	t.Helper()

	s := venafitest.NewServer(options...)
	t.Cleanup(s.Close)
	s.SetClock(func() time.Time { return clock })
	s.Set(venafiSecret, token)

	return s
}

func venafiProvider(s *venafitest.Server, more ...map[string]any) map[string]any {
	block := map[string]any{"url": s.URL, "trust_bundle": s.TrustBundle, "access_token": venafiSecret}

	for _, m := range more {
		maps.Copy(block, m)
	}

	return map[string]any{"venafi": block}
}

func readVenafi(t *testing.T, s *venafitest.Server, config map[string]any) (map[string]any, diagnostics) {
	t.Helper()

	h := host(nil)
	h.Now = func() time.Time { return clock }

	p := newServer(t, h)
	if all := p.configure(venafiProvider(s)); len(all) > 0 {
		t.Fatal(all)
	}

	return p.read(venafiType, config)
}

func TestVenafiVerdicts(t *testing.T) {
	t.Parallel()

	all := map[string]any{
		"valid": true, "status": "active", "token_source": "provider",
		"access_issued_on": after(-24 * time.Hour), "valid_for": 7776000, "expires_on": after(89 * 24 * time.Hour),
		"grant_issued_on": after(-48 * time.Hour), "grant_expires_on": after(365 * 24 * time.Hour),
		"application": "TPP.Auto", "identity": "local:{8e1bf110-8ef8-4a53-a6da-d5d29c983451}",
		"scope": "certificate:manage,discover;SSH;", "missing_scopes": nil,
		"scopes": map[string]any{"certificate": []string{"discover", "manage"}, "ssh": []string{}},
	}
	tests := map[string]struct {
		change func(*venafitest.Token)
		config map[string]any
		want   map[string]any
		reason string
	}{
		"active": {nil, nil, all, "is active and expires at " + after(89*24*time.Hour)},
		"scopes granted": {
			nil,
			map[string]any{"required_scopes": []any{"certificate", "certificate:Discover,manage", "ssh", "any"}},
			map[string]any{"valid": true, "status": "active", "missing_scopes": []string{}},
			"is active",
		},
		"scopes missing": {
			nil,
			map[string]any{"required_scopes": []any{"certificate:manage,revoke,delete", "codesign", "ssh:manage"}},
			map[string]any{"valid": false, "status": "missing_scope", "missing_scopes": []string{"certificate:delete", "certificate:revoke", "codesign", "ssh:manage"}},
			"lacks the required scopes certificate:delete, certificate:revoke, codesign, ssh:manage",
		},
		"no scopes required": {
			nil, map[string]any{"required_scopes": []any{}}, map[string]any{"valid": true, "missing_scopes": nil}, "is active",
		},
		"sufficient remaining lifetime": {
			nil, map[string]any{"min_remaining": "2000h"}, map[string]any{"valid": true, "status": "active"}, "is active",
		},
		"expiring, grant remains": {
			nil,
			map[string]any{"min_remaining": "4000h"},
			map[string]any{"valid": false, "status": "expiring", "expires_on": after(89 * 24 * time.Hour)},
			"min_remaining requires at least 4000h",
		},
		"grant expires first": {
			func(token *venafitest.Token) { token.GrantExpiresOn = clock.Add(time.Hour) }, nil,
			map[string]any{"valid": true, "expires_on": after(time.Hour), "grant_expires_on": after(time.Hour)},
			"expires at " + after(time.Hour),
		},
		"grant does not expire": {
			func(token *venafitest.Token) { token.GrantExpiresOn = time.Time{} }, nil,
			map[string]any{"valid": true, "expires_on": after(89 * 24 * time.Hour), "grant_expires_on": nil},
			"is active",
		},
		"lifetime not reported": {
			func(token *venafitest.Token) { token.ValidFor = 0 }, nil,
			map[string]any{"valid": true, "expires_on": nil, "valid_for": nil, "grant_expires_on": after(365 * 24 * time.Hour)},
			"its expiration is unknown",
		},
		"fields missing on older servers": {
			func(token *venafitest.Token) { *token = venafitest.Token{Application: "a", Scope: "ssh"} }, nil,
			map[string]any{
				"valid": true, "expires_on": nil, "valid_for": nil, "grant_expires_on": nil, "access_issued_on": nil, "grant_issued_on": nil,
				"application": "a", "identity": nil, "scope": "ssh",
			},
			"is active",
		},
		"issued this second, for one second": {
			func(token *venafitest.Token) { token.IssuedOn, token.ValidFor = clock, 1 }, nil,
			map[string]any{"valid": true, "expires_on": after(time.Second), "valid_for": 1},
			"expires at " + after(time.Second),
		},
		"rejected": {
			func(token *venafitest.Token) { token.ValidFor = 60 },
			map[string]any{"required_scopes": []any{"ssh"}, "min_remaining": "1h"},
			map[string]any{
				"valid": false, "status": "rejected", "expires_on": nil, "valid_for": nil, "grant_expires_on": nil, "access_issued_on": nil,
				"grant_issued_on": nil, "application": nil, "identity": nil, "scope": nil, "scopes": nil, "missing_scopes": nil,
			},
			"invalid_token",
		},
	}

	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			token := venafiToken()
			if test.change != nil {
				test.change(&token)
			}

			got, all := readVenafi(t, newVenafi(t, token), test.config)
			if len(all) > 0 {
				t.Fatal(all)
			}

			wantAttributes(t, got, test.want)

			if reason := got["reason"].(string); !strings.Contains(reason, test.reason) {
				t.Errorf("reason lacks %q: %s", test.reason, reason)
			}
		})
	}
}

func TestVenafiErrors(t *testing.T) {
	t.Parallel()

	tests := map[string]struct {
		change func(*venafitest.Token)
		fault  http.HandlerFunc
		config map[string]any
		start  string
		texts  []string
	}{
		"min_remaining, unknown expiration": {
			change: func(token *venafitest.Token) { token.ValidFor = 0 }, config: map[string]any{"min_remaining": "1h"},
			start: "error: Remaining lifetime cannot be checked", texts: []string{"Remove min_remaining"},
		},
		"required_scopes, no scopes in the response": {
			change: func(token *venafitest.Token) { token.Scope = "" }, config: map[string]any{"required_scopes": []any{"ssh"}},
			start: "error: Required scopes cannot be checked", texts: []string{"Remove required_scopes"},
		},
		"null scope":                    {config: map[string]any{"required_scopes": []any{nil}}, start: "error: Invalid scope"},
		"empty scope":                   {config: map[string]any{"required_scopes": []any{""}}, start: "error: ", texts: []string{"is empty"}},
		"scope with whitespace":         {config: map[string]any{"required_scopes": []any{"certificate: manage"}}, start: "error: ", texts: []string{"without whitespace"}},
		"restriction to any":            {config: map[string]any{"required_scopes": []any{"any:manage"}}, start: "error: Invalid scope", texts: []string{"restriction to \"any\""}},
		"not an object":                 {fault: issuertest.Reply(http.StatusOK, "[]"), start: unexpected, texts: []string{"not the documented JSON object"}},
		"several scopes in one element": {config: map[string]any{"required_scopes": []any{"certificate;ssh"}}, start: "error: ", texts: []string{"one element for each scope"}},
		"unknown scope":                 {config: map[string]any{"required_scopes": []any{unknown{}}}, start: "error: Argument is unknown"},
		"invalid date": {
			fault: issuertest.Reply(http.StatusOK, `{"access_issued_on":"soon","scope":"ssh"}`), start: "error: ", texts: []string{"invalid date"},
		},
		"error with 200": {
			fault: issuertest.Reply(http.StatusOK, `{"valid_for":60,"Error":"x"}`), start: "error: ", texts: []string{"although the HTTP status reports success"},
		},
		"escape sequence in a name": {
			change: func(token *venafitest.Token) { token.Identity = "\x1b[2J" }, start: "error: ", texts: []string{"not printable"},
		},
		"token in a name": {
			change: func(token *venafitest.Token) { token.Identity = venafiSecret }, start: "error: ", texts: []string{"contains part of the token"},
		},
		"empty document": {fault: issuertest.Reply(http.StatusOK, "{}"), start: "error: Unexpected response from the issuer", texts: []string{"version"}},
		"not found":      {fault: issuertest.Reply(http.StatusNotFound, "<html>", "Content-Type", "text/html"), start: "error: ", texts: []string{"venafi.url", "VEDAuth"}},
		"gateway's 401":  {fault: issuertest.Reply(http.StatusUnauthorized, "", "Www-Authenticate", "Negotiate"), start: "error: ", texts: []string{"in front of"}},
		"redirect":       {fault: issuertest.Reply(http.StatusFound, "", "Location", "https://other.example/"), start: "error: Redirect not followed", texts: []string{"not followed"}},
	}

	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			token := venafiToken()
			if test.change != nil {
				test.change(&token)
			}

			fake := newVenafi(t, token)
			fake.SetFault(test.fault)

			got, all := readVenafi(t, fake, test.config)
			if got != nil {
				t.Error("there are attributes:", got)
			}

			wantOneError(t, all, test.start, test.texts...)
		})
	}
}

// A date that contradicts a valid token, or cannot be written, causes a warning.
func TestVenafiWarnings(t *testing.T) {
	t.Parallel()

	const far = 300_000_000_000 // Seconds, beyond the year 9999.

	for name, test := range map[string]struct {
		body     string
		off      time.Duration // of the server's clock
		want     map[string]any
		reason   string
		warnings []string
	}{
		"token expired": {
			venafitest.Body(venafitest.Token{IssuedOn: clock.AddDate(-1, 0, 0), ValidFor: 60}), time.Hour,
			map[string]any{"expires_on": nil},
			"its expiration is unknown",
			[]string{"Clock skew detected: ", "Expiration date ignored: "},
		},
		"token expired, grant not expired": {
			venafitest.Body(venafitest.Token{IssuedOn: clock.AddDate(-1, 0, 0), ValidFor: 60, GrantExpiresOn: clock.Add(time.Hour)}), 0,
			map[string]any{"expires_on": after(time.Hour)},
			"at the latest",
			[]string{"Expiration date ignored: "},
		},
		"grant expired": {
			venafitest.Body(venafitest.Token{IssuedOn: clock, ValidFor: 60, GrantExpiresOn: clock}), 0,
			map[string]any{"expires_on": after(time.Minute), "grant_expires_on": nil},
			"expires at " + after(time.Minute) + ".",
			[]string{"Expiration date ignored: "},
		},
		"token expires after the year 9999": {
			venafitest.Body(venafitest.Token{IssuedOn: clock, ValidFor: far}), 0, map[string]any{"expires_on": nil}, "its expiration is unknown", []string{"Expiration date ignored: "},
		},
		"issued after the year 9999": {
			fmt.Sprintf(`{"access_issued_on_unix_time":%d,"valid_for":60}`, int64(far)), 0,
			map[string]any{"access_issued_on": nil, "expires_on": nil},
			"its expiration is unknown",
			[]string{"Expiration date ignored: "},
		},
		"both expire after the year 9999": {
			fmt.Sprintf(`{"access_issued_on_unix_time":1,"valid_for":%d,"expires_unix_time":%[1]d}`, int64(far)), 0,
			map[string]any{"expires_on": nil, "grant_expires_on": nil},
			"its expiration is unknown",
			[]string{"Expiration date ignored: ", "Expiration date ignored: "},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			fake := newVenafi(t, venafiToken())
			fake.SetFault(issuertest.Reply(http.StatusOK, test.body))
			fake.SetClock(func() time.Time { return clock.Add(test.off) })

			got, all := readVenafi(t, fake, nil)
			wantAttributes(t, got, map[string]any{"valid": true})
			wantAttributes(t, got, test.want)

			if reason := got["reason"].(string); !strings.Contains(reason, test.reason) {
				t.Errorf("reason lacks %q: %s", test.reason, reason)
			}

			if !slices.EqualFunc(all, test.warnings, func(got, want string) bool { return strings.HasPrefix(got, "warning: "+want) }) {
				t.Errorf("got %v, want warnings %q", all, test.warnings)
			}
		})
	}
}

// Findings before a check fails are reported with its error.
func TestVenafiWarningWithError(t *testing.T) {
	t.Parallel()

	for name, test := range map[string]struct {
		token  venafitest.Token
		fault  http.HandlerFunc
		config map[string]any
		start  string
	}{
		"token in another argument": {venafiToken(), nil, map[string]any{"required_scopes": []any{venafiSecret}}, "error: Token in another argument"},
		"unexpected response":       {venafiToken(), issuertest.Reply(http.StatusNotFound, ""), nil, unexpected},
		"no decision":               {venafitest.Token{Application: "a", Scope: "ssh"}, nil, map[string]any{"min_remaining": "1h"}, "error: Remaining lifetime cannot be checked"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			fake := newVenafi(t, test.token)
			fake.SetFault(test.fault)

			s := configured(t, map[string]string{"VENAFI_TOKEN": venafiSecret + "\n"}, venafiProvider(fake, map[string]any{"access_token": nil, "tls_max_version": "1.3"}))

			_, all := s.read(venafiType, test.config)
			wantOneError(t, all, test.start)

			if !strings.HasPrefix(all.String(), "warning: Trailing newline in VENAFI_TOKEN: ") {
				t.Errorf("got %q, want a warning as well", all)
			}
		})
	}
}

// A token shorter than a word may be part of one by chance.
func TestVenafiShortToken(t *testing.T) {
	t.Parallel()

	for secret, errors := range map[string]int{"certifi": 0, "certific": 1} {
		fake := newVenafi(t, venafiToken())
		fake.Set(secret, venafitest.Token{Application: "a", Scope: "ssh"})

		s := configured(t, nil, venafiProvider(fake, map[string]any{"access_token": secret}))
		if _, all := s.read(venafiType, map[string]any{"required_scopes": []any{"certificate"}}); len(all.errors()) != errors {
			t.Errorf("%d characters: got %v, want %d errors", len(secret), all, errors)
		}
	}
}

func TestVenafiClientCertificate(t *testing.T) {
	t.Parallel()

	authority := issuertest.NewAuthority()
	certificate, key := issuertest.PEM(authority.Issue(issuertest.Certificate{}))
	_, otherKey := issuertest.PEM(authority.Issue(issuertest.Certificate{}))
	fake := newVenafi(t, venafiToken(), func(config *tls.Config) {
		config.ClientAuth, config.ClientCAs = tls.RequireAndVerifyClientCert, authority.Pool()
	})

	read := func(t *testing.T, block map[string]any) (map[string]any, diagnostics) {
		t.Helper()

		s := newServer(t, host(nil))
		if all := s.configure(venafiProvider(fake, block)); len(all) > 0 {
			return nil, all
		}

		return s.read(venafiType, nil)
	}

	got, all := read(t, map[string]any{"client_certificate": certificate, "client_key": key, "tls_max_version": "1.2"})
	if len(all.errors()) > 0 {
		t.Fatal(all)
	}

	wantAttributes(t, got, map[string]any{"valid": true})

	if r := fake.Requests()[0]; !r.ClientCertificate || r.TLS != tls.VersionTLS12 || r.Proto != "HTTP/1.1" {
		t.Errorf("got %+v, want a client certificate, TLS 1.2 and HTTP/1.1", r)
	}

	_, all = read(t, nil)
	wantOneError(t, all, "error: ", "venafi.client_certificate")

	strange, strangeKey := issuertest.PEM(issuertest.NewAuthority().Issue(issuertest.Certificate{}))
	_, all = read(t, map[string]any{"client_certificate": strange, "client_key": strangeKey, "tls_max_version": "1.2"})
	wantOneError(t, all, "error: The issuer could not be reached", "refused the client certificate", "the CA that signed it")

	_, all = read(t, map[string]any{"client_certificate": certificate, "client_key": otherKey})
	wantOneError(t, all, "error: Invalid client key", "openssl")

	_, all = read(t, map[string]any{"client_certificate": certificate})
	wantOneError(t, all, "error at venafi.client_certificate: Invalid Attribute Combination", "client_key")

	_, all = read(t, map[string]any{"client_certificate": certificate, "client_key": unknown{}})
	wantOneError(t, all, "error: Provider configuration is unknown", "venafi.client_key")
}
