package provider_test

import (
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
)

// The catalogue has every message that the protocol tests produce, in full, once,
// with the tests that produce it. It is read as prose: changed wording shows in its
// diff. UPDATE_MESSAGES=1 go test ./internal/provider regenerates it.
const catalogueFile = "testdata/messages.md"

const catalogueHead = `# Messages

Every message of the provider, written by the tests. The test names below a message say when a user sees it.
`

var catalogue = struct {
	sync.Mutex

	written map[string][]string // The tests of each message.
	seen    map[string][]string
}{written: readCatalogue(), seen: map[string][]string{}}

func readCatalogue() map[string][]string {
	all := map[string][]string{}
	text, _ := os.ReadFile(catalogueFile)

	for _, entry := range strings.Split(string(text), "\n## ")[1:] {
		message, tests, _ := strings.Cut(entry, "\n\n* ")
		all[message] = strings.Split(strings.TrimSpace(tests), "\n* ")
	}

	return all
}

// changing are the parts of messages that vary, and their placeholders.
var changing = []struct {
	pattern     *regexp.Regexp
	replacement string
}{
	{regexp.MustCompile(`\d{4,}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z`), "TIME"},
	{regexp.MustCompile(`127\.0\.0\.1:\d+`), "HOST"},
	{regexp.MustCompile(`/\S*/Test\w+/\d+/`), "DIRECTORY/"},
	{regexp.MustCompile(`"[0-9a-f-]+-[A-Z]{3}"`), "RAY"},
}

// either matches tests whose message depends on the machine.
var either = regexp.MustCompile(`certificate_required|not_HTTP/2|without_a_certificate|FuzzCheck|TestSoak|TestVenafiClientCertificate`)

// inCatalogue records the messages of a test, and compares them with the catalogue.
func inCatalogue(t *testing.T, messages ...string) {
	t.Helper()

	if either.MatchString(t.Name()) {
		return
	}

	catalogue.Lock()
	defer catalogue.Unlock()

	for _, message := range messages {
		for _, part := range changing {
			message = part.pattern.ReplaceAllString(message, part.replacement)
		}

		message = strings.TrimSpace(message)
		if tests := catalogue.seen[message]; !slices.Contains(tests, t.Name()) {
			catalogue.seen[message] = append(tests, t.Name())
		}

		if os.Getenv("UPDATE_MESSAGES") == "" && !slices.Contains(catalogue.written[message], t.Name()) {
			t.Errorf("not in %s, which UPDATE_MESSAGES=1 regenerates: %s", catalogueFile, message)
		}
	}

	if os.Getenv("UPDATE_MESSAGES") != "" {
		var b strings.Builder

		b.WriteString(catalogueHead)

		for _, message := range slices.Sorted(maps.Keys(catalogue.seen)) {
			fmt.Fprintf(&b, "\n## %s\n\n* %s\n", message, strings.Join(slices.Sorted(slices.Values(catalogue.seen[message])), "\n* "))
		}

		must(os.MkdirAll("testdata", 0o750))
		must(os.WriteFile(catalogueFile, []byte(b.String()), 0o600))
	}
}
