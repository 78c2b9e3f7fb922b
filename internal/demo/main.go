// Command demo shows the provider at its main job: plans that pass and plans
// that are refused, by a real Terraform or OpenTofu CLI, against fakes of the
// two issuers on loopback. It fails if a plan ends otherwise than it should.
package main

import (
	"context"
	_ "embed"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"time"

	"github.com/tokencheck/terraform-provider-tokencheck/internal/cli"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/cloudflare/cloudflaretest"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/issuertest"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/venafi/venafitest"
)

//go:embed guard.tf
var guard string

// The tokens; those called good work.
const (
	// badCloudflare and badVenafi are in trouble, another one in each plan.
	badCloudflare   = "demo-cloudflare-token"
	badVenafi       = "demo-venafi-token"
	goodCloudflare  = "demo-cloudflare-token-that-works"
	demoApplication = "demo"
	goodVenafi      = "demo-venafi-token-that-works"
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
		t.ID = "ed17574386854bf78a67040be0a770b0"

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

	fmt.Fprint(out, "Building the provider, and starting a Cloudflare and a Venafi of this repository on loopback …\n")

	mirror, err := cli.Build(ctx, dir)
	if err != nil {
		return err
	}

	now := time.Now().UTC().Truncate(time.Second)

	cloudflare, venafi := cloudflaretest.NewServer(), venafitest.NewServer()
	defer cloudflare.Close()
	defer venafi.Close()

	cloudflare.Set(goodCloudflare, cloudflaretest.Token{ID: "ed17574386854bf78a67040be0a770b0"})
	venafi.Set(goodVenafi, venafitest.Token{
		IssuedOn: now, ValidFor: 7776000, GrantIssuedOn: now, GrantExpiresOn: now.AddDate(1, 0, 0),
		Application: demoApplication, Identity: "local:{8e1bf110-8ef8-4a53-a6da-d5d29c983451}", Scope: "certificate:manage,revoke",
	})

	workspace, err := cli.NewWorkspace(ctx, path, mirror, dir+"/guard", map[string]string{
		"main.tf":       guard,
		"cloudflare.ca": cloudflare.TrustBundle,
		"venafi.ca":     venafi.TrustBundle,
		// All that differs from a configuration for the real issuers.
		"issuers.tf": fmt.Sprintf(`provider "tokencheck" {
  max_retries = 1
  cloudflare  = { base_url = %q, trust_bundle = file("cloudflare.ca") }
  venafi      = { url = %q, trust_bundle = file("venafi.ca") }
}
`, cloudflare.BaseURL(), venafi.URL),
	})
	if err != nil {
		return err
	}

	fmt.Fprintf(out, "\nThe configuration, main.tf:\n\n%s\n", indent(guard))

	all := scenarios(now)
	for i, s := range all {
		if s.cloudflare == "" {
			s.cloudflare = goodCloudflare
		}

		if s.venafi == "" {
			s.venafi = goodVenafi
		}

		if s.set != nil {
			s.set(cloudflare, venafi)
		}

		fmt.Fprintf(out, "─── %d of %d ─── %s\n\n$ %s plan\n", i+1, len(all), s.title, commandName(path))

		result := workspace.Run(ctx, []string{"CLOUDFLARE_API_TOKEN=" + s.cloudflare, "VENAFI_TOKEN=" + s.venafi}, "plan", "-no-color")
		fmt.Fprintln(out, indent(strings.TrimSpace(result.Output)))

		if refused := result.Err != nil; refused != s.refused || !strings.Contains(words(result.Output), s.prints) {
			return fmt.Errorf("plan %d should have printed %q and been refused: %t, but it ended with: %v", i+1, s.prints, s.refused, result.Err) //nolint:errorlint // May be nil.
		}
	}

	fmt.Fprint(out, farewell)

	return nil
}

const farewell = `─── That was the demo. ───

Every refused plan stopped before the first change, with the reason and the remedy.
To check tokens of your own, with the real issuers:

  make install                      # puts the provider where your CLI's init finds it
  export CLOUDFLARE_API_TOKEN=…     # or VENAFI_URL=… and VENAFI_TOKEN=…
  cd examples/data-sources/tokencheck_cloudflare/precondition
  terraform init && terraform plan

`

func commandName(path string) string {
	if strings.Contains(path, "tofu") {
		return "tofu"
	}

	return "terraform"
}

// words takes out the line breaks and the frame that the CLI puts around a message.
func words(output string) string {
	return strings.Join(strings.Fields(strings.NewReplacer("│", " ", "╷", " ", "╵", " ").Replace(output)), " ")
}

func indent(text string) string {
	return "    " + strings.ReplaceAll(strings.TrimRight(text, "\n"), "\n", "\n    ") + "\n"
}
