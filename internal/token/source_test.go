package token_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tokencheck/terraform-provider-tokencheck/internal/token"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/verdict"
)

// env is a lookup in a fixed environment.
func env(variables map[string]string) func(string) (string, bool) {
	return func(name string) (string, bool) { value, ok := variables[name]; return value, ok }
}

// wantFault asserts that err is an error about a token source, which names no
// argument, since the CLI would print its line, and has no part of the token.
func wantFault(t *testing.T, got token.Token, err error, title, part string) {
	t.Helper()

	fault, ok := errors.AsType[*verdict.Error](err)
	if !ok || got.Reveal() != "" {
		t.Fatalf("%v, %v; want an error", got, err)
	}
	if fault.Title != title || !strings.Contains(fault.Detail(), part) || fault.Remedy == "" || fault.Argument != "" || fault.ValidityUnknown || newToken(t, secret).In(err.Error()) {
		t.Errorf("%+v; want %q with %q, without the token", fault, title, part)
	}
}

// TestOrder sets every source, and removes the one that was used.
func TestOrder(t *testing.T) {
	t.Parallel()

	target := filepath.Join(t.TempDir(), "token") // Exactly 64 KiB.
	os.WriteFile(target, []byte(strings.Repeat("\n", 64<<10-9)+"from-file"), 0o600)
	file := target + ".link"
	if os.Symlink(target, file) != nil { // Windows may not allow it.
		file = target
	}
	variables := map[string]string{"EXAMPLE_TOKEN": "from-variable", "OTHER": " from-env\n"}
	s := token.Sources{Names: names, Value: new("\tfrom-argument"), Env: new("OTHER"), File: &file, FromProvider: new("from-provider "), LookupEnv: env(variables)}

	for _, step := range []struct {
		want, source string
		warnings     int
		remove       func()
	}{
		{"from-argument", "argument", 0, func() { s.Value = nil }},
		{"from-env", "env:OTHER", 0, func() { s.Env = nil }},
		{"from-file", "file:" + file, 0, func() { s.File = nil }},
		{"from-provider", "provider", 0, func() { s.FromProvider = nil }},
		{"from-variable", "env:EXAMPLE_TOKEN", 0, func() { variables["EXAMPLE_TOKEN"] = "trailing\n" }},
		{"trailing", "env:EXAMPLE_TOKEN", 1, func() { s.Env = new("EXAMPLE_TOKEN") }}, // Only this variable is read by other providers.
		{"trailing", "env:EXAMPLE_TOKEN", 1, func() { s.Env, variables["EXAMPLE_TOKEN"], variables["EX_TOKEN"] = nil, "", "x" }},
	} {
		got, warnings, err := s.Resolve(t.Context())
		if err != nil || got.Reveal() != step.want || got.Source() != step.source || len(warnings) != step.warnings {
			t.Errorf("token %q from %s, %v, %v; want %+v", got.Reveal(), got.Source(), warnings, err, step)
		}
		step.remove()
	}

	// An empty variable of the issuer is as good as none: all sources are named, and the
	// variable of another tool, but not the one that is not set.
	got, _, err := s.Resolve(t.Context())
	for _, part := range []string{"EXAMPLE_TOKEN", "api_token_env", "api_token_file", "example.api_token", "EX_TOKEN", "HINT."} {
		wantFault(t, got, err, "No token to verify", part)
	}
	if strings.Contains(err.Error(), "OTHER HINT.") {
		t.Errorf("%v has a hint about a variable that is not set", err)
	}
}

// TestUnusable covers sources that are set, but have no token: an error, although the
// provider configuration has one.
func TestUnusable(t *testing.T) {
	t.Parallel()

	dir := t.TempDir()
	large := filepath.Join(dir, "large")
	os.WriteFile(large, []byte(strings.Repeat("\n", 64<<10)+"a"), 0o600)
	variables := map[string]string{"EMPTY": "", "EXAMPLE_TOKEN": "Bearer " + secret}

	const malformed, unset, unreadable = "Malformed token", "Token variable is not set", "Token file cannot be read"
	for _, test := range []struct {
		give        token.Sources
		title, part string
	}{
		{token.Sources{Env: new("EXAMPLE_TOKEN")}, malformed, "EXAMPLE_TOKEN"},
		{token.Sources{Value: new("")}, malformed, "api_token"},
		{token.Sources{Env: new("UNSET")}, unset, "api_token_env"},
		{token.Sources{Env: new("EMPTY")}, unset, "api_token_env"},
		{token.Sources{Env: new(secret)}, unset, "api_token_env"},
		{token.Sources{File: new(secret)}, unreadable, "api_token_file"},
		{token.Sources{File: new(strings.Repeat(secret, 200))}, unreadable, "api_token_file"},
		// On Linux, files that cannot be opened, and not be read, even by root.
		{token.Sources{File: new("/proc/sys/vm/compact_memory")}, unreadable, "api_token_file"},
		{token.Sources{File: new("/proc/self/mem")}, unreadable, "api_token_file"},
		{token.Sources{File: &dir}, unreadable, "not a regular"},
		{token.Sources{File: &large}, unreadable, "larger than"},
		{token.Sources{Value: new("token.go")}, malformed, "api_token_file"},
	} {
		test.give.Names, test.give.LookupEnv, test.give.FromProvider = names, env(variables), new("from-provider")
		got, _, err := test.give.Resolve(t.Context())
		wantFault(t, got, err, test.title, test.part)
	}

	// A malformed token in the provider configuration does not lead to the variable.
	got, _, err := token.Sources{Names: names, FromProvider: new(""), LookupEnv: env(map[string]string{"EXAMPLE_TOKEN": "x"})}.Resolve(t.Context())
	wantFault(t, got, err, malformed, "example.api_token")
}

func TestCheckEnvName(t *testing.T) {
	t.Parallel()

	for name, ok := range map[string]bool{
		"TOKEN": true, "lower_case": true, "A.B-C": true, "ProgramFiles(x86)": true,
		"": false, "$TOKEN": false, "${TOKEN}": false, "TOKEN=" + secret: false, "MY TOKEN": false, " TOKEN": false, "TOKEN\t": false, "TOKEN\r": false, "TOKEN\n": false, "TOKEN\x00": false,
	} {
		if err := token.CheckEnvName(name); (err == nil) != ok || err != nil && newToken(t, secret).In(err.Error()) {
			t.Errorf("CheckEnvName(%q) = %v", name, err)
		}
	}
}
