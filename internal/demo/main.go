// Command demo shows the provider at its main job: plans that pass and plans
// that are refused, by a real Terraform or OpenTofu CLI, against fakes of the
// two issuers on loopback. It fails if a plan ends otherwise than it should.
package main

import (
	"cmp"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/tokencheck/terraform-provider-tokencheck/internal/cli"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/cloudflare/cloudflaretest"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/issuertest"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/venafi/venafitest"
)

//go:embed guard.tf
var guard string

//go:embed apply.tf
var apply string

// What the issuers know; the tokens that are called good work.
const (
	tokenID         = "ed17574386854bf78a67040be0a770b0"
	demoApplication = "demo"

	// badCloudflare and badVenafi are in trouble, another one in each plan.
	badCloudflare  = "demo-cloudflare-token"
	badVenafi      = "demo-venafi-token"
	goodCloudflare = "demo-cloudflare-token-that-works"
	goodVenafi     = "demo-venafi-token-that-works"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()

	if err := run(ctx, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "The demo failed:", err)
		stop()
		os.Exit(1) //nolint:gocritic // The deferred stop has been called.
	}
}

// scenario is one plan.
type scenario struct {
	title string
	// cloudflare and venafi are the tokens, the good ones if empty.
	cloudflare, venafi string
	// set changes the issuers before the plan.
	set func(*cloudflaretest.Server, *venafitest.Server)
	// prints is what the plan must print, white space aside; refused says whether
	// it must fail.
	prints  string
	refused bool
}

func scenarios(now time.Time) []scenario {
	knownToCloudflare := func(t cloudflaretest.Token) func(*cloudflaretest.Server, *venafitest.Server) {
		t.ID = tokenID

		return func(s *cloudflaretest.Server, _ *venafitest.Server) { s.Set(badCloudflare, t) }
	}
	knownToVenafi := func(t venafitest.Token) func(*cloudflaretest.Server, *venafitest.Server) {
		return func(_ *cloudflaretest.Server, s *venafitest.Server) { s.Set(badVenafi, t) }
	}

	return []scenario{
		{title: "Both tokens work: the plan passes.", prints: "1 to add"},
		{
			title: "The Cloudflare token was deleted.", cloudflare: badCloudflare,
			prints: "Invalid API Token", refused: true,
		},
		{
			title: "The Cloudflare token is owned by an account, and account_id is not set.", cloudflare: "cfat_demo-cloudflare-token",
			set: func(s *cloudflaretest.Server, _ *venafitest.Server) {
				s.Set("cfat_demo-cloudflare-token", cloudflaretest.Token{ID: "0b1f", Account: "023e105f4ecef8ad9ca31a8372d0c353"})
			},
			prints: "set account_id", refused: true,
		},
		{
			title: "Somebody has disabled the Cloudflare token.", cloudflare: badCloudflare,
			set: knownToCloudflare(cloudflaretest.Token{Status: "disabled"}), prints: "is disabled", refused: true,
		},
		{
			title: "The Cloudflare token has expired.", cloudflare: badCloudflare,
			set: knownToCloudflare(cloudflaretest.Token{ExpiresOn: now.Add(-24 * time.Hour)}), prints: "expired at", refused: true,
		},
		{
			title: "The Cloudflare token's time has not come yet.", cloudflare: badCloudflare,
			set: knownToCloudflare(cloudflaretest.Token{NotBefore: now.Add(48 * time.Hour)}), prints: "is not valid before", refused: true,
		},
		{
			title: "The Cloudflare token still works, but ends within the 72 hours that were asked for.", cloudflare: badCloudflare,
			set: knownToCloudflare(cloudflaretest.Token{ExpiresOn: now.Add(24 * time.Hour)}), prints: "sooner than the 72h", refused: true,
		},
		{
			title: "Cloudflare has found the token in public, and uses a status word that no documentation lists.", cloudflare: badCloudflare,
			set: knownToCloudflare(cloudflaretest.Token{Status: "revoked (exposed)"}), prints: "revoked (exposed)", refused: true,
		},
		{
			title: "The Venafi token was revoked.", venafi: badVenafi,
			prints: "invalid_token", refused: true,
		},
		{
			title: "The Venafi token may not manage certificates.", venafi: badVenafi,
			set:    knownToVenafi(venafitest.Token{IssuedOn: now, ValidFor: 7776000, Scope: "certificate:discover;ssh", Application: demoApplication, Identity: "local:{demo}"}),
			prints: "lacks the required scope certificate:manage", refused: true,
		},
		{
			title: "The Venafi token ends tomorrow, although its grant lasts for a year.", venafi: badVenafi,
			set: knownToVenafi(venafitest.Token{
				IssuedOn: now, ValidFor: 86400, GrantIssuedOn: now, GrantExpiresOn: now.AddDate(1, 0, 0), Scope: "certificate:manage", Application: demoApplication, Identity: "local:{demo}",
			}),
			prints: "sooner than the 72h", refused: true,
		},
		{
			title: "The Venafi server is out of order: that is an error, and no word about the token.",
			set: func(_ *cloudflaretest.Server, s *venafitest.Server) {
				s.SetFault(issuertest.Reply(http.StatusServiceUnavailable, "<html>Service Unavailable</html>", "Content-Type", "text/html"))
			},
			prints: "says nothing about whether it is valid", refused: true,
		},
	}
}

