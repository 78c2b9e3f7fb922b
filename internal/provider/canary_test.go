package provider_test

import (
	"archive/zip"
	"bytes"
	"cmp"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/tokencheck/terraform-provider-tokencheck/internal/cli"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/cli/clitest"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/issuertest"
)

// canaryVariables pass an issuer's tokens through the configuration. ISSUER is its
// block, here and below.
const canaryVariables = `
variable "ISSUER_argument" {
  type      = string
  sensitive = true
}

variable "ISSUER_configured" {
  type      = string
  sensitive = true
}

variable "ISSUER_fleeting" {
  type      = string
  sensitive = true
  ephemeral = true
}
`

// canaryGate uses the verified token of one way.
const canaryGate = `
provider "PROVIDER" {
  alias = "WAY"
  TOKEN = ephemeral.KIND.WAY.verified_token
  SERVER
}

resource "RECORD" "WAY" {
  provider = PROVIDER.WAY
}
`

// canaryProviders are the ways to set a token in the provider configuration, by
// alias. TOKEN is the issuer's argument.
var canaryProviders = map[string]string{"": "", "provider": "TOKEN = var.ISSUER_configured", "ephemeral": "TOKEN = var.ISSUER_fleeting"}

// canaryWays are all the ways to set a token, as a check's arguments. Each way of
// each issuer has its own token, so that a leak shows its origin.
var canaryWays = map[string]string{
	"argument":  "TOKEN = var.ISSUER_argument",
	"env":       `TOKEN_env = "CANARY_ISSUER"`,
	"file":      `TOKEN_file = "ISSUER.token"`,
	"provider":  "provider = tokencheck.provider",
	"ephemeral": "provider = tokencheck.ephemeral",
	"own":       "",
}

