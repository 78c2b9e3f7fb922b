// Command demo shows the provider's main purpose with a real Terraform or OpenTofu
// CLI, against fakes of the issuers on loopback. It fails if a command does not do
// what it should. With the argument "all" it shows every status, and with "issuers"
// it serves the fakes until interrupted.
package main

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/tokencheck/terraform-provider-tokencheck/internal/cli"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/issuertest"
)

var (
	//go:embed gate.tf
	gate string
	//go:embed record.tf
	record string
	//go:embed statuses.tf
	statuses string
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	what := strings.Join(os.Args[1:], " ")
	if what == "issuers" {
		serve(ctx, os.Stdin, os.Stdout)
		return
	}
	if err := run(ctx, os.Stdout, what == "all"); err != nil {
		fmt.Fprintln(os.Stderr, "The demo failed:", err)
		stop()
		os.Exit(1) //nolint:gocritic // The deferred stop has been called.
	}
}

// plan is the command, and the file name of a saved plan.
const plan = "plan"

// demo is the environment of the commands.
type demo struct {
	issuers

	out       io.Writer
	cli       string
	workspace *cli.Workspace
}

func run(ctx context.Context, out io.Writer, all bool) error {
	path, err := cli.Find()
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "tokencheck-demo-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()

	fmt.Fprint(out, "Building the provider …\n\n")
	mirror, err := cli.Build(ctx, dir)
	if err != nil {
		return err
	}
	i, stop := startIssuers()
	defer stop()
	files := map[string]string{"main.tf": gate, "record.tf": record}
	if all {
		files = map[string]string{"main.tf": statuses}
	}
	w, err := cli.NewWorkspace(ctx, path, mirror, filepath.Join(dir, "work"), files)
	if err != nil {
		return err
	}
	d := demo{i, out, path, w}
	if all {
		return d.statuses(ctx)
	}
	return d.scenes(ctx)
}

// scenes shows how the provider guards an apply.
func (d *demo) scenes(ctx context.Context) error {
	fmt.Fprintf(d.out, "main.tf, run against a fake Cloudflare with a stand-in for its provider:\n\n%s\n", indent(gate+"\n"+record))

	before := errors.Join(
		d.scene(ctx, "1. The token is valid: the record is created.", nil, true, "Creation complete", "apply", "-auto-approve"),
		d.scene(ctx, "2. The token has expired: the plan is refused.", []string{cloudflareVariable + "=" + expired}, false, "expired at", plan),
		os.Remove(filepath.Join(d.workspace.Dir, "record.tf")),
		d.scene(ctx, "3. The record is removed from main.tf. The plan is saved and waits for approval.", nil, true, "1 to destroy", plan, "-out=plan"),
	)
	d.cloudflare.Revoke(validCloudflare)
	saved := errors.Join(
		d.scene(ctx, "   Meanwhile, the token is revoked: the apply is refused before the first change.", nil, false, "was rejected", "apply", plan),
		d.scene(ctx, "   The record still exists.", nil, true, "cloudflare_dns_record.www", "state", "list"),
	)
	d.cloudflare.SetFault(issuertest.Reply(http.StatusServiceUnavailable, "<html>Service Unavailable</html>", "Content-Type", "text/html"))
	return errors.Join(before, saved,
		d.scene(ctx, "4. Cloudflare is down: the plan fails with an error, which says nothing about the token.", nil, false, "so its validity is unknown", plan))
}

// statuses runs a plan for each state of a token.
func (d *demo) statuses(ctx context.Context) error {
	fmt.Fprintf(d.out, "main.tf:\n\n%s\n", indent(statuses))
	for _, s := range states {
		if err := d.scene(ctx, s.variable+": "+s.name, []string{s.variable + "=" + s.token}, s.prints == noChanges, s.prints, plan); err != nil {
			return err
		}
	}
	return nil
}

// scene runs a command of the CLI and shows its output. It returns an error if the
// command does not succeed or fail as it should.
func (d *demo) scene(ctx context.Context, title string, env []string, succeed bool, prints string, args ...string) error {
	fmt.Fprintf(d.out, "%s\n\n$ %s %s\n", title, strings.TrimSuffix(filepath.Base(d.cli), ".exe"), strings.Join(args, " "))
	if args[0] != "state" {
		args = slices.Insert(args, 1, "-no-color", "-compact-warnings")
	}
	result := d.workspace.Run(ctx, slices.Concat(d.env, env), args...)

	// Of the planned changes, the summary is enough.
	shown := progress.ReplaceAllString(result.Output, "")
	if _, after, found := strings.Cut(shown, "\nPlan: "); found {
		shown = "…\nPlan: " + after
	}
	fmt.Fprintln(d.out, indent(strings.TrimSpace(shown)))

	if (result.Err == nil) != succeed || !strings.Contains(strings.Join(strings.Fields(result.Output), " "), prints) {
		return fmt.Errorf("%v: want output with %q and success: %t, got: %v", args, prints, succeed, result.Err) //nolint:errorlint // May be nil.
	}
	return nil
}

// progress matches the CLI's progress messages, two or four for each check.
var progress = regexp.MustCompile(`(?m)^(ephemeral|data)\..*: (Opening|Closing|Reading|Read complete).*\n`)

func indent(text string) string {
	return "    " + strings.ReplaceAll(strings.TrimRight(text, "\n"), "\n", "\n    ") + "\n"
}
