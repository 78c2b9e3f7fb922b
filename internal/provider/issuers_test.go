package provider_test

import (
	"fmt"
	"io/fs"
	"maps"
	"net/http"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"

	"github.com/tokencheck/terraform-provider-tokencheck/internal/cli/clitest"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/cloudflare/cloudflaretest"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/issuertest"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/provider"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/venafi/venafitest"
)

// fake describes an issuer to the tests that run for every issuer.
type fake struct {
	// block is the issuer's block in the provider configuration; the names of its
	// arguments and environment variables follow.
	block                      string
	tokenArgument, urlArgument string
	tokenVariable, urlVariable string
	// lateClientAuth is as in transport.Config: the block has a client certificate,
	// and the connection is HTTP/1.1.
	lateClientAuth bool

	// start starts a server on which the given tokens are valid. It also returns the
	// value for urlArgument. The caller closes the server.
	start func(tokens []string) (s *issuertest.Server, url string)
	// valid is the response for a token that is valid at a time. It contains text in
	// each field that becomes an attribute unchanged.
	valid func(text string, at time.Time) issuertest.Answer
	// ended is the response for a token that expired before a time, with no other
	// sign of it; nil if the issuer has no such response.
	ended func(at time.Time) issuertest.Answer
	// refusal is the response for an unknown token, and echo one whose messages echo
	// the request's token, at each %s of the body.
	refusal, echo issuertest.Answer
	// recorded are the real issuer's responses.
	recorded map[string]issuertest.Recorded
	// accepts is the simple decoder of the documented success.
	accepts func(answer []byte, now time.Time) bool

	// own returns the check's arguments that only this issuer has, for a text, which
	// may be invalid; ownText is a valid one. Both are empty if there are none.
	own     func(text string) map[string]any
	ownText string
}

// fakes returns all issuers that the provider knows.
func fakes() []fake {
	return []fake{
		{
			block: "cloudflare", tokenArgument: "api_token", urlArgument: "base_url",
			tokenVariable: "CLOUDFLARE_API_TOKEN", urlVariable: "CLOUDFLARE_BASE_URL",
			start: func(tokens []string) (*issuertest.Server, string) {
				s := cloudflaretest.NewServer()
				for _, token := range tokens {
					s.Set(token, cloudflaretest.Token{ID: tokenID})
				}

				return s.Server, s.BaseURL()
			},
			valid: func(text string, at time.Time) issuertest.Answer {
				return issuertest.Answer{Status: http.StatusOK, Body: cloudflaretest.Body(cloudflaretest.Token{ID: text}, at)}
			},
			ended: func(at time.Time) issuertest.Answer {
				token := cloudflaretest.Token{ID: tokenID, Status: "active", ExpiresOn: at.Add(-time.Second)}

				return issuertest.Answer{Status: http.StatusOK, Body: cloudflaretest.Body(token, at)}
			},
			refusal:  issuertest.Answer{Status: http.StatusUnauthorized, Body: cloudflaretest.BodyInvalid},
			echo:     issuertest.Answer{Status: http.StatusUnauthorized, Body: `{"success":false,"errors":[{"code":10000,"message":"No: %s"}]}`},
			recorded: cloudflaretest.Recorded, accepts: cloudflaretest.Accepts,
			own:     func(text string) map[string]any { return map[string]any{"account_id": text} },
			ownText: account,
		},
		{
			block: "venafi", tokenArgument: "access_token", urlArgument: "url",
			tokenVariable: "VENAFI_TOKEN", urlVariable: "VENAFI_URL",
			lateClientAuth: true,
			start: func(tokens []string) (*issuertest.Server, string) {
				s := venafitest.NewServer()
				for _, token := range tokens {
					s.Set(token, venafitest.Token{IssuedOn: time.Now(), ValidFor: 7776000, Scope: "certificate:manage"})
				}

				return s.Server, s.URL
			},
			valid: func(text string, at time.Time) issuertest.Answer {
				token := venafitest.Token{IssuedOn: at, ValidFor: 7776000, Application: text, Identity: text, Scope: text}

				return issuertest.Answer{Status: http.StatusOK, Body: venafitest.Body(token)}
			},
			refusal:  issuertest.Answer{Status: http.StatusUnauthorized, Body: venafitest.BodyInvalid},
			echo:     issuertest.Answer{Status: http.StatusUnauthorized, Body: `{"error":"no: %s","error_description":"%s"}`},
			recorded: venafitest.Recorded, accepts: venafitest.Accepts,
			own:     func(text string) map[string]any { return map[string]any{"required_scopes": []any{text}} },
			ownText: "certificate:manage,revoke",
		},
	}
}

