package main

import (
	"strings"
	"testing"

	"github.com/tokencheck/terraform-provider-tokencheck/internal/cli/clitest"
)

func TestMain(m *testing.M) { clitest.Main(m) }

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

// What is pasted revokes a token, and restores it.
func TestEnter(t *testing.T) {
	t.Parallel()
	i, stop := startIssuers()
	t.Cleanup(stop)
	revoked := make(map[string]bool)
	for _, step := range [][2]string{
		{"no such token", "Unknown"},
		{`export CLOUDFLARE_API_TOKEN="` + validCloudflare + `" # active`, "Revoked"},
		{" " + validCloudflare + "\r", "Restored"},
		{validGitLab, "Revoked"},
	} {
		if got := i.enter(step[0], revoked); !strings.Contains(got, step[1]) {
			t.Errorf("%q: %s", step[0], got)
		}
	}
	if _, known := i.gitlab.Token(validGitLab); known {
		t.Error("the token was not revoked")
	}
}
