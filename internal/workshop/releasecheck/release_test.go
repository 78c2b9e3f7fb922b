// Package releasecheck tests what can be tested of a release without its keys.
package releasecheck

import (
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/tokencheck/terraform-provider-tokencheck/internal/cli"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/cli/clitest"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/cloudflare/cloudflaretest"
)

const (
	project = "terraform-provider-tokencheck"
	// version is what .goreleaser.yml derives from the tag of the clone.
	version = "0.1.0-snapshot"

	// build builds this machine's archive from a fresh clone of the last commit. All
	// platforms take minutes: the single target is the only configuration change.
	build = `set -e
git clone --quiet "$1" "$2"
cd "$2"
git remote set-url origin https://github.com/tokencheck/` + project + `
git tag v0.1.0
"$3" check
sed "s/^  - id: provider$/&\n    targets: [$4]/" .goreleaser.yml > ../goreleaser.yml
"$3" release --snapshot --skip=sign,sbom --config=../goreleaser.yml
`
	configuration = `terraform {
  required_providers {
    tokencheck = {
      source  = "tokencheck/tokencheck"
      version = "` + version + `"
    }
  }
}

ephemeral "tokencheck_cloudflare" "this" {}
`
)

// The archive of the last commit has its checksum, and can be installed from a
// filesystem mirror. It accepts a valid token and refuses a revoked one, and sends
// its version.
func TestRelease(t *testing.T) {
	if os.Getenv("RELEASE_CHECK") == "" {
		t.Skip("it takes minutes; make release-check runs it")
	}

	clone, platform := filepath.Join(t.TempDir(), "clone"), runtime.GOOS+"_"+runtime.GOARCH
	out, err := exec.CommandContext(t.Context(), "sh", "-c", build, "sh", clitest.Root(t), clone, clitest.Tool(t, "goreleaser", "goreleaser"), platform).CombinedOutput()
	if err != nil {
		t.Fatalf("building the archive: %v\n%s", err, out)
	}

	archive := project + "_" + version + "_" + platform + ".zip"
	content := read(t, filepath.Join(clone, "dist", archive))
	sums := read(t, filepath.Join(clone, "dist", project+"_"+version+"_SHA256SUMS"))
	if want := fmt.Sprintf("%x  %s\n", sha256.Sum256([]byte(content)), archive); !strings.Contains(sums, want) {
		t.Errorf("the checksums are\n%s\nwithout\n%s", sums, want)
	}

	issuer := cloudflaretest.NewServer()
	defer issuer.Close()
	files, mirror := map[string]string{"main.tf": configuration, "ca.pem": issuer.TrustBundle}, t.TempDir()
	for _, registry := range cli.Registries() {
		target := filepath.Join(mirror, registry, "tokencheck", "tokencheck")
		if err := os.MkdirAll(target, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(target, archive), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	path, err := cli.Find()
	if err != nil {
		t.Fatal(err)
	}
	w, err := cli.NewWorkspace(t.Context(), path, mirror, t.TempDir(), files)
	if err != nil {
		t.Fatal(err)
	}

	const token = "release-check-token"
	env := []string{"CLOUDFLARE_API_TOKEN=" + token, "CLOUDFLARE_BASE_URL=" + issuer.BaseURL(), "SSL_CERT_FILE=" + filepath.Join(w.Dir, "ca.pem")}
	issuer.Set(token, cloudflaretest.Token{ID: cloudflaretest.AccountID})
	clitest.Run(t, w, env, true, []string{"plan", "-no-color", "-input=false"})
	issuer.Revoke(token)
	clitest.Run(t, w, env, false, []string{"plan", "-no-color", "-input=false"}, "was rejected")

	if got := issuer.Requests()[0].Header.Get("User-Agent"); got != project+"/"+version {
		t.Errorf("the User-Agent is %s", got)
	}
}

func read(t *testing.T, file string) string {
	t.Helper()
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}
