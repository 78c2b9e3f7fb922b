package examples_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/tokencheck/terraform-provider-tokencheck/internal/cli"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/cli/clitest"
)

// scripts returns the scripts of pipelines by job name. On GitHub the steps of a job
// are in order; steps that call GitHub itself are left out.
func scripts(t *testing.T, files ...string) map[string]string {
	t.Helper()
	all := map[string]string{}
	for _, file := range files {
		// OPA reads YAML, which Go's standard library does not.
		out, _ := opa(t, clitest.Root(t), "", "eval", "--format=raw", "--input=examples/ci/"+file, `object.union({job: script |
				some job
				steps := object.get(input, "jobs", {})[job].steps
				script := concat("\n", [step.run | some step in steps; not contains(step.run, "gh issue")])
			}, {job: script | script := concat("\n", input[job].script)})`)
		if err := json.Unmarshal([]byte(out), &all); err != nil {
			t.Fatalf("%s: %v: %s", file, err, out)
		}
	}
	return all
}

// newCheckout returns a user's repository with the files where the guide puts them,
// and the environment of a job.
func newCheckout(t *testing.T) *workspace {
	t.Helper()
	if _, err := exec.LookPath("jq"); err != nil {
		t.Skip("check.sh needs jq, which is not in PATH")
	}
	files := map[string]string{"bin/README": "", "infrastructure/record.tf": `resource "cloudflare_dns_record" "www" {}`}
	for from, to := range map[string]string{
		pipeline: "infrastructure", "examples/guides/get-warned-before-a-token-expires/scheduled-plan": "token-check",
		"examples/ci/token-check": "token-check", "examples/policies/rego": "policies",
	} {
		for file, text := range read(t, from, "") {
			files[filepath.Join(to, file)] = text
		}
	}
	c := newWorkspace(t, files)
	// The pipelines run terraform; OpenTofu takes the same arguments.
	terraform, _ := cli.Find() // The workspace has one.
	c.write(t, "bin/terraform", "#!/bin/sh\nexec '"+terraform+"' \"$@\"\n")
	path, _ := opaPath()
	c.write(t, "bin/opa", "#!/bin/sh\nexec '"+path+"' \"$@\"\n")
	c.env = append(c.env, "PATH="+filepath.Join(c.Dir, "bin")+":"+os.Getenv("PATH"), "TF_CLI_CONFIG_FILE="+filepath.Join(c.Dir, "cli.tfrc"), "GITHUB_OUTPUT="+filepath.Join(c.Dir, "outputs"))
	c.script(t, "infrastructure", "terraform init -input=false", 0) // Lock files are committed.
	c.script(t, "token-check", "terraform init -input=false", 0)
	return c
}

