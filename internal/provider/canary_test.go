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
	"slices"
	"strings"
	"testing"

	"github.com/tokencheck/terraform-provider-tokencheck/internal/cli"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/cli/clitest"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/issuertest"
)

// canaryVariables hold the tokens that come through the configuration.
const canaryVariables = `
variable "argument" {
  type      = string
  sensitive = true
}

variable "configured" {
  type      = string
  sensitive = true
}

variable "fleeting" {
  type      = string
  sensitive = true
  ephemeral = true
}
`

// canaryProviders are the ways to give a token in the provider configuration, by alias.
var canaryProviders = map[string]string{"": "", "provider": "TOKEN = var.configured", "ephemeral": "TOKEN = var.fleeting"}

// canaryWays are all the ways to give a token, as a check's arguments. TOKEN is
// what the issuer calls its own. Each way has a token of its own, so that a leak
// shows where it came from.
var canaryWays = map[string]string{
	"argument":  "TOKEN = var.argument",
	"env":       `TOKEN_env = "CANARY_ENV"`,
	"file":      `TOKEN_file = "canary.token"`,
	"provider":  "provider = tokencheck.provider",
	"ephemeral": "provider = tokencheck.ephemeral",
	"own":       "",
}

// canaries makes a configuration that gives tokens in all ways to all issuers.
// The blocks say by issuer which server to ask.
func canaries(blocks map[string]string) string {
	var b strings.Builder

	b.WriteString(clitest.RequiredProviders + canaryVariables)

	for alias, token := range canaryProviders {
		b.WriteString("\nprovider \"tokencheck\" {\n  max_retries = 1\n")

		if alias != "" {
			fmt.Fprintf(&b, "  alias = %q\n", alias)
		}

		for _, issuer := range fakes() {
			fmt.Fprintf(&b, "  %s = {\n    %s\n    %s\n  }\n", issuer.block, blocks[issuer.block], strings.ReplaceAll(token, "TOKEN", issuer.tokenArgument))
		}

		b.WriteString("}\n")
	}

	for way, arguments := range canaryWays {
		for _, issuer := range fakes() {
			own := strings.ReplaceAll(arguments, "TOKEN", issuer.tokenArgument)

			fmt.Fprintf(&b, "\ndata %q %q {\n  %s\n}\n", issuer.kind(), way, own)
			fmt.Fprintf(&b, "\noutput \"%s_%s\" {\n  value = data.%[2]s.%[1]s.reason\n}\n", way, issuer.kind())
			// The one way that Terraform stores is no ephemeral's.
			fmt.Fprintf(&b, "\nephemeral %q %q {\n  %s\n}\n", issuer.kind(), way, strings.ReplaceAll(own, "var.argument", "var.fleeting"))
		}
	}

	return b.String()
}

