package main

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/tokencheck/terraform-provider-tokencheck/internal/cli"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// wantError checks that an error says what is wrong; "" is for none.
func wantError(t *testing.T, err error, text string) {
	t.Helper()

	if text == "" {
		if err != nil {
			t.Fatal(err)
		}

		return
	}

	if err == nil || !strings.Contains(err.Error(), text) {
		t.Errorf("error %v does not say %q", err, text)
	}
}

// write writes files by name into a new directory.
func write(t *testing.T, files map[string]string) string {
	t.Helper()

	dir := t.TempDir()

	for name, text := range files {
		file := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			t.Fatal(err)
		}

		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}

	return dir
}

func TestSums(t *testing.T) {
	t.Parallel()

	const archive = "provider.zip"

	dir := write(t, map[string]string{"dist/" + archive: "archive", manifest: "manifest"})
	sum := func(content, name string) string {
		return fmt.Sprintf("%x  %s\n", sha256.Sum256([]byte(content)), name)
	}
	ofManifest := sum("manifest", project+"_"+version+"_manifest.json")

	wantError(t, verifySums(dir, sum("archive", archive)+ofManifest, archive), "")
	wantError(t, verifySums(dir, sum("another", archive)+ofManifest, archive), "the checksums are")
	wantError(t, verifySums(dir, sum("archive", archive), archive), "the checksums are")
	wantError(t, verifySums(dir, sum("archive", archive)+ofManifest+sum("", "more"), archive), "the checksums are")

	name := "dist/" + project + "_" + version + "_SHA256SUMS"
	_, err := sameSums(write(t, map[string]string{name: "one"}), write(t, map[string]string{name: "one"}))
	wantError(t, err, "")

	_, err = sameSums(write(t, map[string]string{name: "one"}), write(t, map[string]string{name: "two"}))
	wantError(t, err, "two builds of one commit differ")
}

// pack makes an archive of files, each with its text.
func pack(t *testing.T, name string, files map[string]string) string {
	t.Helper()

	var archive bytes.Buffer

	w := zip.NewWriter(&archive)

	for file, text := range files {
		header := zip.FileHeader{Name: file, Method: zip.Deflate}
		header.SetMode(0o700)

		entry, err := w.CreateHeader(&header)
		if err != nil {
			t.Fatal(err)
		}

		if _, err := entry.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
	}

	if err := w.Close(); err != nil {
		t.Fatal(err)
	}

	return filepath.Join(write(t, map[string]string{name: archive.String()}), name)
}

// An archive of a provider that was built in another way than a release is found
// out, and one that is as it should be can be installed and used.
func TestArchive(t *testing.T) {
	t.Parallel()

	built, err := cli.Compile(t.Context(), t.TempDir(), "tokencheck", ".", "-ldflags=-X main.version="+version)
	if err != nil {
		t.Fatal(err)
	}

	provider, err := os.ReadFile(built)
	if err != nil {
		t.Fatal(err)
	}

	name := project + "_v" + version
	if runtime.GOOS == "windows" {
		name += ".exe"
	}

	files := map[string]string{name: string(provider), "LICENSE": "", "README.md": "", "CHANGELOG.md": ""}
	archive := pack(t, project+"_"+version+"_"+runtime.GOOS+"_"+runtime.GOARCH+".zip", files)

	binary, err := unpack(archive, filepath.Join(t.TempDir(), "unpacked"))
	wantError(t, err, "")
	wantError(t, verifyBinary(t.Context(), binary), "was not built with")

	var out bytes.Buffer

	wantError(t, use(t.Context(), &out, archive, t.TempDir()), "")

	if !strings.Contains(out.String(), "Not proved here") {
		t.Errorf("it does not say what is not proved:\n%s", &out)
	}

	files["notes.txt"] = ""
	_, err = unpack(pack(t, "more.zip", files), filepath.Join(t.TempDir(), "unpacked"))
	wantError(t, err, "the archive holds")

	other, err := cli.Compile(t.Context(), t.TempDir(), "tokencheck", ".", "-ldflags=-X main.version=0.0.1")
	if err != nil {
		t.Fatal(err)
	}

	wantError(t, verifyBinary(t.Context(), other), "-version prints")
}
