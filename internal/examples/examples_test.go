// Package examples_test tests the examples and the pages: the CLI runs every example,
// script, and policy against fakes of the issuers.
package examples_test

import (
	"cmp"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tokencheck/terraform-provider-tokencheck/internal/cli"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/cli/clitest"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/cloudflare/cloudflaretest"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/github/githubtest"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/gitlab/gitlabtest"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/issuertest"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/venafi/venafitest"
)

func TestMain(m *testing.M) { clitest.Main(m) }

// Valid tokens known to the issuers, with their suffix, and the first example.
const (
	userToken   = "user-0123456789"   // Cloudflare, owned by a user, does not expire.
	endingToken = "ending-0123456789" // Cloudflare, owned by a user, expires in 30 days.
	otherToken  = "other-0123456789"  // Venafi, expires in 90 days; GitHub and GitLab.
	suffix      = "-0123456789"
	gate        = "examples/ephemeral-resources/tokencheck_cloudflare/gate"
	pipeline    = "examples/ephemeral-resources/tokencheck_cloudflare/pipeline"
)

// workspace is a configuration, and an environment with fakes of the issuers, the
// tokens, and the variables that the examples expect.
type workspace struct {
	*cli.Workspace

	cloudflare *cloudflaretest.Server
	venafi     *venafitest.Server
	github     *githubtest.Server
	gitlab     *gitlabtest.Server
	env        []string
}

func newWorkspace(t *testing.T, files map[string]string) *workspace {
	t.Helper()
	if runtime.GOOS == "darwin" || runtime.GOOS == "windows" {
		t.Skip("Go does not read SSL_CERT_FILE here, and examples configure no CA")
	}
	w := &workspace{clitest.Workspace(t, files), cloudflaretest.NewServer(), venafitest.NewServer(), githubtest.NewServer(), gitlabtest.NewServer(), nil}
	for _, s := range []*issuertest.Server{w.cloudflare.Server, w.venafi.Server, w.github.Server, w.gitlab.Server} {
		t.Cleanup(s.Close)
	}
	w.cloudflare.Set(userToken, cloudflaretest.Token{ID: "user"})
	w.expire(endingToken, 30)
	w.github.Set(otherToken, githubtest.Token{Login: "example", Scopes: "repo"})
	w.gitlab.Set(otherToken, gitlabtest.Token{Name: "example", Scopes: []string{"api"}})
	w.venafi.Set(otherToken, venafitest.Token{
		IssuedOn: time.Now(), ValidFor: 90 * 24 * 3600, GrantExpiresOn: time.Now().AddDate(1, 0, 0), Application: "example", Scope: "certificate:manage,revoke;ssh",
	})
	certificate, key := issuertest.PEM(issuertest.NewAuthority().Issue(issuertest.Certificate{}))
	w.write(t, "client.pem", certificate)
	w.write(t, "client.key", key)
	bundle := w.write(t, "ca.pem", w.cloudflare.TrustBundle+w.venafi.TrustBundle+w.github.TrustBundle+w.gitlab.TrustBundle)
	w.env = []string{
		"TF_CLI_ARGS=-no-color", "TF_INPUT=0", "SSL_CERT_FILE=" + bundle,
		"CLOUDFLARE_BASE_URL=" + w.cloudflare.BaseURL(), "VENAFI_URL=" + w.venafi.URL, "GITHUB_BASE_URL=" + w.github.URL, "GITLAB_BASE_URL=" + w.gitlab.URL,
		"CLOUDFLARE_API_TOKEN=" + endingToken, "CLOUDFLARE_DNS_TOKEN=" + userToken, "CLOUDFLARE_WORKERS_TOKEN=" + endingToken,
		"VENAFI_TOKEN=" + otherToken, "GITHUB_TOKEN=" + otherToken, "GITLAB_TOKEN=" + otherToken,
		"TF_VAR_cloudflare_api_token=" + endingToken, "TF_VAR_zone_id=zone",
	}
	return w
}

// expire makes a user's Cloudflare token valid for some days.
func (w *workspace) expire(token string, days int) {
	w.cloudflare.Set(token, cloudflaretest.Token{ID: "user", ExpiresOn: time.Now().AddDate(0, 0, days)})
}

func (w *workspace) revokeAll() {
	for _, token := range []string{userToken, endingToken, otherToken} {
		for _, issuer := range []interface{ Revoke(token string) }{w.cloudflare, w.venafi, w.github, w.gitlab} {
			issuer.Revoke(token)
		}
	}
}

