// Package clitest lets tests run a Terraform or OpenTofu CLI with the built
// provider, and check its output.
package clitest

import (
	"context"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"github.com/tokencheck/terraform-provider-tokencheck/internal/cli"
)

// Require begins a configuration with the required providers: this one, and those of
// [cli.StandIns] that it uses. The CLI starts each required provider for its schema.
func Require(config string) string {
	var b strings.Builder
	b.WriteString("terraform {\n  required_providers {\n    tokencheck = { source = \"tokencheck/tokencheck\" }\n")
	for _, s := range cli.StandIns() {
		if name := path.Base(s.Source); strings.Contains(config, fmt.Sprintf("provider %q", name)) || strings.Contains(config, `"`+name+"_") {
			fmt.Fprintf(&b, "    %s = { source = %q }\n", name, s.Source)
		}
	}
	return b.String() + "  }\n}\n" + config
}

var (
	mirrorDir string

	// mirror builds the providers once for all tests of a package.
	mirror = sync.OnceValue(func() string { return must(cli.Build(context.Background(), mirrorDir)) })
	// initialized is a workspace that saves most others an init.
	initialized = sync.OnceValue(func() *cli.Workspace {
		var all strings.Builder
		for _, s := range cli.StandIns() {
			fmt.Fprintf(&all, "provider %q {}\n", path.Base(s.Source))
		}
		return must(open(context.Background(), filepath.Join(mirrorDir, "init"), map[string]string{"main.tf": Require(all.String())}))
	})
	openTofu = sync.OnceValue(func() bool { return must(cli.IsOpenTofu(context.Background(), must(cli.Find()))) })

	// callsModule matches a configuration or test for which init must install modules.
	callsModule = regexp.MustCompile(`(?m)^\s*module\b`)
)

// Main is the TestMain of a package that runs the CLI. It also fails if goroutines
// are left.
func Main(m goleak.TestingM) {
	// Other tests use the cores: more threads for each CLI and its providers cost a
	// tenth more. Encrypted pipes between the two cost another third.
	_ = os.Setenv("GOMAXPROCS", "1")
	_ = os.Setenv("TF_DISABLE_PLUGIN_TLS", "1")

	mirrorDir = must(os.MkdirTemp("", "tokencheck-test-"))
	exit := func(code int) {
		_ = os.RemoveAll(mirrorDir)
		os.Exit(code)
	}
	if os.Getenv("TF_ACC") != "" { // A real issuer keeps connections open.
		exit(m.Run())
	}
	goleak.VerifyTestMain(m, goleak.Cleanup(exit))
}

// Workspace creates a directory with a configuration, files by name, and the built
// provider.
func Workspace(t *testing.T, files map[string]string) *cli.Workspace {
	t.Helper()
	create := func() (*cli.Workspace, error) { return cli.NewWorkspaceLike(initialized(), t.TempDir(), files) }
	for _, text := range files {
		if callsModule.MatchString(text) {
			create = func() (*cli.Workspace, error) { return open(t.Context(), t.TempDir(), files) }
		}
	}
	w, err := create()
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// open creates a workspace and runs init.
func open(ctx context.Context, dir string, files map[string]string) (*cli.Workspace, error) {
	return cli.NewWorkspace(ctx, must(cli.Find()), mirror(), dir, files)
}

// OpenTofu reports whether the tests run on OpenTofu, not Terraform.
func OpenTofu(t *testing.T) bool {
	t.Helper()
	return openTofu()
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

// diagnosticStart matches the start of each of the CLI's diagnostics, with or
// without a box around them.
var diagnosticStart = regexp.MustCompile(`(?m)^[│ ]*(?:Error|Warning): `)

// Diagnostics splits the CLI's output into its diagnostics, each without its
// severity.
func Diagnostics(output string) []string { return diagnosticStart.Split(output, -1)[1:] }

// Root returns the root directory of the repository.
func Root(t *testing.T) string {
	t.Helper()
	return must(cli.Root(t.Context()))
}

// Tool returns the path of a pinned command, see [cli.Tool].
func Tool(t *testing.T, module, name string) string {
	t.Helper()
	return must(cli.Tool(t.Context(), module, name))
}

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}
