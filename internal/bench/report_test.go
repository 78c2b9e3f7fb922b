package main

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestMiddle(t *testing.T) {
	t.Parallel()

	for want, all := range map[int][]int{7: {7}, 2: {9, 2, 1}, 3: {4, 3, 9, 1}} {
		if got := middle(all); got != want {
			t.Errorf("the median of %v: got %d, want %d", all, got, want)
		}
	}
}

func TestTurns(t *testing.T) {
	t.Parallel()

	if got := fmt.Sprint(turns(3, 0), turns(3, 1), turns(3, 2)); got != "[0 1 2] [2 1 0] [0 1 2]" {
		t.Errorf("got %s", got)
	}
}

func TestRatio(t *testing.T) {
	t.Parallel()

	for want, pair := range map[string][2]int64{"1.50": {3, 2}, "0.33": {1, 3}, "not known": {1, 0}} {
		if got := show(ratio(pair)); got != want {
			t.Errorf("%v: got %s, want %s", pair, got, want)
		}
	}

	if got := show(ratio([2]time.Duration{0, time.Second})); got != "not known" {
		t.Errorf("got %s", got)
	}

	if got := mebibytes(3 << 19); got != "1.5 MiB" {
		t.Errorf("got %s", got)
	}

	if got := mebibytes(0); !strings.Contains(got, "not known") {
		t.Errorf("got %s", got)
	}
}

func TestJudge(t *testing.T) {
	t.Parallel()

	plans := results{
		{goalChecks, true, goalParallelism, goalRoundTrip}: {
			tokencheck: {wall: 110}, floor: {wall: 100}, perRead: {wall: 274}, hashicorp: {wall: 300},
		},
		{goalChecks, false, goalParallelism, goalRoundTrip}: {tokencheck: {requests: 2}},
	}

	var out strings.Builder

	judge(&out, plans, own{start: [2]time.Duration{12, 10}, memory: [2]int64{11, 10}})

	want := []string{"PASS 1.10", "MISS 2.49", "PASS 2.73", "MISS 2.00", "MISS 1.20", "PASS 1.10"}

	lines := strings.Split(strings.TrimSpace(out.String()), "\n")[1:]
	if len(lines) != len(want) {
		t.Fatalf("%d lines:\n%s", len(lines), out.String())
	}

	for i, line := range lines {
		fields := strings.Fields(line)
		if got := fields[0] + " " + fields[len(fields)-1]; got != want[i] {
			t.Errorf("got %s, want %s: %s", got, want[i], line)
		}
	}

	out.Reset()
	printCell(&out, cell{goalChecks, true, goalParallelism, goalRoundTrip}, plans[cell{goalChecks, true, goalParallelism, goalRoundTrip}])

	if !strings.HasSuffix(out.String(), "  2.73\n") {
		t.Errorf("got %s", out.String())
	}
}
