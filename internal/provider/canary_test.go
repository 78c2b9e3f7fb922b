package provider_test

import (
	"archive/zip"
	"bytes"
	"cmp"
	"crypto/rand"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/tokencheck/terraform-provider-tokencheck/internal/cli"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/cli/clitest"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/issuertest"
)

// canaryVariables pass an issuer's tokens through the configuration. PROVIDER is its
// block, here and below.
const canaryVariables = `
variable "PROVIDER_argument" {
  type      = string
  sensitive = true
}

variable "PROVIDER_configured" {
  type      = string
  sensitive = true
}

variable "PROVIDER_fleeting" {
  type      = string
  sensitive = true
  ephemeral = true
}
`

// canaryGate uses a verified token.
const canaryGate = `
provider "PROVIDER" {
  TOKEN = ephemeral.KIND.own.verified_token
  SERVER
}

resource "RECORD" "this" {}
`

// canaryProviders are the ways to set a token in the provider configuration, by
// alias.
var canaryProviders = map[string]string{"": "", "provider": "TOKEN = var.PROVIDER_configured", "ephemeral": "TOKEN = var.PROVIDER_fleeting"}

// canaryWays are all the ways to set a token, as arguments of a data source or an
// ephemeral resource. Each way of each issuer has its own token, so that a leak shows
// its origin.
var canaryWays = map[string]string{
	"argument":  "TOKEN = var.PROVIDER_argument",
	"env":       `TOKEN_env = "CANARY_PROVIDER"`,
	"file":      `TOKEN_file = "PROVIDER.token"`,
	"provider":  "provider = tokencheck.provider",
	"ephemeral": "provider = tokencheck.ephemeral",
	"own":       "",
}

// canaries returns a configuration that sets tokens in all ways for all issuers. The
// blocks set the server by issuer.
func canaries(blocks map[string]string) string {
	var b strings.Builder
	for _, f := range fakes() {
		b.WriteString(f.words(canaryVariables, ""))
		for way, arguments := range canaryWays {
			// Terraform stores the argument of a data source only.
			fleeting := strings.ReplaceAll(arguments, "_argument", "_fleeting")
			b.WriteString(f.words(fmt.Sprintf("\ndata \"KIND\" %[1]q {\n  %[2]s\n}\n\noutput \"%[1]s_KIND\" {\n  value = data.KIND.%[1]s.reason\n}\n\nephemeral \"KIND\" %[1]q {\n  %[3]s\n}\n", way, arguments, fleeting), ""))
		}
	}

	for alias, token := range canaryProviders {
		b.WriteString("\nprovider \"tokencheck\" {\n  max_retries = 0\n")
		if alias != "" {
			fmt.Fprintf(&b, "  alias = %q\n", alias)
		}
		for _, f := range fakes() {
			fmt.Fprintf(&b, "  %s {\n    %s\n    %s\n  }\n", f.block, blocks[f.block], f.words(token, ""))
		}
		b.WriteString("}\n")
	}
	return b.String()
}

// stored are the documented exceptions: a data source's argument in state and plan,
// and a variable that is not ephemeral in the plan.
var stored = map[string][]string{
	"terraform.tfstate":      {"argument"},
	"plan:tfplan":            {"argument", "provider"},
	"plan:tfstate":           {"argument"},
	"stdout of show of plan": {"argument", "provider"},
	"stdout of show":         {"argument"},
}

