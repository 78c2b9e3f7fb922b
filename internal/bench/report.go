package main

import (
	"cmp"
	"fmt"
	"io"
	"math"
	"slices"
	"time"
)

// What the goals are about.
const (
	goalChecks      = 500
	goalParallelism = 10
	goalRoundTrip   = 50 * time.Millisecond
)

// median gives the element in the middle, the lower one of two.
func median[T any](all []T, compare func(a, b T) int) T {
	sorted := slices.SortedFunc(slices.Values(all), compare)

	return sorted[(len(sorted)-1)/2]
}

func middle[T cmp.Ordered](all []T) T { return median(all, cmp.Compare) }

// turns gives the numbers below n, in turn upwards and downwards, so that none is
// always measured after the same other one.
func turns(n, round int) []int {
	order := make([]int, n)
	for i := range order {
		order[i] = i
		if round%2 > 0 {
			order[i] = n - 1 - i
		}
	}

	return order
}

// ratio is how many times the second the first is; it is not a number where one
// of them is not known.
func ratio[T ~int64](pair [2]T) float64 {
	if pair[0] == 0 || pair[1] == 0 {
		return math.NaN()
	}

	return float64(pair[0]) / float64(pair[1])
}

// faster is how many times longer one column's plan takes than another's.
func faster(plans map[string]plan, slow, fast string) float64 {
	return ratio([2]time.Duration{plans[slow].wall, plans[fast].wall})
}

// show writes a ratio.
func show(ratio float64) string {
	if math.IsNaN(ratio) {
		return "not known"
	}

	return fmt.Sprintf("%.2f", ratio)
}

func mebibytes(bytes int64) string {
	if bytes == 0 {
		return "not known (Linux only)"
	}

	return fmt.Sprintf("%.1f MiB", float64(bytes)/(1<<20))
}

const row = "%6v  %-9v  %11v  %10v  %10v  %10v  %10v  %9v  %9v"

// printHead prints the head of the table of plans.
func printHead(out io.Writer, withHashicorp bool) {
	fmt.Fprintf(out, "\nPlans. The ratios of wall times: tc is tokencheck, stand-in a data source that opens a connection for each read.\n"+
		"What the server saw: requests and connections of tokencheck, and connections of the stand-in.\n\n")
	fmt.Fprintf(out, row, "checks", "tokens", "parallelism", "round trip", "tc/floor", "stand-in/tc", "requests", "conns", "s-i conns")

	if withHashicorp {
		fmt.Fprintf(out, "  %s", hashicorp+"/tc")
	}

	fmt.Fprintln(out)
}

// printCell prints a line of the table.
func printCell(out io.Writer, c cell, plans map[string]plan) {
	tokens := "same"
	if c.different {
		tokens = "different"
	}

	fmt.Fprintf(out, row, c.checks, tokens, c.parallelism, c.roundTrip,
		show(faster(plans, tokencheck, floor)), show(faster(plans, perRead, tokencheck)), plans[tokencheck].requests, plans[tokencheck].connections, plans[perRead].connections)

	if _, measured := plans[hashicorp]; measured {
		fmt.Fprintf(out, "  %s", show(faster(plans, hashicorp, tokencheck)))
	}

	fmt.Fprintln(out)
}

// judge prints which goals were met. A goal that was not met is no failure: this
// is a measurement.
func judge(out io.Writer, plans results, o own) {
	different := plans[cell{goalChecks, true, goalParallelism, goalRoundTrip}]
	same := plans[cell{goalChecks, false, goalParallelism, goalRoundTrip}]

	goal := func(name string, measured float64, met bool) {
		word := "MISS"

		switch {
		case math.IsNaN(measured):
			word = "----"
		case met:
			word = "PASS"
		}

		fmt.Fprintf(out, "%s  %s: %s\n", word, name, show(measured))
	}
	atMost := func(name string, measured, limit float64) {
		goal(fmt.Sprintf("%s, at most %.2f", name, limit), measured, measured <= limit)
	}
	atLeast := func(name string, measured, limit float64) {
		goal(fmt.Sprintf("%s, at least %.2f", name, limit), measured, measured >= limit)
	}

	fmt.Fprintf(out, "\nThe goals, plans at %d checks, parallelism %d and a round trip of %v:\n", goalChecks, goalParallelism, goalRoundTrip)
	atMost("different tokens, as a multiple of the floor", faster(different, tokencheck, floor), 1.10)
	atLeast("different tokens, times faster than a connection for each read", faster(different, perRead, tokencheck), 2.5)
	atLeast("different tokens, times faster than "+hashicorp, faster(different, hashicorp, tokencheck), 2.7)

	requests := math.NaN()
	if made, measured := same[tokencheck]; measured {
		requests = float64(made.requests)
	}

	goal("one token, requests, exactly 1", requests, requests == 1)
	atMost("start-up to the handshake, as a multiple of an empty provider's", ratio(o.start), 1.10)
	atMost("peak memory at the handshake, as a multiple of an empty provider's", ratio(o.memory), 1.10)
}
