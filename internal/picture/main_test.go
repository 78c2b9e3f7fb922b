package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// The picture is drawn from what an apply prints today, with the configuration that
// README.md shows above it; make picture draws it anew.
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

	// OpenTofu prints the same with its own name.
	if got := strings.ReplaceAll(fresh.String(), "OpenTofu", "Terraform"); got != string(transcript) {
		t.Errorf("an apply prints\n%s\nand the transcript has\n%s", got, transcript)
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
