package provider_test

import (
	"fmt"
	"maps"
	"regexp"
	"strings"
	"testing"

	"github.com/tokencheck/terraform-provider-tokencheck/internal/issuertest"
)

// Each response of each issuer leads to its verdict or error, in the data source and
// in the ephemeral resource, whose attributes agree. The token is verified exactly
// when the issuer accepts it, and is in no other attribute or message.
func TestConformance(t *testing.T) {
	forEach(t, func(t *testing.T, f fake) {
		for name, c := range f.corpus {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				wantCase(t, f, c)
			})
		}
	})
}

var quoted = regexp.MustCompile(`".*"`)

func wantCase(t *testing.T, f fake, c issuertest.Case) {
	t.Helper()

	token := c.Token
	if token == "" {
		token = issuertest.Secret
	}

	canned := issuertest.StartCanned()
	t.Cleanup(canned.Close)
	canned.Set(c.Wire())

	s := connected(t, host(nil), f, canned.URL+f.basePath, map[string]any{"max_retries": 1, "timeout": "5s"}, map[string]any{f.tokenArgument: token})
	read, all := s.read(f.kind(), c.Arguments)
	sent := canned.Reset()
	strict, strictAll := s.open(f.kind(), c.Arguments)

	lenient := maps.Clone(c.Arguments)
	if lenient == nil {
		lenient = make(map[string]any)
	}
	lenient["require_valid"] = false

	canned.Reset()

	opened, openedAll := s.open(f.kind(), lenient)

	want := 1
	if c.Retried {
		want = 2
	}
	if again := canned.Reset(); sent != want || again != want {
		t.Errorf("%d requests of the data source and %d of the ephemeral resource, want %d", sent, again, want)
	}

	if leak := fmt.Sprint(read, all, strictAll, openedAll); strings.Contains(leak, token[:8]) || strings.Contains(leak, token[len(token)-8:]) {
		t.Errorf("part of the token is in %s", leak)
	}

	if c.Warning != "" && !strings.Contains(all.String(), "warning: "+c.Warning) || c.Warning == "" && strings.Contains(all.String(), "warning") {
		t.Errorf("want the warning %q: %v", c.Warning, all)
	}

	switch {
	case c.Want == "":
		if len(all.errors()) != 1 || strings.Join(all.errors(), "") != strings.Join(openedAll.errors(), "") {
			t.Errorf("want one error, the same for both: %v %v %v", read, all, openedAll)
		}
	case read["status"] != c.Want || read["valid"] != (c.Want == "active") || len(all.errors()) > 0:
		t.Errorf("status = %v, valid = %v, want %s: %v", read["status"], read["valid"], c.Want, all)
	case c.Want == "active" && (strict["verified_token"] != token || opened["verified_token"] != token):
		t.Errorf("verified_token = %v, %v", strict["verified_token"], opened["verified_token"])
	case c.Want != "active" && (opened["verified_token"] != nil || !strings.Contains(strictAll.String(), ": "+read["reason"].(string)) || len(openedAll) != len(all)+1):
		t.Errorf("verified_token = %v, %v, %v", opened["verified_token"], strictAll, openedAll)
	}

	wantAttributes(t, read, c.Attributes)
	delete(opened, "verified_token")
	delete(opened, "require_valid")
	wantAttributes(t, opened, read)

	// Without the issuer's own words.
	if reason, _ := read["reason"].(string); strings.Count(quoted.ReplaceAllString(reason+" ", ""), ". ") > 3 {
		t.Errorf("more than three sentences: %s", reason)
	}

	// It may accept what the client does not.
	if len(c.Arguments) == 0 && c.Want != "" && f.accepts(c.Wire(), issuertest.Clock()) != (c.Want == "active") {
		t.Errorf("the simple decoder does not agree with %q", c.Want)
	}
}
