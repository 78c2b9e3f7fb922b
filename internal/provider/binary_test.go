package provider_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/tokencheck/terraform-provider-tokencheck/internal/cli/clitest"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/cloudflare/cloudflaretest"
)

func TestMain(m *testing.M) { clitest.Main(run{m}) }

// run also wants every message of the catalogue, if all tests ran.
type run struct{ *testing.M }

func (r run) Run() int {
	code := r.M.Run()
	if code != 0 || flag.Lookup("test.run").Value.String() != "" || flag.Lookup("test.skip").Value.String() != "" {
		return code
	}

	for message := range catalogue.written {
		if catalogue.seen[message] == nil {
			_, _ = fmt.Fprintf(os.Stderr, "%s has a message that no test brought about: %s\n", catalogueFile, message)

			code = 1
		}
	}

	return code
}

// Each alias has its own server, token and trust bundle.
func TestBinaryAliases(t *testing.T) {
	t.Parallel()

	one, two := newCloudflare(t), newCloudflare(t)
	alias := func(name, url, token, bundle string) string {
		return fmt.Sprintf("provider \"tokencheck\" {\n  alias = %q\n  max_retries = 0\n  cloudflare = { base_url = %q, api_token = %q, trust_bundle = %q }\n}\n", name, url, token, bundle)
	}
	data := func(name string) string {
		return fmt.Sprintf("data \"tokencheck_cloudflare\" %q { provider = tokencheck.%s }\noutput %q { value = data.tokencheck_cloudflare.%s.status }\n", name, name, name, name)
	}
	w := clitest.Workspace(t, map[string]string{
		"main.tf": clitest.RequiredProviders +
			alias("one", one.BaseURL(), "active-0123456789", one.TrustBundle) + data("one") +
			alias("two", two.BaseURL(), "expired-0123456789", two.TrustBundle) + data("two"),
		"wrong.txt": clitest.RequiredProviders + alias("one", one.BaseURL(), "active-0123456789", two.TrustBundle) + data("one"),
	})

	clitest.Run(t, w, nil, true, []string{"plan", "-no-color"}, `one = "active"`, `two = "expired"`)

	for fake, secret := range map[*cloudflaretest.Server]string{one: "active-0123456789", two: "expired-0123456789"} {
		for _, r := range fake.Requests() {
			if got := r.Header.Get("Authorization"); got != "Bearer "+secret {
				t.Errorf("a server received the other one's token: %s", got)
			}
		}
	}

	if err := os.Rename(filepath.Join(w.Dir, "wrong.txt"), filepath.Join(w.Dir, "main.tf")); err != nil {
		t.Fatal(err)
	}

	clitest.Run(t, w, nil, false, []string{"plan", "-no-color"}, "signed by an untrusted CA")
}

// Only the process's environment: the token, the server, and the system trust store.
func TestBinaryEnvironment(t *testing.T) {
	t.Parallel()

	c, v := newCloudflare(t), newVenafi(t, venafiToken())
	v.SetClock(c.Now)

	token := venafiToken()
	token.IssuedOn = c.Now()
	v.Set(venafiSecret, token)

	w := clitest.Workspace(t, map[string]string{"main.tf": clitest.RequiredProviders + preconditions, "ca.pem": c.TrustBundle + v.TrustBundle, "token": "term-0123456789\n"})
	env := []string{
		"SSL_CERT_FILE=" + filepath.Join(w.Dir, "ca.pem"), "CLOUDFLARE_BASE_URL=" + c.BaseURL() + "/", "VENAFI_URL=" + v.URL + "/vedsdk/",
		"CLOUDFLARE_API_TOKEN=active-0123456789", "VENAFI_TOKEN=" + venafiSecret,
	}

	clitest.Run(t, w, env, true, []string{"plan", "-no-color"}, "1 to add", `status = "active"`)
	clitest.Run(t, w, env[1:], false, []string{"plan", "-no-color"}, "signed by an untrusted CA", "cloudflare.trust_bundle")

	// A container image without CA certificates.
	bare := append(slices.Clone(env[1:]), "SSL_CERT_FILE="+filepath.Join(w.Dir, "none"), "SSL_CERT_DIR="+filepath.Join(w.Dir, "none"))
	clitest.Run(t, w, bare, false, []string{"plan", "-no-color"}, "this machine has no CA certificates", "ca-certificates", "cloudflare.trust_bundle")

	proxied := append(slices.Clone(env), "HTTPS_PROXY=http://127.0.0.1:1", "CLOUDFLARE_BASE_URL=https://issuer.test")
	clitest.Run(t, w, proxied, false, []string{"plan", "-no-color"}, "the proxy cannot be reached", "HTTPS_PROXY")
}
