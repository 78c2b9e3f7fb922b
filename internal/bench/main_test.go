package main

import (
	"runtime"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A small benchmark runs, and the server sees what it should.
func TestRun(t *testing.T) {
	t.Parallel()

	var out strings.Builder

	o := options{checks: []int{1, 10}, parallelisms: []int{10}, roundTrips: []time.Duration{0}, repeat: 1, starts: 2, schemas: 1}
	if err := run(t.Context(), &out, o); err != nil {
		t.Fatalf("%v\n%s", err, out.String())
	}

	lines := make([]string, 0)
	for line := range strings.Lines(out.String()) {
		lines = append(lines, strings.Join(strings.Fields(line), " "))
	}

	text := strings.Join(lines, "\n")
	for _, want := range []string{
		"\n1 same 10 0s ", "\n10 different 10 0s ", "\n---- different tokens, as a multiple of the floor",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the output lacks %q:\n%s", want, out.String())
		}
	}

	if runtime.GOOS == "linux" && strings.Contains(text, "not known (Linux only)") {
		t.Errorf("no peak memory:\n%s", out.String())
	}

	// Ten checks: one request of one token, ten of ten, and a connection each for the stand-in.
	for line, want := range map[string][]string{"10 same 10 0s ": {"1", "1", "10"}, "10 different 10 0s ": {"10", "", "10"}} {
		_, rest, _ := strings.Cut(text, "\n"+line)
		rest, _, _ = strings.Cut(rest, "\n")

		for i, got := range strings.Fields(rest)[2:] {
			if want[i] != "" && got != want[i] {
				t.Errorf("%s: got %s, want %v", line, rest, want)
			}
		}
	}
}

func TestOptions(t *testing.T) {
	t.Parallel()

	if o := newOptions(nil); len(o.cells()) != 32 || o.repeat != 3 {
		t.Errorf("%d kinds of plans, %d times", len(o.cells()), o.repeat)
	}

	if o := newOptions([]string{"-quick", "-repeat=1"}); len(o.cells()) != 2 || o.repeat != 1 {
		t.Errorf("quick: %d kinds of plans, %d times", len(o.cells()), o.repeat)
	}
}

func TestRunRefused(t *testing.T) {
	t.Parallel()

	o := options{checks: []int{1}, httpProvider: "nothing", starts: 1, schemas: 1}
	if err := run(t.Context(), &strings.Builder{}, o); err == nil || !strings.Contains(err.Error(), "BENCH_HTTP_PROVIDER") {
		t.Errorf("got %v", err)
	}
}
