package token_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/tokencheck/terraform-provider-tokencheck/internal/token"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/verdict"
)

func TestClean(t *testing.T) {
	t.Parallel()

	tests := []struct {
		name, raw string
		want      string // the token, "" if rejected
		fault     string // part of the fault
	}{
		// Length and pattern are not checked.
		{name: "plain", raw: secret, want: secret},
		{name: "one character", raw: "a", want: "a"},
		{name: "long", raw: strings.Repeat("a", 5000), want: strings.Repeat("a", 5000)},
		{name: "base64", raw: "4MyGeneratedBearerTknz==", want: "4MyGeneratedBearerTknz=="},
		{name: "with prefix", raw: "cfut_abc-DEF_123.~+/", want: "cfut_abc-DEF_123.~+/"},
		{name: "all printable ASCII", raw: "a!#$%&()*+,-./:;<=>?@[]^_{|}~'\"`\\z", want: "a!#$%&()*+,-./:;<=>?@[]^_{|}~'\"`\\z"},
		{name: "single dollar", raw: "a$b{c}", want: "a$b{c}"},
		{name: "begins with Bearer, no space", raw: "BearerToken", want: "BearerToken"},
		{name: "trailing newline", raw: secret + "\n", want: secret},
		{name: "trailing CRLF", raw: secret + "\r\n", want: secret},

		{name: "empty", raw: "", fault: "empty"},
		{name: "newline only", raw: "\n", fault: "empty"},
		{name: "CRLF only", raw: "\r\n", fault: "empty"},
		{name: "two trailing newlines", raw: secret + "\n\n", fault: "newline"},
		{name: "two trailing CRLFs", raw: secret + "\r\n\r\n", fault: "newline"},
		{name: "newline, then carriage return", raw: secret + "\n\r", fault: "newline"},
		{name: "trailing carriage return", raw: secret + "\r", fault: "newline"},
		{name: "two carriage returns and a newline", raw: secret + "\r\r\n", fault: "newline"},
		{name: "leading newline", raw: "\n" + secret, fault: "newline"},
		{name: "two lines", raw: secret + "\n" + secret, fault: "newline"},
		{name: "an env file", raw: "TOKEN=" + secret + "\nOTHER=1\n", fault: "newline"},
		{name: "leading space", raw: " " + secret, fault: "whitespace"},
		{name: "trailing space", raw: secret + " ", fault: "whitespace"},
		{name: "space before the trailing newline", raw: secret + " \n", fault: "whitespace"},
		{name: "inner space", raw: secret[:9] + " " + secret[9:], fault: "whitespace"},
		{name: "tab", raw: secret + "\t", fault: "whitespace"},
		{name: "spaces only", raw: "   ", fault: "whitespace"},
		{name: "double quotes", raw: `"` + secret + `"`, fault: "quotes"},
		{name: "single quotes", raw: "'" + secret + "'", fault: "quotes"},
		{name: "backticks", raw: "`" + secret + "`", fault: "quotes"},
		{name: "leading quote", raw: `"` + secret, fault: "quotes"},
		{name: "trailing quote", raw: secret + "'", fault: "quotes"},
		{name: "quotes and trailing newline", raw: `"` + secret + "\"\n", fault: "quotes"},
		{name: "curly quotes", raw: "“" + secret + "”", fault: "quotes"},
		{name: "single curly quotes", raw: "‘" + secret + "’", fault: "quotes"},
		{name: "bearer", raw: "Bearer " + secret, fault: "Bearer"},
		{name: "lowercase bearer", raw: "bearer " + secret, fault: "Bearer"},
		{name: "uppercase bearer", raw: "BEARER " + secret, fault: "Bearer"},
		{name: "bearer alone", raw: "Bearer ", fault: "Bearer"},
		{name: "bearer and a tab", raw: "Bearer\t" + secret, fault: ""},
		{name: "not interpolated", raw: "${CLOUDFLARE_API_TOKEN}", fault: "${"},
		{name: "interpolation inside", raw: "cfut_${TOKEN}", fault: "${"},
		{name: "GitHub expression", raw: "${{secrets.TOKEN}}", fault: "${"},
		{name: "a URL", raw: "https://" + secret, fault: "is a URL"},
		{name: "byte order mark", raw: "\ufeff" + secret, fault: "byte order mark"},
		{name: "UTF-16", raw: "\xff\xfea\x00\n\x00", fault: "byte order mark"},
		{name: "UTF-16, big-endian", raw: "\xfe\xff\x00a\x00\n", fault: "byte order mark"},
		{name: "NUL", raw: secret + "\x00", fault: "printable ASCII"},
		{name: "escape", raw: "\x1b[31m" + secret, fault: "printable ASCII"},
		{name: "DEL", raw: secret + "\x7f", fault: "printable ASCII"},
		{name: "vertical tab", raw: secret + "\v", fault: ""},
		{name: "no-break space", raw: secret + "\u00a0", fault: "printable ASCII"},
		{name: "zero-width space", raw: secret[:5] + "\u200b" + secret[5:], fault: "printable ASCII"},
		{name: "non-ASCII letter", raw: secret + "é", fault: "printable ASCII"},
		{name: "homoglyph", raw: "а" + secret, fault: "printable ASCII"},
		{name: "invalid UTF-8", raw: secret + "\xff", fault: "printable ASCII"},
		{name: "header injection", raw: secret + "\r\nX-Evil: 1", fault: "newline"},
	}

	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()

			got, err := token.Clean(test.raw)
			if test.want != "" {
				if err != nil || got != test.want {
					t.Fatalf("Clean returned %q, %v; want %q", got, err, test.want)
				}

				return
			}

			if err == nil || got != "" {
				t.Fatalf("Clean returned %q, %v; want a fault", got, err)
			}

			if !strings.Contains(err.Error(), test.fault) {
				t.Errorf("fault = %q, want it to name %q", err, test.fault)
			}

			if newToken(t, secret).In(err.Error()) {
				t.Errorf("fault = %q repeats the value", err)
			}
		})
	}
}