// write writes a file in the workspace, which may be a script, and returns its path.
func (w *workspace) write(t *testing.T, file, text string) string {
	t.Helper()
	file = filepath.Join(w.Dir, file)
	if err := os.WriteFile(file, []byte(text), 0o700); err != nil {
		t.Fatal(err)
	}
	return file
}

// run runs a command of the CLI, which must succeed, or fail, and print the texts.
func (w *workspace) run(t *testing.T, succeed bool, command string, texts ...string) cli.Result {
	t.Helper()
	return clitest.Run(t, w.Workspace, w.env, succeed, strings.Fields(command), texts...)
}

// read returns the files with an extension, "" for any, below a directory of the
// repository, by their relative path.
func read(t *testing.T, dir, extension string) map[string]string {
	t.Helper()
	files, root := map[string]string{}, os.DirFS(filepath.Join(clitest.Root(t), dir))
	for depth := range 5 {
		found, _ := fs.Glob(root, strings.Repeat("*/", depth)+"*"+extension)
		for _, file := range found {
			if text, err := fs.ReadFile(root, file); err == nil { // It is not a directory.
				files[file] = string(text)
			}
		}
	}
	if len(files) == 0 {
		t.Fatalf("%s has no files", dir)
	}
	return files
}

// Every example and complete snippet applies unchanged with the issuers set in the
// environment. Once its tokens are revoked, a plan says so before a gated provider
// sends a request. Further examples of a page leave out what its first one requires.
func TestExamples(t *testing.T) {
	t.Parallel()
	all, known := map[string]map[string]string{}, map[string]bool{}
	for file, text := range read(t, "examples", ".tf") {
		// The examples of other checks need providers that are not installed.
		if filepath.Base(filepath.Dir(file)) != "before" {
			all[file], known[strings.TrimSpace(text)] = map[string]string{"main.tf": text}, true
		}
	}
	for page, text := range read(t, ".", ".md") {
		for i, match := range snippet.FindAllStringSubmatch(text, -1) {
			text := strings.TrimSpace(match[1])
			if (strings.Contains(text, "required_providers") || strings.Contains(text, `variable "verify_tokens"`)) && !known[text] {
				all[fmt.Sprintf("%s %d", page, i)], known[text] = map[string]string{"main.tf": text}, true
			}
		}
	}

	gates := strings.NewReplacer("KIND", `ephemeral "tokencheck_`).Replace(`KINDcloudflare" "this" {}
KINDgithub" "this" {}
KINDgitlab" "this" {}
KINDvenafi" "this" {}
`)
	for name, files := range all {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if !strings.Contains(files["main.tf"], "required_providers") {
				files["main.tf"] = clitest.Require(files["main.tf"])
			}
			// Terraform configures only providers of resources.
			for provider, resource := range map[string]string{"cloudflare": "cloudflare_dns_record", "venafi": "venafi_certificate"} {
				if strings.Contains(files["main.tf"], fmt.Sprintf("provider %q", provider)) {
					files[provider+".tf"] = fmt.Sprintf("resource %q \"used\" {}\n", resource)
				}
			}
			w := newWorkspace(t, files)
			if strings.HasPrefix(name, "provider/") { // It verifies nothing, and names the servers.
				servers := strings.NewReplacer("https://api.fed.cloudflare.com/client/v4", w.cloudflare.BaseURL(), "https://tpp.example.com", w.venafi.URL,
					"https://ghes.example.com/", w.github.URL, "https://gitlab.example.com", w.gitlab.URL)
				w.write(t, "main.tf", servers.Replace(files["main.tf"])+gates)
			}
			w.run(t, true, "apply -auto-approve")
			w.revokeAll()
			result := w.run(t, strings.Contains(name, "check-block"), "plan", "was rejected")
			if clitest.Says("The server refused").MatchString(result.Output) {
				t.Errorf("the gated provider sent a request:\n%s", result.Output)
			}
		})
	}
}

// The test of the gate mocks the gated provider, and verifies the token.
func TestGateTests(t *testing.T) {
	t.Parallel()
	w := newWorkspace(t, read(t, gate, ""))
	w.run(t, true, "test", "Success! 1 passed, 0 failed.")
	w.revokeAll()
	w.run(t, false, "test", "was rejected")
}

