package provider_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/tokencheck/terraform-provider-tokencheck/internal/cli/clitest"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/issuertest"
)

// Tests that run the CLI have all issuers in one configuration where they can: each
// run of a command takes about as long as all tests over the protocol.

// noToken stands in for a null verified_token in the gate for pipelines.
const noToken = "no-verified-token"

// issuer is a running fake, and the API of the provider that its tokens are for.
type issuer struct {
	fake
	*issuertest.Server

	url   string // for urlArgument
	cloud string // of the guarded provider's API, which accepts every token but noToken
	sent  func() []string
}

// start starts issuers that accept the tokens.
func start(t *testing.T, fakes []fake, valid ...string) (all []issuer) {
	t.Helper()
	for _, f := range fakes {
		s, url := f.start(valid)
		t.Cleanup(s.Close)
		cloud, sent := cloudServer(t)
		all = append(all, issuer{f, s, url, cloud, sent})
	}
	return all
}

// cloudServer starts the guarded provider's API, and sent returns the token of each
// request.
func cloudServer(t *testing.T) (url string, sent func() []string) {
	t.Helper()
	s := issuertest.Start(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") == "Bearer "+noToken {
			w.WriteHeader(http.StatusUnauthorized)
		}
	}))
	plain := httptest.NewServer(s.Config.Handler) // The stand-ins do not trust its CA.
	t.Cleanup(s.Close)
	t.Cleanup(plain.Close)
	return plain.URL, func() (tokens []string) {
		for _, r := range s.Requests() {
			tokens = append(tokens, strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "))
		}
		return tokens
	}
}

// words replaces the placeholders of a configuration with the issuer's names. SERVER
// is the guarded provider's server.
func (f fake) words(config, cloud string) string {
	return strings.NewReplacer(
		"KIND", f.kind(), "PROVIDER", f.block, "TOKEN", f.tokenArgument, "SERVER", fmt.Sprintf("%s = %q", f.urlArgument, cloud),
		"RECORD", f.guarded[0], "NAME", f.guarded[1], "TEXT", f.guarded[2],
	).Replace(config)
}

// forAll repeats a configuration for each issuer.
func forAll(all []issuer, config string) string {
	var b strings.Builder
	for _, i := range all {
		b.WriteString(i.words(config, i.cloud))
	}
	return b.String()
}

// configured returns a provider configuration for the issuers' servers, with further
// arguments of each block.
func configured(all []issuer, arguments ...string) string {
	var b strings.Builder
	for _, i := range all {
		fmt.Fprintf(&b, "  %s {\n    %s = %q\n    trust_bundle = %q\n    %s\n  }\n", i.block, i.urlArgument, i.url, i.TrustBundle, i.words(strings.Join(arguments, "\n    "), ""))
	}
	return "provider \"tokencheck\" {\n  max_retries = 0\n" + b.String() + "}\n"
}

// aliased adds an alias to a provider configuration.
func aliased(alias, provider string) string {
	return strings.Replace(provider, "{", fmt.Sprintf("{\n  alias = %q", alias), 1)
}

// tokens sets every issuer's variable to a token.
func tokens(all []issuer, token string) (env []string) {
	for _, i := range all {
		env = append(env, i.tokenVariable+"="+token)
	}
	return env
}

// respond makes the issuers respond in another way than to a valid token, until it is
// called with nil.
func respond(all []issuer, answer func(f fake) http.HandlerFunc) {
	for _, i := range all {
		if i.SetFault(nil); answer != nil {
			i.SetFault(answer(i.fake))
		}
	}
}

// Ways to respond.
func rejects(f fake) http.HandlerFunc { return f.rejected().ServeHTTP }
func outage(fake) http.HandlerFunc    { return issuertest.Reply(http.StatusServiceUnavailable, "") }

// diagnosed reports whether one of the CLI's diagnostics contains both texts.
func diagnosed(output, address, text string) bool {
	return slices.ContainsFunc(clitest.Diagnostics(output), func(diagnostic string) bool {
		return strings.Contains(diagnostic, address) && clitest.Says(text).MatchString(diagnostic)
	})
}