// env is a lookup in a fixed environment.
func env(variables map[string]string) func(string) (string, bool) {
	return func(name string) (string, bool) {
		value, ok := variables[name]

		return value, ok
	}
}

func TestResolve(t *testing.T) {
	t.Parallel()

	dir := t.TempDir()
	write := func(name, content string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}

		return path
	}

	file := write("token", "from-file")
	fifo := filepath.Join(dir, "pipe")

	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}

	link := filepath.Join(dir, "link")
	if err := os.Symlink(file, link); err != nil {
		t.Fatal(err)
	}

	dangling := filepath.Join(dir, "dangling")
	if err := os.Symlink(filepath.Join(dir, "nowhere"), dangling); err != nil {
		t.Fatal(err)
	}

	environment := map[string]string{
		"EXAMPLE_TOKEN": "from-issuer-variable", "OTHER": "from-env", "EMPTY": "", "LINE": "from-env\n", "QUOTED": `"` + secret + `"`,
		"lower_case": "from-lower", "A!~": "from-marks", secret: "never",
	}

	tests := []struct {
		name   string
		give   token.Sources
		env    map[string]string
		want   string // the token, "" if an error is wanted
		source string

		detail  []string
		err     error
		warning string // whole
	}{
		// Order of precedence.
		{name: "argument", give: token.Sources{Value: new("from-argument"), FromProvider: new("from-provider")}, want: "from-argument", source: "argument"},
		{name: "variable named by the check", give: token.Sources{Env: new("OTHER"), FromProvider: new("from-provider")}, want: "from-env", source: "env:OTHER"},
		{name: "file named by the check", give: token.Sources{File: &file, FromProvider: new("from-provider")}, want: "from-file", source: "file:" + file},
		{name: "provider configuration before the issuer's variable", give: token.Sources{FromProvider: new("from-provider")}, want: "from-provider", source: "provider"},
		{name: "issuer's variable", give: token.Sources{}, want: "from-issuer-variable", source: "env:EXAMPLE_TOKEN"},
		{name: "issuer's variable with trailing CRLF", give: token.Sources{}, env: map[string]string{"EXAMPLE_TOKEN": "abc\r\n"}, want: "abc", source: "env:EXAMPLE_TOKEN", warning: "Trailing newline in EXAMPLE_TOKEN: The environment variable EXAMPLE_TOKEN ends with a newline. " +
			"This provider ignores it, but other providers may send it and fail. Remove the newline where the variable is set, for example with printf instead of echo."},
		{name: "issuer's variable named by the check", give: token.Sources{Env: new("EXAMPLE_TOKEN")}, want: "from-issuer-variable", source: "env:EXAMPLE_TOKEN"},
		{name: "lowercase variable", give: token.Sources{Env: new("lower_case")}, want: "from-lower", source: "env:lower_case"},
		{name: "variable with punctuation", give: token.Sources{Env: new("A!~")}, want: "from-marks", source: "env:A!~"},
		{name: "trailing newline", give: token.Sources{Env: new("LINE")}, want: "from-env", source: "env:LINE"},

		// No source set: all are named.
		{
			name: "no source", env: map[string]string{},
			detail: []string{"Set the environment variable EXAMPLE_TOKEN. Or set api_token_env (the name of another variable) or api_token_file (a path) in this check, or example.api_token in"},
		},
		{
			name: "only a variable of another tool", env: map[string]string{"EX_TOKEN": "x"},
			detail: []string{"HINT about EX_TOKEN."},
		},
		{name: "issuer's variable is empty", env: map[string]string{"EXAMPLE_TOKEN": ""}, detail: []string{"EXAMPLE_TOKEN"}},

		// An empty source does not fall back to the next one.
		{name: "empty argument", give: token.Sources{Value: new(""), FromProvider: new("x")}, detail: []string{"api_token", "empty"}},
		{name: "empty name of a variable", give: token.Sources{Env: new(""), FromProvider: new("x")}, detail: []string{"The value of api_token_env is empty."}},
		{name: "empty path", give: token.Sources{File: new(""), FromProvider: new("x")}, detail: []string{"The path in api_token_file is empty."}},
		{name: "empty in the provider configuration", give: token.Sources{FromProvider: new("")}, detail: []string{"The value of example.api_token in the provider configuration is empty."}},
		{name: "variable is not set", give: token.Sources{Env: new("UNSET"), FromProvider: new("x")}, detail: []string{"api_token_env", "is not set"}},
		{name: "variable is empty", give: token.Sources{Env: new("EMPTY"), FromProvider: new("x")}, detail: []string{"api_token_env", "empty"}},

		// Malformed tokens.
		{name: "argument with quotes", give: token.Sources{Value: new(`"` + secret + `"`)}, detail: []string{"The value of api_token has surrounding quotes."}},
		{name: "argument with a byte order mark", give: token.Sources{Value: new("\ufeff" + secret)}, detail: []string{"api_token begins with a byte order mark"}},
		{name: "argument with bearer", give: token.Sources{Value: new("Bearer " + secret)}, detail: []string{"Bearer"}},
		{name: "variable with quotes", give: token.Sources{Env: new("QUOTED")}, detail: []string{"QUOTED", "quotes"}},
		{name: "provider configuration with space", give: token.Sources{FromProvider: new("a " + secret)}, detail: []string{"example.api_token", "whitespace"}},
		{name: "issuer's variable not interpolated", env: map[string]string{"EXAMPLE_TOKEN": "${SECRET}"}, detail: []string{"EXAMPLE_TOKEN", "${"}},

		// Variable names.
		{name: "name with a dollar", give: token.Sources{Env: new("$OTHER")}, detail: []string{"The value of api_token_env begins with $"}},
		{name: "name with braces", give: token.Sources{Env: new("${OTHER}")}, detail: []string{"$"}},
		{name: "name with =", give: token.Sources{Env: new("OTHER=x")}, detail: []string{"="}},
		{name: "name with leading space", give: token.Sources{Env: new(" OTHER")}, detail: []string{"whitespace"}},
		{name: "name with NUL", give: token.Sources{Env: new("OTHER\x00")}},
		{name: "name with DEL", give: token.Sources{Env: new("OTHER\x7f")}, detail: []string{"contains whitespace or ="}},
		{name: "token as a name", give: token.Sources{Env: new(secret + "x")}, detail: []string{"not the token"}},
		{name: "Base64 token as a name", give: token.Sources{Env: new(secret + "==")}},

		// Files.
		{name: "symbolic link", give: token.Sources{File: &link}, want: "from-file", source: "file:" + link},
		{name: "file with trailing newline", give: token.Sources{File: new(write("lf", "abc\n"))}, want: "abc", source: "file:" + filepath.Join(dir, "lf")},
		{name: "file with trailing CRLF", give: token.Sources{File: new(write("crlf", "abc\r\n"))}, want: "abc", source: "file:" + filepath.Join(dir, "crlf")},
		{name: "file of 64 KiB", give: token.Sources{File: new(write("full", strings.Repeat("a", 64<<10)))}, want: strings.Repeat("a", 64<<10), source: "file:" + filepath.Join(dir, "full")},
		{name: "missing file", give: token.Sources{File: new(filepath.Join(dir, "missing")), FromProvider: new("x")}, detail: []string{" names, in " + dir + ", does not exist.", "regular file"}, err: fs.ErrNotExist},
		{name: "dangling link", give: token.Sources{File: &dangling}, detail: []string{"does not exist"}, err: fs.ErrNotExist},
		{name: "directory", give: token.Sources{File: &dir}, detail: []string{"not a regular file", "64 KiB"}},
		{name: "pipe", give: token.Sources{File: &fifo}, detail: []string{"not a regular file"}},
		{name: "device", give: token.Sources{File: new("/dev/null")}, detail: []string{"not a regular file"}},
		{name: "file below a file", give: token.Sources{File: new(filepath.Join(file, "x"))}, detail: []string{"cannot be read: not a directory."}},
		{name: "file with a read error", give: token.Sources{File: new("/proc/self/mem")}, detail: []string{"The file that api_token_file names"}},
		{name: "file over 64 KiB", give: token.Sources{File: new(write("large", strings.Repeat("a", 64<<10+1)))}, detail: []string{"cannot be read: it is larger than 64 KiB."}},
		{name: "file far over 64 KiB", give: token.Sources{File: new(write("huge", strings.Repeat("\n", 1<<20)))}, detail: []string{"64 KiB"}},
		{name: "empty file", give: token.Sources{File: new(write("empty", "")), FromProvider: new("x")}, detail: []string{"The content of the file " + dir, "is empty"}},
		{name: "file with newline only", give: token.Sources{File: new(write("nl", "\n"))}, detail: []string{"empty"}},
		{name: "file with two trailing newlines", give: token.Sources{File: new(write("nlnl", secret+"\n\n"))}, detail: []string{"newline"}},
		{name: "file with a byte order mark", give: token.Sources{File: new(write("bom", "\ufeff"+secret+"\r\n"))}, detail: []string{"byte order mark"}},
		{name: "env file", give: token.Sources{File: new(write("env", "export A="+secret+"\nB=2\n"))}},
		{name: "token as a path", give: token.Sources{File: new(secret)}, detail: []string{"does not exist"}},
		{name: "Base64 token as a path", give: token.Sources{File: new(secret[:9] + "/" + secret[9:] + "==")}, detail: []string{"does not exist"}},
		{name: "Base64 token with leading slash as a path", give: token.Sources{File: new("/" + secret + "==")}, detail: []string{"does not exist"}},
		{name: "long token as a path", give: token.Sources{File: new(strings.Repeat(secret, 200))}, detail: []string{"cannot be read"}},
		{name: "home directory is not expanded", give: token.Sources{File: new("~/token")}, detail: []string{"relative to the working directory", "pathexpand"}},
	}

	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()

			if test.env == nil {
				test.env = environment
			}

			test.give.Names, test.give.LookupEnv = names, env(test.env)

			got, warnings, err := test.give.Resolve(t.Context())
			if test.want != "" {
				said := make([]string, 0, 1)
				for _, w := range warnings {
					said = append(said, w.Summary+": "+w.Detail)
				}

				if strings.Join(said, "\n") != test.warning {
					t.Errorf("warnings = %q, want %q", said, test.warning)
				}

				if err != nil || got.Reveal() != test.want || got.Source() != test.source {
					t.Fatalf("Resolve returned the token %q from %q, %v; want %q from %q", got.Reveal(), got.Source(), err, test.want, test.source)
				}

				return
			}

			var fault *verdict.Error
			if !errors.As(err, &fault) {
				t.Fatalf("Resolve returned %v, %v; want a *verdict.Error", got, err)
			}

			if got.Reveal() != "" {
				t.Error("a token is returned with an error")
			}

			if fault.Summary == "" || fault.Remedy == "" || fault.Asked {
				t.Errorf("error = %+v, want a summary and a remedy, before any request, and no argument, since its line would be printed", fault)
			}

			for _, part := range test.detail {
				if !strings.Contains(fault.Detail(), part) {
					t.Errorf("detail %q lacks %q", fault.Detail(), part)
				}
			}

			if test.err != nil && !errors.Is(err, test.err) {
				t.Errorf("the error does not wrap %v", test.err)
			}

			if newToken(t, secret).In(err.Error()) {
				t.Errorf("error %q contains part of the token", err)
			}
		})
	}
}

// TestResolveCancelled covers a context that is done before the file is read.
func TestResolveCancelled(t *testing.T) {
	t.Parallel()

	ctx, cancel := context.WithCancel(t.Context())
	cancel()

	sources := token.Sources{Names: names, File: new("missing")}

	if _, _, err := sources.Resolve(ctx); err == nil || !strings.Contains(err.Error(), ": The file was not read within the timeout, or the run was cancelled.") {
		t.Errorf("err = %v", err)
	}

	// None of the three depends on the provider configuration.
	if !sources.HasOwn() || !(token.Sources{Value: new("")}).HasOwn() || !(token.Sources{Env: new("")}).HasOwn() || (token.Sources{FromProvider: new("")}).HasOwn() {
		t.Error("it is not reported that a check has its own token")
	}
}
