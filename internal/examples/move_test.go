package examples_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hashicorp/go-retryablehttp"

	"github.com/tokencheck/terraform-provider-tokencheck/internal/cli"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/cli/clitest"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/cloudflare/cloudflaretest"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/issuertest"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/venafi/venafitest"
)

const moveDir = "guides/move-from-http-and-scripts"

// A stranger is a server on another port of the issuer's host, without TLS, that
// calls every token active.
type stranger struct {
	*httptest.Server

	mu             sync.Mutex
	authorizations []string
}

func newStranger(t *testing.T) *stranger {
	t.Helper()

	s := new(stranger)
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		s.authorizations = append(s.authorizations, r.Header.Get("Authorization"))
		s.mu.Unlock()

		issuertest.Reply(http.StatusOK, cloudflaretest.Body(cloudflaretest.Token{ID: tokenID}, time.Now()))(w, r)
	}))
	t.Cleanup(s.Close)

	return s
}

// got gives the Authorization header of each request so far.
func (s *stranger) got() []string {
	s.mu.Lock()
	defer s.mu.Unlock()

	return slices.Clone(s.authorizations)
}

// A fault is an answer that says nothing about the token.
type fault struct {
	answer http.HandlerFunc
	// after is what the provider says to it.
	after string
}

func faults(redirectTo *stranger) map[string]fault {
	page := func(status int, header ...string) http.HandlerFunc {
		return issuertest.Reply(status, "<html><body>Try again later.</body></html>", append(header, "Content-Type", "text/html")...)
	}

	return map[string]fault{
		// A wait that does not fit into the timeout spares the test the retries.
		"outage":     {page(http.StatusServiceUnavailable, "Retry-After", "3600"), "The issuer reports a server error"},
		"rate limit": {page(http.StatusTooManyRequests, "Retry-After", "3600"), "The issuer's rate limit is reached"},
		"firewall":   {page(http.StatusForbidden), "The issuer's answer is not the documented one"},
		"sign-in":    {page(http.StatusOK), "The issuer's answer is not the documented one"},
		"redirect": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, redirectTo.URL+r.URL.Path, http.StatusFound)
		}, "The issuer's address redirects"},
	}
}

// moved is an "after" of the guide, in a workspace of its own.
type moved struct {
	*cli.Workspace

	env []string
}

func newMoved(t *testing.T, s issuers, name string) moved {
	t.Helper()

	return moved{clitest.Workspace(t, read(t, filepath.Join(moveDir, name, "after"))), s.env(t, t.TempDir())}
}

func (m moved) plan(t *testing.T, succeed bool, texts ...string) cli.Result {
	t.Helper()

	return clitest.Run(t, m.Workspace, m.env, succeed, []string{"plan", "-no-color", "-input=false"}, texts...)
}

// refuses plans with each fault. Every plan fails with the fault's text, says that
// the token was not verified, and calls no token bad.
func (m moved) refuses(t *testing.T, issuer *issuertest.Server, faults map[string]fault) {
	t.Helper()

	for name, f := range faults {
		issuer.SetFault(f.answer)

		result := m.plan(t, false, f.after, "The token was not verified; this says nothing about whether it is valid.")
		if clitest.Says("was refused").MatchString(result.Output) {
			t.Errorf("%s: a good token is called bad:\n%s", name, result.Output)
		}
	}

	issuer.SetFault(nil)
}