// kind returns the name of the data source and of the ephemeral resource.
func (f fake) kind() string { return "tokencheck_" + f.block }

// works responds as the issuer does for a valid token.
func (f fake) works(w http.ResponseWriter, r *http.Request) {
	f.valid(tokenID, time.Now()).ServeHTTP(w, r)
}

// Each issuer that the provider knows is covered by the tests for every issuer, has
// both faces with their examples and pages, and is complete in the provider's own
// example and page.
func TestEveryIssuer(t *testing.T) {
	t.Parallel()

	root := os.DirFS(clitest.Root(t))
	schema := newServer(t, host(nil)).schema

	for kind := range schema.DataSourceSchemas {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()

			if !slices.ContainsFunc(fakes(), func(f fake) bool { return f.kind() == kind }) {
				t.Error("add the issuer to fakes() in internal/provider/issuers_test.go")
			}

			if schema.EphemeralResourceSchemas[kind] == nil {
				t.Errorf("add the ephemeral resource %s", kind)
			}

			for _, face := range []string{"data-sources", "ephemeral-resources"} {
				if found, _ := fs.Glob(root, path.Join("examples", face, kind, "*", "main.tf")); len(found) == 0 {
					t.Errorf("add an example, such as examples/%s/%s/NAME/main.tf", face, kind)
				}

				page := path.Join("templates", face, strings.TrimPrefix(kind, "tokencheck_")+".md.tmpl")
				if _, err := fs.Stat(root, page); err != nil {
					t.Errorf("add the page %s", page)
				}
			}
		})
	}

	for _, issuer := range fakes() {
		t.Run(issuer.block, func(t *testing.T) {
			t.Parallel()
			wantSound(t, issuer)
		})
	}

	wantVariables(t, root)
	wantArguments(t, root, schema.Provider.Block.Attributes)
}

// wantSound validates an entry: the tests that rely on it would pass with a response
// without text, or with a decoder that accepts everything.
func wantSound(t *testing.T, issuer fake) {
	t.Helper()

	s, url := issuer.start([]string{faultSecret})
	t.Cleanup(s.Close)

	// An ephemeral resource reuses no response.
	p := configured(t, nil, map[string]any{issuer.block: map[string]any{issuer.urlArgument: url, "trust_bundle": s.TrustBundle, issuer.tokenArgument: faultSecret}})
	for range 2 {
		if got, all := p.open(issuer.kind(), nil); got["valid"] != true {
			t.Errorf("the fake rejects its token: %v %v", got, all)
		}
	}

	if n := len(s.Requests()); n != 2 {
		t.Errorf("%d requests for two ephemeral resources", n)
	}

	canned := issuertest.StartCanned()
	t.Cleanup(canned.Close)

	// Each response has its own provider, with an empty cache.
	read := func(answer issuertest.Answer, config map[string]any) (map[string]any, diagnostics) {
		canned.Set(answer.Wire())

		s := newServer(t, host(nil))
		s.configure(map[string]any{"max_retries": 0, issuer.block: map[string]any{issuer.urlArgument: canned.URL, issuer.tokenArgument: faultSecret}})

		return s.read(issuer.kind(), config)
	}
	good := issuer.valid("example-text", time.Now())
	empty := issuertest.Answer{Status: http.StatusOK, Body: "{}"}

	got, all := read(good, nil)
	if got["valid"] != true {
		t.Errorf("valid is not a valid token: %v %v", got, all)
	}

	for name, value := range got {
		own := !slices.Contains([]string{"reason", "status", "token_source"}, name) && !strings.HasSuffix(name, "_on")
		if text, ok := value.(string); ok && own && !strings.Contains(text, "example-text") {
			t.Errorf("valid has no text for the attribute %s, so that a token in it would not be found", name)
		}
	}

	refused, all := read(issuer.refusal, nil)
	if refused["status"] != "rejected" {
		t.Errorf("refusal is not rejected: %v %v", refused, all)
	}

	expiring, _ := read(good, map[string]any{"min_remaining": "876000h"})

	// A reason includes the issuer's words, and one may be missing.
	for _, reason := range []any{got["reason"], refused["reason"], expiring["reason"]} {
		if text, ok := reason.(string); ok && (!strings.HasSuffix(text, ".") || strings.Contains(text, "  ") || strings.Contains(text, " .")) {
			t.Errorf("the reason lacks a part: %q", text)
		}
	}

	for _, body := range []string{"<html></html>", "{}", ""} {
		answer := issuertest.Answer{Status: issuer.refusal.Status, Body: body}
		if got, all := read(answer, nil); len(all.errors()) != 1 || !strings.Contains(all.String(), "issuer") {
			t.Errorf("the gateway response %q returned %v %v", body, got, all)
		}
	}

	if !issuer.accepts(good.Wire(), time.Now()) || issuer.accepts(issuer.refusal.Wire(), time.Now()) || issuer.accepts(empty.Wire(), time.Now()) {
		t.Error("accepts must accept valid, and neither refusal nor an empty object")
	}

	if issuer.ended != nil {
		ended := issuer.ended(time.Now())
		if got, all := read(ended, nil); got["valid"] != false || issuer.accepts(ended.Wire(), time.Now()) {
			t.Errorf("an expired token returned %v %v, or is accepted", got, all)
		}
	}

	echo := issuer.echo
	echo.Body = strings.ReplaceAll(echo.Body, "%s", faultSecret)

	if got, all := read(echo, nil); !strings.Contains(fmt.Sprint(got, all), "withheld: contains part of the token") {
		t.Errorf("echo is not decoded: %v %v", got, all)
	}
}

