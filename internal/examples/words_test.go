package examples_test

import (
	"io/fs"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/tokencheck/terraform-provider-tokencheck/internal/cli/clitest"
)

// budgets are the words that a page may have, schema and examples included.
var budgets = map[string]int{
	"README.md":                                   480,
	"CONTRIBUTING.md":                             900,
	"docs/index.md":                               1300,
	"docs/data-sources/cloudflare.md":             1200,
	"docs/data-sources/venafi.md":                 1200,
	"docs/ephemeral-resources/cloudflare.md":      800,
	"docs/ephemeral-resources/venafi.md":          800,
	"docs/guides/check-tokens-in-ci.md":           1000,
	"docs/guides/cloudflare-saved-plans-in-ci.md": 500,
	"docs/guides/configure-the-provider.md":       900,
	"docs/guides/guard-applies.md":                900,
	"docs/guides/keep-tokens-out-of-state.md":     700,
	"docs/guides/move-from-http-and-scripts.md":   1200,
	"docs/guides/refuse-plans-by-policy.md":       1000,
	"docs/guides/rotate-in-time.md":               700,
	"docs/guides/test-configurations.md":          700,
	"docs/guides/venafi-saved-plans-in-ci.md":     500,
	"docs/guides/what-runs-when.md":               1200,
}

// allPages are the words that users' pages may have together.
const allPages = 13_000

func TestBudgets(t *testing.T) {
	t.Parallel()

	total := 0

	for file, text := range texts(t, ".md") {
		budget, known := budgets[file]
		words := len(strings.Fields(text))

		if words > budget && known {
			t.Errorf("%s has %d words, more than %d: shorten it, or move a fact to the page that has the others of its kind", file, words, budget)
		}

		if users := file == "README.md" || strings.HasPrefix(file, "docs/"); users && !known {
			t.Errorf("%s has no budget", file)
		} else if users {
			total += words
		}
	}

	if total > allPages || total < allPages/2 {
		t.Errorf("the pages for users have %d words, want at most %d", total, allPages)
	}
}

// notWords are phrases that Terraform's users do not use, and what to write instead.
var notWords = map[string]string{
	`put(s|ting)? off`: "deferred",
	`\basks (again|nobody|the issuer|the server|Cloudflare|whether)|(is|are|was|were|be) asked|nobody asks|asked (again|the issuer)`: "verifies, sends a request",
	`not known yet|known yet`: "unknown until apply",
	`\b(token|grant)s? ends?\b|\bends? of (the|a) (token|grant)|(has|have|with|without) (no|an) end\b|\bits (own )?end\b|the (token|grant)'s end\b|stops? working|two ends`: "expires, expiration",
	`\bmargin\b|still live`: "minimum remaining lifetime",
	`\btokens? (that )?(does not work|do not work|works?)\b|still works?`: "is valid",
	`goes before|stands? (behind|beside)`:                                 "takes precedence over, defaults to",
	`\bgiv(e|es|en|ing) (a|the|its|their|own|no) tokens?\b|ways? to give`: "set a token, token source",
	`(was|were) not given|is not told`:                                    "is not set, is not reported",
	`certificates? of authorit|private authorit|beside the system`:        "CA certificates, a private CA, in addition to the system trust store",
	`\bblanks?\b|\bline (end|break)s?\b`:                                  "whitespace, newline",
	`typographic quotes|quotes around`:                                    "curly quotes, surrounding quotes",
	`taken from the directory`:                                            "resolved relative to the working directory",
	`how often`:                                                           "the number of",
	`is no secret|not looked at|looked at\b`:                              "is not sensitive, is not checked",
	`by its form`:                                                         "its prefix indicates",
	`kept answer|clocks differ`:                                           "cached response, clock skew",
	`\b(is|are) no documented|date in it is none`:                         "is not a documented response",
	`is the way out|ways? out\b`:                                          "workaround, use",
	`waits? for no\b`:                                                     "is not covered by",
	`in the issuer's place|issuer of this repository`:                     "impersonating the issuer, a fake issuer",
	`stands for everything`:                                               "placeholder for",
	`typing error|\bto mend\b|to lead with`:                               "typo, fix, start with",
	`for a person's? eyes|for a person\b`:                                 "for display",
}

func TestWords(t *testing.T) {
	t.Parallel()

	for phrase, instead := range notWords {
		unwanted := regexp.MustCompile(`(?i)` + phrase)

		for file, text := range texts(t, ".md", ".tmpl", ".go", ".tf", ".hcl", ".rego", ".yml", ".yaml", ".sh") {
			if file == "internal/examples/words_test.go" {
				continue
			}

			for _, at := range unwanted.FindAllStringIndex(text, -1) {
				t.Errorf("%s:%d: %q: write %q", file, strings.Count(text[:at[0]], "\n")+1, text[at[0]:at[1]], instead)
			}
		}
	}
}

// texts are the repository's files with these extensions, by path.
func texts(t *testing.T, extensions ...string) map[string]string {
	t.Helper()

	root, all := os.DirFS(clitest.Root(t)), map[string]string{}

	err := fs.WalkDir(root, ".", func(file string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && slices.Contains([]string{".git", "bin", "dist", ".terraform"}, entry.Name()):
			return fs.SkipDir
		case entry.IsDir() || !slices.Contains(extensions, path.Ext(file)):
			return nil
		}

		text, err := fs.ReadFile(root, file)
		all[file] = string(text)

		return err
	})
	if err != nil || len(all) < 15 {
		t.Fatalf("%d files: %v", len(all), err)
	}

	return all
}
