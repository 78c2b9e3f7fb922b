package main

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/tokencheck/terraform-provider-tokencheck/internal/cli/clitest"
)

func TestMain(m *testing.M) { clitest.Main(m) }

// The demo itself checks each of its commands.
func TestDemo(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	if err := run(t.Context(), &out); err != nil {
		t.Fatalf("%v\n%s", err, out.String())
	}
	if lines := strings.Count(out.String(), "\n"); lines >= 120 {
		t.Errorf("the demo prints %d lines, which is too long to read", lines)
	}
}

// Each token has the status that is printed with it.
func TestStates(t *testing.T) {
	t.Parallel()
	i, stop := startIssuers()
	t.Cleanup(stop)

	var config strings.Builder
	for n, s := range states {
		names := map[string][2]string{
			cloudflareVariable: {"cloudflare", "api_token"}, venafiVariable: {"venafi", "access_token"}, githubVariable: {"github", "token"}, gitlabVariable: {"gitlab", "token"},
		}[s.variable]
		_, arguments, _ := strings.Cut(s.status, ", with ")
		fmt.Fprintf(&config, "data \"tokencheck_%[1]s\" \"s%[2]d\" {\n  %[3]s_env = \"TOKEN_%[2]d\"\n  %[4]s\n}\n\noutput \"s%[2]d\" { value = \"${data.tokencheck_%[1]s.s%[2]d.status}.\" }\n",
			names[0], n, names[1], arguments)
		i.env = append(i.env, fmt.Sprintf("TOKEN_%d=%s", n, s.token))
	}
	w := clitest.Workspace(t, map[string]string{"main.tf": clitest.Require(config.String())})
	output := clitest.Run(t, w, i.env, true, []string{"plan", "-no-color"}).Output
	for n, s := range states {
		found := regexp.MustCompile(fmt.Sprintf(`\+ s%d +=  ?"(.*)\."`, n)).FindStringSubmatch(output)
		if len(found) == 0 || !strings.HasPrefix(s.status, found[1]) {
			t.Errorf("%s: the status is %q", s.status, found)
		}
	}
}

// What is pasted revokes a token, and restores it.
func TestEnter(t *testing.T) {
	t.Parallel()
	i, stop := startIssuers()
	t.Cleanup(stop)
	revoked := make(map[string]bool)
	for _, step := range [][2]string{
		{"no such token", "Unknown"},
		{`export CLOUDFLARE_API_TOKEN="` + validCloudflare + `" # active`, "Revoked"},
		{" " + validCloudflare + "\r", "Restored"},
		{validGitLab, "Revoked"},
	} {
		if got := i.enter(step[0], revoked); !strings.Contains(got, step[1]) {
			t.Errorf("%q: %s", step[0], got)
		}
	}
	if _, known := i.gitlab.Token(validGitLab); known {
		t.Error("the token was not revoked")
	}
}