// demo is what the plans run with.
type demo struct {
	out        io.Writer
	cli        string
	mirror     string
	dir        string
	cloudflare *cloudflaretest.Server
	venafi     *venafitest.Server
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

	fmt.Fprint(out, "Building the provider, and starting a Cloudflare and a Venafi of this repository on loopback …\n\n")

	mirror, err := cli.Build(ctx, dir)
	if err != nil {
		return err
	}

	d := demo{out, path, mirror, dir, cloudflaretest.NewServer(), venafitest.NewServer()}
	defer d.cloudflare.Close()
	defer d.venafi.Close()

	now := time.Now().UTC().Truncate(time.Second)

	d.cloudflare.Set(goodCloudflare, cloudflaretest.Token{ID: tokenID})
	d.venafi.Set(goodVenafi, venafitest.Token{
		IssuedOn: now, ValidFor: 7776000, GrantIssuedOn: now, GrantExpiresOn: now.AddDate(1, 0, 0),
		Application: demoApplication, Identity: "local:{8e1bf110-8ef8-4a53-a6da-d5d29c983451}", Scope: "certificate:manage,revoke",
	})

	if err := d.plans(ctx, scenarios(now)); err != nil {
		return err
	}

	if err := d.savedPlan(ctx); err != nil {
		return err
	}

	fmt.Fprint(out, farewell)

	return nil
}

// plans runs each scenario's plan.
func (d *demo) plans(ctx context.Context, all []scenario) error {
	workspace, err := d.workspace(ctx, "guard", guard)
	if err != nil {
		return err
	}

	for i, s := range all {
		if s.set != nil {
			s.set(d.cloudflare, d.venafi)
		}

		d.titlef("Plan %d of %d: %s", i+1, len(all), s.title)

		env := []string{"CLOUDFLARE_API_TOKEN=" + cmp.Or(s.cloudflare, goodCloudflare), "VENAFI_TOKEN=" + cmp.Or(s.venafi, goodVenafi)}
		if err := d.command(ctx, workspace, env, s.refused, s.prints, "plan"); err != nil {
			return err
		}
	}

	return nil
}

// savedPlan applies a plan whose token has died since it was made.
func (d *demo) savedPlan(ctx context.Context) error {
	d.titlef("A plan that waits for an approval. The data source is not read again at apply; an ephemeral resource is.")

	workspace, err := d.workspace(ctx, "apply", apply)
	if err != nil {
		return err
	}

	env := []string{"CLOUDFLARE_API_TOKEN=" + goodCloudflare}
	if err := d.command(ctx, workspace, env, false, "1 to add", "plan", "-out=plan"); err != nil {
		return err
	}

	d.cloudflare.Revoke(goodCloudflare)
	d.titlef("While the plan waited, the token was revoked.")

	if err := d.command(ctx, workspace, env, true, "was refused", "apply", "plan"); err != nil {
		return err
	}

	if state := workspace.Run(ctx, nil, "state", "list"); strings.Contains(state.Stdout, "terraform_data") {
		return errors.New("the refused apply has created something")
	}

	fmt.Fprint(d.out, "Nothing was created.\n\n")

	return nil
}

// workspace shows a configuration, and makes a directory for it.
func (d *demo) workspace(ctx context.Context, name, config string) (*cli.Workspace, error) {
	fmt.Fprintf(d.out, "The configuration, main.tf:\n\n%s\n", indent(config))

	return cli.NewWorkspace(ctx, d.cli, d.mirror, filepath.Join(d.dir, name), map[string]string{
		"main.tf":       config,
		"cloudflare.ca": d.cloudflare.TrustBundle,
		"venafi.ca":     d.venafi.TrustBundle,
		// All that differs from a configuration for the real issuers.
		"issuers.tf": fmt.Sprintf(`provider "tokencheck" {
  max_retries = 1
  cloudflare  = { base_url = %q, trust_bundle = file("cloudflare.ca") }
  venafi      = { url = %q, trust_bundle = file("venafi.ca") }
}
`, d.cloudflare.BaseURL(), d.venafi.URL),
	})
}

// command runs a command of the CLI and shows what it prints. It fails if the
// command does not end as it should.
func (d *demo) command(ctx context.Context, w *cli.Workspace, env []string, refused bool, prints string, args ...string) error {
	name := strings.TrimSuffix(filepath.Base(d.cli), ".exe")
	fmt.Fprintf(d.out, "$ %s %s\n", name, strings.Join(args, " "))

	result := w.Run(ctx, env, slices.Insert(args, 1, "-no-color")...)
	fmt.Fprintln(d.out, indent(strings.TrimSpace(result.Output)))

	if (result.Err != nil) != refused || !strings.Contains(strings.Join(strings.Fields(result.Output), " "), prints) {
		return fmt.Errorf("%v should have printed %q and been refused: %t, but it ended with: %v", args, prints, refused, result.Err) //nolint:errorlint // May be nil.
	}

	return nil
}

func (d *demo) titlef(format string, args ...any) {
	fmt.Fprintf(d.out, "─── "+format+"\n\n", args...)
}

const farewell = `─── That was the demo.

Every refused run stopped before the first change, with the reason and the remedy.
To check tokens of your own, with the real issuers:

  make install                      # puts the provider where your CLI's init finds it
  export CLOUDFLARE_API_TOKEN=…     # or VENAFI_URL=… and VENAFI_TOKEN=…
  cd examples/data-sources/tokencheck_cloudflare/guard
  terraform init && terraform plan

`

func indent(text string) string {
	return "    " + strings.ReplaceAll(strings.TrimRight(text, "\n"), "\n", "\n    ") + "\n"
}
