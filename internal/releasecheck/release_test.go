// Package releasecheck tests what can be tested of a release without its keys.
package releasecheck

import (
	"archive/zip"
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

data "tokencheck_cloudflare" "this" {
  lifecycle {
    postcondition {
      condition     = self.valid
      error_message = self.reason
    }
  }
}
`
)

// The archive of the last commit has its checksum, reports its version, and can be
// installed and used as by a user.
func TestRelease(t *testing.T) {
	if os.Getenv("RELEASE_CHECK") == "" {
		t.Skip("it takes minutes; make release-check runs it")
	}

	clone, platform := filepath.Join(t.TempDir(), "clone"), runtime.GOOS+"_"+runtime.GOARCH

	out, err := exec.CommandContext(t.Context(), "sh", "-c", build, "sh", clitest.Root(t), clone, clitest.Tool(t, "goreleaser", "goreleaser"), platform).CombinedOutput()
	if err != nil {
		t.Fatalf("building the archive: %v\n%s", err, out)
	}

	archive := filepath.Join(clone, "dist", project+"_"+version+"_"+platform+".zip")

	content, err := os.ReadFile(archive)
	if err != nil {
		t.Fatal(err)
	}

	sums, err := os.ReadFile(filepath.Join(clone, "dist", project+"_"+version+"_SHA256SUMS"))
	if err != nil {
		t.Fatal(err)
	}

	if want := fmt.Sprintf("%x  %s\n", sha256.Sum256(content), filepath.Base(archive)); !strings.Contains(string(sums), want) {
		t.Errorf("the checksums are\n%s\nwithout\n%s", sums, want)
	}

	unpacked := t.TempDir()
	binary := filepath.Join(unpacked, project+"_v"+version)

	r, err := zip.OpenReader(archive)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()

	if err := os.CopyFS(unpacked, r); err != nil {
		t.Fatal(err)
	}

	if err := os.Chmod(binary, 0o700); err != nil {
		t.Fatal(err)
	}

	if said, err := exec.CommandContext(t.Context(), binary, "-version").Output(); string(said) != project+" "+version+"\n" {
		t.Errorf("-version prints %q (%v)", said, err)
	}

	plan(t, archive)
}

// plan installs the archive from a filesystem mirror, and plans with a valid and a
// revoked token.
func plan(t *testing.T, archive string) {
	t.Helper()

	mirror := t.TempDir()

	for _, registry := range cli.Registries() {
		target := filepath.Join(mirror, registry, "tokencheck", "tokencheck")
		if err := os.MkdirAll(target, 0o700); err != nil {
			t.Fatal(err)
		}

		if err := os.Link(archive, filepath.Join(target, filepath.Base(archive))); err != nil {
			t.Fatal(err)
		}
	}

	issuer := cloudflaretest.NewServer()
	defer issuer.Close()

	path, err := cli.Find()
	if err != nil {
		t.Fatal(err)
	}

	w, err := cli.NewWorkspace(t.Context(), path, mirror, t.TempDir(), map[string]string{"main.tf": configuration, "ca.pem": issuer.TrustBundle})
	if err != nil {
		t.Fatal(err)
	}

	const token = "release-check-token"

	env := []string{"CLOUDFLARE_API_TOKEN=" + token, "CLOUDFLARE_BASE_URL=" + issuer.BaseURL(), "SSL_CERT_FILE=" + filepath.Join(w.Dir, "ca.pem")}

	issuer.Set(token, cloudflaretest.Token{ID: "ed17574386854bf78a67040be0a770b0"})
	clitest.Run(t, w, env, true, []string{"plan", "-no-color", "-input=false"})

	issuer.Revoke(token)
	clitest.Run(t, w, env, false, []string{"plan", "-no-color", "-input=false"}, "was rejected")
}