// script runs a script as both services do, and wants the exit status, the texts in
// its output, and no token.
func (w *workspace) script(t *testing.T, dir, script string, want int, texts ...string) {
	t.Helper()
	command := exec.CommandContext(t.Context(), "bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script)
	command.Dir, command.Env = filepath.Join(w.Dir, dir), slices.Concat(os.Environ(), w.env)
	output, _ := command.CombinedOutput()
	for _, text := range texts {
		if !clitest.Says(text).Match(output) {
			t.Errorf("the script does not print %q", text)
		}
	}
	if got := command.ProcessState.ExitCode(); got != want || t.Failed() || strings.Contains(string(output), suffix) {
		t.Fatalf("exit status %d, want %d, and no token, from:\n%s\nOutput:\n%s", got, want, script, output)
	}
}

// The scripts apply a plan with valid tokens, and stop where the guide says.
func TestPipelines(t *testing.T) {
	t.Parallel()
	for name, files := range map[string][]string{"GitHub": {"github/apply.yml", "github/token-check.yml"}, "GitLab": {"gitlab/.gitlab-ci.yml"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			jobs, c := scripts(t, files...), newCheckout(t)
			infrastructure, tokens := "infrastructure", "token-check"
			plan, policy, apply, check := jobs["plan"], jobs["policy"], jobs["apply"], jobs["check"]
			if name == "GitLab" { // Its scripts change directory themselves.
				infrastructure, tokens, check = "", "", jobs["token-check"]
			}

			if policy == "" { // On GitHub, it is a step of the plan job.
				at := strings.Index(plan, "terraform show")
				plan, policy = plan[:at], plan[at:]
			}

			// The policy refuses a gate that is switched off, unless a setting allows that.
			strict := c.env
			c.env = append(c.env, "TF_VAR_verify_tokens=false")
			c.script(t, infrastructure, plan, 0)
			c.script(t, infrastructure, policy, 1, "provider cloudflare: its gate is switched off by var.verify_tokens")
			lenient := strings.Replace(read(t, "examples/policies/rego", "")["settings.yaml"], "gates: false", "gates: true", 1)
			c.write(t, "policies/settings.yaml", lenient)
			c.script(t, infrastructure, policy, 0, "its gate is switched off by var.verify_tokens, and allow_switched_off_gates accepts that")

			c.env = strict
			c.script(t, infrastructure, plan, 0)
			c.script(t, infrastructure, policy, 0)

			c.revokeAll()
			c.script(t, infrastructure, apply, 1, "Error: Token was rejected")
			c.script(t, tokens, check, 1, "dns: "+aToken+"env:CLOUDFLARE_DNS_TOKEN) was rejected")
			c.script(t, infrastructure, plan, 1, "Error: Token was rejected")

			c.expire(endingToken, 30)
			c.script(t, infrastructure, plan, 0)
			c.script(t, infrastructure, apply, 0, "Resources: 1 added")

			// Only GitHub's jobs need an output for pending changes.
			if outputs, _ := os.ReadFile(filepath.Join(c.Dir, "outputs")); name == "GitHub" && string(outputs) != strings.Repeat("changes=true\n", 3) {
				t.Errorf("outputs of the plans: %q", outputs)
			}
		})
	}
}

// The output and exit status of check.sh distinguish a token to replace from one that
// could not be verified.
func TestCheckScript(t *testing.T) {
	t.Parallel()
	c := newCheckout(t)
	// check asserts the status, and how the files left by the script begin, if any.
	check := func(want int, replace, unverified string) {
		t.Helper()
		c.script(t, "token-check", "sh check.sh", want)
		for file, begin := range map[string]string{"replace.md": replace, "unverified.md": unverified} {
			text, err := os.ReadFile(filepath.Join(c.Dir, "token-check", file))
			if (err == nil) != (begin != "") || !strings.HasPrefix(string(text), begin) || strings.Contains(string(text), suffix) {
				t.Errorf("%s: %q, want %q and no token (%v)", file, text, begin, err)
			}
		}
	}
	check(0, "", "")

	// A missing token cannot be verified.
	const unverified = "- data.tokencheck_venafi.this\n"
	c.env = append(c.env, "VENAFI_TOKEN=")
	check(2, "", unverified+"\nThese tokens could not be verified, or a condition could not be evaluated.")
	c.expire(endingToken, 7)
	check(1, "- workers: "+aToken+"env:CLOUDFLARE_WORKERS_TOKEN) expires at ", unverified)

	// A tool that fails says nothing about a token.
	c.write(t, "bin/jq", "#!/bin/sh\nexit 4\n")
	check(3, "", "")
	c.script(t, "bin", "rm jq", 0)

	// A condition of anything but a token check does not concern a token.
	c.expire(endingToken, 30)
	c.write(t, "token-check/other.tf", `output "other" {
  value = 1
  precondition {
    condition     = data.tokencheck_cloudflare.all["dns"].status == "other"
    error_message = "Something else."
  }
}`)
	check(2, "", unverified)

	// A rejected token has no expiration, on which another condition of its check may fail.
	c.write(t, "token-check/second.tf", `data "tokencheck_cloudflare" "second" {
  api_token_env = "GITLAB_TOKEN"
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
	check(1, "- "+aToken+"env:GITLAB_TOKEN) was rejected", unverified)
	c.write(t, "token-check/fault.tf", "fault")
	check(3, "", "")
}
