// Command picture applies a saved plan whose token was revoked, and prints an
// asciinema transcript (asciicast v2), the source of the picture in README.md.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/tokencheck/terraform-provider-tokencheck/internal/cli"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/cloudflare/cloudflaretest"
)

const (
	// example is the configuration that README.md shows.
	example = "examples/ephemeral-resources/tokencheck_cloudflare/gate/main.tf"
	token   = "fake-cf-1-Zq8RtYw3LmN5Kd7Hs2Vb9Xc4Gf6Jp1"
	// width is where the CLI wraps messages without a terminal.
	width = 80
)

// duration matches text that differs between runs.
var duration = regexp.MustCompile(`after \d+s`)

func main() {
	text, err := record(context.Background())
	if err != nil {
		log.Fatal("The apply was not recorded: ", err)
	}

	// All of it is shown after a second: svg-term takes the screen at time zero to be
	// empty.
	text = strings.ReplaceAll(strings.TrimSpace(text), "\n", "\r\n")
	encoder := json.NewEncoder(os.Stdout)
	encoder.SetEscapeHTML(false)
	err = errors.Join(encoder.Encode(map[string]int{"version": 2, "width": width, "height": strings.Count(text, "\n") + 1}), encoder.Encode([]any{1, "o", text}))
	if err != nil {
		log.Fatal(err)
	}
}

// record returns what one apply prints.
func record(ctx context.Context) (string, error) {
	path, pathErr := cli.Find()
	dir, dirErr := os.MkdirTemp("", "tokencheck-picture-")
	root, rootErr := cli.Root(ctx)
	configuration, readErr := os.ReadFile(filepath.Join(root, example))
	if err := errors.Join(pathErr, dirErr, rootErr, readErr); err != nil {
		return "", err
	}
	defer func() { _ = os.RemoveAll(dir) }()

	mirror, err := cli.Build(ctx, dir)
	if err != nil {
		return "", err
	}
	w, err := cli.NewWorkspace(ctx, path, mirror, filepath.Join(dir, "work"), map[string]string{"main.tf": string(configuration)})
	if err != nil {
		return "", err
	}

	issuer := cloudflaretest.NewServer()
	defer issuer.Close()
	server := httptest.NewServer(issuer.Config.Handler)
	defer server.Close()
	env := []string{"CLOUDFLARE_API_TOKEN=" + token, "CLOUDFLARE_BASE_URL=" + server.URL + "/client/v4", "TF_VAR_zone_id=zone"}

	issuer.Set(token, cloudflaretest.Token{ID: "ed17574386854bf78a67040be0a770b0"})
	if result := w.Run(ctx, env, "plan", "-input=false", "-out=plan"); result.Err != nil {
		return "", fmt.Errorf("the plan failed: %w\n%s", result.Err, result.Output)
	}
	issuer.Revoke(token)
	result := w.Run(ctx, env, "apply", "-input=false", "plan")
	if result.Err == nil {
		return "", errors.New("the apply was not refused")
	}
	return "$ terraform apply plan\n" + duration.ReplaceAllString(result.Output, "after 0s"), nil
}
