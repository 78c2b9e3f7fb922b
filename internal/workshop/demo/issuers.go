package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"time"

	"github.com/tokencheck/terraform-provider-tokencheck/internal/cloudflare/cloudflaretest"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/github/githubtest"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/gitlab/gitlabtest"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/issuertest"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/venafi/venafitest"
)

const (
	cloudflareVariable = "CLOUDFLARE_API_TOKEN"
	venafiVariable     = "VENAFI_TOKEN"
	githubVariable     = "GITHUB_TOKEN"
	gitlabVariable     = "GITLAB_TOKEN"

	suffix          = "-Zq8RtYw3LmN5Kd7Hs2Vb9Xc4Gf6Jp1"
	validCloudflare = "fake-cf-1" + suffix
	validVenafi     = "fake-tpp-1" + suffix
	validGitHub     = "fake-gh-1" + suffix
	validGitLab     = "fake-gl-1" + suffix
	expired         = "fake-cf-3" + suffix

	active   = "active"
	expiring = "expiring, with min_remaining = \"72h\""
)

// states are the tokens, and the status of each, with the arguments for it.
var states = []struct{ variable, status, token string }{
	{cloudflareVariable, active, validCloudflare},
	{cloudflareVariable, expiring, "fake-cf-2" + suffix},
	{cloudflareVariable, "expired", expired},
	{cloudflareVariable, "disabled", "fake-cf-4" + suffix},
	{cloudflareVariable, "not_yet_valid", "fake-cf-5" + suffix},
	{cloudflareVariable, "revoked (exposed), which is not documented", "fake-cf-6" + suffix},
	{cloudflareVariable, "rejected (account-owned)", "cfat_fake-cf-7" + suffix},
	{cloudflareVariable, "rejected (deleted)", "fake-cf-8" + suffix},
	{venafiVariable, active, validVenafi},
	{venafiVariable, expiring, "fake-tpp-2" + suffix},
	{venafiVariable, "missing_scope, with required_scopes = [\"certificate:manage\"]", "fake-tpp-3" + suffix},
	{venafiVariable, "rejected (revoked)", "fake-tpp-4" + suffix},
	{githubVariable, active, validGitHub},
	{githubVariable, expiring, "fake-gh-2" + suffix},
	{githubVariable, "missing_scope, with required_scopes = [\"repo\"]", "fake-gh-3" + suffix},
	{githubVariable, "active, as GITHUB_TOKEN in Actions: its expiration is unknown", "ghs_fake-gh-5" + suffix},
	{githubVariable, "rejected (revoked)", "fake-gh-4" + suffix},
	{gitlabVariable, active, validGitLab},
	{gitlabVariable, expiring, "fake-gl-2" + suffix},
	{gitlabVariable, "missing_scope, with required_scopes = [\"read_api\"]", "fake-gl-3" + suffix},
	{gitlabVariable, "rejected (expired)", "fake-gl-4" + suffix},
}

// issuers are the fake issuers, on loopback and without TLS, so that no CA needs to
// be trusted.
type issuers struct {
	cloudflare *cloudflaretest.Server
	venafi     *venafitest.Server
	github     *githubtest.Server
	gitlab     *gitlabtest.Server
	// env contains their URLs, and valid tokens. Ending is a valid token that expires.
	env    []string
	ending string
	// known revokes, or restores, each token.
	known map[string][2]func()
}

