package examples_test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tokencheck/terraform-provider-tokencheck/internal/cli"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/cli/clitest"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/cloudflare/cloudflaretest"
)

// scripts returns the scripts of a pipeline by job name. On GitHub the steps of a job
// are in order; steps that call GitHub itself are left out.
func scripts(t *testing.T, files ...string) map[string]string {
	t.Helper()

	all := map[string]string{}

	for _, file := range files {
		// OPA parses YAML, Go's standard library does not.
		out, err := exec.CommandContext(t.Context(), clitest.Tool(t, "opa", "opa"), "eval", "--format=raw",
			"--input", filepath.Join(clitest.Root(t), "examples", "ci", file), `object.union({job: script |
				some job
				steps := object.get(input, "jobs", {})[job].steps
				script := concat("\n", [step.run | some step in steps; not contains(step.run, "gh issue")])
			}, {job: script | script := concat("\n", input[job].script)})`).Output()
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}

		if err := json.Unmarshal(out, &all); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
	}

	return all
}

// checkout is a user's repository with the files where the guide puts them, and the
// environment of a job.
type checkout struct {
	dir    string
	env    []string
	tokens map[string]string
	output strings.Builder
}

func newCheckout(t *testing.T, s issuers) *checkout {
	t.Helper()

	if _, err := exec.LookPath("jq"); err != nil {
		t.Skip("check.sh needs jq, which is not in PATH")
	}

	gate := read(t, "ephemeral-resources/tokencheck_cloudflare/gate")["main.tf"]
	w := clitest.Workspace(t, map[string]string{"main.tf": gate})
	c := &checkout{dir: t.TempDir(), tokens: map[string]string{
		"CLOUDFLARE_API_TOKEN": endingToken, "CLOUDFLARE_DNS_TOKEN": userToken, "CLOUDFLARE_WORKERS_TOKEN": endingToken, "VENAFI_TOKEN": venafiToken,
	}}

	terraform, err := cli.Find()
	if err != nil {
		t.Fatal(err)
	}

	policies := read(t, "policies/rego")

	for file, text := range map[string]string{
		"infrastructure/main.tf":   gate,
		"token-check/main.tf":      read(t, "guides/rotate-in-time")["scheduled-plan/main.tf"],
		"token-check/check.sh":     read(t, "ci/token-check")["check.sh"],
		"policies/tokencheck.rego": policies["tokencheck.rego"],
		"policies/settings.yaml":   policies["settings.yaml"],
		// The pipelines run terraform; OpenTofu takes the same arguments.
		"bin/terraform": "#!/bin/sh\nexec '" + terraform + "' \"$@\"\n",
		"bin/opa":       "#!/bin/sh\nexec '" + clitest.Tool(t, "opa", "opa") + "' \"$@\"\n",
	} {
		c.write(t, file, text)
	}

	c.env = append(s.env(t, t.TempDir()), "PATH="+filepath.Join(c.dir, "bin")+":"+os.Getenv("PATH"),
		"TF_CLI_CONFIG_FILE="+filepath.Join(w.Dir, "cli.tfrc"), "TF_IN_AUTOMATION=true", "TF_VAR_zone_id=zone", "GITHUB_OUTPUT="+filepath.Join(c.dir, "outputs"))

	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("The scripts printed:\n%s", c.output.String())
		}
	})

	for _, dir := range []string{"infrastructure", "token-check"} { // Lock files are committed.
		c.run(t, dir, "terraform init -input=false", 0)
	}

	return c
}

func (c *checkout) write(t *testing.T, file, text string) {
	t.Helper()

	file = filepath.Join(c.dir, file)
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		t.Fatal(err)
	}

	if err := os.WriteFile(file, []byte(text), 0o700); err != nil { // Those in bin are executable.
		t.Fatal(err)
	}
}

// colors matches the CLI's color codes.
var colors = regexp.MustCompile(`\x1b\[[0-9;]*m`)

