// Package clitest lets tests run a Terraform or OpenTofu CLI with the built
// provider, and check its output.
package clitest

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"github.com/tokencheck/terraform-provider-tokencheck/internal/cli"
)

// RequiredProviders is the start of each configuration.
const RequiredProviders = `terraform {
  required_providers {
    tokencheck = { source = "tokencheck/tokencheck" }
  }
}
`

// RequiredWithStandIns also requires the providers of [cli.InstallStandIns].
const RequiredWithStandIns = `terraform {
  required_providers {
    cloudflare = { source = "cloudflare/cloudflare" }
    tokencheck = { source = "tokencheck/tokencheck" }
    venafi     = { source = "venafi/venafi" }
  }
}
`

var (
	mirrorDir string

	// mirror builds the provider once for all tests of a package.
	mirror = sync.OnceValues(func() (string, error) { return cli.Build(context.Background(), mirrorDir) })

	// initialised and withStandIns are workspaces that save most others an init:
	// without and with the stand-ins for other providers.
	initialised  = sync.OnceValues(func() (*cli.Workspace, error) { return prepare("init", RequiredProviders) })
	withStandIns = sync.OnceValues(func() (*cli.Workspace, error) {
		built, err := mirror()
		if err != nil {
			return nil, err
		}

		if err := cli.InstallStandIns(context.Background(), built, mirrorDir); err != nil {
			return nil, err
		}

		return prepare("init-standins", RequiredWithStandIns)
	})

	// usesStandIn matches a configuration that requires a stand-in.
	usesStandIn = regexp.MustCompile(`source\s+= "(cloudflare/cloudflare|venafi/venafi)"`)

	// callsModule matches a configuration or test for which init must install modules.
	callsModule = regexp.MustCompile(`(?m)^\s*module\b`)

	path = sync.OnceValues(cli.Find)

	openTofu = sync.OnceValues(func() (bool, error) {
		found, err := path()
		if err != nil {
			return false, err
		}

		return cli.IsOpenTofu(context.Background(), found)
	})
)

// Main is the TestMain of a package that runs the CLI. It also fails if goroutines
// are left.
func Main(m goleak.TestingM) {
	// Other tests use the cores: more threads for each CLI and its providers cost a
	// tenth more.
	_ = os.Setenv("GOMAXPROCS", "1")

	dir, err := os.MkdirTemp("", "tokencheck-test-")
	if err != nil {
		panic(err)
	}

	mirrorDir = dir

	goleak.VerifyTestMain(m,
		// From go-plugin, in the client with which terraform-plugin-testing starts a
		// provider: with some CLIs it is still copying after the last test.
		goleak.IgnoreAnyFunction("github.com/hashicorp/go-plugin.copyChan"),
		goleak.Cleanup(func(code int) {
			_ = os.RemoveAll(dir)

			os.Exit(code)
		}))
}

// Workspace creates a directory with a configuration, files by name, and the built
// provider.
func Workspace(t *testing.T, files map[string]string) *cli.Workspace {
	t.Helper()

	w, err := workspace(t.Context(), t.TempDir(), files)
	if err != nil {
		t.Fatal(err)
	}

	return w
}

func workspace(ctx context.Context, dir string, files map[string]string) (*cli.Workspace, error) {
	prepared, module := initialised, false

	for _, text := range files {
		module = module || callsModule.MatchString(text)

		if usesStandIn.MatchString(text) {
			prepared = withStandIns
		}
	}

	like, err := prepared()
	if err != nil {
		return nil, err
	}

	if module {
		return open(ctx, dir, files)
	}

	return cli.NewWorkspaceLike(like, dir, files)
}

// open creates a workspace and runs init.
func open(ctx context.Context, dir string, files map[string]string) (*cli.Workspace, error) {
	found, err := path()
	if err != nil {
		return nil, err
	}

	built, err := mirror()
	if err != nil {
		return nil, err
	}

	return cli.NewWorkspace(ctx, found, built, dir, files)
}

func prepare(name, config string) (*cli.Workspace, error) {
	dir := filepath.Join(mirrorDir, name)
	if err := os.Mkdir(dir, 0o700); err != nil {
		return nil, err
	}

	return open(context.Background(), dir, map[string]string{"main.tf": config})
}

// OpenTofu reports whether the tests run on OpenTofu, not Terraform.
func OpenTofu(t *testing.T) bool {
	t.Helper()

	is, err := openTofu()
	if err != nil {
		t.Fatal(err)
	}

	return is
}

// Run runs a command that must succeed, or must fail, and must print each text.
func Run(t *testing.T, w *cli.Workspace, env []string, succeed bool, args []string, texts ...string) cli.Result {
	t.Helper()

	result := w.Run(t.Context(), env, args...)
	if (result.Err == nil) != succeed {
		t.Fatalf("%v: %v, want success: %t\n%s", args, result.Err, succeed, result.Output)
	}

	for _, text := range texts {
		if !Says(text).MatchString(result.Output) {
			t.Errorf("%v does not print %q:\n%s", args, text, result.Output)
		}
	}

	return result
}

// Says returns a pattern for text in the CLI's output, which wraps lines.
func Says(text string) *regexp.Regexp {
	return regexp.MustCompile("(?s)" + strings.ReplaceAll(regexp.QuoteMeta(text), " ", `[\s│]+`))
}

// Plan is the output of show -json for a saved plan.
type Plan struct {
	PriorState struct {
		Values struct {
			RootModule Module `json:"root_module"`
		} `json:"values"`
	} `json:"prior_state"`
	Checks []struct {
		Status string `json:"status"`
	} `json:"checks"`
	Errored bool `json:"errored"`
}

// Module is a module in a plan, with its child modules.
type Module struct {
	Resources []struct {
		Address string         `json:"address"`
		Values  map[string]any `json:"values"`
	} `json:"resources"`
	ChildModules []Module `json:"child_modules"`
}

// Find returns the attributes of the resource at an address, or nil.
func (m Module) Find(address string) map[string]any {
	for _, r := range m.Resources {
		if r.Address == address {
			return r.Values
		}
	}

	for _, child := range m.ChildModules {
		if found := child.Find(address); found != nil {
			return found
		}
	}

	return nil
}

// Show returns a saved plan.
func Show(t *testing.T, w *cli.Workspace, env []string, file string) Plan {
	t.Helper()

	var p Plan
	if err := json.Unmarshal([]byte(Run(t, w, env, true, []string{"show", "-json", file}).Stdout), &p); err != nil {
		t.Fatal(err)
	}

	return p
}

// Root returns the root directory of the repository.
func Root(t *testing.T) string {
	t.Helper()

	root, err := cli.Root(t.Context())
	if err != nil {
		t.Fatal(err)
	}

	return root
}

// Tool returns the path of a pinned command, see [cli.Tool].
func Tool(t *testing.T, module, name string) string {
	t.Helper()

	found, err := cli.Tool(t.Context(), module, name)
	if err != nil {
		t.Fatal(err)
	}

	return found
}