func startIssuers() (i issuers, stop func()) {
	i = issuers{known: make(map[string][2]func()), ending: "fake-cf-2" + suffix, cloudflare: cloudflaretest.NewServer(), venafi: venafitest.NewServer(), github: githubtest.NewServer(), gitlab: gitlabtest.NewServer()}
	var servers []interface{ Close() }
	for _, s := range []struct {
		server                             *issuertest.Server
		urlVariable, path, variable, token string
	}{
		{i.cloudflare.Server, "CLOUDFLARE_BASE_URL", "/client/v4", cloudflareVariable, validCloudflare},
		{i.venafi.Server, "VENAFI_URL", "", venafiVariable, validVenafi},
		{i.github.Server, "GITHUB_BASE_URL", "/", githubVariable, validGitHub},
		{i.gitlab.Server, "GITLAB_BASE_URL", "", gitlabVariable, validGitLab},
	} {
		plain := httptest.NewServer(onlyVerification(s.server.Config.Handler))
		servers = append(servers, plain, s.server)
		i.env = append(i.env, s.urlVariable+"="+plain.URL+s.path, s.variable+"="+s.token)
	}

	now := time.Now().UTC().Truncate(time.Second)
	day, year := now.AddDate(0, 0, 1), now.AddDate(1, 0, 0)
	for token, known := range map[string]cloudflaretest.Token{
		validCloudflare: {}, "fake-cf-2" + suffix: {ExpiresOn: day}, expired: {ExpiresOn: now.AddDate(0, 0, -1)}, "fake-cf-4" + suffix: {Status: "disabled"},
		"fake-cf-5" + suffix: {NotBefore: day}, "fake-cf-6" + suffix: {Status: "revoked (exposed)"}, "cfat_fake-cf-7" + suffix: {Account: cloudflaretest.AccountID},
	} {
		known.ID = "ed17574386854bf78a67040be0a770b0"
		add(i, token, known, i.cloudflare)
	}
	for token, known := range map[string]venafitest.Token{
		validVenafi: {ValidFor: 7776000, Scope: "certificate:manage,revoke"}, "fake-tpp-2" + suffix: {ValidFor: 86400, Scope: "certificate:manage"},
		"fake-tpp-3" + suffix: {ValidFor: 7776000, Scope: "certificate:discover;ssh"},
	} {
		known.IssuedOn, known.GrantIssuedOn, known.GrantExpiresOn = now, now, year
		known.Application, known.Identity = "fake", "local:{8e1bf110-8ef8-4a53-a6da-d5d29c983451}"
		add(i, token, known, i.venafi)
	}
	for token, known := range map[string]githubtest.Token{
		validGitHub: {Scopes: "repo", ExpiresOn: year}, "fake-gh-2" + suffix: {Scopes: "repo", ExpiresOn: day}, "fake-gh-3" + suffix: {Scopes: "read:org", ExpiresOn: year}, "ghs_fake-gh-5" + suffix: {},
	} {
		if token != "ghs_fake-gh-5"+suffix {
			known.Login = "octocat"
		}
		add(i, token, known, i.github)
	}
	for token, known := range map[string]gitlabtest.Token{
		validGitLab: {Scopes: []string{"api"}, ExpiresAt: year}, "fake-gl-2" + suffix: {Scopes: []string{"api"}, ExpiresAt: day.AddDate(0, 0, 1)},
		"fake-gl-3" + suffix: {Scopes: []string{"read_repository"}, ExpiresAt: year}, "fake-gl-4" + suffix: {ExpiresAt: now},
	} {
		known.Name = "demo"
		add(i, token, known, i.gitlab)
	}

	return i, func() {
		for _, s := range servers {
			s.Close()
		}
	}
}

// onlyVerification answers other requests with 501: a provider that reads "not found"
// would drop resources from the state.
func onlyVerification(fake http.Handler) http.Handler {
	verification := regexp.MustCompile(`/(tokens/verify|[aA]uthorize/[vV]erify|user|personal_access_tokens/self)$`)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !verification.MatchString(r.URL.Path) {
			http.Error(w, "This fake only verifies tokens.", http.StatusNotImplemented)
			return
		}
		fake.ServeHTTP(w, r)
	})
}

// add makes an issuer know a token.
func add[T any](i issuers, secret string, token T, issuer interface {
	Set(secret string, token T)
	Revoke(secret string)
},
) {
	issuer.Set(secret, token)
	i.known[secret] = [2]func(){func() { issuer.Revoke(secret) }, func() { issuer.Set(secret, token) }}
}

// enter revokes the token in a line, which may be that of an export, or restores it.
// It returns what to print.
func (i issuers) enter(line string, revoked map[string]bool) string {
	_, token, found := strings.Cut(line, "=")
	if !found {
		token = line
	}
	token, _, _ = strings.Cut(token, " #")
	token = strings.Trim(token, " \t\r\"'")

	change, known := i.known[token]
	switch {
	case !known:
		return "# Unknown token."
	case revoked[token]:
		revoked[token] = false
		change[1]()
		return "# Restored."
	default:
		revoked[token] = true
		change[0]()
		return "# Revoked. Enter it again to restore it."
	}
}

// serve runs the issuers until the context is done. It reads tokens from in, one per
// line, and revokes or restores them.
func serve(ctx context.Context, in io.Reader, out io.Writer) {
	i, stop := startIssuers()
	defer stop()

	fmt.Fprintln(out, "# Fakes of all issuers are running. They only verify tokens: use no configuration with existing state.\n# Paste these lines into another shell:")
	for _, variable := range i.env {
		fmt.Fprintln(out, "export", variable)
	}
	fmt.Fprintln(out, "\n# Tokens in other states:")
	for _, s := range states {
		if s.status != active {
			fmt.Fprintf(out, "export %s=%s # %s\n", s.variable, s.token, s.status)
		}
	}
	fmt.Fprintln(out, "\n# Enter a token here to revoke it, and again to restore it. Ctrl-C stops all.")

	go func() {
		revoked := make(map[string]bool)
		for lines := bufio.NewScanner(in); lines.Scan(); {
			if strings.TrimSpace(lines.Text()) != "" {
				fmt.Fprintln(out, i.enter(lines.Text(), revoked))
			}
		}
	}()
	<-ctx.Done()
}
