package examples_test

import (
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/tokencheck/terraform-provider-tokencheck/internal/cli/clitest"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/cloudflare/cloudflaretest"
)

// What the jobs of a pipeline come to. On GitHub the policy is a step of the job
// that plans, on GitLab it is a job of its own.
type jobResults struct{ plan, policy, apply string }

func TestPipelines(t *testing.T) {
	t.Parallel()

	for name, run := range map[string]func(t *testing.T, h *hosting, want jobResults){
		"GitHub": func(t *testing.T, h *hosting, want jobResults) {
			t.Helper()

			plan := want.plan
			if want.policy == failed {
				plan = failed
			}

			wantResults(t, h.github(t, "apply.yml"), map[string]string{"plan": plan, "apply": want.apply})
		},
		"GitLab": func(t *testing.T, h *hosting, want jobResults) {
			t.Helper()
			wantResults(t, h.gitlab(t, "push"), map[string]string{"plan": want.plan, "policy": want.policy, "apply": want.apply})
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			t.Run("a token that works", func(t *testing.T) {
				t.Parallel()

				h := newHosting(t, newIssuers(t))
				run(t, h, jobResults{succeeded, succeeded, succeeded})
				h.holdsNoToken(t)

				if h.created(t) != 2 {
					t.Error("the apply did not create the guard and the resource")
				}

				for path := range h.artifacts {
					if path != "infrastructure/plan.tfplan" {
						t.Errorf("%s is an artifact", path)
					}
				}

				// Nothing is left to do, and GitHub asks nobody for an approval.
				writeFile(t, filepath.Join(h.repository, "infrastructure", "terraform.tfstate"), string(h.state()), 0o600)

				again := succeeded
				if name == "GitHub" {
					again = skipped
				}

				run(t, h, jobResults{succeeded, succeeded, again})
			})

			t.Run("a token that is revoked before the plan", func(t *testing.T) {
				t.Parallel()

				s := newIssuers(t)
				s.revokeAll()

				h := newHosting(t, s)
				run(t, h, jobResults{failed, skipped, skipped})
				h.prints(t, "The Cloudflare API token (source: env:CLOUDFLARE_API_TOKEN) was refused.")
				h.holdsNoToken(t)

				if len(h.artifacts) > 0 {
					t.Error("the refused plan is kept")
				}
			})

			t.Run("a token that is revoked before the apply", func(t *testing.T) {
				t.Parallel()

				s := newIssuers(t)
				h := newHosting(t, s)
				h.before = func(job string) {
					if job == "apply" {
						s.revokeAll()
					}
				}

				run(t, h, jobResults{succeeded, succeeded, failed})
				h.prints(t, "The Cloudflare API token in CLOUDFLARE_API_TOKEN does not work.")
				h.holdsNoToken(t)

				if h.created(t) > 0 {
					t.Errorf("the refused apply created something:\n%s", h.state())
				}
			})

			t.Run("a plan that the policy refuses", func(t *testing.T) {
				t.Parallel()

				h := newHosting(t, newIssuers(t))
				// Another check does not make up for the one that is demanded.
				writeFile(t, filepath.Join(h.repository, "infrastructure", "main.tf"), clitest.RequiredProviders+`
data "tokencheck_cloudflare" "other" {}

resource "terraform_data" "dns_record" {}
`, 0o600)
				run(t, h, jobResults{succeeded, failed, skipped})
				h.prints(t, "data.tokencheck_cloudflare.this: required_checks demands this check, and the plan does not have it.")
			})
		})
	}
}