// The http data source cannot be installed here. The test sends the request as its
// source does (version 3.6), and gives what came back to the condition of the
// guide's configuration.
func TestMoveFromHTTP(t *testing.T) {
	t.Parallel()

	s, other := newIssuers(t), newStranger(t)
	url := s.cloudflare.BaseURL() + "/user/tokens/verify"
	answers := map[string]answer{}

	ask := func(name, token string) {
		got, err := askHTTP(s.cloudflare.Client(), url, token)
		if broken := name == "outage" || name == "rate limit"; broken != (err != nil) {
			t.Errorf("%s: %v", name, err)
		} else if !broken {
			answers[name] = got
		}
	}

	s.cloudflare.Set("disabled-0123456789", cloudflaretest.Token{ID: tokenID, Status: "disabled"})

	ask("active", endingToken)
	ask("disabled", "disabled-0123456789")
	ask("unknown", "unknown-0123456789")

	all := faults(other)
	for name, f := range all {
		s.cloudflare.SetFault(f.answer)
		ask(name, endingToken)
	}

	want := map[string]bool{
		"active": true, "disabled": false, "unknown": false,
		"firewall": false, "sign-in": false, // A good token is called bad.
		"redirect": true, // Anyone's word is taken.
	}
	if got := verdicts(t, read(t, moveDir)["http/before/main.tf"], answers); !maps.Equal(got, want) {
		t.Errorf("verdicts: %v, want %v", got, want)
	}

	if status := answers["disabled"].StatusCode; status != http.StatusOK {
		t.Errorf("disabled token: %d", status)
	}

	if want := []string{"Bearer " + endingToken}; !slices.Equal(other.got(), want) {
		t.Errorf("sent to the other server: %q, want %q", other.got(), want)
	}

	after := newMoved(t, s, "http")
	after.refuses(t, s.cloudflare.Server, all)
	after.plan(t, true)

	s.cloudflare.Set(endingToken, cloudflaretest.Token{ID: tokenID, Status: "disabled"})
	after.plan(t, false, `answered: status "disabled"`)

	if got := other.got(); len(got) != 1 {
		t.Errorf("the provider asked the other server: %q", got)
	}
}

// answer is what the http data source gives to a condition.
type answer struct {
	StatusCode   int    `json:"status_code"`
	ResponseBody string `json:"response_body"`
}

// askHTTP asks as the http data source does without a retry block. Its error is
// one of the data source: no condition is evaluated.
func askHTTP(trusting *http.Client, url, token string) (answer, error) {
	client := retryablehttp.NewClient()
	client.HTTPClient.Transport = trusting.Transport
	client.Logger = nil
	client.RetryMax = 0

	request, err := retryablehttp.NewRequest(http.MethodGet, url, nil)
	if err != nil {
		return answer{}, err
	}

	request.Header.Set("Authorization", "Bearer "+token)

	response, err := client.Do(request)
	if err != nil {
		return answer{}, err
	}

	defer response.Body.Close()

	body, err := io.ReadAll(response.Body)

	return answer{response.StatusCode, string(body)}, err
}

// verdicts evaluates the one condition of a configuration for each of the answers.
func verdicts(t *testing.T, config string, answers map[string]answer) map[string]bool {
	t.Helper()

	found := condition.FindAllStringSubmatch(config, -1)
	if len(found) != 1 {
		t.Fatalf("%d conditions in:\n%s", len(found), config)
	}

	w := clitest.Workspace(t, map[string]string{"main.tf": `
variable "answers" {
  type = map(object({ status_code = number, response_body = string }))
}

output "verdicts" {
  value = { for name, answer in var.answers : name => ` + strings.ReplaceAll(found[0][2], "self.", "answer.") + ` }
}
`})

	text, err := json.Marshal(answers)
	if err != nil {
		t.Fatal(err)
	}

	clitest.Run(t, w, []string{"TF_VAR_answers=" + string(text)}, true, []string{"apply", "-no-color", "-auto-approve", "-input=false"})

	var verdicts map[string]bool

	err = json.Unmarshal([]byte(clitest.Run(t, w, nil, true, []string{"output", "-json", "verdicts"}).Stdout), &verdicts)
	if err != nil {
		t.Fatal(err)
	}

	return verdicts
}

// script runs a script of the guide with further environment variables, and gives
// what it printed. It skips the test where a command is missing that the script
// calls.
func script(t *testing.T, name, stdin string, env ...string) (stdout, stderr string, err error) {
	t.Helper()

	for _, command := range []string{"bash", "curl", "jq"} {
		if _, err := exec.LookPath(command); err != nil {
			t.Skipf("the script cannot run: %v", err)
		}
	}

	file := filepath.Join(clitest.Root(t), "examples", moveDir, name)

	var out, errs bytes.Buffer

	command := exec.CommandContext(t.Context(), "bash", file)
	command.Env = append(os.Environ(), env...)
	command.Stdin, command.Stdout, command.Stderr = strings.NewReader(stdin), &out, &errs
	err = command.Run()

	return out.String(), errs.String(), err
}

