package examples_test

import (
	"archive/zip"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/tokencheck/terraform-provider-tokencheck/internal/cli"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/cli/clitest"
)

// What a job of a pipeline came to.
const (
	succeeded = "success"
	failed    = "failure"
	skipped   = "skipped"
)

// runURL is the page of a run, with its log.
const runURL = "https://git.example.com/example/infrastructure/actions/runs/1"

// The token that opens issues.
const issuesToken = "issues-0123456789"

// hosting stands for the service that runs a pipeline: it checks out the
// repository, keeps artifacts, gives each job the secrets of its environment and
// has issues. The steps themselves are run, by bash as the service does.
type hosting struct {
	// repository is what each job begins with.
	repository string
	// env is what each step finds: the tools and the issuers.
	env []string
	// secrets are the variables of each environment.
	secrets map[string]map[string]string
	// before is called before each job.
	before func(job string)
	// artifacts are the files that are kept, by their path in the repository.
	artifacts map[string]string
	// workspaces are the directories of the jobs that ran.
	workspaces map[string]string
	// output is what all steps printed.
	output strings.Builder
	// issues is where the services keep their issues: a file named after the label
	// for each, and a log of what was done to them.
	issues string
}

func newHosting(t *testing.T, s issuers) *hosting {
	t.Helper()

	bin := t.TempDir()
	h := &hosting{
		repository: t.TempDir(), issues: t.TempDir(), before: func(string) {},
		artifacts: map[string]string{}, workspaces: map[string]string{},
		secrets: map[string]map[string]string{
			"plan":        {"CLOUDFLARE_API_TOKEN": endingToken},
			"production":  {"CLOUDFLARE_API_TOKEN": endingToken},
			"token-check": {"CLOUDFLARE_DNS_TOKEN": userToken, "CLOUDFLARE_WORKERS_TOKEN": endingToken, "VENAFI_TOKEN": venafiToken, "VENAFI_URL": s.venafi.URL},
			"token-issue": {"ISSUES_TOKEN": issuesToken},
		},
	}

	// The lock file is committed, as every repository should have it. Both
	// configurations need the same provider, and so have the same one.
	w := clitest.Workspace(t, read(t, "guides/guard-a-plan-guard-an-apply"))

	lock, err := os.ReadFile(filepath.Join(w.Dir, ".terraform.lock.hcl"))
	if err != nil {
		t.Fatal(err)
	}

	for target, source := range map[string]string{"infrastructure": "guides/guard-a-plan-guard-an-apply", "token-check": "guides/rotate-in-time/scheduled-plan"} {
		for file, text := range read(t, source) {
			writeFile(t, filepath.Join(h.repository, target, file), text, 0o600)
		}

		writeFile(t, filepath.Join(h.repository, target, ".terraform.lock.hcl"), string(lock), 0o600)
	}

	writeFile(t, filepath.Join(h.repository, "token-check", "check.sh"), read(t, "ci/token-check")["check.sh"], 0o600)

	policies := read(t, "policies/rego")
	writeFile(t, filepath.Join(h.repository, "policies", "tokencheck.rego"), policies["tokencheck.rego"], 0o600)
	writeFile(t, filepath.Join(h.repository, "policies", "settings.yaml"),
		strings.Replace(policies["settings.yaml"], "required_checks: []", "required_checks: [data.tokencheck_cloudflare.this]", 1), 0o600)

	terraform, err := cli.Find()
	if err != nil {
		t.Fatal(err)
	}

	// The pipelines say terraform, OpenTofu takes the same arguments.
	for name, target := range map[string]string{"terraform": terraform, "opa": clitest.Tool(t, "opa", "opa")} {
		writeFile(t, filepath.Join(bin, name), fmt.Sprintf("#!/bin/sh\nexec '%s' \"$@\"\n", target), 0o700)
	}

	writeFile(t, filepath.Join(bin, "gh"), ghStub, 0o700)

	api := httptest.NewServer(gitLabAPI(h.issues))
	t.Cleanup(api.Close)

	h.env = []string{
		"PATH=" + bin + ":" + os.Getenv("PATH"), "HOME=" + t.TempDir(), "GH_STUB=" + h.issues,
		"TF_CLI_CONFIG_FILE=" + filepath.Join(w.Dir, "cli.tfrc"), "CHECKPOINT_DISABLE=1",
		"SSL_CERT_FILE=" + bundle(t, s), "CLOUDFLARE_BASE_URL=" + s.cloudflare.BaseURL(),
		"CI_API_V4_URL=" + api.URL + "/api/v4", "CI_PROJECT_ID=42", "CI_PIPELINE_URL=" + runURL,
		"GITHUB_SERVER_URL=https://git.example.com", "GITHUB_REPOSITORY=example/infrastructure", "GITHUB_RUN_ID=1",
	}

	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("The steps printed:\n%s\nIssues:\n%s", h.output.String(), h.issueLog())
		}
	})

	return h
}

