package main

import (
	"context"
	"fmt"
	"maps"
	"net/url"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tokencheck/terraform-provider-tokencheck/internal/bench/link"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/cli"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/cloudflare/cloudflaretest"
)

// configurations are the columns' configurations. All have one shape: data sources
// by count, and no outputs.
func configurations() map[string]string {
	const (
		head = `terraform {
  required_providers {
    %[1]s = { source = %[2]q }
  }
}

variable "checks" { type = number }
variable "different" { type = bool }
variable "address" { type = string }
variable "round_trip" { type = string }

`
		read = `
data "%[3]s" "check" {
  count           = var.checks
  url             = "${var.address}/user/tokens/verify"
  request_headers = { Authorization = var.different ? "Bearer bench-token-${count.index}" : "Bearer bench-token" }
  ca_cert_pem     = file("ca.pem")
}
`
		benchProvider = `provider "bench" { round_trip = var.round_trip }
`
	)

	return map[string]string{
		tokencheck: fmt.Sprintf(head, tokencheck, "tokencheck/tokencheck") + `provider "tokencheck" {
  cloudflare = { base_url = var.address, trust_bundle = file("ca.pem") }
}

data "tokencheck_cloudflare" "check" {
  count         = var.checks
  api_token_env = var.different ? "T${count.index}" : null
}
`,
		floor: fmt.Sprintf(head, others, "tokencheck/"+others) + benchProvider + `
data "bench_floor" "check" {
  count = var.checks
  name  = var.different ? "T${count.index}" : null
}
`,
		perRead:   fmt.Sprintf(head+benchProvider+read, others, "tokencheck/"+others, "bench_http"),
		hashicorp: fmt.Sprintf(head+read, "http", hashicorp, "http"),
	}
}

// cell is one kind of plan.
type cell struct {
	checks      int
	different   bool
	parallelism int
	roundTrip   time.Duration
}

// plan is what a plan came to: its wall time, and what the issuer's server saw.
type plan struct {
	wall                  time.Duration
	requests, connections int
}

// results are the plans by cell and by column.
type results map[cell]map[string]plan

// planner makes plans over one round trip.
type planner struct {
	*bench

	workspaces map[string]*cli.Workspace
	link       *link.Link
}

// cells are all kinds of plans that the options ask for.
func (o options) cells() []cell {
	all := make([]cell, 0, 2*len(o.roundTrips)*len(o.parallelisms)*len(o.checks))

	for _, roundTrip := range o.roundTrips {
		for _, parallelism := range o.parallelisms {
			for _, different := range []bool{false, true} {
				for _, checks := range o.checks {
					all = append(all, cell{checks, different, parallelism, roundTrip})
				}
			}
		}
	}

	return all
}

// plans measures all kinds of plans, and prints each as it is known.
func (b *bench) plans(ctx context.Context) (results, error) {
	workspaces, err := b.workspaces(ctx)
	if err != nil {
		return nil, err
	}

	all := make(results)
	columns := slices.Sorted(maps.Keys(workspaces))

	printHead(b.out, b.httpProvider != "")

	for _, c := range b.cells() {
		l, err := link.Start(ctx, b.issuer.Listener.Addr().String(), c.roundTrip)
		if err != nil {
			return nil, err
		}

		p := planner{b, workspaces, l}
		all[c], err = p.measure(ctx, c, columns)

		l.Close()

		if err != nil {
			return nil, err
		}

		printCell(b.out, c, all[c])
	}

	return all, b.memory(ctx, workspaces)
}

// tokens are the environment variables that hold the tokens.
func (b *bench) tokens() []string {
	most := slices.Max(b.checks)
	variables := make([]string, 0, most+1)
	variables = append(variables, "CLOUDFLARE_API_TOKEN=bench-token")

	for i := range most {
		variables = append(variables, fmt.Sprintf("T%d=bench-token-%d", i, i))
	}

	return variables
}