// The external data source cannot be installed here. The test runs its program by
// the documented protocol: the query as JSON on standard input, the result as JSON
// on standard output, and an exit status other than 0 for an error.
func TestMoveFromExternal(t *testing.T) {
	t.Parallel()

	s, other := newIssuers(t), newStranger(t)
	bundle := filepath.Join(t.TempDir(), "ca.pem")

	if err := os.WriteFile(bundle, []byte(s.cloudflare.TrustBundle), 0o600); err != nil {
		t.Fatal(err)
	}

	url := s.cloudflare.BaseURL() + "/accounts/" + account + "/tokens/verify"

	valid := func(url, token string) string {
		t.Helper()

		query, err := json.Marshal(map[string]string{"url": url, "token": token})
		if err != nil {
			t.Fatal(err)
		}

		stdout, stderr, err := script(t, "external/before/check-token.sh", string(query), "CURL_CA_BUNDLE="+bundle)
		if err != nil {
			return "error"
		}

		var result map[string]string
		if err := json.Unmarshal([]byte(stdout), &result); err != nil {
			t.Fatalf("%v: %s%s", err, stdout, stderr)
		}

		return result["valid"]
	}

	got := map[string]string{
		"active": valid(url, accountToken), "unknown": valid(url, "unknown-0123456789"), "unreachable": valid("http://127.0.0.1:1", accountToken),
	}

	all := faults(other)
	for name, f := range all {
		s.cloudflare.SetFault(f.answer)
		got[name] = valid(url, accountToken)
	}

	// Whoever lists the processes while curl waits for the answer sees the token.
	var seen atomic.Bool

	s.cloudflare.SetFault(func(w http.ResponseWriter, r *http.Request) {
		seen.Store(listed("Authorization: Bearer " + accountToken))
		s.cloudflare.Verify(w, r)
	})
	valid(url, accountToken)

	if _, err := os.Stat("/proc/self/cmdline"); err == nil && !seen.Load() {
		t.Error("the token is not in the list of processes")
	}

	// A redirect on the same host and port: the token goes along.
	s.cloudflare.SetFault(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/sign-in" {
			http.Redirect(w, r, "/sign-in", http.StatusFound)
		}
	})
	valid(url, accountToken)

	requests := s.cloudflare.Requests()
	if last := requests[len(requests)-1]; last.Path != "/sign-in" || last.Header.Get("Authorization") != "Bearer "+accountToken {
		t.Errorf("after the redirect: %+v", last)
	}

	want := map[string]string{
		"active": "true", "unknown": "false", "unreachable": "error",
		"outage": "false", "rate limit": "false", "firewall": "false", "sign-in": "false", // A good token is called bad.
		"redirect": "true", // Anyone's word is taken.
	}
	if !maps.Equal(got, want) {
		t.Errorf("verdicts: %v, want %v", got, want)
	}

	asked := len(other.got())

	after := newMoved(t, s, "external")
	after.refuses(t, s.cloudflare.Server, all)
	after.plan(t, true)

	if got := other.got(); len(got) != asked {
		t.Errorf("the provider asked the other server: %q", got[asked:])
	}
}

// listed reports whether the command line of a process holds a text, where the
// system shows them as files.
func listed(text string) bool {
	files, _ := filepath.Glob("/proc/[0-9]*/cmdline")

	return slices.ContainsFunc(files, func(file string) bool {
		line, _ := os.ReadFile(file) // The process may have ended.

		return bytes.Contains(line, []byte(text))
	})
}

