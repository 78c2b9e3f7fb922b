package provider_test

import (
	"archive/zip"
	"bytes"
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
	"github.com/tokencheck/terraform-provider-tokencheck/internal/cloudflare/cloudflaretest"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/issuertest"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/venafi/venafitest"
)

// canaryWays are all the ways to give a token, for both issuers at once. Each
// way has a token of its own, so that a leak shows where it came from.
const canaryWays = `
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

provider "tokencheck" {
  max_retries = 1
  cloudflare  = { %[1]s }
  venafi      = { %[2]s }
}

provider "tokencheck" {
  alias       = "provider"
  max_retries = 1
  cloudflare  = { api_token = var.configured, %[1]s }
  venafi      = { access_token = var.configured, %[2]s }
}

provider "tokencheck" {
  alias       = "ephemeral"
  max_retries = 1
  cloudflare  = { api_token = var.fleeting, %[1]s }
  venafi      = { access_token = var.fleeting, %[2]s }
}
`

// canaryCheck is a data source or an ephemeral resource of each issuer.
const canaryCheck = `
%[1]s "tokencheck_cloudflare" %[2]q {
  %[3]s
  %[4]s
  %[6]s
}

%[1]s "tokencheck_venafi" %[2]q {
  %[3]s
  %[5]s
  %[6]s
}
`

// canaries makes the configuration, and the tokens by their way.
func canaries(cloudflareBlock, venafiBlock string) (string, map[string]string) {
	var b strings.Builder

	fmt.Fprintf(&b, clitest.RequiredProviders+canaryWays, cloudflareBlock, venafiBlock)

	tokens := make(map[string]string)

	for way, arguments := range map[string][3]string{
		"argument":  {"", "api_token = var.argument", "access_token = var.argument"},
		"env":       {"", `api_token_env = "CANARY_ENV"`, `access_token_env = "CANARY_ENV"`},
		"file":      {"", `api_token_file = "canary.token"`, `access_token_file = "canary.token"`},
		"provider":  {"provider = tokencheck.provider"},
		"ephemeral": {"provider = tokencheck.ephemeral"},
		"own":       {},
	} {
		tokens[way] = rand.Text() + rand.Text()

		fmt.Fprintf(&b, canaryCheck, "data", way, arguments[0], arguments[1], arguments[2], "")
		fmt.Fprintf(&b, "output %q {\n  value = [data.tokencheck_cloudflare.%[1]s.reason, data.tokencheck_venafi.%[1]s.reason]\n}\n", way)

		if way == "argument" { // The one way that Terraform stores is no ephemeral's.
			arguments[1], arguments[2] = "api_token = var.fleeting", "access_token = var.fleeting"
		}

		fmt.Fprintf(&b, canaryCheck, "ephemeral", way, arguments[0], arguments[1], arguments[2], "")
	}

	return b.String(), tokens
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
		faultC, faultV http.HandlerFunc
		blocks         func(c *cloudflaretest.Server, v *venafitest.Server) (string, string)
		env            []string
		prints         string
	}{
		"works": {},
		"refused": {
			issuertest.Reply(http.StatusUnauthorized, cloudflaretest.BodyInvalid), issuertest.Reply(http.StatusUnauthorized, venafitest.BodyInvalid), nil, nil,
			"was refused",
		},
		"the server repeats the token": {
			repeatToken(`{"success":false,"errors":[{"code":10000,"message":"No: %s"}]}`), repeatToken(`{"error":"no: %s","error_description":"%s"}`), nil, nil,
			"it repeats a part of the token",
		},
		"the server repeats the token in a page": {
			repeatToken("<html>%s %s</html>"), repeatToken("<html>%s %s</html>"), nil, nil, "something in front of it",
		},
		"the server repeats the token after the answer": {
			surplus, surplus, nil, nil, "was refused",
		},
		"server error": {
			issuertest.Reply(http.StatusServiceUnavailable, "", "Retry-After", "3600"), issuertest.Reply(http.StatusServiceUnavailable, "", "Retry-After", "3600"), nil, nil,
			"It asks to wait until",
		},
		"server is down": {
			blocks: func(*cloudflaretest.Server, *venafitest.Server) (string, string) {
				return `base_url = "https://127.0.0.1:1"`, `url = "https://127.0.0.1:1"`
			}, prints: "the connection was refused",
		},
		"untrusted certificate": {
			blocks: func(c *cloudflaretest.Server, v *venafitest.Server) (string, string) {
				return fmt.Sprintf("base_url = %q", c.BaseURL()), fmt.Sprintf("url = %q", v.URL)
			}, prints: "authority that is not trusted",
		},
		"proxy": {
			blocks: func(*cloudflaretest.Server, *venafitest.Server) (string, string) {
				return `base_url = "https://issuer.test"`, `url = "https://issuer.test"`
			}, env: []string{"HTTPS_PROXY=http://127.0.0.1:1"}, prints: "the proxy cannot be reached",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			c, v := newCloudflare(t), newVenafi(t, venafiToken())
			v.SetClock(c.Now)

			blockC, blockV := fmt.Sprintf("base_url = %q, trust_bundle = %q", c.BaseURL(), c.TrustBundle), fmt.Sprintf("url = %q, trust_bundle = %q", v.URL, v.TrustBundle)
			if test.blocks != nil {
				blockC, blockV = test.blocks(c, v)
			}

			config, tokens := canaries(blockC, blockV)

			for _, secret := range tokens {
				token := venafiToken()
				token.IssuedOn = c.Now()

				c.Set(secret, cloudflaretest.Token{ID: tokenID})
				v.Set(secret, token)
			}

			c.SetFault(test.faultC)
			v.SetFault(test.faultV)

			w := clitest.Workspace(t, map[string]string{"main.tf": config, "canary.token": tokens["file"] + "\n"})
			env := append(slices.Clone(test.env),
				"CLOUDFLARE_API_TOKEN="+tokens["own"], "VENAFI_TOKEN="+tokens["own"], "CANARY_ENV="+tokens["env"],
				"TF_VAR_argument="+tokens["argument"], "TF_VAR_configured="+tokens["provider"], "TF_VAR_fleeting="+tokens["ephemeral"],
				"TF_LOG=TRACE", "TF_LOG_PATH="+filepath.Join(w.Dir, "trace.log"))

			works := test.prints == ""
			blobs := canaryRun(t, w, env, works, test.prints)

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

			if log := blobs["trace.log"]; !bytes.Contains(log, []byte("provider.terraform-provider-tokencheck")) || test.blocks == nil && !bytes.Contains(log, []byte("asked the issuer")) {
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
func surplus(w http.ResponseWriter, r *http.Request) {
	if r.ProtoMajor > 1 { // HTTP/2 has no such thing.
		issuertest.Reply(http.StatusUnauthorized, cloudflaretest.BodyInvalid)(w, r)

		return
	}

	issuertest.Raw(fmt.Sprintf("HTTP/1.1 401 Unauthorized\r\nContent-Length: %d\r\n\r\n%s%s",
		len(venafitest.BodyInvalid), venafitest.BodyInvalid, r.Header.Get("Authorization")))(w, r)
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
