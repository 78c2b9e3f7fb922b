package examples_test

import (
	"encoding/json"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/tokencheck/terraform-provider-tokencheck/internal/cli/clitest"
)

// gitHubFiles are the workflows of the examples and of this project.
func gitHubFiles(t *testing.T) []string {
	t.Helper()

	var files []string

	for _, dir := range []string{"examples/ci/github", ".github/workflows"} {
		found, err := filepath.Glob(filepath.Join(clitest.Root(t), dir, "*.yml"))
		if err != nil {
			t.Fatal(err)
		}

		files = append(files, found...)
	}

	return files
}

func TestWorkflows(t *testing.T) {
	t.Parallel()

	files := gitHubFiles(t)

	// Whether ShellCheck is there must not decide what is found.
	out, err := exec.CommandContext(t.Context(), clitest.Tool(t, "actionlint", "actionlint"), slices.Concat([]string{"-shellcheck=", "-pyflakes="}, files)...).CombinedOutput()
	if err != nil {
		t.Errorf("actionlint: %v\n%s", err, out)
	}

	uses := regexp.MustCompile(`uses: (.*)`)
	pinned := regexp.MustCompile(`^([\w./-]+)@([0-9a-f]{40} # v\d+\.\d+\.\d+)$`)
	pins := map[string]string{}

	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}

		for _, match := range uses.FindAllStringSubmatch(string(text), -1) {
			parts := pinned.FindStringSubmatch(match[1])
			if parts == nil {
				t.Errorf("%s: %s is not pinned by its digest, with the version behind it", file, match[1])

				continue
			}

			// The actions of one repository have one digest.
			repository := strings.Join(strings.Split(parts[1], "/")[:2], "/")
			if known := pins[repository]; known != "" && known != parts[2] {
				t.Errorf("%s: %s is pinned to %s and to %s", file, repository, known, parts[2])
			}

			pins[repository] = parts[2]
		}

		var w workflow

		fromYAML(t, file, &w)

		if w.Permissions == nil || len(w.Permissions) > 0 {
			t.Errorf("%s: the workflow has permissions %v, want {}", file, w.Permissions)
		}

		if w.Defaults.Run.Shell != "bash" {
			t.Errorf("%s: without \"shell: bash\" a pipe hides failures", file)
		}

		for name, job := range w.Jobs {
			if job.Timeout == 0 || job.Permissions == nil {
				t.Errorf("%s: job %s has no timeout-minutes or no permissions", file, name)
			}

			for _, step := range job.Steps {
				if strings.HasPrefix(step.Uses, "actions/checkout@") && step.With["persist-credentials"] != false {
					t.Errorf("%s: job %s leaves credentials in its checkout", file, name)
				}

				if strings.Contains(step.Run, "${{") {
					t.Errorf("%s: job %s puts an expression into a script; give it by env", file, name)
				}
			}
		}
	}
}