// bundle is a file with the certificates of the issuers.
func bundle(t *testing.T, s issuers) string {
	t.Helper()

	file := filepath.Join(t.TempDir(), "ca.pem")
	writeFile(t, file, s.cloudflare.TrustBundle+s.venafi.TrustBundle, 0o600)

	return file
}

func writeFile(t *testing.T, file, text string, mode os.FileMode) {
	t.Helper()

	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		t.Fatal(err)
	}

	if err := os.WriteFile(file, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
}

// checkout gives a job a directory with the repository in it.
func (h *hosting) checkout(t *testing.T, job string) string {
	t.Helper()

	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(h.repository)); err != nil {
		t.Fatal(err)
	}

	h.workspaces[job] = dir

	return dir
}

// keep makes a file of a job an artifact, if it is there.
func (h *hosting) keep(t *testing.T, dir, path string) {
	t.Helper()

	text, err := os.ReadFile(filepath.Join(dir, path))
	if err == nil {
		h.artifacts[path] = string(text)
	}
}

// colors are what the CLI prints for a terminal; the services show them.
var colors = regexp.MustCompile(`\x1b\[[0-9;]*m`)

// run runs a script as GitHub does with "shell: bash", and GitLab with its own
// "set -e", and reports whether it succeeded.
func (h *hosting) run(t *testing.T, dir, script string, env []string) bool {
	t.Helper()

	file := filepath.Join(t.TempDir(), "step.sh")
	writeFile(t, file, script, 0o600)

	command := exec.CommandContext(t.Context(), "bash", "--noprofile", "--norc", "-eo", "pipefail", file)
	command.Dir = dir
	command.Env = slices.Concat(h.env, env)

	out, err := command.CombinedOutput()
	h.output.Write(colors.ReplaceAll(out, nil))

	return err == nil
}

// ghStub keeps issues in files that are named after their labels, and logs what
// is done to them in the order of its arguments, with the text of the issue.
const ghStub = `#!/bin/sh
set -eu
[ "$GH_TOKEN" = ` + issuesToken + ` ] && [ "$GH_REPO" = example/infrastructure ]
case "$1 $2" in
"issue list")
  [ "$3 $4 $5" = "--state open --label" ]
  cat "$GH_STUB/$6" 2>/dev/null || true
  ;;
"label create") ;;
"issue create")
  [ "$3 $5 $7" = "--label --title --body-file" ]
  echo 7 > "$GH_STUB/$4"
  { echo "create $4: $6"; cat "$8"; } >> "$GH_STUB/log"
  ;;
"issue edit")
  [ "$3 $4" = "7 --body-file" ]
  { echo "edit"; cat "$5"; } >> "$GH_STUB/log"
  ;;
*) exit 1 ;;
esac
`

// issueLog is what was done to issues.
func (h *hosting) issueLog() string {
	log, _ := os.ReadFile(filepath.Join(h.issues, "log"))

	return string(log)
}