func TestCanary(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		// fault responds instead of the issuer, if set.
		fault func(f fake) http.HandlerFunc
		// url replaces the issuer's server; untrusted omits the trust bundle, and plain TLS,
		// and with it HTTP/2.
		url              string
		untrusted, plain bool
		env              []string
		prints           string
	}{
		"valid token":                       {},
		"rejected token":                    {fault: func(f fake) http.HandlerFunc { return f.rejected().ServeHTTP }, prints: "was rejected"},
		"server echoes parts of the token":  {fault: func(f fake) http.HandlerFunc { return echo(f.corpus["echo"].Answer) }, prints: "withheld"},
		"server echoes the token in a page": {fault: func(fake) http.HandlerFunc { return echo(issuertest.Respond(401, "<html>"+issuertest.Secret)) }, prints: "HTTP 401"},
		"server echoes the token late":      {fault: func(f fake) http.HandlerFunc { return surplus(f.rejected()) }, plain: true, prints: "was rejected"},
		"server error":                      {fault: func(fake) http.HandlerFunc { return issuertest.Reply(503, "", "Retry-After", "3600") }, prints: "HTTP 503"},
		"server is down":                    {url: "https://127.0.0.1:1", prints: "connection refused"},
		"untrusted certificate":             {untrusted: true, prints: "unknown authority"},
		"proxy":                             {url: "https://issuer.test", env: []string{"HTTPS_PROXY=http://127.0.0.1:1"}, prints: "proxyconnect"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			env, files, blocks := slices.Clone(test.env), make(map[string]string), make(map[string]string)
			tokens, servers := make(map[string]map[string]string), make(map[string]*issuertest.Server)

			for _, f := range fakes() {
				own := make(map[string]string)
				for way := range canaryWays {
					own[way] = rand.Text() + rand.Text()
				}
				s, url := f.start(slices.Collect(maps.Values(own)))
				t.Cleanup(s.Close)
				if test.fault != nil {
					s.SetFault(test.fault(f))
				}
				if test.plain {
					plain := httptest.NewServer(s.Config.Handler)
					t.Cleanup(plain.Close)
					url = strings.Replace(url, s.URL, plain.URL, 1)
				}
				tokens[f.block], servers[f.block] = own, s
				blocks[f.block] = fmt.Sprintf("%s = %q", f.urlArgument, cmp.Or(test.url, url))
				if !test.untrusted {
					blocks[f.block] += fmt.Sprintf("\n    trust_bundle = %q", s.TrustBundle)
				}
				files[f.block+".token"] = own["file"] + "\n"
				env = append(env, "CANARY_"+f.block+"="+own["env"], f.tokenVariable+"="+own["own"], "TF_VAR_"+f.block+"_argument="+own["argument"],
					"TF_VAR_"+f.block+"_configured="+own["provider"], "TF_VAR_"+f.block+"_fleeting="+own["ephemeral"])
			}

			works, reached := test.prints == "", test.url == "" && !test.untrusted
			files["main.tf"] = canaries(blocks)
			cloud, sent := cloudServer(t)
			for _, f := range fakes() {
				if works { // Other tests cover what a gate does with a token that is not valid.
					files["main.tf"] += f.words(canaryGate, cloud)
				}
			}
			files["main.tf"] = clitest.Require(files["main.tf"])
			w := clitest.Workspace(t, files)
			env = append(env, "TF_LOG=TRACE", "TF_LOG_PATH="+filepath.Join(w.Dir, "trace.log"), "TF_LOG_SDK_PROTO_DATA_DIR="+w.Dir)

			blobs := canaryRun(t, w, env, works, name == "rejected token")

			if n := len(sent()); works && n < len(servers) {
				t.Errorf("the guarded providers made %d requests", n)
			}

			for block, s := range servers {
				if asked := len(s.Requests()) > 0; asked != reached {
					t.Errorf("%s received requests: %t", block, asked)
				}
				if !works && !diagnosed(string(blobs["stderr of plan"]), "tokencheck_"+block+".", test.prints) {
					t.Errorf("%s does not print %q:\n%s", block, test.prints, blobs["stderr of plan"])
				}
				for blob, content := range blobs {
					wantNoLeak(t, blob, content, tokens[block], works)
				}
			}

			if log := blobs["trace.log"]; !bytes.Contains(log, []byte("provider.terraform-provider-tokencheck")) || reached && !bytes.Contains(log, []byte("token verification requested")) {
				t.Error("the log was not written")
			}
		})
	}
}

