// Command bench measures what a check costs, in a real Terraform or OpenTofu CLI,
// beside a data source that only waits for the network, beside one that opens a
// connection for each read, as that of hashicorp/http does, and beside a provider
// that has nothing. Everything is measured in one run on one machine, and what is
// printed are ratios, since the times are that machine's.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"time"

	"github.com/tokencheck/terraform-provider-tokencheck/internal/cli"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/cloudflare/cloudflaretest"
)

// The columns of the benchmark: what is measured beside what.
const (
	tokencheck = "tokencheck"
	floor      = "floor"
	perRead    = "stand-in"
	hashicorp  = "hashicorp/http"
)

// others is the name of the provider that has the floor and the stand-in.
const others = "bench"

// options are what is measured.
type options struct {
	// Each plan of these numbers of checks, parallelisms and round trips is
	// measured with one token and with different ones.
	checks       []int
	parallelisms []int
	roundTrips   []time.Duration
	// repeat is how often a plan is measured, starts how often a start, and
	// schemas how often the CLI is asked for the schemas.
	repeat, starts, schemas int
	// httpProvider is the path of the binary of hashicorp/http, if there is one.
	httpProvider string
}

func main() {
	o := newOptions(os.Args[1:])

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()

	if err := run(ctx, os.Stdout, o); err != nil {
		fmt.Fprintln(os.Stderr, "The benchmark failed:", err)
		stop()
		os.Exit(1) //nolint:gocritic // The deferred stop has been called.
	}
}

func newOptions(args []string) options {
	o := options{
		checks: []int{1, 10, 100, goalChecks}, parallelisms: []int{goalParallelism, 50}, roundTrips: []time.Duration{0, goalRoundTrip},
		starts: 100, schemas: 15, httpProvider: os.Getenv("BENCH_HTTP_PROVIDER"),
	}
	flags := flag.NewFlagSet("bench", flag.ExitOnError)
	quick := flags.Bool("quick", false, "measure only the plans that the goals are about")

	flags.IntVar(&o.repeat, "repeat", 3, "how often each plan is measured")
	_ = flags.Parse(args) // It ends the program itself.

	if *quick {
		o.checks, o.parallelisms, o.roundTrips = []int{goalChecks}, []int{goalParallelism}, []time.Duration{goalRoundTrip}
	}

	return o
}

// bench is what everything is measured with.
type bench struct {
	options

	out io.Writer
	dir string
	// cli is the CLI's path, and mirror where it finds the providers.
	cli, mirror string
	// binaries are the providers' by name.
	binaries map[string]string
	issuer   *cloudflaretest.Server
}

func run(ctx context.Context, out io.Writer, o options) error {
	path, err := cli.Find()
	if err != nil {
		return err
	}

	dir, err := os.MkdirTemp("", "tokencheck-bench-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()

	fmt.Fprintln(out, "Building the provider and what it is measured beside …")

	b := &bench{options: o, out: out, dir: dir, cli: path, mirror: filepath.Join(dir, "mirror"), issuer: cloudflaretest.NewServer()}
	defer b.issuer.Close()

	if err := b.build(ctx); err != nil {
		return err
	}

	own, err := b.own(ctx)
	if err != nil {
		return err
	}

	own.print(out)

	plans, err := b.plans(ctx)
	if err != nil {
		return err
	}

	judge(out, plans, own)

	return nil
}

// build builds the providers as a release does, as far as that changes what is
// measured.
func (b *bench) build(ctx context.Context) error {
	if err := b.installHTTPProvider(); err != nil {
		return err
	}

	b.binaries = make(map[string]string)

	for name, source := range map[string]string{tokencheck: ".", others: "./internal/bench/provider", "empty": "./internal/bench/empty"} {
		binary, err := cli.Compile(ctx, b.dir, name, source, "-ldflags=-s -w")
		if err != nil {
			return err
		}

		if err := cli.Install(b.mirror, "tokencheck/"+name, binary); err != nil {
			return err
		}

		b.binaries[name] = binary
	}

	return nil
}

// installHTTPProvider puts hashicorp/http into the mirror, if the user has it. It
// is copied, since the mirror is made of links, which end at a file system's end.
func (b *bench) installHTTPProvider() error {
	if b.httpProvider == "" {
		return nil
	}

	binary := filepath.Join(b.dir, "terraform-provider-http")

	content, err := os.ReadFile(b.httpProvider)
	if err = errors.Join(err, os.WriteFile(binary, content, 0o755)); err != nil {
		return fmt.Errorf("BENCH_HTTP_PROVIDER: %w", err)
	}

	return cli.Install(b.mirror, hashicorp, binary)
}
