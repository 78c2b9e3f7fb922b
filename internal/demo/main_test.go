package main

import (
	"strings"
	"testing"
)

// The demo itself checks each of its commands.
func TestDemo(t *testing.T) {
	t.Parallel()
	for name, all := range map[string]bool{"scenes": false, "all statuses": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var out strings.Builder
			if err := run(t.Context(), &out, all); err != nil {
				t.Fatalf("%v\n%s", err, out.String())
			}
			if lines := strings.Count(out.String(), "\n"); !all && lines >= 120 {
				t.Errorf("the demo prints %d lines, which is too long to read", lines)
			}
		})
	}
}