// What vcert 5.12.2 did, seen with the fake server: it ends with the status 1
// for every fault, and tells a refused token from an outage by a text alone. With
// --format json the only end is the grant's.
func TestMoveFromVCert(t *testing.T) {
	t.Parallel()

	now := time.Now().UTC().Truncate(time.Second)

	run := func(vcert string) (stderr string, status int) {
		t.Helper()

		bin := t.TempDir()
		if err := os.WriteFile(filepath.Join(bin, "vcert"), []byte("#!/usr/bin/env bash\n"+vcert), 0o700); err != nil {
			t.Fatal(err)
		}

		_, stderr, err := script(t, "vcert/before/check-token.sh", "",
			"PATH="+bin+":"+os.Getenv("PATH"), "VENAFI_URL=https://tpp.example.com", "VENAFI_TOKEN="+venafiToken)

		if exit, ok := errors.AsType[*exec.ExitError](err); ok {
			return stderr, exit.ExitCode()
		}

		if err != nil {
			t.Fatal(err)
		}

		return stderr, 0
	}

	// An outage is called an expired token.
	stderr, status := run("echo 'vCert: failed to verify token. Message: 503 Service Unavailable' >&2\nexit 1\n")
	if status != 1 || !strings.Contains(stderr, "has expired") {
		t.Errorf("outage: %d, %s", status, stderr)
	}

	// The token ends tomorrow, and the grant in a year.
	issued := now.AddDate(0, 0, -89)

	stderr, status = run(`echo '{"access_issued_on_ISO8601": "` + issued.Format(time.RFC3339) + `", "valid_for": 7776000,` +
		` "expires_ISO8601": "` + now.AddDate(1, 0, 0).Format(time.RFC3339) + `"}'` + "\n")
	if status != 0 {
		t.Errorf("token that ends tomorrow: %d, %s", status, stderr)
	}

	s, other := newIssuers(t), newStranger(t)
	after := newMoved(t, s, "vcert")
	after.plan(t, true)

	after.refuses(t, s.venafi.Server, faults(other))
	after.refuses(t, s.venafi.Server, map[string]fault{
		"empty object": {issuertest.Reply(http.StatusOK, "{}"), "The issuer's answer is not the documented one"},
	})

	s.venafi.Set(venafiToken, venafitest.Token{IssuedOn: issued, ValidFor: 7776000, GrantIssuedOn: issued, GrantExpiresOn: now.AddDate(1, 0, 0)})
	after.plan(t, false, "still works, but ends at "+issued.AddDate(0, 0, 90).Format(time.RFC3339))

	if got := other.got(); len(got) != 0 {
		t.Errorf("the provider asked the other server: %q", got)
	}
}

// A token that a data source stored is out of the state once the data source is
// gone, but not out of the one before. This is the CLI's doing, so any data source
// with such an argument can stand for data "http" and data "external".
func TestMoveLeavesTheTokenBehind(t *testing.T) {
	t.Parallel()

	s := newIssuers(t)
	w := clitest.Workspace(t, map[string]string{"main.tf": clitest.RequiredProviders + `
variable "token" {
  type      = string
  sensitive = true
}

data "tokencheck_cloudflare" "old" {
  api_token = var.token
}
`})
	env := append(s.env(t, t.TempDir()), "TF_VAR_token="+userToken)
	apply := []string{"apply", "-no-color", "-auto-approve", "-input=false"}

	holds := func(file string) bool {
		t.Helper()

		text, err := os.ReadFile(filepath.Join(w.Dir, file))
		if err != nil {
			t.Fatal(err)
		}

		return bytes.Contains(text, []byte(userToken))
	}

	clitest.Run(t, w, env, true, apply)

	if !holds("terraform.tfstate") {
		t.Error("the token is not in the state")
	}

	after := clitest.RequiredProviders + "\ndata \"tokencheck_cloudflare\" \"token\" {}\n"
	if err := os.WriteFile(filepath.Join(w.Dir, "main.tf"), []byte(after), 0o600); err != nil {
		t.Fatal(err)
	}

	clitest.Run(t, w, env, true, apply)

	if holds("terraform.tfstate") {
		t.Error("the token is still in the state")
	}

	if !holds("terraform.tfstate.backup") {
		t.Error("the token is not in the backup of the state")
	}
}
