// Command picture runs a plan that is refused, and prints a transcript of it in
// the format of asciinema (asciicast v2), from which the picture in README.md is
// drawn.
package main

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/tokencheck/terraform-provider-tokencheck/internal/cli"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/cloudflare/cloudflaretest"
)

//go:embed main.tf
var configuration string

// width is that of the lines to which the CLI wraps messages without a terminal.
const width = 80

// duration is what a run prints and no other run needs to.
var duration = regexp.MustCompile(`after \d+s`)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()

	if err := record(ctx, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "The plan was not recorded:", err)
		stop()
		os.Exit(1) //nolint:gocritic // The deferred stop has been called.
	}
}

// record writes the transcript of one plan, with a token that was deleted.
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

	mirror, err := cli.Build(ctx, dir)
	if err != nil {
		return err
	}

	issuer := cloudflaretest.NewServer()
	defer issuer.Close()

	w, err := cli.NewWorkspace(ctx, path, mirror, filepath.Join(dir, "work"), map[string]string{"main.tf": configuration, "ca.pem": issuer.TrustBundle})
	if err != nil {
		return err
	}

	result := w.Run(ctx, []string{
		"CLOUDFLARE_API_TOKEN=a-token-that-was-deleted", "CLOUDFLARE_BASE_URL=" + issuer.BaseURL(), "SSL_CERT_FILE=" + filepath.Join(w.Dir, "ca.pem"),
	}, "plan", "-input=false")
	if result.Err == nil {
		return errors.New("the plan passed")
	}

	return write(out, "$ terraform plan\n"+duration.ReplaceAllString(result.Output, "after 0s"))
}

// write writes text as a transcript that shows all of it at once, after a second:
// at its very beginning svg-term takes a screen to be empty.
func write(out io.Writer, text string) error {
	text = strings.ReplaceAll(strings.TrimSpace(text), "\n", "\r\n")

	encoder := json.NewEncoder(out)
	encoder.SetEscapeHTML(false)

	if err := encoder.Encode(map[string]int{"version": 2, "width": width, "height": strings.Count(text, "\n") + 1}); err != nil {
		return err
	}

	return encoder.Encode([]any{1, "o", text})
}
