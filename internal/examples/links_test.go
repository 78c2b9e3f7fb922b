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
	notInSlug = regexp.MustCompile(`[^\w\- ]`)
)

// Every link between pages leads to an existing page and heading.
func TestLinks(t *testing.T) {
	t.Parallel()

	root, pages := os.DirFS(clitest.Root(t)), map[string]string{}

	err := fs.WalkDir(root, ".", func(file string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && slices.Contains([]string{".git", "bin", "dist", "testdata", ".terraform"}, entry.Name()):
			return fs.SkipDir
		case entry.IsDir() || path.Ext(file) != ".md":
			return nil
		}

		text, err := fs.ReadFile(root, file)
		pages[file] = codeBlock.ReplaceAllString(string(text), "")

		return err
	})
	if err != nil || len(pages) < 15 {
		t.Fatalf("%d pages: %v", len(pages), err)
	}

	for file, text := range pages {
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