// Each recorded response leads to its verdict or is an error; the catalogue of
// messages has the text.
func TestRecorded(t *testing.T) {
	t.Parallel()

	for _, issuer := range fakes() {
		for name, recorded := range issuer.recorded {
			t.Run(issuer.block+"/"+name, func(t *testing.T) {
				t.Parallel()

				canned := issuertest.StartCanned()
				t.Cleanup(canned.Close)
				canned.Set(recorded.Wire())

				got, all := configured(t, nil, map[string]any{
					"max_retries": 0, issuer.block: map[string]any{issuer.urlArgument: canned.URL, issuer.tokenArgument: faultSecret},
				}).read(issuer.kind(), nil)

				if recorded.Verdict == "" {
					wantOneError(t, all, "error", "this says nothing about whether it is valid")
				} else if got["status"] != recorded.Verdict || len(all) > 0 {
					t.Errorf("status = %v, want %s: %v", got["status"], recorded.Verdict, all)
				}
			})
		}
	}
}

// wantVariables wants each environment variable that the provider reads in the table
// of its page, next to the argument that takes precedence over it.
func wantVariables(t *testing.T, root fs.FS) {
	t.Helper()

	const page = "templates/index.md.tmpl"

	arguments := make(map[string]string)
	for _, issuer := range fakes() {
		arguments[issuer.tokenVariable] = issuer.block + "." + issuer.tokenArgument
		arguments[issuer.urlVariable] = issuer.block + "." + issuer.urlArgument
	}

	text, err := fs.ReadFile(root, page)
	if err != nil {
		t.Fatal(err)
	}

	if got, want := slices.Sorted(slices.Values(provider.Variables())), slices.Sorted(maps.Keys(arguments)); !slices.Equal(got, want) {
		t.Errorf("the provider reads the variables %q, and the entries of fakes() name %q", got, want)
	}

	for variable, argument := range arguments {
		if !regexp.MustCompile("(?m)^\\| `" + variable + "` \\|.*\\| `" + argument + "` \\|$").Match(text) {
			t.Errorf("add a row to the environment variables in %s: | `%s` | what it means | `%s` |", page, variable, argument)
		}
	}
}

// wantArguments wants each argument of the provider configuration in its example,
// which claims to be complete.
func wantArguments(t *testing.T, root fs.FS, all []*tfprotov6.SchemaAttribute) {
	t.Helper()

	const example = "examples/provider/provider.tf"

	text, err := fs.ReadFile(root, example)
	if err != nil {
		t.Fatal(err)
	}

	config := regexp.MustCompile(`(?ms)^provider "tokencheck" \{$.*?^\}$`).FindString(string(text))

	for _, attribute := range all {
		argument := regexp.MustCompile(`(?ms)^  ` + attribute.Name + ` += (\{$.*?^  \}$)?`).FindString(config)
		if argument == "" {
			t.Errorf("add the argument %s to %s", attribute.Name, example)
		}

		if attribute.NestedType == nil {
			continue
		}

		for _, nested := range attribute.NestedType.Attributes {
			if !regexp.MustCompile(`(?m)^    ` + nested.Name + ` += `).MatchString(argument) {
				t.Errorf("add the argument %s.%s to %s", attribute.Name, nested.Name, example)
			}
		}
	}
}
