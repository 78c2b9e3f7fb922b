package provider_test

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
)

// The catalogue has every message that the protocol tests produce, in full, once,
// under its title, with a test that produces it. It owns the wording, which no other
// test repeats: changed wording shows in its diff. UPDATE_MESSAGES=1 go test
// ./internal/provider regenerates it.
const catalogueFile = "testdata/messages.md"

const catalogueHead = "# Messages\n\nEvery message of the provider, by title, each with a test that brings it about.\n"

var catalogue = struct {
	sync.Mutex

	written string
	seen    map[string]map[string]string // the tests by title and text
}{seen: make(map[string]map[string]string)}

// changing are the parts of messages that vary, and their placeholders.
var changing = []struct {
	pattern     *regexp.Regexp
	replacement string
}{
	{regexp.MustCompile(`127\.0\.0\.1:\d+`), "HOST"},
	{regexp.MustCompile(`\S*/Test\w+/\d+/`), "DIRECTORY/"},
	{regexp.MustCompile(`\d+ bytes`), "N bytes"},
	{regexp.MustCompile(`x509: [^.]*\.`), "x509: REASON."}, // It differs between platforms.
}

// inCatalogue records a message, and compares it with the catalogue.
func inCatalogue(t *testing.T, title, text string) {
	t.Helper()

	if strings.HasPrefix(t.Name(), "Fuzz") {
		return
	}

	catalogue.Lock()
	defer catalogue.Unlock()

	for _, part := range changing {
		text = part.pattern.ReplaceAllString(text, part.replacement)
	}

	if catalogue.seen[title] == nil {
		catalogue.seen[title] = make(map[string]string)
	}
	if test := catalogue.seen[title][text]; test == "" || t.Name() < test {
		catalogue.seen[title][text] = t.Name()
	}

	if os.Getenv("UPDATE_MESSAGES") != "" { // Run writes it.
		return
	}

	if catalogue.written == "" {
		content, _ := os.ReadFile(catalogueFile)
		catalogue.written = strings.ReplaceAll(string(content), "\r\n", "\n")
	}
	if !strings.Contains(catalogue.written, "\n"+text+"\n\n*") {
		t.Errorf("not in %s, which UPDATE_MESSAGES=1 regenerates: %s: %s", catalogueFile, title, text)
	}
}

func renderCatalogue() string {
	var b strings.Builder
	b.WriteString(catalogueHead)

	for _, title := range slices.Sorted(maps.Keys(catalogue.seen)) {
		fmt.Fprintf(&b, "\n## %s\n", title)
		for _, text := range slices.Sorted(maps.Keys(catalogue.seen[title])) {
			fmt.Fprintf(&b, "\n%s\n\n*%s*\n", text, catalogue.seen[title][text])
		}
	}

	return b.String()
}

// wholeCatalogue also fails a run of all tests that no longer produces a message of
// the catalogue: another message, which is there too, may have taken its place.
type wholeCatalogue struct{ *testing.M }

func (m wholeCatalogue) Run() int {
	flag.Parse()
	all := flag.Lookup("test.run").Value.String() == "" && flag.Lookup("test.skip").Value.String() == "" && flag.Lookup("test.list").Value.String() == ""
	update := os.Getenv("UPDATE_MESSAGES") != ""
	if update && !all {
		fmt.Fprintln(os.Stderr, "UPDATE_MESSAGES needs all tests: run them without -run and -skip.")
		return 1
	}

	code := m.M.Run()
	switch {
	case update:
		must(os.WriteFile(catalogueFile, []byte(renderCatalogue()), 0o600))
	case code == 0 && all && runtime.GOOS == "linux" && renderCatalogue() != catalogue.written:
		fmt.Fprintln(os.Stderr, "Not every message is in "+catalogueFile+" as the tests produce it: UPDATE_MESSAGES=1 regenerates it.")
		return 1
	}
	return code
}