// gitLabAPI is the part of GitLab's API that has a project's issues. It keeps
// them in dir as ghStub does.
func gitLabAPI(dir string) http.HandlerFunc {
	const issues = "/api/v4/projects/42/issues"

	return func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Private-Token") != issuesToken || r.ParseForm() != nil {
			http.Error(w, "401 Unauthorized", http.StatusUnauthorized)

			return
		}

		log, err := os.OpenFile(filepath.Join(dir, "log"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)

			return
		}
		defer log.Close()

		label := r.Form.Get("labels")

		switch r.Method + " " + r.URL.Path {
		case "GET " + issues:
			answer := `[]`
			if _, err := os.Stat(filepath.Join(dir, label)); err == nil && r.URL.Query().Get("state") == "opened" {
				answer = `[{"iid": 7}]`
			}

			fmt.Fprint(w, answer)
		case "POST " + issues:
			_ = os.WriteFile(filepath.Join(dir, label), nil, 0o600)
			fmt.Fprintf(log, "create %s: %s\n%s", label, r.Form.Get("title"), r.Form.Get("description"))
		case "PUT " + issues + "/7":
			fmt.Fprintf(log, "edit\n%s", r.Form.Get("description"))
		default:
			http.NotFound(w, r)
		}
	}
}

// fromYAML reads a YAML file. OPA reads YAML, and Go's own library does not.
func fromYAML(t *testing.T, file string, into any) {
	t.Helper()

	out, err := exec.CommandContext(t.Context(), clitest.Tool(t, "opa", "opa"), "eval", "--format=raw", "--input", file, "input").Output()
	if err != nil {
		t.Fatalf("%s: %v", file, err)
	}

	if err := json.Unmarshal(out, into); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
}

// A workflow of GitHub Actions.
type (
	workflow struct {
		Permissions map[string]string `json:"permissions"`
		Env         map[string]string `json:"env"`
		Defaults    struct {
			Run struct {
				Shell     string `json:"shell"`
				Directory string `json:"working-directory"`
			} `json:"run"`
		} `json:"defaults"`
		Jobs map[string]workflowJob `json:"jobs"`
	}
	workflowJob struct {
		Needs       string            `json:"needs"`
		If          string            `json:"if"`
		Environment string            `json:"environment"`
		Permissions map[string]string `json:"permissions"`
		Timeout     int               `json:"timeout-minutes"`
		Outputs     map[string]string `json:"outputs"`
		Steps       []workflowStep    `json:"steps"`
	}
	workflowStep struct {
		ID   string            `json:"id"`
		If   string            `json:"if"`
		Uses string            `json:"uses"`
		With map[string]any    `json:"with"`
		Env  map[string]string `json:"env"`
		Run  string            `json:"run"`
	}
)

// github runs a workflow, and gives what its jobs came to.
func (h *hosting) github(t *testing.T, file string) map[string]string {
	t.Helper()

	var w workflow

	fromYAML(t, filepath.Join(clitest.Root(t), "examples", "ci", "github", file), &w)

	results, outputs := map[string]string{}, map[string]string{}

	clear(h.artifacts) // They belong to one run.

	for len(results) < len(w.Jobs) {
		for name, job := range w.Jobs {
			if results[name] != "" || job.Needs != "" && results[job.Needs] == "" {
				continue
			}

			condition := true

			if job.If != "" {
				key, value, found := strings.Cut(job.If, " == ")
				if !found {
					t.Fatalf("%s: the test does not know the condition %q", name, job.If)
				}

				condition = outputs[key] == strings.Trim(value, "'")
			}

			if job.Needs != "" && results[job.Needs] != succeeded || !condition {
				results[name] = skipped

				continue
			}

			h.before(name)

			results[name] = h.githubJob(t, w, name, outputs)
		}
	}

	return results
}

var expression = regexp.MustCompile(`\$\{\{ (\S+) \}\}`)