var (
	snippet   = regexp.MustCompile("(?s)```terraform\n(.*?)```")
	runBlock  = regexp.MustCompile(`(?m)^run "\w+" \{$`)
	condition = regexp.MustCompile(`(?m)^( +condition += )(.+)$`)
	codeBlock = regexp.MustCompile("(?s)```.*?```")
	link      = regexp.MustCompile(`\]\((?:https://github\.com/tokencheck/terraform-provider-tokencheck/(?:blob|tree)/main(/[^)]+)|([^):#]*)(?:#([^)]+))?)\)`)
	heading   = regexp.MustCompile(`(?m)^#+ (.+)$`)
	notInSlug = regexp.MustCompile(`[^\w\- ]`)

	title      = regexp.MustCompile(`(?m)^## (.+)$`)
	variable   = regexp.MustCompile(`[A-Z]+(_[A-Z]+)+`)
	expiration = regexp.MustCompile(`\d+-\d+-\d+T[\d:]+Z`)
)

// The tests of the data source pass without a token and an issuer. With conditions
// that always hold, each run that expects a failure fails: a test of a guard that
// cannot fail is worthless.
func TestDataSourceTests(t *testing.T) {
	t.Parallel()
	const guard = "tests/guard.tftest.hcl"
	files := read(t, "examples/guides/get-warned-before-a-token-expires/warn-then-stop", "")
	tests := files[guard]
	runs, failures := runBlock.FindAllStringIndex(tests, -1), strings.Count(tests, "expect_failures")
	clitest.Run(t, clitest.Workspace(t, files), nil, true, []string{"test", "-no-color"}, fmt.Sprintf("Success! %d passed, 0 failed.", len(runs)))

	// After a failure the other runs of a file are skipped: each gets its own.
	for i, at := range runs {
		files[fmt.Sprintf("tests/%d.tftest.hcl", i)] = tests[:runs[0][0]] + tests[at[0]:append(runs, []int{len(tests)})[i+1][0]]
	}
	delete(files, guard)
	files["main.tf"] = condition.ReplaceAllString(files["main.tf"], "${1}(${2}) || true")
	clitest.Run(t, clitest.Workspace(t, files), nil, false, []string{"test", "-no-color"}, fmt.Sprintf("%d passed, %d failed.", len(runs)-failures, failures))
}

// What the README shows is what a plan with an expired token prints.
func TestReadme(t *testing.T) {
	t.Parallel()
	readme := read(t, ".", "README.md")["README.md"]
	w := newWorkspace(t, map[string]string{"main.tf": snippet.FindStringSubmatch(readme)[1]})
	end, _ := time.Parse(time.RFC3339, expiration.FindString(readme))
	w.cloudflare.Set(endingToken, cloudflaretest.Token{ID: "user", ExpiresOn: end})
	_, shown, _ := strings.Cut(readme, "```text\n")
	shown, _, _ = strings.Cut(shown, "```")
	w.run(t, false, "plan", strings.Join(strings.Fields(shown), " "))
}

// The page about troubleshooting has each title of a message as a heading, in
// alphabetical order.
func TestTroubleshooting(t *testing.T) {
	t.Parallel()
	titles := make(map[string]bool)
	for _, found := range title.FindAllStringSubmatch(read(t, "internal/provider/testdata", ".md")["messages.md"], -1) {
		titles[variable.ReplaceAllString(found[1], "…")] = found[1] != "reason"
	}
	var headings []string
	for _, found := range title.FindAllStringSubmatch(read(t, "docs/guides", ".md")["troubleshooting.md"], -1) {
		if titles[found[1]] {
			headings = append(headings, strings.ToLower(found[1]))
		}
		delete(titles, found[1])
	}
	delete(titles, "reason")
	if len(titles) > 0 || !slices.IsSorted(headings) {
		t.Errorf("the page lacks %v, and has in this order: %q", titles, headings)
	}
}

// Every link within the repository leads to a file and, if it names one, a heading.
func TestLinks(t *testing.T) {
	t.Parallel()
	all, root := read(t, ".", ".md"), clitest.Root(t)
	for page, text := range all {
		for _, match := range link.FindAllStringSubmatch(codeBlock.ReplaceAllString(text, ""), -1) {
			target := cmp.Or(match[1], filepath.Join(filepath.Dir(page), cmp.Or(match[2], filepath.Base(page))))
			_, err := os.Stat(filepath.Join(root, target))
			slug := func(found []string) bool {
				return match[3] == strings.ReplaceAll(notInSlug.ReplaceAllString(strings.ToLower(found[1]), ""), " ", "-")
			}
			if err != nil || match[3] != "" && !strings.Contains(all[target], `<a id="`+match[3]+`"`) && !slices.ContainsFunc(heading.FindAllStringSubmatch(all[target], -1), slug) {
				t.Errorf("%s: the link %s leads nowhere", page, match[0])
			}
		}
	}
}