// run runs a script as both services do, and wants the exit status, the texts in its
// output, and no token.
func (c *checkout) run(t *testing.T, dir, script string, want int, texts ...string) {
	t.Helper()

	command := exec.CommandContext(t.Context(), "bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script)
	command.Dir = filepath.Join(c.dir, dir)
	command.Env = slices.Concat(os.Environ(), c.env)

	for name, token := range c.tokens {
		command.Env = append(command.Env, name+"="+token)
	}

	out, _ := command.CombinedOutput()
	output := string(colors.ReplaceAll(out, nil))
	fmt.Fprintf(&c.output, "$ %s\n%s", script, output)

	if got := command.ProcessState.ExitCode(); got != want {
		t.Fatalf("exit status %d, want %d", got, want)
	}

	for _, text := range texts {
		if !clitest.Says(text).MatchString(output) {
			t.Errorf("the script does not print %q", text)
		}
	}

	for name, token := range c.tokens {
		if token != "" && strings.Contains(output, token) {
			t.Errorf("the script prints the token in %s", name)
		}
	}
}

// The scripts apply a plan with valid tokens, and stop where the guide says.
func TestPipelines(t *testing.T) {
	t.Parallel()

	for name, files := range map[string][]string{"GitHub": {"github/apply.yml", "github/token-check.yml"}, "GitLab": {"gitlab/.gitlab-ci.yml"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			const refused = "The Cloudflare API token (source: env:CLOUDFLARE_API_TOKEN) was rejected."

			jobs, s := scripts(t, files...), newIssuers(t)
			c := newCheckout(t, s)
			infrastructure, tokens := "infrastructure", "token-check"
			plan, policy, apply, check := jobs["plan"], jobs["policy"], jobs["apply"], jobs["check"]

			if name == "GitLab" { // Its scripts change directory themselves.
				infrastructure, tokens, check = "", "", jobs["token-check"]
			} // On GitHub the policy is a step of the plan job.

			// Without the gate the policy refuses the plan.
			gate := read(t, "ephemeral-resources/tokencheck_cloudflare/gate")["main.tf"]
			c.write(t, "infrastructure/main.tf", strings.Replace(gate, "ephemeral.tokencheck_cloudflare.this.verified_token", `"literal"`, 1))

			ungated := "provider cloudflare" + notGated
			if policy == "" {
				c.run(t, infrastructure, plan, 1, ungated)
			} else {
				c.run(t, infrastructure, plan, 0)
				c.run(t, infrastructure, policy, 1, ungated)
			}

			c.write(t, "infrastructure/main.tf", gate)
			c.run(t, infrastructure, plan, 0)
			c.run(t, infrastructure, policy, 0)

			s.revokeAll()
			c.run(t, infrastructure, apply, 1, refused)
			c.run(t, infrastructure, plan, 1, refused)
			c.run(t, tokens, check, 1, "dns: The Cloudflare API token (source: env:CLOUDFLARE_DNS_TOKEN) was rejected")

			s.cloudflare.Set(endingToken, cloudflaretest.Token{ID: tokenID, ExpiresOn: time.Now().AddDate(0, 0, 30)})
			c.run(t, infrastructure, plan, 0)
			c.run(t, infrastructure, apply, 0, "Resources: 1 added")

			// Only GitHub's jobs need an output for pending changes.
			if outputs, _ := os.ReadFile(filepath.Join(c.dir, "outputs")); name == "GitHub" && string(outputs) != strings.Repeat("changes=true\n", 3) {
				t.Errorf("outputs of the plans: %q", outputs)
			}
		})
	}
}

// The output and exit status of check.sh distinguish a token to replace from one that
// could not be verified.
func TestCheckScript(t *testing.T) {
	t.Parallel()

	s := newIssuers(t)
	c := newCheckout(t, s)

	// check asserts the status, and how the files left by the script begin, if any.
	check := func(want int, replace, unverified string) {
		t.Helper()
		c.run(t, "token-check", "sh check.sh", want)

		for file, begin := range map[string]string{"replace.md": replace, "unverified.md": unverified} {
			text, err := os.ReadFile(filepath.Join(c.dir, "token-check", file))
			if (err == nil) != (begin != "") || !strings.HasPrefix(string(text), begin) {
				t.Errorf("%s: %q, want %q (%v)", file, text, begin, err)
			}

			if strings.Contains(string(text), endingToken) || strings.Contains(string(text), userToken) {
				t.Errorf("%s contains a token", file)
			}
		}
	}

	c.run(t, "token-check", "terraform init -input=false -lockfile=readonly", 0)
	check(0, "", "")

	// A missing token cannot be verified.
	c.tokens["VENAFI_TOKEN"] = ""
	check(2, "", "- data.tokencheck_venafi.this\n\nThese tokens could not be verified, or a condition could not be evaluated.")

	s.cloudflare.Set(endingToken, cloudflaretest.Token{ID: tokenID, ExpiresOn: time.Now().Add(7 * 24 * time.Hour)})
	check(1, "- workers: The Cloudflare API token (source: env:CLOUDFLARE_WORKERS_TOKEN) is active but expires at ", "- data.tokencheck_venafi.this\n")

	// A tool that fails says nothing about a token.
	c.write(t, "token-check/bin/jq", "#!/bin/sh\nexit 4\n")
	c.run(t, "token-check", `chmod +x bin/jq && PATH="$PWD/bin:$PATH" sh check.sh`, 3)

	if _, err := os.Stat(filepath.Join(c.dir, "token-check", "replace.md")); err == nil {
		t.Error("replace.md exists without a token to replace")
	}

	// A condition of anything but a token check does not concern a token.
	s.cloudflare.Set(endingToken, cloudflaretest.Token{ID: tokenID})
	c.write(t, "token-check/other.tf", `output "other" {
  value = 1
  precondition {
    condition     = data.tokencheck_cloudflare.all["dns"].status == "other"
    error_message = "Something else."
  }
}`)
	check(2, "", "- data.tokencheck_venafi.this\n")

	// A rejected token has no expiration, on which another condition of its check may fail.
	s.cloudflare.Revoke(endingToken)
	c.write(t, "token-check/second.tf", `data "tokencheck_cloudflare" "second" {
  api_token_env = "CLOUDFLARE_WORKERS_TOKEN"
  lifecycle {
    postcondition {
      condition     = self.valid
      error_message = self.reason
    }
    postcondition {
      condition     = timecmp(self.expires_on, plantimestamp()) > 0
      error_message = "soon"
    }
  }
}`)
	check(1, "- ", "- data.tokencheck_venafi.this\n")

	c.write(t, "token-check/fault.tf", "fault")
	check(3, "", "")
}
