package main

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// The picture shows what an apply prints today, with the configuration above it in
// README.md; make picture redraws it.
func TestTranscript(t *testing.T) {
	t.Parallel()

	var fresh bytes.Buffer
	if err := record(t.Context(), &fresh); err != nil {
		t.Fatal(err)
	}

	transcript, err := os.ReadFile("refused.cast")
	if err != nil {
		t.Fatal(err)
	}

	// OpenTofu prints the same with its own name, and resets colors more often.
	colors := regexp.MustCompile(`\\u001b\[[0-9;]*m`)
	got, want := colors.ReplaceAllString(strings.ReplaceAll(fresh.String(), "OpenTofu", "Terraform"), ""), colors.ReplaceAllString(string(transcript), "")

	if got != want {
		t.Errorf("an apply prints\n%s\nand the transcript has\n%s", got, want)
	}

	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}

	shown, err := os.ReadFile(filepath.Join("../..", example))
	if err != nil {
		t.Fatal(err)
	}

	if !strings.Contains(string(readme), "```terraform\n"+string(shown)+"```\n") {
		t.Errorf("README.md does not show\n%s", shown)
	}
}
