// Command picture applies a saved plan whose token was revoked, and prints an
// asciinema transcript (asciicast v2), the source of the picture in README.md.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http/httptest"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/tokencheck/terraform-provider-tokencheck/internal/cli"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/cloudflare/cloudflaretest"
)

// example is the configuration that README.md shows.
const example = "examples/ephemeral-resources/tokencheck_cloudflare/gate/main.tf"

// width is where the CLI wraps messages without a terminal.
const width = 80

// duration matches text that differs between runs.
var duration = regexp.MustCompile(`after \d+s`)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()

	if err := record(ctx, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "The apply was not recorded:", err)
		stop()
		os.Exit(1) //nolint:gocritic // The deferred stop has been called.
	}
}

// record writes the transcript of one apply.
func record(ctx context.Context, out io.Writer) error {
	path, err := cli.Find()
	if err != nil {
		return err
	}

	dir, err := os.MkdirTemp("", "tokencheck-picture-")
	if err != nil {
		return err
	}

	defer func() { _ = os.RemoveAll(dir) }()

	root, err := cli.Root(ctx)
	if err != nil {
		return err
	}

	configuration, err := os.ReadFile(filepath.Join(root, example))
	if err != nil {
		return err
	}

	mirror, err := cli.Build(ctx, dir)
	if err == nil {
		err = cli.InstallStandIns(ctx, mirror, dir)
	}

	if err != nil {
		return err
	}

	issuer := cloudflaretest.NewServer()
	defer issuer.Close()

	server := httptest.NewServer(issuer.Config.Handler)
	defer server.Close()

	w, err := cli.NewWorkspace(ctx, path, mirror, filepath.Join(dir, "work"), map[string]string{"main.tf": string(configuration)})
	if err != nil {
		return err
	}

	const token = "fake-cf-1-Zq8RtYw3LmN5Kd7Hs2Vb9Xc4Gf6Jp1"

	env := []string{"CLOUDFLARE_API_TOKEN=" + token, "CLOUDFLARE_BASE_URL=" + server.URL + "/client/v4", "TF_VAR_zone_id=zone"}

	issuer.Set(token, cloudflaretest.Token{ID: "ed17574386854bf78a67040be0a770b0"})

	if result := w.Run(ctx, env, "plan", "-input=false", "-out=plan"); result.Err != nil {
		return fmt.Errorf("the plan failed: %w\n%s", result.Err, result.Output)
	}

	issuer.Revoke(token)

	result := w.Run(ctx, env, "apply", "-input=false", "plan")
	if result.Err == nil {
		return errors.New("the apply was not refused")
	}

	return write(out, "$ terraform apply plan\n"+duration.ReplaceAllString(result.Output, "after 0s"))
}

// write writes text as a transcript that shows all of it after a second: svg-term
// takes the screen at time zero to be empty.
func write(out io.Writer, text string) error {
	text = strings.ReplaceAll(strings.TrimSpace(text), "\n", "\r\n")

	encoder := json.NewEncoder(out)
	encoder.SetEscapeHTML(false)

	if err := encoder.Encode(map[string]int{"version": 2, "width": width, "height": strings.Count(text, "\n") + 1}); err != nil {
		return err
	}

	return encoder.Encode([]any{1, "o", text})
}