// stored are the documented exceptions: what Terraform keeps in state and plan of
// a data source's argument, and in the plan of a variable that is not ephemeral.
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
		// fault answers for the issuer, which works without one.
		fault func(issuer fake) http.HandlerFunc
		// url is asked instead of the issuer's server; untrusted leaves out whom to trust.
		url       string
		untrusted bool
		env       []string
		prints    string
	}{
		"works": {},
		"refused": {
			fault:  func(issuer fake) http.HandlerFunc { return issuertest.Reply(http.StatusUnauthorized, issuer.refusal) },
			prints: "was refused",
		},
		"the server repeats the token": {
			fault:  func(issuer fake) http.HandlerFunc { return repeatToken(issuer.echo) },
			prints: "it repeats a part of the token",
		},
		"the server repeats the token in a page": {
			fault:  func(fake) http.HandlerFunc { return repeatToken("<html>%s %s</html>") },
			prints: "something in front of it",
		},
		"the server repeats the token after the answer": {
			fault:  func(issuer fake) http.HandlerFunc { return surplus(issuer.refusal) },
			prints: "was refused",
		},
		"server error": {
			fault: func(fake) http.HandlerFunc {
				return issuertest.Reply(http.StatusServiceUnavailable, "", "Retry-After", "3600")
			},
			prints: "It asks to wait until",
		},
		"server is down":        {url: "https://127.0.0.1:1", prints: "the connection was refused"},
		"untrusted certificate": {untrusted: true, prints: "authority that is not trusted"},
		"proxy":                 {url: "https://issuer.test", env: []string{"HTTPS_PROXY=http://127.0.0.1:1"}, prints: "the proxy cannot be reached"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			tokens := make(map[string]string)
			for way := range canaryWays {
				tokens[way] = rand.Text() + rand.Text()
			}

			env := append(slices.Clone(test.env),
				"CANARY_ENV="+tokens["env"], "TF_VAR_argument="+tokens["argument"], "TF_VAR_configured="+tokens["provider"], "TF_VAR_fleeting="+tokens["ephemeral"])
			servers, blocks := make(map[string]*issuertest.Server), make(map[string]string)

			for _, issuer := range fakes() {
				s, url := issuer.start(slices.Collect(maps.Values(tokens)))
				t.Cleanup(s.Close)

				if test.fault != nil {
					s.SetFault(test.fault(issuer))
				}

				servers[issuer.block] = s
				blocks[issuer.block] = fmt.Sprintf("%s = %q", issuer.urlArgument, cmp.Or(test.url, url))

				if !test.untrusted {
					blocks[issuer.block] += fmt.Sprintf("\n    trust_bundle = %q", s.TrustBundle)
				}

				env = append(env, issuer.tokenVariable+"="+tokens["own"])
			}

			w := clitest.Workspace(t, map[string]string{"main.tf": canaries(blocks), "canary.token": tokens["file"] + "\n"})
			env = append(env, "TF_LOG=TRACE", "TF_LOG_PATH="+filepath.Join(w.Dir, "trace.log"))

			works, reached := test.prints == "", test.url == "" && !test.untrusted
			blobs := canaryRun(t, w, env, works, test.prints)

			for block, s := range servers {
				if asked := len(s.Requests()) > 0; asked != reached {
					t.Errorf("%s was asked: %t", block, asked)
				}
			}

			for blob, content := range blobs {
				for way, secret := range tokens {
					if slices.Contains(stored[blob], way) {
						if works && !bytes.Contains(content, []byte(secret)) {
							t.Errorf("%s is documented to hold the token given by %s, but does not", blob, way)
						}

						continue
					}

					if leak := leaks(content, secret); leak != "" {
						t.Errorf("%s holds %s of the token given by %s", blob, leak, way)
					}
				}
			}

			if log := blobs["trace.log"]; !bytes.Contains(log, []byte("provider.terraform-provider-tokencheck")) || reached && !bytes.Contains(log, []byte("asked the issuer")) {
				t.Error("the log was not written")
			}
		})
	}
}

// repeatToken answers with a body that holds the request's token, whole and in halves.
func repeatToken(format string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		_, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
		texts := []any{token, token[:len(token)/2] + " " + token[len(token)/2:]}

		issuertest.Reply(http.StatusUnauthorized, fmt.Sprintf(format, texts[:strings.Count(format, "%s")]...), "X-Token", token)(w, r)
	}
}

// surplus answers with a refusal and then, on a connection that would be kept,
// with the request's header. Package net/http logs such a thing.
func surplus(refusal string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.ProtoMajor > 1 { // HTTP/2 has no such thing.
			issuertest.Reply(http.StatusUnauthorized, refusal)(w, r)

			return
		}

		issuertest.Raw(fmt.Sprintf("HTTP/1.1 401 Unauthorized\r\nContent-Length: %d\r\n\r\n%s%s",
			len(refusal), refusal, r.Header.Get("Authorization")))(w, r)
	}
}

// canaryRun runs a plan, and what can follow it, and gives everything that was
// written anywhere, by name.
func canaryRun(t *testing.T, w *cli.Workspace, env []string, works bool, prints string) map[string][]byte {
	t.Helper()

	blobs := make(map[string][]byte)
	do := func(name string, succeed bool, texts []string, args ...string) {
		result := clitest.Run(t, w, env, succeed, args, texts...)
		blobs["stdout of "+name] = []byte(result.Stdout)
		blobs["stderr of "+name] = []byte(strings.TrimPrefix(result.Output, result.Stdout))
	}

	if works {
		do("plan", true, nil, "plan", "-no-color", "-input=false", "-out=plan")
		do("show of plan", true, nil, "show", "-json", "plan")
		do("apply", true, nil, "apply", "-no-color", "-input=false", "plan")
		do("show", true, nil, "show", "-json")
		do("output", true, nil, "output", "-json")
	} else {
		do("plan", false, []string{prints}, "plan", "-no-color", "-input=false", "-out=plan")
		do("plan in JSON", false, nil, "plan", "-no-color", "-input=false", "-json")
	}

	err := filepath.WalkDir(w.Dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || slices.Contains([]string{"main.tf", "canary.token"}, entry.Name()) || strings.Contains(path, "providers") {
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

// leaks says what of a token a text holds: any 12 characters of it, its SHA-256,
// or its Base64 at any offset; "" if nothing.
func leaks(content []byte, secret string) string {
	for i := 0; i+12 <= len(secret); i++ {
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
		// The first group may hold what comes before, and the last one what comes after.
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
