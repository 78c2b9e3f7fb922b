// Command demo shows the provider's main purpose with a real Terraform or OpenTofu
// CLI, against fakes of the issuers on loopback. It fails if a command does not do
// what it should. With the argument "issuers", it serves the fakes until interrupted.
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
	//go:embed check.tf
	check string

	//go:embed gate.tf
	gate string
	//go:embed record.tf
	record string
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if len(os.Args) > 1 && os.Args[1] == "issuers" {
		serve(ctx, os.Stdin, os.Stdout)
		return
	}
	if err := run(ctx, os.Stdout); err != nil {
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
	exported  string // the token of the last scene
}

func run(ctx context.Context, out io.Writer) error {
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
	open := func(name string, files map[string]string) (*demo, error) {
		w, err := cli.NewWorkspace(ctx, path, mirror, filepath.Join(dir, name), files)
		return &demo{i, out, path, w, ""}, err
	}
	d, err := open("check", map[string]string{"main.tf": check})
	if err == nil {
		err = d.plans(ctx)
	}
	if err != nil {
		return err
	}
	required := "terraform {\n  required_providers {\n    cloudflare = { source = \"cloudflare/cloudflare\" }\n    tokencheck = { source = \"tokencheck/tokencheck\" }\n  }\n}\n"
	d, err = open("gate", map[string]string{"required.tf": required, "main.tf": gate, "record.tf": record})
	if err == nil {
		err = d.applies(ctx)
	}
	return err
}

// plans shows how a data source with a condition guards a plan.
func (d *demo) plans(ctx context.Context) error {
	_, shown, _ := strings.Cut(check, "\n\n") // Without the required providers.
	fmt.Fprintf(d.out, "main.tf without its terraform block, run against a fake Cloudflare on this machine:\n\n%s\n", indent(shown))
	return errors.Join(
		d.scene(ctx, "1. The token is valid: the plan passes, and shows what Cloudflare says.", d.ending, true, "is active and expires at", plan),
		d.scene(ctx, "2. Another token, which has expired: the plan fails with the reason.", expired, false, "expired at", plan),
	)
}

// applies shows how the gate guards an apply.
func (d *demo) applies(ctx context.Context) error {
	fmt.Fprintf(d.out, "3. The gate. The Cloudflare provider, here a stand-in that needs its token as the real one does, gets it only\n   once it is verified:\n\n%s\n", indent(gate))
	before := errors.Join(
		d.scene(ctx, "   A record is created.", validCloudflare, true, "Creation complete", "apply", "-auto-approve"),
		os.Remove(filepath.Join(d.workspace.Dir, "record.tf")),
		d.scene(ctx, "   The record is removed from the configuration. The plan to delete it is saved, and waits for approval.", validCloudflare, true, "1 to destroy", plan, "-out=plan"),
	)
	d.cloudflare.Revoke(validCloudflare)
	saved := errors.Join(
		d.scene(ctx, "   Meanwhile, the token is revoked at Cloudflare: the apply is refused before the first change.", validCloudflare, false, "was rejected", "apply", plan),
		d.scene(ctx, "   Nothing was deleted.", "", true, "cloudflare_dns_record.www", "state", "list"),
	)
	d.cloudflare.SetFault(issuertest.Reply(http.StatusServiceUnavailable, "<html>Service Unavailable</html>", "Content-Type", "text/html"))
	down := d.scene(ctx, "4. Cloudflare is down: that is an error, not a verdict. The provider first retries for some seconds.", d.ending, false, "so its validity is unknown", plan)
	fmt.Fprintln(d.out, "To try your own configuration against fakes of all issuers, run: make issuers")
	return errors.Join(before, saved, down)
}

// scene runs a command of the CLI, with a Cloudflare token unless it is empty, and
// shows both. It returns an error if the command does not succeed or fail as it
// should.
func (d *demo) scene(ctx context.Context, title, token string, succeed bool, prints string, args ...string) error {
	fmt.Fprintln(d.out, title)
	env := slices.Clone(d.env)
	if token != "" {
		env = append(env, cloudflareVariable+"="+token)
		if token != d.exported {
			fmt.Fprintln(d.out, "$ export "+env[len(env)-1])
		}
		d.exported = token
	}
	fmt.Fprintf(d.out, "$ %s %s\n", strings.TrimSuffix(filepath.Base(d.cli), ".exe"), strings.Join(args, " "))
	if args[0] != "state" {
		args = slices.Insert(args, 1, "-no-color", "-compact-warnings")
	}
	result := d.workspace.Run(ctx, env, args...)

	// Of the planned changes, the summary is enough.
	shown := progress.ReplaceAllString(result.Output, "")
	if _, after, found := strings.Cut(shown, "\nPlan: "); found {
		shown = "…\nPlan: " + after
	}
	shown = note.ReplaceAllString(shown, "")
	fmt.Fprintln(d.out, indent(strings.TrimSpace(shown)))

	if (result.Err == nil) != succeed || !strings.Contains(strings.Join(strings.Fields(result.Output), " "), prints) {
		return fmt.Errorf("%v: want output with %q and success: %t, got: %v", args, prints, succeed, result.Err) //nolint:errorlint // May be nil.
	}
	return nil
}

// progress matches the CLI's progress messages, two or four for each check.
var progress = regexp.MustCompile(`(?m)^(ephemeral|data)\..*: (Opening|Closing|Reading|Read complete).*\n`)

// note matches what a plan adds about saving plans and outputs.
var note = regexp.MustCompile(`(?s)\n+(─+\n.*|You can apply this plan to save these new output.*|Saved the plan to: plan.*)`)

func indent(text string) string {
	return "    " + strings.ReplaceAll(strings.TrimRight(text, "\n"), "\n", "\n    ") + "\n"
}