func (h *hosting) githubJob(t *testing.T, w workflow, name string, outputs map[string]string) string {
	t.Helper()

	job, result, dir := w.Jobs[name], succeeded, ""

	evaluate := func(text string) string {
		return expression.ReplaceAllStringFunc(text, func(match string) string {
			key := expression.FindStringSubmatch(match)[1]
			context, variable, _ := strings.Cut(key, ".")

			switch value, found := h.secrets[job.Environment][variable]; {
			case key == "github.token":
				return issuesToken
			case key == "github.repository":
				return "example/infrastructure"
			case context == "steps":
				return outputs[key]
			case (context == "secrets" || context == "vars") && found:
				return value
			}

			t.Fatalf("%s: the test does not know %s in the environment %q", name, match, job.Environment)

			return ""
		})
	}

	for _, step := range job.Steps {
		switch step.If {
		case "":
			if result == failed {
				continue
			}
		case "failure()":
			if result != failed {
				continue
			}
		default:
			t.Fatalf("%s: the test does not know the condition %q", name, step.If)
		}

		// Every action that the examples use, and what it does here.
		switch action, _, _ := strings.Cut(step.Uses, "@"); action {
		case "":
			file := filepath.Join(t.TempDir(), "output")
			writeFile(t, file, "", 0o600)

			env := []string{"GITHUB_OUTPUT=" + file}
			for _, variables := range []map[string]string{w.Env, step.Env} {
				for variable, value := range variables {
					env = append(env, variable+"="+evaluate(value))
				}
			}

			if !h.run(t, filepath.Join(dir, w.Defaults.Run.Directory), step.Run, env) {
				result = failed
			}

			text, _ := os.ReadFile(file)
			for line := range strings.Lines(string(text)) {
				key, value, _ := strings.Cut(strings.TrimSpace(line), "=")
				outputs["steps."+step.ID+".outputs."+key] = value
			}
		case "actions/checkout":
			dir = h.checkout(t, name)
		case "actions/upload-artifact":
			h.keep(t, dir, step.With["path"].(string))
		case "actions/download-artifact":
			for path, text := range h.artifacts {
				writeFile(t, filepath.Join(dir, step.With["path"].(string), filepath.Base(path)), text, 0o600)
			}
		case "hashicorp/setup-terraform", "open-policy-agent/setup-opa": // They are there.
		default:
			t.Fatalf("%s: the test does not know the action %s", name, step.Uses)
		}
	}

	for key, value := range job.Outputs {
		outputs["needs."+name+".outputs."+key] = evaluate(value)
	}

	return result
}

// A job of GitLab CI.
type gitLabJob struct {
	Extends string   `json:"extends"`
	Stage   string   `json:"stage"`
	Needs   []string `json:"needs"`
	Rules   []struct {
		If   string `json:"if"`
		When string `json:"when"`
	} `json:"rules"`
	Environment struct {
		Name string `json:"name"`
	} `json:"environment"`
	Script    []string `json:"script"`
	Artifacts struct {
		When  string   `json:"when"`
		Paths []string `json:"paths"`
	} `json:"artifacts"`
}

// gitlab runs a pipeline that was started by a push or a schedule, and gives what
// its jobs came to.
func (h *hosting) gitlab(t *testing.T, source string) map[string]string {
	t.Helper()

	var (
		texts  map[string]json.RawMessage
		stages []string
	)

	fromYAML(t, filepath.Join(clitest.Root(t), "examples", "ci", "gitlab", ".gitlab-ci.yml"), &texts)

	if err := json.Unmarshal(texts["stages"], &stages); err != nil {
		t.Fatal(err)
	}

	jobs := map[string]gitLabJob{}

	for name, text := range texts {
		if !slices.Contains([]string{"stages", "workflow", "variables", "default"}, name) {
			var job gitLabJob
			if err := json.Unmarshal(text, &job); err != nil {
				t.Fatalf("%s: %v", name, err)
			}

			jobs[name] = job
		}
	}

	results := map[string]string{}

	clear(h.artifacts) // They belong to one run.

	for _, stage := range stages {
		// Of two jobs of one stage, the one that needs the other comes second.
		names := slices.SortedFunc(maps.Keys(jobs), func(a, b string) int { return len(jobs[a].Needs) - len(jobs[b].Needs) })

		for _, name := range names {
			job := jobs[name]
			if job.Stage != stage {
				continue
			}

			rules := slices.Concat(job.Rules, jobs[job.Extends].Rules)
			if len(rules) != 1 {
				t.Fatalf("%s has %d rules, and the test knows one", name, len(rules))
			}

			switch rules[0].If {
			case `$CI_PIPELINE_SOURCE == "schedule"`:
				if source != "schedule" {
					continue
				}
			case `$CI_PIPELINE_SOURCE != "schedule"`:
				if source == "schedule" {
					continue
				}
			default:
				t.Fatalf("%s: the test does not know the condition %q", name, rules[0].If)
			}

			// A job that a person starts waits for those that it needs, too.
			wanted := map[string]string{"": succeeded, "manual": succeeded, "on_failure": failed}[rules[0].When]
			if slices.ContainsFunc(job.Needs, func(needed string) bool { return results[needed] != wanted }) {
				results[name] = skipped

				continue
			}

			h.before(name)

			results[name] = h.gitLabJob(t, name, job, jobs)
		}
	}

	return results
}

