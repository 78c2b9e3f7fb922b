package examples_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tokencheck/terraform-provider-tokencheck/internal/cli/clitest"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/cloudflare/cloudflaretest"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/issuertest"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/venafi/venafitest"
)

func TestMain(m *testing.M) { clitest.Main(m) }

// Valid tokens known to the issuers.
const (
	userToken    = "user-0123456789"      // Cloudflare, owned by a user, does not expire.
	endingToken  = "ending-0123456789"    // Cloudflare, owned by a user, expires in 30 days.
	accountToken = "ofaccount-0123456789" // Cloudflare, owned by the account.
	venafiToken  = "venafi-0123456789"    // Venafi, expires in 90 days.

	tokenID = "ed17574386854bf78a67040be0a770b0"
	account = "023e105f4ecef8ad9ca31a8372d0c353"
)

// issuers are the fakes of all issuers, with valid tokens.
type issuers struct {
	cloudflare *cloudflaretest.Server
	venafi     *venafitest.Server
}

func newIssuers(t *testing.T) issuers {
	t.Helper()

	s := issuers{cloudflaretest.NewServer(), venafitest.NewServer()}
	t.Cleanup(s.cloudflare.Close)
	t.Cleanup(s.venafi.Close)

	now := time.Now().UTC().Truncate(time.Second)
	s.cloudflare.Set(userToken, cloudflaretest.Token{ID: tokenID})
	s.cloudflare.Set(endingToken, cloudflaretest.Token{ID: tokenID, ExpiresOn: now.AddDate(0, 0, 30)})
	s.cloudflare.Set(accountToken, cloudflaretest.Token{ID: tokenID, Account: account})
	s.venafi.Set(venafiToken, venafitest.Token{
		IssuedOn: now, ValidFor: 90 * 24 * 3600, GrantIssuedOn: now, GrantExpiresOn: now.AddDate(1, 0, 0),
		Application: "example", Identity: "local:{8e1bf110-8ef8-4a53-a6da-d5d29c983451}", Scope: "certificate:manage,revoke;ssh",
	})

	return s
}

func (s issuers) revokeAll() {
	for _, token := range []string{userToken, endingToken, accountToken} {
		s.cloudflare.Revoke(token)
	}

	s.venafi.Revoke(venafiToken)
}

// env returns an environment with the issuers for configurations without a provider
// block, and the tokens where the examples expect them. It writes the issuers'
// certificates to dir.
func (s issuers) env(t *testing.T, dir string) []string {
	t.Helper()

	certificate, key := issuertest.PEM(issuertest.NewAuthority().Issue(issuertest.Certificate{}))
	bundle, clientFile := filepath.Join(dir, "ca.pem"), filepath.Join(dir, "client.pem")

	for file, text := range map[string]string{bundle: s.cloudflare.TrustBundle + s.venafi.TrustBundle, clientFile: certificate} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}

	return []string{
		"SSL_CERT_FILE=" + bundle, "CLOUDFLARE_BASE_URL=" + s.cloudflare.BaseURL(), "VENAFI_URL=" + s.venafi.URL,
		"CLOUDFLARE_API_TOKEN=" + endingToken, "VENAFI_TOKEN=" + venafiToken,
		"CLOUDFLARE_DNS_TOKEN=" + userToken, "CLOUDFLARE_WORKERS_TOKEN=" + endingToken,
		"TF_VAR_cloudflare_account_id=" + account, "TF_VAR_cloudflare_api_token=" + endingToken,
		"TF_VAR_ca_file=" + bundle, "TF_VAR_venafi_ca_file=" + bundle,
		"TF_VAR_venafi_access_token=" + venafiToken,
		"TF_VAR_venafi_client_certificate_file=" + clientFile, "TF_VAR_venafi_client_key=" + key,
	}
}

// read returns the files below a directory of examples/, by their relative path.
func read(t *testing.T, dir string) map[string]string {
	t.Helper()

	files, root := map[string]string{}, os.DirFS(filepath.Join(clitest.Root(t), "examples", dir))

	err := fs.WalkDir(root, ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}

		text, err := fs.ReadFile(root, path)
		files[path] = string(text)

		return err
	})
	if err != nil {
		t.Fatal(err)
	}

	return files
}

// Every example of a check runs unchanged with the issuers set in the environment: it
// passes with valid tokens. Once they are revoked, a plan says so before a gated
// provider fails.
func TestChecks(t *testing.T) {
	t.Parallel()

	seen := 0

	for _, parent := range []string{"provider", "data-sources", "ephemeral-resources", "guides"} {
		dirs := map[string]bool{}
		for path := range read(t, parent) {
			// The guides' discouraged examples need providers that are not installed.
			if strings.HasSuffix(path, ".tf") && filepath.Base(filepath.Dir(path)) != "before" {
				dirs[filepath.Join(parent, filepath.Dir(path))] = true
			}
		}

		for dir := range dirs {
			seen++

			t.Run(dir, func(t *testing.T) {
				t.Parallel()
				planExample(t, dir)
			})
		}
	}

	if seen < 15 {
		t.Errorf("found %d examples", seen)
	}
}

func planExample(t *testing.T, dir string) {
	t.Helper()

	files := map[string]string{}

	for path, text := range read(t, dir) {
		if filepath.Base(path) == path {
			files[path] = text
		}
	}

	s, w := newIssuers(t), clitest.Workspace(t, files)
	env := append(s.env(t, t.TempDir()), "TF_VAR_zone_id=zone")

	if strings.HasSuffix(dir, "account-token") {
		env = append(env, "CLOUDFLARE_API_TOKEN="+accountToken, "TF_VAR_cloudflare_api_token="+accountToken)
	}

	// The gated resources exist when the token is revoked.
	pass := []string{"plan", "-no-color", "-input=false"}
	if strings.HasPrefix(dir, "ephemeral-resources") {
		pass = []string{"apply", "-no-color", "-input=false", "-auto-approve"}
	}

	clitest.Run(t, w, env, true, pass)

	if dir == "provider" { // It has no check.
		return
	}

	s.revokeAll()

	// A check block only warns.
	result := clitest.Run(t, w, env, strings.HasSuffix(dir, "check-block"), []string{"plan", "-no-color", "-input=false"}, "was rejected")

	if clitest.Says("401 Unauthorized").MatchString(result.Output) {
		t.Errorf("the gated provider sent a request:\n%s", result.Output)
	}
}
