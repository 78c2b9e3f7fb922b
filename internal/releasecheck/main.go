// Command releasecheck proves of a release what can be proved without the
// release's keys: it builds this machine's archive from the last commit, and
// installs and uses it as a user would. It fails at the first thing that is not
// as the registries and the CLIs expect it.
package main

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/sha256"
	"debug/buildinfo"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/tokencheck/terraform-provider-tokencheck/internal/cli"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/cloudflare/cloudflaretest"
)

const (
	project    = "terraform-provider-tokencheck"
	repository = "https://github.com/tokencheck/" + project
	manifest   = "terraform-registry-manifest.json"

	// tag is given to the clones that are built, and version is what
	// .goreleaser.yml makes of it.
	tag     = "v0.1.0"
	version = "0.1.0-snapshot"

	tokenOfUser = "release-check-token"
)

const configuration = `terraform {
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

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()

	if err := run(ctx, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "The release is not as it should be:", err)
		stop()
		os.Exit(1) //nolint:gocritic // The deferred stop has been called.
	}
}

func run(ctx context.Context, out io.Writer) error {
	dir, err := os.MkdirTemp("", "tokencheck-release-")
	if err != nil {
		return err
	}

	defer func() { _ = os.RemoveAll(dir) }()

	first, err := snapshot(ctx, filepath.Join(dir, "first"))
	if err != nil {
		return err
	}

	second, err := snapshot(ctx, filepath.Join(dir, "elsewhere", "second"))
	if err != nil {
		return err
	}

	sums, err := sameSums(first, second)
	if err != nil {
		return err
	}

	fmt.Fprintf(out, "Built from the last commit, twice, in different directories: the same bytes.\n\n%s\n", sums)

	archive := project + "_" + version + "_" + runtime.GOOS + "_" + runtime.GOARCH + ".zip"

	if err := verifySums(first, sums, archive); err != nil {
		return err
	}

	fmt.Fprintln(out, "The checksums are those of the archive and of the registries' manifest.")

	binary, err := unpack(filepath.Join(first, "dist", archive), filepath.Join(dir, "unpacked"))
	if err != nil {
		return err
	}

	if err := verifyBinary(ctx, binary); err != nil {
		return err
	}

	fmt.Fprintf(out, "The archive holds the provider, license, readme and changelog; the provider was built without cgo and paths, and says that it is %s.\n", version)

	return use(ctx, out, filepath.Join(first, "dist", archive), dir)
}

// snapshot builds an archive for this machine from a fresh clone of the last
// commit in dir.
func snapshot(ctx context.Context, dir string) (string, error) {
	root, err := cli.Root(ctx)
	if err != nil {
		return "", err
	}

	goreleaser, err := cli.Tool(ctx, "goreleaser", "goreleaser")
	if err != nil {
		return "", err
	}

	if err := command(ctx, root, "git", "clone", "--quiet", root, dir); err != nil {
		return "", err
	}

	// The release reads its names from the remote, and its version from the tag.
	for _, args := range [][]string{{"remote", "set-url", "origin", repository}, {"tag", tag}} {
		if err := command(ctx, dir, "git", args...); err != nil {
			return "", err
		}
	}

	if err := command(ctx, dir, goreleaser, "check"); err != nil {
		return "", err
	}

	// All platforms take minutes. This is the one change to the configuration.
	text, err := os.ReadFile(filepath.Join(dir, ".goreleaser.yml"))
	if err != nil {
		return "", err
	}

	one := strings.Replace(string(text), "\nbuilds:\n  - ", "\nbuilds:\n  - targets: ["+runtime.GOOS+"_"+runtime.GOARCH+"]\n    ", 1)
	if one == string(text) {
		return "", errors.New(".goreleaser.yml has no list of builds")
	}

	config := filepath.Join(filepath.Dir(dir), "goreleaser.yml")
	if err := os.WriteFile(config, []byte(one), 0o600); err != nil {
		return "", err
	}

	return dir, command(ctx, dir, goreleaser, "release", "--snapshot", "--skip=sign,sbom", "--config="+config)
}

func command(ctx context.Context, dir, name string, args ...string) error {
	c := exec.CommandContext(ctx, name, args...)
	c.Dir = dir

	if text, err := c.CombinedOutput(); err != nil {
		return fmt.Errorf("%s %s: %w\n%s", filepath.Base(name), strings.Join(args, " "), err, text)
	}

	return nil
}

// sameSums gives the checksums that both builds have.
func sameSums(first, second string) (string, error) {
	var sums [2][]byte

	for i, dir := range []string{first, second} {
		text, err := os.ReadFile(filepath.Join(dir, "dist", project+"_"+version+"_SHA256SUMS"))
		if err != nil {
			return "", err
		}

		sums[i] = text
	}

	if !bytes.Equal(sums[0], sums[1]) {
		return "", fmt.Errorf("two builds of one commit differ:\n%s\n%s", sums[0], sums[1])
	}

	return string(sums[0]), nil
}

// verifySums checks that the checksums are right and cover the archive, the
// manifest, and nothing else.
func verifySums(dir, sums, archive string) error {
	want := make([]string, 0, 2)

	for name, file := range map[string]string{archive: filepath.Join("dist", archive), project + "_" + version + "_manifest.json": manifest} {
		content, err := os.ReadFile(filepath.Join(dir, file))
		if err != nil {
			return err
		}

		want = append(want, fmt.Sprintf("%x  %s", sha256.Sum256(content), name))
	}

	got := strings.Split(strings.TrimSpace(sums), "\n")

	slices.Sort(want)
	slices.Sort(got)

	if !slices.Equal(got, want) {
		return fmt.Errorf("the checksums are\n%s\nand not\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}

	return nil
}

// unpack unpacks an archive into dir, and gives the path of the provider.
func unpack(archive, dir string) (string, error) {
	r, err := zip.OpenReader(archive)
	if err != nil {
		return "", err
	}

	defer func() { _ = r.Close() }()

	if err := os.CopyFS(dir, r); err != nil {
		return "", err
	}

	name := project + "_v" + version
	if runtime.GOOS == "windows" {
		name += ".exe"
	}

	got := make([]string, 0, len(r.File))
	for _, f := range r.File {
		got = append(got, f.Name)
	}

	slices.Sort(got)

	if want := []string{"CHANGELOG.md", "LICENSE", "README.md", name}; !slices.Equal(got, want) {
		return "", fmt.Errorf("the archive holds %q and not %q", got, want)
	}

	binary := filepath.Join(dir, name)

	return binary, os.Chmod(binary, 0o700)
}

func verifyBinary(ctx context.Context, binary string) error {
	said, err := exec.CommandContext(ctx, binary, "-version").Output()
	if err != nil {
		return fmt.Errorf("asking the provider for its version: %w", err)
	}

	if want := project + " " + version + "\n"; string(said) != want {
		return fmt.Errorf("-version prints %q and not %q", said, want)
	}

	info, err := buildinfo.ReadFile(binary)
	if err != nil {
		return err
	}

	for key, want := range map[string]string{"CGO_ENABLED": "0", "-trimpath": "true"} {
		if !slices.ContainsFunc(info.Settings, func(s debug.BuildSetting) bool { return s.Key == key && s.Value == want }) {
			return fmt.Errorf("the provider was not built with %s=%s", key, want)
		}
	}

	return nil
}

// use lets the CLI install the archive from a mirror on disk, and runs a plan
// that passes and one that is refused.
func use(ctx context.Context, out io.Writer, archive, dir string) error {
	path, err := cli.Find()
	if err != nil {
		return err
	}

	mirror := filepath.Join(dir, "mirror")

	for _, registry := range cli.Registries() {
		target := filepath.Join(mirror, registry, "tokencheck", "tokencheck")
		if err := os.MkdirAll(target, 0o700); err != nil {
			return err
		}

		if err := os.Link(archive, filepath.Join(target, filepath.Base(archive))); err != nil {
			return err
		}
	}

	issuer := cloudflaretest.NewServer()
	defer issuer.Close()

	issuer.Set(tokenOfUser, cloudflaretest.Token{ID: "ed17574386854bf78a67040be0a770b0"})

	w, err := cli.NewWorkspace(ctx, path, mirror, filepath.Join(dir, "use"), map[string]string{"main.tf": configuration, "ca.pem": issuer.TrustBundle})
	if err != nil {
		return err
	}

	fmt.Fprintln(out, "init installed the archive from a mirror on disk.")

	env := []string{"CLOUDFLARE_API_TOKEN=" + tokenOfUser, "CLOUDFLARE_BASE_URL=" + issuer.BaseURL(), "SSL_CERT_FILE=" + filepath.Join(w.Dir, "ca.pem")}

	if result := w.Run(ctx, env, "plan", "-no-color", "-input=false"); result.Err != nil {
		return fmt.Errorf("a plan with a token that works: %w\n%s", result.Err, result.Output)
	}

	for _, request := range issuer.Requests() {
		if got, want := request.Header.Get("User-Agent"), project+"/"+version; got != want {
			return fmt.Errorf("the issuer is told %q and not %q", got, want)
		}
	}

	issuer.Revoke(tokenOfUser)

	if result := w.Run(ctx, env, "plan", "-no-color", "-input=false"); result.Err == nil || !strings.Contains(result.Output, "was refused") {
		return fmt.Errorf("a plan with a token that was revoked ended with %w\n%s", result.Err, result.Output)
	}

	fmt.Fprintln(out, "A plan with a token that works passed, one with a revoked token was refused, and the issuer was told the version.")
	fmt.Fprintln(out, "\nNot proved here, because only a release has the keys: the signature, the bill of materials and the provenance. Other platforms are not built.")

	return nil
}
