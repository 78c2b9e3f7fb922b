// Package cli runs a Terraform or OpenTofu CLI with the built provider as a user
// would: from a filesystem mirror, in its own directory, without network access.
// The demo, the benchmark, and the tests of the binary use it.
package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"
)

// interruptPatience is how long an interrupted CLI may take to exit.
const interruptPatience = 30 * time.Second

// version is the version of providers in the mirror, except of [StandIns].
const version = "0.1.0"

// lockFile is the dependency lock file that init writes.
const lockFile = ".terraform.lock.hcl"

// Find returns the path of the CLI: TF_ACC_TERRAFORM_PATH, as for
// terraform-plugin-testing, else the first one in PATH.
func Find() (string, error) {
	if named := os.Getenv("TF_ACC_TERRAFORM_PATH"); named != "" {
		return named, nil
	}
	for _, name := range []string{"terraform", "tofu"} {
		if found, err := exec.LookPath(name); err == nil {
			return found, nil
		}
	}
	return "", errors.New("neither terraform nor tofu is in PATH")
}

// IsOpenTofu reports whether the CLI at path is OpenTofu, not Terraform. It looks
// at the first line of "version": the version alone is ambiguous.
func IsOpenTofu(ctx context.Context, path string) (bool, error) {
	out, err := exec.CommandContext(ctx, path, "version").Output()
	if err != nil {
		return false, fmt.Errorf("getting the CLI's version: %w", err)
	}
	return bytes.Contains(out, []byte("OpenTofu v")), nil
}

// Root returns the root directory of this module and repository.
func Root(ctx context.Context) (string, error) {
	file, err := exec.CommandContext(ctx, "go", "env", "GOMOD").Output()
	if err != nil {
		return "", fmt.Errorf("finding the module: %w", err)
	}
	return filepath.Dir(strings.TrimSpace(string(file))), nil
}

// Tool returns the path of a command that is pinned in tools/ or in a module below
// it. Go builds the command unless it is cached.
func Tool(ctx context.Context, module, name string) (string, error) {
	root, err := Root(ctx)
	if err != nil {
		return "", err
	}
	out, err := exec.CommandContext(ctx, "go", "tool", "-modfile="+filepath.Join(root, "tools", module, "go.mod"), "-n", name).Output()
	if err != nil {
		return "", fmt.Errorf("building %s: %w", name, err)
	}
	return strings.TrimSpace(string(out)), nil
}

// Build builds the provider and the stand-ins into a mirror in dir, and returns the
// mirror's path.
func Build(ctx context.Context, dir string) (mirror string, err error) {
	binary, err := Compile(ctx, dir, "tokencheck", ".")
	if err != nil {
		return "", err
	}
	standIn, err := Compile(ctx, dir, "standin", "./internal/cli/standin")
	if err != nil {
		return "", err
	}

	mirror = filepath.Join(dir, "mirror")
	err = Install(mirror, "tokencheck/tokencheck", binary)
	for _, s := range StandIns() {
		err = errors.Join(err, Install(mirror, s.Source, standIn))
	}
	return mirror, err
}

// Compile builds a provider from source, a package path relative to the module's
// root, into dir, and returns the binary's path. If make has already built the
// provider for all tests, it returns that one, because linking is slow.
func Compile(ctx context.Context, dir, name, source string) (binary string, err error) {
	file := "terraform-provider-" + name
	if built := os.Getenv("TOKENCHECK_TEST_PROVIDERS"); built != "" {
		binary = filepath.Join(built, file)
		if _, err := os.Stat(binary); err == nil {
			return binary, nil
		}
	}

	root, err := Root(ctx)
	if err != nil {
		return "", err
	}
	binary = filepath.Join(dir, file)
	build := exec.CommandContext(ctx, "go", "build", "-o", binary, "-ldflags=-s -w", source)
	build.Dir = root
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("building the provider: %w\n%s", err, out)
	}
	return binary, nil
}

// Registries returns the registry host names under which the CLIs look for a
// provider in a mirror.
func Registries() []string { return []string{"registry.terraform.io", "registry.opentofu.org"} }