// canaries returns a configuration that sets tokens in all ways for all issuers, and
// gates a provider at the URL cloud with each. The blocks set the server by issuer.
func canaries(blocks map[string]string, cloud string) string {
	var b strings.Builder

	b.WriteString(clitest.RequiredWithStandIns)

	for _, issuer := range fakes() {
		own := strings.NewReplacer("TOKEN", issuer.tokenArgument, "ISSUER", issuer.block).Replace

		b.WriteString(own(canaryVariables))

		for way, arguments := range canaryWays {
			fmt.Fprintf(&b, "\ndata %q %q {\n  %s\n}\n", issuer.kind(), way, own(arguments))
			fmt.Fprintf(&b, "\noutput \"%s_%s\" {\n  value = data.%[2]s.%[1]s.reason\n}\n", way, issuer.kind())
			// Terraform stores the argument of a data source only.
			fmt.Fprintf(&b, "\nephemeral %q %q {\n  %s\n}\n", issuer.kind(), way, own(strings.ReplaceAll(arguments, "_argument", "_fleeting")))
			b.WriteString(strings.ReplaceAll(withWords(issuer, cloud, canaryGate), "WAY", way))
		}
	}

	for alias, token := range canaryProviders {
		b.WriteString("\nprovider \"tokencheck\" {\n  max_retries = 1\n")

		if alias != "" {
			fmt.Fprintf(&b, "  alias = %q\n", alias)
		}

		for _, issuer := range fakes() {
			own := strings.NewReplacer("TOKEN", issuer.tokenArgument, "ISSUER", issuer.block).Replace(token)
			fmt.Fprintf(&b, "  %s = {\n    %s\n    %s\n  }\n", issuer.block, blocks[issuer.block], own)
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
		fault func(issuer fake) http.HandlerFunc
		// url replaces the issuer's server; untrusted omits the trust bundle.
		url       string
		untrusted bool
		env       []string
		prints    string
	}{
		"valid token": {},
		"rejected token": {
			fault:  func(issuer fake) http.HandlerFunc { return issuer.refusal.ServeHTTP },
			prints: "was rejected",
		},
		"server echoes the token": {
			fault:  func(issuer fake) http.HandlerFunc { return repeatToken(issuer.echo) },
			prints: "withheld: contains part of the token",
		},
		"server echoes the token in a page": {
			fault: func(fake) http.HandlerFunc {
				return repeatToken(issuertest.Answer{Status: http.StatusUnauthorized, Body: "<html>%s %s</html>"})
			},
			prints: "HTTP 401",
		},
		"server echoes the token after the response": {
			fault:  func(issuer fake) http.HandlerFunc { return surplus(issuer.refusal) },
			prints: "was rejected",
		},
		"server error": {
			fault: func(fake) http.HandlerFunc {
				return issuertest.Reply(http.StatusServiceUnavailable, "", "Retry-After", "3600")
			},
			prints: "The response says to wait until",
		},
		"server is down":        {url: "https://127.0.0.1:1", prints: "the connection was refused"},
		"untrusted certificate": {untrusted: true, prints: "untrusted CA"},
		"proxy":                 {url: "https://issuer.test", env: []string{"HTTPS_PROXY=http://127.0.0.1:1"}, prints: "the proxy cannot be reached"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			env, files, blocks := slices.Clone(test.env), map[string]string{}, map[string]string{}
			tokens, servers := map[string]map[string]string{}, map[string]*issuertest.Server{}

			for _, issuer := range fakes() {
				own := make(map[string]string)
				for way := range canaryWays {
					own[way] = rand.Text() + rand.Text()
				}

				s, url := issuer.start(slices.Collect(maps.Values(own)))
				t.Cleanup(s.Close)

				if test.fault != nil {
					s.SetFault(test.fault(issuer))
				}

				tokens[issuer.block], servers[issuer.block] = own, s
				blocks[issuer.block] = fmt.Sprintf("%s = %q", issuer.urlArgument, cmp.Or(test.url, url))

				if !test.untrusted {
					blocks[issuer.block] += fmt.Sprintf("\n    trust_bundle = %q", s.TrustBundle)
				}

				files[issuer.block+".token"] = own["file"] + "\n"
				env = append(env, "CANARY_"+issuer.block+"="+own["env"], issuer.tokenVariable+"="+own["own"], "TF_VAR_"+issuer.block+"_argument="+own["argument"],
					"TF_VAR_"+issuer.block+"_configured="+own["provider"], "TF_VAR_"+issuer.block+"_fleeting="+own["ephemeral"])
			}

			cloud, sent := cloudServer(t)
			files["main.tf"] = canaries(blocks, cloud)
			w := clitest.Workspace(t, files)
			env = append(env, "TF_LOG=TRACE", "TF_LOG_PATH="+filepath.Join(w.Dir, "trace.log"), "TF_LOG_SDK_PROTO_DATA_DIR="+w.Dir)

			works, reached := test.prints == "", test.url == "" && !test.untrusted
			blobs := canaryRun(t, w, env, works, name == "rejected token")

			if gates := len(servers) * len(canaryWays); (len(sent()) >= gates) != works {
				t.Errorf("the guarded providers made %d requests for %d gates", len(sent()), gates)
			}

			for block, s := range servers {
				if asked := len(s.Requests()) > 0; asked != reached {
					t.Errorf("%s received requests: %t", block, asked)
				}

				if !works && !diagnosed(blobs["stderr of plan"], "tokencheck_"+block+".", test.prints) {
					t.Errorf("no check of %s prints %q:\n%s", block, test.prints, blobs["stderr of plan"])
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

// A token in the configuration, in the right or wrong argument, is not printed with
// the source line of an error.
func TestCanaryLiterals(t *testing.T) {
	t.Parallel()

	for command, wrong := range map[string][]string{
		"validate": {
			`TOKEN = "Bearer SECRET"`, `TOKEN = "'SECRET'"`, `TOKEN_env = "$SECRET"`, `TOKEN_env = "SECRET=="`, "TOKEN = \"SECRET\"\n  TOKEN_env = \"SECRET\"",
			"TOKEN_env = \"SECRET\"\n  TOKEN_file = \"SECRET\"", "OWN", `min_remaining = "SECRET"`,
		},
		"plan": {`TOKEN_env = "SECRET"`, `TOKEN_file = "SECRET"`, `TOKEN_file = "/SECRET=="`, `TOKEN_file = "${path.module}/SECRET.token"`},
	} {
		t.Run(command, func(t *testing.T) {
			t.Parallel()

			secret, want := rand.Text(), 0

			var b strings.Builder

			b.WriteString(clitest.RequiredProviders + "\nprovider \"tokencheck\" {\n  venafi = {\n    url = \"https://127.0.0.1:1\"\n  }\n}\n")

			for _, issuer := range fakes() {
				argument := fmt.Sprintf("%s = %q", "account_id", secret)
				if issuer.block == "venafi" {
					argument = fmt.Sprintf("required_scopes = [%q]", secret+" ")
				}

				own := strings.NewReplacer("OWN", argument, "TOKEN", issuer.tokenArgument, "SECRET", secret).Replace

				for i, arguments := range wrong {
					for _, block := range []string{"data", "ephemeral"} {
						fmt.Fprintf(&b, "\n%s %q \"c%d\" {\n  %s\n}\n", block, issuer.kind(), i, own(arguments))

						want++
					}
				}
			}

			w := clitest.Workspace(t, map[string]string{"main.tf": b.String()})

			result := clitest.Run(t, w, nil, false, []string{command, "-no-color"})
			if n := len(diagnosticStart.FindAllString(result.Output, -1)); n < want {
				t.Errorf("%d diagnostics, want %d", n, want)
			}

			if leak := leaks([]byte(strings.ReplaceAll(result.Output, secret+".token", "")), secret); leak != "" {
				t.Errorf("%s is printed:\n%s", leak, result.Output)
			}
		})
	}
}

// diagnosticStart matches the start of each of the CLI's diagnostics.
var diagnosticStart = regexp.MustCompile(`(?m)^[│ ]*(Error|Warning): `)

// diagnosed reports whether one of the CLI's diagnostics contains both texts.
func diagnosed(output []byte, address, text string) bool {
	for _, diagnostic := range diagnosticStart.Split(string(output), -1) {
		if strings.Contains(diagnostic, address) && clitest.Says(text).MatchString(diagnostic) {
			return true
		}
	}

	return false
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
		} else if leak := leaks(content, secret); leak != "" {
			t.Errorf("%s contains %s of the token set by %s", blob, leak, way)
		}
	}
}

// repeatToken returns an answer with the request's token, whole and in halves, at
// each %s of its body.
func repeatToken(answer issuertest.Answer) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		_, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
		texts := []any{token, token[:len(token)/2] + " " + token[len(token)/2:]}

		w.Header().Set("X-Token", token)
		issuertest.Reply(answer.Status, fmt.Sprintf(answer.Body, texts[:strings.Count(answer.Body, "%s")]...))(w, r)
	}
}

// surplus responds with a rejection and then, on a connection that would be kept,
// with the request's header. Package net/http logs this.
func surplus(refusal issuertest.Answer) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.ProtoMajor > 1 { // Not possible in HTTP/2.
			refusal.ServeHTTP(w, r)

			return
		}

		issuertest.Raw(string(refusal.Wire())+r.Header.Get("Authorization"))(w, r)
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

	if works {
		do("plan", true, "plan", "-no-color", "-input=false", "-out=plan")
		do("show of plan", true, "show", "-json", "plan")
		do("apply", true, "apply", "-no-color", "-input=false", "plan")
		do("show", true, "show", "-json")
		do("output", true, "output", "-json")
	} else {
		do("plan", false, "plan", "-no-color", "-input=false", "-out=plan")

		if inJSON {
			do("plan in JSON", false, "plan", "-no-color", "-input=false", "-json")
		}
	}

	err := filepath.WalkDir(w.Dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || entry.Name() == "main.tf" || strings.HasSuffix(path, ".token") || strings.Contains(path, "providers") {
			return err
		}

		if entry.Name() == "plan" {
			return unzip(path, blobs)
		}

		content, err := os.ReadFile(path)
		blobs[entry.Name()] = content

		return err
	})
	if err != nil {
		t.Fatal(err)
	}

	return blobs
}

