package main

import (
	"strings"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// The demo checks each of its plans itself.
func TestDemo(t *testing.T) {
	t.Parallel()

	var out strings.Builder
	if err := run(t.Context(), &out); err != nil {
		t.Fatalf("%v\n%s", err, out.String())
	}

	if !strings.Contains(out.String(), "make install") {
		t.Error("the demo does not say how to go on")
	}
}