// Install adds a provider's binary to a mirror under its source, "NAMESPACE/NAME".
func Install(mirror, source, binary string) error {
	version := version
	for _, s := range StandIns() {
		if s.Source == source {
			version = s.Version
		}
	}

	for _, registry := range Registries() {
		target := filepath.Join(mirror, registry, filepath.FromSlash(source), version, runtime.GOOS+"_"+runtime.GOARCH)
		if err := os.MkdirAll(target, 0o755); err != nil {
			return fmt.Errorf("creating the mirror: %w", err)
		}
		name := "terraform-provider-" + path.Base(source) + "_v" + version
		if runtime.GOOS == "windows" {
			name += ".exe"
		}
		if err := place(binary, filepath.Join(target, name)); err != nil {
			return fmt.Errorf("filling the mirror: %w", err)
		}
	}
	return nil
}

// place links a file, or copies it if that fails, as between file systems.
func place(file, target string) error {
	if os.Link(file, target) == nil {
		return nil
	}
	content, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	return os.WriteFile(target, content, 0o755)
}

// Workspace is a directory with a configuration.
type Workspace struct {
	Dir string

	path, mirror string
	env          []string
}

// NewWorkspace writes files, by name, to dir and initializes it with the provider
// from the mirror. The environment is the least that a run needs: a developer's own
// tokens, servers and proxies must not affect it.
func NewWorkspace(ctx context.Context, path, mirror, dir string, files map[string]string) (*Workspace, error) {
	w, err := write(path, mirror, dir, files)
	if err != nil {
		return nil, err
	}
	if result := w.Run(ctx, nil, "init", "-no-color"); result.Err != nil {
		return nil, fmt.Errorf("init: %w\n%s", result.Err, result.Output)
	}
	return w, nil
}

// NewWorkspaceLike is NewWorkspace without init: it reuses what init created in
// another workspace, whose configuration needs the same providers and no modules.
func NewWorkspaceLike(initialised *Workspace, dir string, files map[string]string) (*Workspace, error) {
	lock, err := os.ReadFile(filepath.Join(initialised.Dir, lockFile))
	if err != nil {
		return nil, fmt.Errorf("reading the lock file: %w", err)
	}

	w, err := write(initialised.path, initialised.mirror, dir, files)
	// The providers are only read, and the same for all.
	const providers = ".terraform/providers"
	err = errors.Join(err, os.WriteFile(filepath.Join(dir, lockFile), lock, 0o600), os.Mkdir(filepath.Join(dir, ".terraform"), 0o700),
		os.Symlink(filepath.Join(initialised.Dir, providers), filepath.Join(dir, providers)))
	return w, err
}

func write(path, mirror, dir string, files map[string]string) (*Workspace, error) {
	w := &Workspace{Dir: dir, path: path, mirror: mirror}
	config := filepath.Join(dir, "cli.tfrc")
	files[filepath.Base(config)] = fmt.Sprintf("disable_checkpoint = true\nprovider_installation {\n  filesystem_mirror {\n    path = %q\n  }\n}\n", mirror)

	for name, text := range files {
		file := filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o700), os.WriteFile(file, []byte(text), 0o600)); err != nil {
			return nil, fmt.Errorf("writing the configuration: %w", err)
		}
	}

	for _, name := range []string{"PATH", "HOME", "TMPDIR", "TEMP", "SystemRoot", "LocalAppData", "APPDATA", "GOMAXPROCS", "GOCOVERDIR", "TF_DISABLE_PLUGIN_TLS"} {
		if value, ok := os.LookupEnv(name); ok {
			w.env = append(w.env, name+"="+value)
		}
	}
	w.env = append(w.env, "TF_CLI_CONFIG_FILE="+config, "TF_IN_AUTOMATION=1", "CHECKPOINT_DISABLE=1")
	return w, nil
}

// Result is the result of a command.
type Result struct {
	// Output is what the command printed, errors last, and Stdout its standard output.
	Output, Stdout string
	// Err is nil if the command succeeded.
	Err error
}

// Run runs a command of the CLI with additional environment variables, each as
// "NAME=value". When the context is done, it interrupts the CLI as Ctrl-C would.
func (w *Workspace) Run(ctx context.Context, env []string, args ...string) Result {
	var stdout, stderr bytes.Buffer
	command := exec.CommandContext(ctx, w.path, args...)
	command.Dir, command.Env = w.Dir, slices.Concat(w.env, env)
	command.Stdout, command.Stderr = &stdout, &stderr
	command.Cancel = func() error { return command.Process.Signal(os.Interrupt) }
	command.WaitDelay = interruptPatience

	err := command.Run()
	return Result{Output: stdout.String() + stderr.String(), Stdout: stdout.String(), Err: err}
}
