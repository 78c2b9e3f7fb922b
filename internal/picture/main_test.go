package main

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"os"
	"regexp"
	"strings"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// The picture shows what a plan prints today; make picture draws it anew.
func TestPicture(t *testing.T) {
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
		t.Errorf("a plan prints\n%s\nand the transcript has\n%s", got, transcript)
	}

	picture, err := os.ReadFile("refused.svg")
	if err != nil {
		t.Fatal(err)
	}

	// A further frame would stand beside the one that is seen.
	if !bytes.Contains(picture, []byte(`<svg width="80"><svg>`)) {
		t.Error("the picture has not one frame")
	}

	if got, want := drawn(t, bytes.NewReader(picture)), printed(t, transcript); got != want {
		t.Errorf("the picture shows\n%s\nand the transcript has\n%s", got, want)
	}
}

// bare leaves out white space, and the bars in the margin: lines that are equal
// are drawn once and then referred to.
func bare(text string) string {
	return strings.ReplaceAll(strings.Join(strings.Fields(text), ""), "│", "")
}

// printed gives the bare text of a transcript.
func printed(t *testing.T, transcript []byte) string {
	t.Helper()

	_, line, _ := bytes.Cut(transcript, []byte("\n"))

	var event []any
	if err := json.Unmarshal(line, &event); err != nil {
		t.Fatal(err)
	}

	return bare(regexp.MustCompile(`\x1b\[[0-9;]*m`).ReplaceAllString(event[2].(string), ""))
}

// drawn gives the bare text of a picture, in the order of drawing.
func drawn(t *testing.T, picture io.Reader) string {
	t.Helper()

	var (
		text   strings.Builder
		inText bool
	)

	for decoder := xml.NewDecoder(picture); ; {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			return text.String()
		}

		if err != nil {
			t.Fatal(err)
		}

		switch token := token.(type) {
		case xml.StartElement:
			inText = token.Name.Local == "text"
		case xml.EndElement:
			inText = false
		case xml.CharData:
			if inText {
				text.WriteString(bare(string(token)))
			}
		}
	}
}

// The picture is of the configuration that stands above it.
func TestREADME(t *testing.T) {
	t.Parallel()

	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}

	_, shown, _ := strings.Cut(configuration, "\n}\n\n")
	if !strings.Contains(string(readme), "```terraform\n"+shown+"```\n") {
		t.Errorf("README.md does not show\n%s", shown)
	}
}
