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

var (
	codeBlock = regexp.MustCompile("(?s)```.*?```")
	link      = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	heading   = regexp.MustCompile(`(?m)^#+ (.+)$`)
	anchor    = regexp.MustCompile(`<a id="([^"]+)"`)
	source    = regexp.MustCompile(`https://github\.com/tokencheck/terraform-provider-tokencheck/(?:blob|tree)/main/([^)\s]+)`)
	notInSlug = regexp.MustCompile(`[^\w\- ]`)
)

// Every link between pages leads to an existing page and heading.
func TestLinks(t *testing.T) {
	t.Parallel()

	root, pages := os.DirFS(clitest.Root(t)), texts(t, ".md")
	for file, text := range pages {
		pages[file] = codeBlock.ReplaceAllString(text, "")
	}

	for file, text := range pages {
		for _, match := range source.FindAllStringSubmatch(text, -1) {
			if _, err := fs.Stat(root, match[1]); err != nil {
				t.Errorf("%s links to %s, which does not exist", file, match[0])
			}
		}

		for _, match := range link.FindAllStringSubmatch(text, -1) {
			if strings.Contains(match[1], "://") {
				continue
			}

			target, fragment, _ := strings.Cut(match[1], "#")
			if target = path.Join(path.Dir(file), target); strings.HasPrefix(match[1], "#") {
				target = file
			}

			if _, err := fs.Stat(root, target); err != nil {
				t.Errorf("%s links to %s, which does not exist", file, match[1])
			} else if page, ok := pages[target]; ok && fragment != "" && !slices.Contains(anchors(page), fragment) {
				t.Errorf("%s links to %s, which has no such heading", file, match[1])
			}
		}
	}
}

// anchors returns the link targets of a page: the headings as the registries and the
// hosting service render them, and ids.
func anchors(page string) []string {
	var all []string

	for _, match := range heading.FindAllStringSubmatch(page, -1) {
		all = append(all, strings.ReplaceAll(notInSlug.ReplaceAllString(strings.ToLower(strings.TrimSpace(match[1])), ""), " ", "-"))
	}

	for _, match := range anchor.FindAllStringSubmatch(page, -1) {
		all = append(all, match[1])
	}

	return all
}
