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

// status is a data source, and an output of its status.
const status = "\ndata \"KIND\" %[1]q { %[2]s }\n\noutput %[1]q { value = data.KIND.%[1]s.status }\n"

// Each alias has its own server, token and trust bundle.
func TestBinaryAliases(t *testing.T) {
	forEach(t, func(t *testing.T, f fake) {
		tokens, servers := map[string]string{"one": "one-0123456789", "two": "two-0123456789"}, make(map[string]*issuertest.Server)
		blocks := []string{clitest.RequiredProviders}
		for alias, token := range tokens {
			s, url := f.start([]string{token})
			t.Cleanup(s.Close)
			servers[alias] = s
			provider := f.provider(url, s.TrustBundle, fmt.Sprintf("%s = %q", f.tokenArgument, token))
			blocks = append(blocks, aliased(alias, provider), f.words(fmt.Sprintf(status, alias, "provider = tokencheck."+alias), ""))
		}
		config := strings.Join(blocks, "")

		clitest.Run(t, clitest.Workspace(t, map[string]string{"main.tf": config}), nil, true, []string{"plan", "-no-color"}, `one = "active"`, `two = "active"`)
		for alias, s := range servers {
			if sent := s.Requests(); len(sent) != 1 || sent[0].Header.Get("Authorization") != "Bearer "+tokens[alias] {
				t.Errorf("the server of %s received %v", alias, sent)
			}
		}

		wrong := strings.Replace(config, fmt.Sprintf("%q", servers["one"].TrustBundle), fmt.Sprintf("%q", servers["two"].TrustBundle), 1)
		clitest.Run(t, clitest.Workspace(t, map[string]string{"main.tf": wrong}), nil, false, []string{"plan", "-no-color"}, "unknown authority", f.block+".trust_bundle")
	})
}

// If they are not configured, the process's environment has the token, the server, the
// system trust store, and the proxy.
func TestBinaryEnvironment(t *testing.T) {
	forEach(t, func(t *testing.T, f fake) {
		if runtime.GOOS == "darwin" || runtime.GOOS == "windows" {
			t.Skip("Go does not read SSL_CERT_FILE here")
		}
		s, url := f.start([]string{issuertest.Secret})
		t.Cleanup(s.Close)
		config := "provider \"tokencheck\" { max_retries = 0 }\n" + f.words(fmt.Sprintf(status, "this", ""), "")
		w := clitest.Workspace(t, map[string]string{"main.tf": clitest.RequiredProviders + config, "ca.pem": s.TrustBundle})
		env := []string{f.tokenVariable + "=" + issuertest.Secret, f.urlVariable + "=" + url + "/"}
		trusted := slices.Concat(env, []string{"SSL_CERT_FILE=" + filepath.Join(w.Dir, "ca.pem")})
		plan := []string{"plan", "-no-color"}

		if printed := clitest.Run(t, w, trusted, true, plan, `this = "active"`).Output; clitest.Says("Warning:").MatchString(printed) {
			t.Error(printed)
		}
		clitest.Run(t, w, env, false, plan, "unknown authority", f.block+".trust_bundle")
		clitest.Run(t, w, append(env, "SSL_CERT_FILE="+filepath.Join(w.Dir, "none"), "SSL_CERT_DIR="+filepath.Join(w.Dir, "none")), false, plan, "ca-certificates")
		clitest.Run(t, w, append(trusted, "HTTPS_PROXY=http://127.0.0.1:1", f.urlVariable+"=https://issuer.test"), false, plan, "proxyconnect", "HTTPS_PROXY")
	})
}

// A valid and a rejected token are verified in FIPS 140-3 mode, where the provider
// must not use other algorithms.
func TestBinaryFIPS(t *testing.T) {
	forEach(t, func(t *testing.T, f fake) {
		s, url := f.start([]string{issuertest.Secret})
		t.Cleanup(s.Close)
		config := f.provider(url, s.TrustBundle) + f.words(fmt.Sprintf(status, "this", "")+"\nephemeral \"KIND\" \"this\" {}\n", "")
		w := clitest.Workspace(t, map[string]string{"main.tf": clitest.RequiredProviders + config})
		clitest.Run(t, w, []string{"GODEBUG=fips140=only", f.tokenVariable + "=" + issuertest.Secret}, true, []string{"plan", "-no-color"}, `this = "active"`)
		clitest.Run(t, w, []string{"GODEBUG=fips140=only", f.tokenVariable + "=rejected-0123456789"}, false, []string{"plan", "-no-color"}, "Token was rejected")
	})
}

// The log has the attempts and the verdict if it is on; if not, a run prints nothing
// but its result.
func TestBinaryLog(t *testing.T) {
	t.Parallel()
	f := fakes()[0]
	s, url := f.start([]string{issuertest.Secret})
	t.Cleanup(s.Close)
	w := clitest.Workspace(t, map[string]string{"main.tf": clitest.RequiredProviders + f.provider(url, s.TrustBundle) + f.words(fmt.Sprintf(status, "this", ""), "")})
	for variable, logged := range map[string]bool{"TF_LOG=DEBUG": true, "TF_LOG_PROVIDER=DEBUG": true, "TF_LOG=": false, "TF_LOG=OFF": false} {
		result := clitest.Run(t, w, []string{f.tokenVariable + "=" + issuertest.Secret, variable}, true, []string{"plan", "-no-color"}, `this = "active"`)
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
	f := fakes()[0]
	s, url := f.start([]string{issuertest.Secret})
	t.Cleanup(s.Close)
	w := clitest.Workspace(t, map[string]string{"main.tf": clitest.RequiredProviders + f.provider(url, s.TrustBundle) + f.words(fmt.Sprintf(status, "this", ""), "")})

	ctx, interrupt := context.WithCancel(t.Context())
	defer interrupt()
	asked, gone := make(chan time.Time, 1), make(chan struct{})
	s.SetFault(func(_ http.ResponseWriter, r *http.Request) {
		asked <- time.Now()
		interrupt()
		<-r.Context().Done() // The provider has exited, or cancelled the request.
		close(gone)
	})

	result := w.Run(ctx, []string{f.tokenVariable + "=" + issuertest.Secret}, "plan", "-no-color")
	if len(asked) == 0 {
		t.Fatal(result.Output)
	}
	took := time.Since(<-asked)
	<-gone
	if result.Err == nil || took > 10*time.Second || !clitest.Says("Verification cancelled").MatchString(result.Output) {
		t.Errorf("after %s: %v\n%s", took, result.Err, result.Output)
	}
}
