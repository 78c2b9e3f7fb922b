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
		want      string // the token, "" where it is refused
		fault     string // a part of the fault
	}{
		// Length and pattern are not judged.
		{name: "plain", raw: secret, want: secret},
		{name: "one character", raw: "a", want: "a"},
		{name: "long", raw: strings.Repeat("a", 5000), want: strings.Repeat("a", 5000)},
		{name: "base64", raw: "4MyGeneratedBearerTknz==", want: "4MyGeneratedBearerTknz=="},
		{name: "with a prefix", raw: "cfut_abc-DEF_123.~+/", want: "cfut_abc-DEF_123.~+/"},
		{name: "all of printable ASCII inside", raw: "a!#$%&()*+,-./:;<=>?@[]^_{|}~'\"`\\z", want: "a!#$%&()*+,-./:;<=>?@[]^_{|}~'\"`\\z"},
		{name: "a dollar alone", raw: "a$b{c}", want: "a$b{c}"},
		{name: "begins like bearer", raw: "BearerToken", want: "BearerToken"},
		{name: "one line end", raw: secret + "\n", want: secret},
		{name: "one Windows line end", raw: secret + "\r\n", want: secret},

		{name: "empty", raw: "", fault: "empty"},
		{name: "a line end only", raw: "\n", fault: "empty"},
		{name: "a Windows line end only", raw: "\r\n", fault: "empty"},
		{name: "two line ends", raw: secret + "\n\n", fault: "newline"},
		{name: "two Windows line ends", raw: secret + "\r\n\r\n", fault: "newline"},
		{name: "line end, then carriage return", raw: secret + "\n\r", fault: "newline"},
		{name: "a carriage return alone", raw: secret + "\r", fault: "newline"},
		{name: "two carriage returns and a line end", raw: secret + "\r\r\n", fault: "newline"},
		{name: "line end at the start", raw: "\n" + secret, fault: "newline"},
		{name: "two lines", raw: secret + "\n" + secret, fault: "newline"},
		{name: "an env file", raw: "TOKEN=" + secret + "\nOTHER=1\n", fault: "newline"},
		{name: "blank at the start", raw: " " + secret, fault: "whitespace"},
		{name: "blank at the end", raw: secret + " ", fault: "whitespace"},
		{name: "blank before the line end", raw: secret + " \n", fault: "whitespace"},
		{name: "blank inside", raw: secret[:9] + " " + secret[9:], fault: "whitespace"},
		{name: "tab", raw: secret + "\t", fault: "whitespace"},
		{name: "blanks only", raw: "   ", fault: "whitespace"},
		{name: "double quotes", raw: `"` + secret + `"`, fault: "quotes"},
		{name: "single quotes", raw: "'" + secret + "'", fault: "quotes"},
		{name: "back quotes", raw: "`" + secret + "`", fault: "quotes"},
		{name: "a quote at the start", raw: `"` + secret, fault: "quotes"},
		{name: "a quote at the end", raw: secret + "'", fault: "quotes"},
		{name: "quotes and a line end", raw: `"` + secret + "\"\n", fault: "quotes"},
		{name: "curly quotes", raw: "“" + secret + "”", fault: "quotes"},
		{name: "single curly quotes", raw: "‘" + secret + "’", fault: "quotes"},
		{name: "bearer", raw: "Bearer " + secret, fault: "Bearer"},
		{name: "bearer in lower case", raw: "bearer " + secret, fault: "Bearer"},
		{name: "bearer in upper case", raw: "BEARER " + secret, fault: "Bearer"},
		{name: "bearer alone", raw: "Bearer ", fault: "Bearer"},
		{name: "bearer and a tab", raw: "Bearer\t" + secret, fault: ""},
		{name: "a URL", raw: "https://" + secret, fault: "is a URL"},
		{name: "not expanded", raw: "${CLOUDFLARE_API_TOKEN}", fault: "${"},
		{name: "not expanded inside", raw: "cfut_${TOKEN}", fault: "${"},
		{name: "GitHub's expression", raw: "${{secrets.TOKEN}}", fault: "${"},
		{name: "byte order mark", raw: "\ufeff" + secret, fault: "byte order mark"},
		{name: "UTF-16", raw: "\xff\xfea\x00b\x00", fault: "printable ASCII"},
		{name: "NUL", raw: secret + "\x00", fault: "printable ASCII"},
		{name: "escape", raw: "\x1b[31m" + secret, fault: "printable ASCII"},
		{name: "DEL", raw: secret + "\x7f", fault: "printable ASCII"},
		{name: "vertical tab", raw: secret + "\v", fault: ""},
		{name: "no-break space", raw: secret + "\u00a0", fault: "printable ASCII"},
		{name: "zero-width space", raw: secret[:5] + "\u200b" + secret[5:], fault: "printable ASCII"},
		{name: "letter outside ASCII", raw: secret + "é", fault: "printable ASCII"},
		{name: "look-alike letter", raw: "а" + secret, fault: "printable ASCII"},
		{name: "invalid UTF-8", raw: secret + "\xff", fault: "printable ASCII"},
		{name: "header injection", raw: secret + "\r\nX-Evil: 1", fault: "newline"},
	}

	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()

			got, err := token.Clean(test.raw)
			if test.want != "" {
				if err != nil || got != test.want {
					t.Fatalf("Clean gave %q, %v; want %q", got, err, test.want)
				}

				return
			}

			if err == nil || got != "" {
				t.Fatalf("Clean gave %q, %v; want a fault", got, err)
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
		want   string // the token, "" where an error is wanted
		source string

		detail  []string
		err     error
		warning string // whole
	}{
		// The order.
		{name: "argument", give: token.Sources{Value: new("from-argument"), FromProvider: new("from-provider")}, want: "from-argument", source: "argument"},
		{name: "variable named by the check", give: token.Sources{Env: new("OTHER"), FromProvider: new("from-provider")}, want: "from-env", source: "env:OTHER"},
		{name: "file named by the check", give: token.Sources{File: &file, FromProvider: new("from-provider")}, want: "from-file", source: "file:" + file},
		{name: "provider before the issuer's variable", give: token.Sources{FromProvider: new("from-provider")}, want: "from-provider", source: "provider"},
		{name: "issuer's variable", give: token.Sources{}, want: "from-issuer-variable", source: "env:EXAMPLE_TOKEN"},
		{name: "issuer's variable with a line end", give: token.Sources{}, env: map[string]string{"EXAMPLE_TOKEN": "abc\r\n"}, want: "abc", source: "env:EXAMPLE_TOKEN", warning: "Trailing newline in EXAMPLE_TOKEN: The environment variable EXAMPLE_TOKEN ends with a newline. " +
			"This provider ignores it, but other providers that read the variable send it, and fail. Remove the newline where the variable is set, for example with printf instead of echo."},
		{name: "issuer's variable named by the check", give: token.Sources{Env: new("EXAMPLE_TOKEN")}, want: "from-issuer-variable", source: "env:EXAMPLE_TOKEN"},
		{name: "variable in lower case", give: token.Sources{Env: new("lower_case")}, want: "from-lower", source: "env:lower_case"},
		{name: "variable with marks", give: token.Sources{Env: new("A!~")}, want: "from-marks", source: "env:A!~"},
		{name: "one line end", give: token.Sources{Env: new("LINE")}, want: "from-env", source: "env:LINE"},

		// No way given: all are named.
		{
			name: "nothing", env: map[string]string{},
			detail: []string{"Set the environment variable EXAMPLE_TOKEN. Or set api_token_env (the name of another variable) or api_token_file (a path) in this check, or example.api_token in"},
		},
		{
			name: "nothing but a variable of another tool", env: map[string]string{"EX_TOKEN": "x"},
			detail: []string{"HINT about EX_TOKEN."},
		},
		{name: "issuer's variable is empty", env: map[string]string{"EXAMPLE_TOKEN": ""}, detail: []string{"EXAMPLE_TOKEN"}},

		// What was given but is empty is no reason to look further.
		{name: "empty argument", give: token.Sources{Value: new(""), FromProvider: new("x")}, detail: []string{"api_token", "empty"}},
		{name: "empty name of a variable", give: token.Sources{Env: new(""), FromProvider: new("x")}, detail: []string{"The value of api_token_env is empty."}},
		{name: "empty path", give: token.Sources{File: new(""), FromProvider: new("x")}, detail: []string{"The path in api_token_file is empty."}},
		{name: "empty in the provider", give: token.Sources{FromProvider: new("")}, detail: []string{"The value of example.api_token in the provider configuration is empty."}},
		{name: "variable is not set", give: token.Sources{Env: new("UNSET"), FromProvider: new("x")}, detail: []string{"api_token_env", "is not set"}},
		{name: "variable is empty", give: token.Sources{Env: new("EMPTY"), FromProvider: new("x")}, detail: []string{"api_token_env", "empty"}},

		// What cannot be a token.
		{name: "argument with quotes", give: token.Sources{Value: new(`"` + secret + `"`)}, detail: []string{"The value of api_token has surrounding quotes."}},
		{name: "argument with a byte order mark", give: token.Sources{Value: new("\ufeff" + secret)}, detail: []string{"api_token begins with a byte order mark"}},
		{name: "argument with bearer", give: token.Sources{Value: new("Bearer " + secret)}, detail: []string{"Bearer"}},
		{name: "variable with quotes", give: token.Sources{Env: new("QUOTED")}, detail: []string{"QUOTED", "quotes"}},
		{name: "provider with a blank", give: token.Sources{FromProvider: new("a " + secret)}, detail: []string{"example.api_token", "whitespace"}},
		{name: "issuer's variable not expanded", env: map[string]string{"EXAMPLE_TOKEN": "${SECRET}"}, detail: []string{"EXAMPLE_TOKEN", "${"}},

		// Names of variables.
		{name: "name with a dollar", give: token.Sources{Env: new("$OTHER")}, detail: []string{"The value of api_token_env begins with $"}},
		{name: "name with braces", give: token.Sources{Env: new("${OTHER}")}, detail: []string{"$"}},
		{name: "name with =", give: token.Sources{Env: new("OTHER=x")}, detail: []string{"="}},
		{name: "name with a blank", give: token.Sources{Env: new(" OTHER")}, detail: []string{"whitespace"}},
		{name: "name with a NUL", give: token.Sources{Env: new("OTHER\x00")}},
		{name: "name with a DEL", give: token.Sources{Env: new("OTHER\x7f")}, detail: []string{"cannot be the name"}},
		{name: "the token itself as a name", give: token.Sources{Env: new(secret + "x")}, detail: []string{"not the token itself"}},
		{name: "a base64 token as a name", give: token.Sources{Env: new(secret + "==")}},

		// Files.
		{name: "file by a link", give: token.Sources{File: &link}, want: "from-file", source: "file:" + link},
		{name: "file with a line end", give: token.Sources{File: new(write("lf", "abc\n"))}, want: "abc", source: "file:" + filepath.Join(dir, "lf")},
		{name: "file with a Windows line end", give: token.Sources{File: new(write("crlf", "abc\r\n"))}, want: "abc", source: "file:" + filepath.Join(dir, "crlf")},
		{name: "file of 64 KiB", give: token.Sources{File: new(write("full", strings.Repeat("a", 64<<10)))}, want: strings.Repeat("a", 64<<10), source: "file:" + filepath.Join(dir, "full")},
		{name: "missing file", give: token.Sources{File: new(filepath.Join(dir, "missing")), FromProvider: new("x")}, detail: []string{" names, in " + dir + ", does not exist.", "regular file"}, err: fs.ErrNotExist},
		{name: "dangling link", give: token.Sources{File: &dangling}, detail: []string{"does not exist"}, err: fs.ErrNotExist},
		{name: "directory", give: token.Sources{File: &dir}, detail: []string{"not a regular file", "64 KiB"}},
		{name: "pipe", give: token.Sources{File: &fifo}, detail: []string{"not a regular file"}},
		{name: "device", give: token.Sources{File: new("/dev/null")}, detail: []string{"not a regular file"}},
		{name: "file in a file", give: token.Sources{File: new(filepath.Join(file, "x"))}, detail: []string{"cannot be read: not a directory."}},
		{name: "file whose reading fails", give: token.Sources{File: new("/proc/self/mem")}, detail: []string{"The file that api_token_file names"}},
		{name: "file over 64 KiB", give: token.Sources{File: new(write("large", strings.Repeat("a", 64<<10+1)))}, detail: []string{"cannot be read: it is larger than 64 KiB."}},
		{name: "file far over 64 KiB", give: token.Sources{File: new(write("huge", strings.Repeat("\n", 1<<20)))}, detail: []string{"64 KiB"}},
		{name: "empty file", give: token.Sources{File: new(write("empty", "")), FromProvider: new("x")}, detail: []string{"The content of the file " + dir, "is empty"}},
		{name: "file with a line end only", give: token.Sources{File: new(write("nl", "\n"))}, detail: []string{"empty"}},
		{name: "file with two line ends", give: token.Sources{File: new(write("nlnl", secret+"\n\n"))}, detail: []string{"newline"}},
		{name: "file with a byte order mark", give: token.Sources{File: new(write("bom", "\ufeff"+secret+"\r\n"))}, detail: []string{"byte order mark"}},
		{name: "env file", give: token.Sources{File: new(write("env", "export A="+secret+"\nB=2\n"))}},
		{name: "the token itself as a path", give: token.Sources{File: new(secret)}, detail: []string{"does not exist"}},
		{name: "a base64 token as a path", give: token.Sources{File: new(secret[:9] + "/" + secret[9:] + "==")}, detail: []string{"does not exist"}},
		{name: "a base64 token that begins with a slash as a path", give: token.Sources{File: new("/" + secret + "==")}, detail: []string{"does not exist"}},
		{name: "a long token as a path", give: token.Sources{File: new(strings.Repeat(secret, 200))}, detail: []string{"cannot be read"}},
		{name: "a home directory is not expanded", give: token.Sources{File: new("~/token")}, detail: []string{"relative to the working directory", "pathexpand"}},
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
					t.Fatalf("Resolve gave the token %q from %q, %v; want %q from %q", got.Reveal(), got.Source(), err, test.want, test.source)
				}

				return
			}

			var fault *verdict.Error
			if !errors.As(err, &fault) {
				t.Fatalf("Resolve gave %v, %v; want a *verdict.Error", got, err)
			}

			if got.Reveal() != "" {
				t.Error("an error comes with a token")
			}

			if fault.Summary == "" || fault.Remedy == "" || fault.Asked {
				t.Errorf("error = %+v, want a summary and a remedy, before any request, and no argument, whose line would be printed", fault)
			}

			for _, part := range test.detail {
				if !strings.Contains(fault.Detail(), part) {
					t.Errorf("detail %q lacks %q", fault.Detail(), part)
				}
			}

			if test.err != nil && !errors.Is(err, test.err) {
				t.Errorf("the cause %v cannot be found", test.err)
			}

			if newToken(t, secret).In(err.Error()) {
				t.Errorf("error %q holds a part of the token", err)
			}
		})
	}
}

// TestResolveCancelled has no time for a file, whatever became of it.
func TestResolveCancelled(t *testing.T) {
	t.Parallel()

	ctx, cancel := context.WithCancel(t.Context())
	cancel()

	sources := token.Sources{Names: names, File: new("missing")}

	if _, _, err := sources.Resolve(ctx); err == nil || !strings.Contains(err.Error(), ": The file was not read in time, or the run was cancelled.") {
		t.Errorf("err = %v", err)
	}

	// The provider configuration need not be known for any of the three.
	if !sources.HasOwn() || !(token.Sources{Value: new("")}).HasOwn() || !(token.Sources{Env: new("")}).HasOwn() || (token.Sources{FromProvider: new("")}).HasOwn() {
		t.Error("it is not told whether a check has a token of its own")
	}
}