func (h *hosting) gitLabJob(t *testing.T, name string, job gitLabJob, jobs map[string]gitLabJob) string {
	t.Helper()

	dir := h.checkout(t, name)

	for _, needed := range job.Needs {
		for _, path := range jobs[needed].Artifacts.Paths {
			if text, found := h.artifacts[path]; found {
				writeFile(t, filepath.Join(dir, path), text, 0o600)
			}
		}
	}

	env := []string{"TF_IN_AUTOMATION=true"}
	for variable, value := range h.secrets[job.Environment.Name] {
		env = append(env, variable+"="+value)
	}

	result := succeeded
	if !h.run(t, dir, strings.Join(job.Script, "\n"), env) {
		result = failed
	}

	if result == succeeded && job.Artifacts.When == "" || result == failed && job.Artifacts.When == "on_failure" {
		for _, path := range job.Artifacts.Paths {
			h.keep(t, dir, path)
		}
	}

	return result
}

// holdsNoToken asserts that no token is in what was printed, kept or written into
// issues.
func (h *hosting) holdsNoToken(t *testing.T) {
	t.Helper()

	texts := map[string]string{"output": h.output.String(), "issues": h.issueLog()}
	maps.Copy(texts, h.artifacts)

	for path, text := range h.artifacts {
		if !strings.HasSuffix(path, ".tfplan") {
			continue
		}

		plan, err := zip.NewReader(strings.NewReader(text), int64(len(text)))
		if err != nil {
			t.Fatal(err)
		}

		for _, entry := range plan.File {
			part, err := entry.Open()
			if err != nil {
				t.Fatal(err)
			}

			inside, err := io.ReadAll(part)
			if err != nil {
				t.Fatal(err)
			}

			texts[path+" "+entry.Name] = string(inside)
		}
	}

	for _, secrets := range h.secrets {
		for variable, token := range secrets {
			if !strings.HasSuffix(variable, "_TOKEN") {
				continue
			}

			for name, text := range texts {
				if strings.Contains(text, token) {
					t.Errorf("%s holds the token of %s", name, variable)
				}
			}
		}
	}
}

// prints asserts that the steps printed a text, which the CLI may have wrapped.
func (h *hosting) prints(t *testing.T, text string) {
	t.Helper()

	if !clitest.Says(text).MatchString(h.output.String()) {
		t.Errorf("no step printed %q", text)
	}
}

func wantResults(t *testing.T, got, want map[string]string) {
	t.Helper()

	if !maps.Equal(got, want) {
		t.Fatalf("the jobs came to %v, want %v", got, want)
	}
}

// state is what the apply stored, nil if nothing.
func (h *hosting) state() []byte {
	text, _ := os.ReadFile(filepath.Join(h.workspaces["apply"], "infrastructure", "terraform.tfstate"))

	return text
}

// created is how many resources the apply created.
func (h *hosting) created(t *testing.T) int {
	t.Helper()

	var state struct {
		Resources []struct {
			Mode      string            `json:"mode"`
			Instances []json.RawMessage `json:"instances"`
		} `json:"resources"`
	}

	if text := h.state(); text != nil {
		if err := json.Unmarshal(text, &state); err != nil {
			t.Fatal(err)
		}
	}

	created := 0

	for _, resource := range state.Resources {
		if resource.Mode == "managed" {
			created += len(resource.Instances)
		}
	}

	return created
}