// A token in the token arguments is not printed with the source line of an error.
func TestCanaryLiterals(t *testing.T) {
	t.Parallel()
	secret := rand.Text()
	wantHidden := func(command, config string, n int) {
		w := clitest.Workspace(t, map[string]string{"main.tf": clitest.Require(strings.ReplaceAll(config, "SECRET", secret))})
		output := clitest.Run(t, w, nil, false, []string{command, "-no-color"}).Output
		if got := len(clitest.Diagnostics(output)); got < n || leaks([]byte(output), secret) {
			t.Errorf("%d diagnostics, want %d, or the token is printed:\n%s", got, n, output)
		}
	}

	var blocks, checks strings.Builder
	for _, f := range fakes() {
		blocks.WriteString(f.words("  PROVIDER {\n    TOKEN = \"Bearer SECRET\"\n  }\n", ""))
		checks.WriteString(f.words("\ndata \"KIND\" \"this\" {}\n", ""))
	}
	wantHidden("plan", "provider \"tokencheck\" {\n"+blocks.String()+"}\n"+checks.String(), len(fakes()))
	for command, wrong := range map[string][]string{
		"validate": {
			`TOKEN = "Bearer SECRET"`, `TOKEN = "'SECRET'"`, `TOKEN_env = "$SECRET"`, `TOKEN_env = "SECRET=="`, "TOKEN = \"SECRET\"\n  TOKEN_env = \"SECRET\"",
			"TOKEN_env = \"SECRET\"\n  TOKEN_file = \"SECRET\"",
		},
		"plan": {`TOKEN_env = "SECRET"`, `TOKEN_file = "SECRET"`, `TOKEN_file = "/SECRET=="`, `TOKEN_file = "${path.module}/SECRET"`},
	} {
		var config strings.Builder
		for _, f := range fakes() {
			for i, arguments := range wrong {
				config.WriteString(f.words(fmt.Sprintf("\ndata \"KIND\" \"c%[1]d\" {\n  %[2]s\n}\n\nephemeral \"KIND\" \"c%[1]d\" {\n  %[2]s\n}\n", i, arguments), ""))
			}
		}
		wantHidden(command, config.String(), 2*len(wrong)*len(fakes()))
	}
}

// wantNoLeak wants no part of the tokens, by way, in content, except where
// documented: valid tokens have to be there.
func wantNoLeak(t *testing.T, blob string, content []byte, tokens map[string]string, valid bool) {
	t.Helper()
	for way, secret := range tokens {
		if slices.Contains(stored[blob], way) {
			if valid && !bytes.Contains(content, []byte(secret)) {
				t.Errorf("%s is documented to contain the token set by %s, but does not", blob, way)
			}
		} else if leaks(content, secret) {
			t.Errorf("%s contains part of the token set by %s", blob, way)
		}
	}
}

// leaks reports whether content contains eleven consecutive characters of a token:
// these contain eight that begin at a multiple of four, which is faster to find.
func leaks(content []byte, secret string) bool {
	for i := 0; i+8 <= len(secret); i += 4 {
		if bytes.Contains(content, []byte(secret[i:i+8])) {
			return true
		}
	}
	return false
}

// echo returns an answer with both halves of the request's token in place of the
// corpus's, and the whole one in a header field.
func echo(answer issuertest.Answer) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		token := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
		own, half := answer, len(token)/2
		own.Body = strings.ReplaceAll(answer.Body, issuertest.Secret, token[:half]+" "+token[half:])
		w.Header().Set("X-Token", token)
		own.ServeHTTP(w, r)
	}
}

// surplus responds and then, on a connection that would be kept, sends the request's
// header. Package net/http logs this.
func surplus(answer issuertest.Answer) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		issuertest.Raw(string(answer.Wire())+r.Header.Get("Authorization"))(w, r)
	}
}

// canaryRun runs a plan, and what can follow it, and returns everything that was
// written, by name.
func canaryRun(t *testing.T, w *cli.Workspace, env []string, works, inJSON bool) map[string][]byte {
	t.Helper()

	blobs := make(map[string][]byte)
	do := func(name string, succeed bool, args ...string) {
		result := clitest.Run(t, w, env, succeed, args)
		blobs["stdout of "+name] = []byte(result.Stdout)
		blobs["stderr of "+name] = []byte(strings.TrimPrefix(result.Output, result.Stdout))
	}

	do("plan", works, "plan", "-no-color", "-input=false", "-out=plan")
	if inJSON {
		do("plan in JSON", works, "plan", "-no-color", "-input=false", "-json")
	}
	if works {
		do("show of plan", true, "show", "-json", "plan")
		do("apply", true, "apply", "-no-color", "-input=false", "plan")
		do("show", true, "show", "-json")
		do("output", true, "output", "-json")
	}

	must(filepath.WalkDir(w.Dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || entry.Name() == "main.tf" || strings.HasSuffix(path, ".token") || strings.Contains(path, "providers") {
			return err
		}
		if entry.Name() == "plan" {
			unzip(path, blobs)
		}
		blobs[entry.Name()], err = os.ReadFile(path)
		return err
	}))
	return blobs
}

// unzip reads the members of a plan file.
func unzip(path string, blobs map[string][]byte) {
	plan, err := zip.OpenReader(path)
	must(err)
	defer plan.Close()

	for _, member := range plan.File {
		r, err := member.Open()
		must(err)
		blobs["plan:"+member.Name], err = io.ReadAll(r)
		must(err)
	}
}