// workspaces makes a directory for each column, and tells the issuer the tokens.
func (b *bench) workspaces(ctx context.Context) (map[string]*cli.Workspace, error) {
	workspaces := make(map[string]*cli.Workspace)

	for column, text := range configurations() {
		if column == hashicorp && b.httpProvider == "" {
			continue
		}

		w, err := cli.NewWorkspace(ctx, b.cli, b.mirror, filepath.Join(b.dir, "plan-"+filepath.Base(column)), map[string]string{"main.tf": text, "ca.pem": b.issuer.TrustBundle})
		if err != nil {
			return nil, err
		}

		workspaces[column] = w
	}

	for _, variable := range b.tokens() {
		_, secret, _ := strings.Cut(variable, "=")
		b.issuer.Set(secret, cloudflaretest.Token{ID: "id"})
	}

	return workspaces, nil
}

// measure makes a cell's plans, the columns in turn, so that what else the
// machine does meets all of them.
func (p planner) measure(ctx context.Context, c cell, columns []string) (map[string]plan, error) {
	plans := make(map[string][]plan)

	for round := range p.repeat + 1 {
		for _, i := range turns(len(columns), round) {
			column := columns[i]

			if round == 0 && c != p.cells()[0] {
				continue // Only the very first plans read the binaries.
			}

			made, err := p.plan(ctx, c, column)
			if err != nil {
				return nil, err
			}

			if round == 0 {
				continue
			}

			plans[column] = append(plans[column], made)
		}
	}

	middle := make(map[string]plan)

	for column, made := range plans {
		middle[column] = median(made, func(a, b plan) int { return int(a.wall - b.wall) })
	}

	return middle, nil
}

func (p planner) plan(ctx context.Context, c cell, column string) (plan, error) {
	env := slices.Concat(p.tokens(), []string{
		"TF_VAR_checks=" + strconv.Itoa(c.checks), "TF_VAR_different=" + strconv.FormatBool(c.different), "TF_VAR_round_trip=" + c.roundTrip.String(),
		"TF_VAR_address=" + (&url.URL{Scheme: "https", Host: p.link.Addr(), Path: "/client/v4"}).String(),
	})

	requests, connections := len(p.issuer.Requests()), p.link.Connections()
	began := time.Now()
	result := p.workspaces[column].Run(ctx, env, "plan", "-no-color", "-input=false", "-parallelism="+strconv.Itoa(c.parallelism))
	made := plan{time.Since(began), len(p.issuer.Requests()) - requests, p.link.Connections() - connections}

	if result.Err != nil {
		return plan{}, fmt.Errorf("plan with %s: %w\n%s", column, result.Err, result.Output)
	}

	// A plan that has read nothing would be fast.
	if read := strings.Count(result.Stdout, "Read complete after"); read != c.checks {
		return plan{}, fmt.Errorf("plan with %s has read %d data sources of %d:\n%s", column, read, c.checks, result.Output)
	}

	return made, nil
}

// memory prints what the providers' processes need at the most for the largest
// plan with different tokens.
func (b *bench) memory(ctx context.Context, workspaces map[string]*cli.Workspace) error {
	l, err := link.Start(ctx, b.issuer.Listener.Addr().String(), 0)
	if err != nil {
		return err
	}
	defer l.Close()

	p := planner{b, workspaces, l}
	c := cell{slices.Max(b.checks), true, b.parallelisms[0], 0}

	for _, process := range []struct{ column, binary string }{{tokencheck, tokencheck}, {floor, others}, {perRead, others}} {
		stop := watch(b.binaries[process.binary])
		_, err := p.plan(ctx, c, process.column)
		peak := stop()

		if err != nil {
			return err
		}

		fmt.Fprintf(b.out, "Peak memory of the provider at %d different tokens, %s: %s\n", c.checks, process.column, mebibytes(peak))
	}

	return nil
}