// unzip reads the members of a plan file, without the copy of the configuration.
func unzip(path string, blobs map[string][]byte) error {
	plan, err := zip.OpenReader(path)
	if err != nil {
		return err
	}
	defer plan.Close()

	for _, member := range plan.File {
		r, err := member.Open()
		if err != nil {
			return err
		}

		content, err := io.ReadAll(r)
		if err != nil {
			return err
		}

		blobs["plan:"+member.Name] = content
	}

	return nil
}

// leaks reports what of a token a text contains: any 12 characters, its SHA-256, or
// its Base64 at any offset; "" if nothing.
func leaks(content []byte, secret string) string {
	// Any 12 characters contain one of these parts whole, which is faster to find.
	some := false
	for i := 0; i+6 <= len(secret); i += 6 {
		some = some || bytes.Contains(content, []byte(secret[i:i+6]))
	}

	for i := 0; some && i+12 <= len(secret); i++ {
		if bytes.Contains(content, []byte(secret[i:i+12])) {
			return "12 characters"
		}
	}

	sum := sha256.Sum256([]byte(secret))
	forms := map[string]string{
		"the SHA-256":           hex.EncodeToString(sum[:]),
		"the SHA-256 in Base64": base64.RawStdEncoding.EncodeToString(sum[:]),
	}

	for offset := range 3 {
		// The first group may include the text before, the last one the text after.
		encoded := base64.RawStdEncoding.EncodeToString([]byte(strings.Repeat("x", offset) + secret))
		forms[fmt.Sprintf("the Base64 at offset %d", offset)] = encoded[4 : len(encoded)/4*4-4]
	}

	lower := bytes.ToLower(content)

	for _, form := range slices.Sorted(maps.Keys(forms)) {
		if bytes.Contains(content, []byte(forms[form])) || strings.HasPrefix(form, "the SHA") && bytes.Contains(lower, []byte(forms[form])) {
			return form
		}
	}

	return ""
}