// Every module and every workflow of the repository is one that Dependabot keeps
// up to date.
func TestDependabot(t *testing.T) {
	t.Parallel()

	var config struct {
		Version int `json:"version"`
		Updates []struct {
			Ecosystem   string   `json:"package-ecosystem"`
			Directory   string   `json:"directory"`
			Directories []string `json:"directories"`
			Schedule    struct {
				Interval string `json:"interval"`
			} `json:"schedule"`
			Cooldown struct {
				Days int `json:"default-days"`
			} `json:"cooldown"`
			Groups map[string]struct {
				Patterns []string `json:"patterns"`
			} `json:"groups"`
		} `json:"updates"`
	}

	root := clitest.Root(t)
	fromYAML(t, filepath.Join(root, ".github", "dependabot.yml"), &config)

	if config.Version != 2 {
		t.Errorf("version %d", config.Version)
	}

	got := map[string][]string{}

	for _, update := range config.Updates {
		if update.Directory != "" {
			update.Directories = append(update.Directories, update.Directory)
		}

		if update.Schedule.Interval != "weekly" || update.Cooldown.Days == 0 || len(update.Groups) != 1 {
			t.Errorf("%s in %v: want a weekly schedule, a cooldown and one group", update.Ecosystem, update.Directories)
		}

		got[update.Ecosystem] = append(got[update.Ecosystem], update.Directories...)
	}

	want := map[string][]string{"github-actions": {"/", "/examples/ci/github"}}

	for _, pattern := range []string{"go.mod", "*/go.mod", "*/*/go.mod"} {
		modules, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil {
			t.Fatal(err)
		}

		for _, module := range modules {
			dir, err := filepath.Rel(root, filepath.Dir(module))
			if err != nil {
				t.Fatal(err)
			}

			want["gomod"] = append(want["gomod"], filepath.ToSlash(filepath.Join("/", dir)))
		}
	}

	for ecosystem := range want {
		slices.Sort(got[ecosystem])
		slices.Sort(want[ecosystem])
	}

	if !maps.EqualFunc(got, want, slices.Equal) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// The forms are what GitHub takes for one, and ask for what helps without asking
// for a token.
func TestIssueForms(t *testing.T) {
	t.Parallel()

	dir := filepath.Join(clitest.Root(t), ".github", "ISSUE_TEMPLATE")

	for file, ids := range map[string][]string{
		"bug.yml":     {"cli", "provider", "issuer", "diagnostic", "happened", "configuration", "no-token"},
		"feature.yml": {"problem", "wish", "documentation"},
	} {
		var form struct {
			Name        string   `json:"name"`
			Description string   `json:"description"`
			Labels      []string `json:"labels"`
			Body        []struct {
				Type       string `json:"type"`
				ID         string `json:"id"`
				Attributes struct {
					Label   string `json:"label"`
					Value   string `json:"value"`
					Options []any  `json:"options"`
				} `json:"attributes"`
			} `json:"body"`
		}

		fromYAML(t, filepath.Join(dir, file), &form)

		if form.Name == "" || form.Description == "" || len(form.Labels) == 0 {
			t.Errorf("%s has no name, description or labels", file)
		}

		var got []string

		for i, element := range form.Body {
			if i == 0 {
				if element.Type != "markdown" || !strings.Contains(element.Attributes.Value, "Never paste a token") {
					t.Errorf("%s does not begin with the warning", file)
				}

				continue
			}

			chooses := element.Type == "dropdown" || element.Type == "checkboxes"
			if !chooses && element.Type != "input" && element.Type != "textarea" ||
				element.Attributes.Label == "" || chooses != (len(element.Attributes.Options) > 0) {
				t.Errorf("%s: element %d is none of a form: %+v", file, i, element)
			}

			got = append(got, element.ID)
		}

		if !slices.Equal(got, ids) {
			t.Errorf("%s asks for %v, want %v", file, got, ids)
		}
	}

	var config struct {
		Blank bool `json:"blank_issues_enabled"`
		Links []struct {
			Name  string `json:"name"`
			URL   string `json:"url"`
			About string `json:"about"`
		} `json:"contact_links"`
	}

	fromYAML(t, filepath.Join(dir, "config.yml"), &config)

	if config.Blank || len(config.Links) != 1 || !strings.HasSuffix(config.Links[0].URL, "/security/policy") || config.Links[0].About == "" {
		t.Errorf("the chooser does not lead to the security policy alone: %+v", config)
	}
}

func TestDevContainer(t *testing.T) {
	t.Parallel()

	text, err := os.ReadFile(filepath.Join(clitest.Root(t), ".devcontainer", "devcontainer.json"))
	if err != nil {
		t.Fatal(err)
	}

	var container struct {
		Image    string                       `json:"image"`
		Features map[string]map[string]string `json:"features"`
	}

	if err := json.Unmarshal(text, &container); err != nil {
		t.Fatal(err)
	}

	module, err := os.ReadFile(filepath.Join(clitest.Root(t), "go.mod"))
	if err != nil {
		t.Fatal(err)
	}

	language := regexp.MustCompile(`(?m)^go (\d+\.\d+)`).FindStringSubmatch(string(module))[1]
	if !strings.Contains(container.Image, ":2-"+language+"-") {
		t.Errorf("the image is %s, and go.mod asks for Go %s", container.Image, language)
	}

	for feature := range container.Features {
		if !regexp.MustCompile(`:\d+\.\d+`).MatchString(feature) {
			t.Errorf("%s is not pinned to a version", feature)
		}
	}
}