// The scheduled pipelines tell of a token that ends soon in one issue, and of one
// that could not be verified in another.
func TestScheduledChecks(t *testing.T) {
	t.Parallel()

	for _, tool := range []string{"jq", "curl"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("%s is not in PATH", tool)
		}
	}

	for name, run := range map[string]func(t *testing.T, h *hosting, good bool){
		"GitHub": func(t *testing.T, h *hosting, good bool) {
			t.Helper()

			want := map[string]string{"check": failed}
			if good {
				want["check"] = succeeded
			}

			wantResults(t, h.github(t, "token-check.yml"), want)
		},
		"GitLab": func(t *testing.T, h *hosting, good bool) {
			t.Helper()

			want := map[string]string{"token-check": failed, "token-issue": succeeded}
			if good {
				want = map[string]string{"token-check": succeeded, "token-issue": skipped}
			}

			wantResults(t, h.gitlab(t, "schedule"), want)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			const (
				soon = "soon-0123456789"
				log  = "\nLog: " + runURL + "\n"
			)

			s := newIssuers(t)
			s.cloudflare.Set(soon, cloudflaretest.Token{ID: tokenID, ExpiresOn: time.Now().Add(7 * 24 * time.Hour)})

			h := newHosting(t, s)
			check := h.secrets["token-check"]

			// issues asserts what was done to issues since it was last called.
			seen := 0
			issues := func(want string) {
				t.Helper()

				all := h.issueLog()
				if got := all[seen:]; !regexp.MustCompile("^" + want + "$").MatchString(got) {
					t.Errorf("issues: %q, want %q", got, want)
				}

				seen = len(all)
				h.holdsNoToken(t)
			}

			run(t, h, true)
			issues("")

			// An outage is no word about a token.
			check["VENAFI_URL"] = "http://127.0.0.1:1"
			run(t, h, false)
			issues("create token-unverified: API tokens could not be verified\n- data.tokencheck_venafi.this\n\nThese checks got no answer. " +
				"That says nothing about their tokens, so do not replace them: the log says what was wrong.\n" + log)
			h.prints(t, "The Venafi server at 127.0.0.1:1 was not reached")

			check["VENAFI_URL"], check["CLOUDFLARE_WORKERS_TOKEN"] = s.venafi.URL, soon
			ends := `- workers: The Cloudflare API token \(source: env:CLOUDFLARE_WORKERS_TOKEN\) still works, but ends at .*\n`
			run(t, h, false)
			issues("create token-replace: API tokens have to be replaced\n" + ends + log)

			// The issue is still open: it gets the text of today.
			s.cloudflare.Revoke(userToken)
			run(t, h, false)
			issues(`edit\n- dns: The Cloudflare API token \(source: env:CLOUDFLARE_DNS_TOKEN\) was refused\..*\n` + ends + log)
		})
	}
}

// The exit status of check.sh tells the cases apart.
func TestCheckScript(t *testing.T) {
	t.Parallel()

	if _, err := exec.LookPath("jq"); err != nil {
		t.Skip("jq is not in PATH")
	}

	s := newIssuers(t)
	h := newHosting(t, s)
	dir, secrets := filepath.Join(h.repository, "token-check"), h.secrets["token-check"]
	fault := filepath.Join(dir, "fault.tf")

	// status asserts how the script ends.
	status := func(want int) {
		t.Helper()

		var env []string
		for variable, value := range secrets {
			env = append(env, variable+"="+value)
		}

		if !h.run(t, dir, fmt.Sprintf("status=0; sh check.sh || status=$?; [ $status = %d ]", want), env) {
			t.Errorf("the script does not end with %d", want)
		}
	}

	if !h.run(t, dir, "terraform init -input=false", nil) {
		t.Fatal("init failed")
	}

	status(0)

	writeFile(t, fault, "fault", 0o600)
	status(3)

	if err := os.Remove(fault); err != nil {
		t.Fatal(err)
	}

	delete(secrets, "CLOUDFLARE_WORKERS_TOKEN")
	status(2)

	s.cloudflare.Revoke(userToken)
	status(1)
}

func TestGitLabPipelineFitsItsSchema(t *testing.T) {
	t.Parallel()

	pipeline, err := fs.ReadFile(os.DirFS(clitest.Root(t)), "examples/ci/gitlab/.gitlab-ci.yml")
	if err != nil {
		t.Fatal(err)
	}

	matches := func(text string) string {
		file := filepath.Join(t.TempDir(), "pipeline.yml")
		writeFile(t, file, text, 0o600)

		out, err := exec.CommandContext(t.Context(), clitest.Tool(t, "opa", "opa"), "eval", "--strict-builtin-errors", "--format=raw",
			"--data=schema:testdata/schemas/gitlab-ci.json", "--input", file, "json.match_schema(input, data.schema)").CombinedOutput()
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}

		return strings.TrimSpace(string(out))
	}

	if got := matches(string(pipeline)); got != "[true,[]]" {
		t.Error(got)
	}

	if got := matches(strings.Replace(string(pipeline), "when: manual", "when: sometimes", 1)); !strings.HasPrefix(got, "[false,") {
		t.Errorf("the schema lets a fault through: %s", got)
	}
}
