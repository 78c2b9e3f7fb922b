package provider_test

import (
	"context"
	"fmt"
	"net/http"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tokencheck/terraform-provider-tokencheck/internal/cli/clitest"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/issuertest"
)

// These tests cover what needs the built binary: a process for each configuration,
// its environment, and its log.

// valid is a data source with a name and an argument, whose token must be valid.
func valid(name, argument string) string {
	return fmt.Sprintf("\ndata \"KIND\" %q {\n  %s\n", name, argument) + postcondition
}

// Each alias has its own server, token and trust bundle.
func TestBinaryAliases(t *testing.T) {
	t.Parallel()
	aliases, blocks := make(map[string][]issuer), []string{}
	for _, alias := range []string{"one", "two"} {
		all := start(t, fakes(), alias+"-0123456789")
		aliases[alias] = all
		blocks = append(blocks, aliased(alias, configured(all, fmt.Sprintf("TOKEN = %q", alias+"-0123456789"))), forAll(all, valid(alias, "provider = tokencheck."+alias)))
	}
	config := strings.Join(blocks, "")

	clitest.Run(t, clitest.Workspace(t, map[string]string{"main.tf": clitest.Require(config)}), nil, true, []string{"plan", "-no-color"})
	for alias, all := range aliases {
		for _, i := range all {
			if sent := i.Requests(); len(sent) != 1 || sent[0].Header.Get("Authorization") != "Bearer "+alias+"-0123456789" {
				t.Errorf("the server of %s for %s received %v", alias, i.block, sent)
			}
		}
	}

	for n, one := range aliases["one"] {
		config = strings.Replace(config, fmt.Sprintf("%q", one.TrustBundle), fmt.Sprintf("%q", aliases["two"][n].TrustBundle), 1)
	}
	output := clitest.Run(t, clitest.Workspace(t, map[string]string{"main.tf": clitest.Require(config)}), nil, false, []string{"plan", "-no-color"}).Output
	for _, i := range aliases["one"] {
		if !diagnosed(output, i.kind()+".one", "unknown authority") || !diagnosed(output, i.kind()+".one", i.block+".trust_bundle") {
			t.Error(output)
		}
	}
}

// If they are not configured, the process's environment has the token, the server, the
// system trust store, and the proxy.
func TestBinaryEnvironment(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "darwin" || runtime.GOOS == "windows" {
		t.Skip("Go does not read SSL_CERT_FILE here")
	}
	all := start(t, fakes(), issuertest.Secret)
	bundles, env, proxied := []string{}, tokens(all, issuertest.Secret), []string{"HTTPS_PROXY=http://127.0.0.1:1"}
	for _, i := range all {
		bundles = append(bundles, i.TrustBundle)
		env = append(env, i.urlVariable+"="+i.url+"/")
		proxied = append(proxied, i.urlVariable+"=https://issuer.test")
	}
	w := clitest.Workspace(t, map[string]string{
		"main.tf": clitest.Require("provider \"tokencheck\" { max_retries = 0 }\n" + forAll(all, valid("this", ""))), "ca.pem": strings.Join(bundles, ""),
	})
	trusted := slices.Concat(env, []string{"SSL_CERT_FILE=" + filepath.Join(w.Dir, "ca.pem")})
	none := filepath.Join(w.Dir, "none")

	if printed := clitest.Run(t, w, trusted, true, []string{"plan", "-no-color"}).Output; clitest.Says("Warning:").MatchString(printed) {
		t.Error(printed)
	}
	for _, test := range []struct {
		env   []string
		texts []string
	}{
		{env, []string{"unknown authority", "PROVIDER.trust_bundle"}},
		{append(slices.Clip(env), "SSL_CERT_FILE="+none, "SSL_CERT_DIR="+none), []string{"ca-certificates"}},
		{append(trusted, proxied...), []string{"proxyconnect", "HTTPS_PROXY"}},
	} {
		output := clitest.Run(t, w, test.env, false, []string{"plan", "-no-color"}).Output
		for _, i := range all {
			for _, text := range test.texts {
				if !diagnosed(output, i.kind()+".this", i.words(text, "")) {
					t.Errorf("%s does not say %q:\n%s", i.block, text, output)
				}
			}
		}
	}
}

// A valid and a rejected token are verified in FIPS 140-3 mode, where the provider
// must not use other algorithms.
func TestBinaryFIPS(t *testing.T) {
	t.Parallel()
	all := start(t, fakes(), issuertest.Secret)
	w := clitest.Workspace(t, map[string]string{"main.tf": clitest.Require(configured(all) + forAll(all, valid("this", "")+"\nephemeral \"KIND\" \"this\" {}\n"))})
	clitest.Run(t, w, append(tokens(all, issuertest.Secret), "GODEBUG=fips140=only"), true, []string{"plan", "-no-color"})
	output := clitest.Run(t, w, append(tokens(all, "rejected-0123456789"), "GODEBUG=fips140=only"), false, []string{"plan", "-no-color"}).Output
	for _, i := range all {
		if !diagnosed(output, "ephemeral."+i.kind()+".this", "Token was rejected") {
			t.Error(output)
		}
	}
}

// The log has the attempts and the verdict if it is on; if not, a run prints nothing
// but its result.
func TestBinaryLog(t *testing.T) {
	t.Parallel()
	all := start(t, fakes()[:1], issuertest.Secret)
	w := clitest.Workspace(t, map[string]string{"main.tf": clitest.Require(configured(all) + forAll(all, valid("this", "")))})
	for variable, logged := range map[string]bool{"TF_LOG=DEBUG": true, "TF_LOG_PROVIDER=DEBUG": true, "TF_LOG=": false, "TF_LOG=OFF": false} {
		result := clitest.Run(t, w, append(tokens(all, issuertest.Secret), variable), true, []string{"plan", "-no-color"})
		stderr := strings.TrimPrefix(result.Output, result.Stdout)
		for _, text := range []string{"token verification requested", "token verified"} {
			if strings.Contains(stderr, text) != logged || !logged && stderr != "" {
				t.Errorf("%s: log %t, want %t: %s", variable, !logged, logged, stderr)
			}
		}
	}
}

// Ctrl-C stops a check at once, long before its timeout.
func TestBinaryInterrupt(t *testing.T) {
	t.Parallel()
	all := start(t, fakes()[:1], issuertest.Secret)
	w := clitest.Workspace(t, map[string]string{"main.tf": clitest.Require(configured(all) + forAll(all, valid("this", "")))})

	ctx, interrupt := context.WithCancel(t.Context())
	defer interrupt()
	asked, gone := make(chan time.Time, 1), make(chan struct{})
	all[0].SetFault(func(_ http.ResponseWriter, r *http.Request) {
		asked <- time.Now()
		interrupt()
		<-r.Context().Done() // The provider has exited, or cancelled the request.
		close(gone)
	})

	result := w.Run(ctx, tokens(all, issuertest.Secret), "plan", "-no-color")
	if len(asked) == 0 {
		t.Fatal(result.Output)
	}
	took := time.Since(<-asked)
	<-gone
	if result.Err == nil || took > 10*time.Second || !clitest.Says("Verification cancelled").MatchString(result.Output) {
		t.Errorf("after %s: %v\n%s", took, result.Err, result.Output)
	}
}
