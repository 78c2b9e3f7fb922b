package token_test

import (
	"bytes"
	stdjson "encoding/json"
	"encoding/xml"
	"fmt"
	"log/slog"
	"regexp"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/go-json-experiment/json"

	"github.com/tokencheck/terraform-provider-tokencheck/internal/token"
)

// secret is a test token: no word of a message contains a part of it.
const secret = "Zq8RtYw3LmN5pKj7HgFd2sXcVbA9eU4i"

var names = token.Names{
	Argument: "api_token", Block: "example", Variable: "EXAMPLE_TOKEN",
	Hints: []token.Hint{{Variable: "EX_TOKEN", Sentence: "HINT."}, {Variable: "EXAMPLE_KEY", Sentence: "OTHER HINT."}},
}

func newToken(tb testing.TB, secret string) token.Token {
	tb.Helper()

	t, _, err := token.Sources{Names: names, Value: &secret, LookupEnv: env(nil)}.Resolve(tb.Context())
	if err != nil {
		tb.Fatal(err)
	}
	return t
}

// TestGoodTokens covers the forms of known issuers, any length, and what only
// resembles a mistake.
func TestGoodTokens(t *testing.T) {
	t.Parallel()

	x := strings.Repeat("x7Q", 12)
	good := []string{
		"cfut_" + x, "cfat_" + x, "ghp_" + x, "github_pat_" + x + "_" + x, "gho_" + x, "ghs_" + x, "glpat-" + x + ".01.0a1b2c3d4", "my@company:team-" + x,
		"eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiIxIn0." + x, "4MyGeneratedBearerTknz==", "aB3+dE5f/gH7j=", "0f0e0d0c-1b2a-4c3d-8e9f-a0b1c2d3e4f5", strings.Repeat("0a", 20),
		"AZaz09._~+/=@:-", "BearerToken", "nullable", "NONE", "Undefined", "ABC=", "ABC==", "abc=def", "0A=b", "A@B=c", "A:/B", "~x", "/", ".", "C:", "token.go.txt",
	}
	for n := 1; n < 10_000; n = n*2 + 1 {
		good = append(good, strings.Repeat("a", n))
	}

	for _, want := range good {
		if got, err := token.Clean("\u00a0 \t\r\n"+want+"\r\n\r\n\u3000", "x_file"); err != nil || got != want {
			t.Errorf("Clean(%.60q) = %.60q, %v", want, got, err)
		}
	}
}

// TestMistakes asserts that each known mistake has its own hint, which repeats
// nothing of the value.
func TestMistakes(t *testing.T) {
	t.Parallel()

	for hint, all := range map[string][]string{
		"empty":                 {"", " ", "\r\n"},
		"byte order mark":       {"\ufeff" + secret, "\n\ufeff" + secret, "\xff\xfeZ\x00q\x00"},
		"quotes":                {`"` + secret + `"`, "'" + secret + "'\n", "`" + secret + "`", "“" + secret, secret + "”", "‘" + secret, secret + "’", secret + `"`},
		"Bearer":                {"Bearer x", "Bearer " + secret, "bearer " + secret, "BEARER  " + secret + "\n"},
		"unexpanded":            {"$TOKEN", "${TOKEN}", "cfut_${TOKEN}", "$(cat token)", "{{ .Token }}", "${{secrets.TOKEN}}", `{{ index . "token" }}`},
		"JSON":                  {`{"token":"` + secret + `"}`, "{\n  \"token\": \"" + secret + "\"\n}\n", "{}"},
		"masked":                {"***", "cfut_***", "********"},
		"URL":                   {"https://" + secret, "https://example.com/" + secret},
		"assignment":            {"TOKEN=" + secret, "CF_API_TOKEN2=" + secret, "TOKEN=" + secret + "=="},
		"missing value":         {"null", "None", "undefined\n"},
		"whitespace":            {secret[:9] + " " + secret[9:], secret + "\n" + secret, "Bearer\t" + secret, secret + "\r\nX-Evil: 1"},
		"x_file":                {"token.go", "token.go\n"}, // A file of this directory.
		"character that is not": {secret + "\x00", "\x1b[31m" + secret, secret[:5] + "\u200b" + secret[5:], secret + "é", "а" + secret, secret + "\xff", "%TOKEN%", "<token>", "a,b", `C:\token`, secret + ";"},
	} {
		for _, raw := range all {
			got, err := token.Clean(raw, "x_file")
			if err == nil || got != "" || !strings.Contains(err.Error(), hint) || newToken(t, secret).In(err.Error()) {
				t.Errorf("Clean(%q) = %q, %v; want an error about %q, without the value", raw, got, err, hint)
			}
		}
	}
}

func TestNothingRevealsTheToken(t *testing.T) {
	t.Parallel()

	tok := newToken(t, secret)

	var out bytes.Buffer
	for _, value := range []any{tok, &tok, []token.Token{tok}, map[token.Token]any{tok: tok}, struct{ hidden token.Token }{tok}, struct{ Shown, hidden *token.Token }{&tok, &tok}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "% x", "%d", "%t", "%T", "%p", "%c", "%U", "%10s", "%!"} {
			fmt.Fprintf(&out, verb, value) // Package fmt calls no method of an unexported field.
		}
		for _, marshal := range []func(any) ([]byte, error){stdjson.Marshal, xml.Marshal, func(v any) ([]byte, error) { return json.Marshal(v) }} {
			text, _ := marshal(value)
			out.Write(text)
		}
		for _, handler := range []slog.Handler{slog.NewTextHandler(&out, nil), slog.NewJSONHandler(&out, nil)} {
			slog.New(handler).With("t", value).WithGroup("g").Info("m", "t", value, slog.Group("g", "t", value))
		}
	}

	if hex := fmt.Sprintf("%x", secret[:8]); tok.In(out.String()) || strings.Contains(strings.ToLower(out.String()), hex) {
		t.Errorf("the token is shown: %s", out.String())
	}
	if tok.Reveal() != secret || tok.Source() != "argument" || !strings.Contains(fmt.Sprint(tok), "argument") || !tok.HasPrefix(secret[:3]) || tok.HasPrefix("x") {
		t.Errorf("token from %s", tok.Source())
	}
}

func TestShow(t *testing.T) {
	t.Parallel()

	const withheld = "(withheld: contains part of the token)"

	for _, test := range []struct{ secret, text, want string }{
		{secret, "  a  b \t\r\nc ", "a b c"},
		{secret, "Ungültig – 無効", "Ungültig – 無効"},
		{secret, "a\x1b[31mb\x00c\u202ed\xffe", "a\ufffd[31mb\ufffdc\ufffdd\ufffde"},
		{secret, strings.Repeat("é", 300), strings.Repeat("é", 300)},
		{secret, strings.Repeat("é", 301), strings.Repeat("é", 299) + "…"},

		// Seven consecutive characters may be shown, eight may not, wherever they are.
		{secret, secret[:7] + " " + secret[8:15] + " " + secret[25:], secret[:7] + " " + secret[8:15] + " " + secret[25:]},
		{secret, secret[:8], withheld},
		{secret, "<" + secret[11:19] + ">", withheld},
		{secret, "…" + secret[24:], withheld},
		{secret, strings.Repeat("x", 400) + secret, withheld},
		{"abc", "xabcx", withheld},

		// A documented prefix is not part of the secret.
		{"github_pat_" + secret, "github_pat_ is a prefix, " + secret[:7], "github_pat_ is a prefix, " + secret[:7]},
		{"github_pat_" + secret, "github_pat_" + secret[:8], withheld},
		{"glagent-" + secret, "glagent-" + secret[:7], "glagent-" + secret[:7]},
		{"glpat-" + secret, "glpat-" + secret[:2], withheld},
	} {
		if got := newToken(t, test.secret).Show(test.text); got != test.want {
			t.Errorf("Show(%q) = %q, want %q", test.text, got, test.want)
		}
	}

	// An attribute keeps its length, and every printable character.
	tok, long := newToken(t, secret), strings.Repeat("田中\u3000 太郎 ", 100)
	if tok.Redact(long+"\n") != long+"\ufffd" || tok.Redact("user "+secret[4:12]) != withheld {
		t.Errorf("Redact = %q, %q", tok.Redact(long+"\n"), tok.Redact("user "+secret[4:12]))
	}
	if none := (token.Token{}); none.Show("text") != "text" || none.Reveal() != "" {
		t.Error("the zero token is not empty")
	}
}

// FuzzShow finds texts that must not be shown.
func FuzzShow(f *testing.F) {
	f.Add(secret[4:12] + "a\x00b\xff\u202e")
	tok := newToken(f, secret)

	f.Fuzz(func(t *testing.T, text string) {
		shown := tok.Show(text)
		if tok.In(shown) || !utf8.ValidString(shown) || utf8.RuneCountInString(shown) > 300 || strings.ContainsFunc(shown, func(r rune) bool { return !unicode.IsPrint(r) }) {
			t.Errorf("Show(%q) = %q", text, shown)
		}
	})
}

// FuzzClean finds accepted tokens that cannot be sent, and messages that repeat one.
func FuzzClean(f *testing.F) {
	sendable := regexp.MustCompile(`^[A-Za-z0-9._~+/=@:-]+$`)
	f.Add(" token\r\n")
	f.Add("{Bearer ${A=b}://\ufeff\"")

	f.Fuzz(func(t *testing.T, raw string) {
		got, err := token.Clean(raw, "x_file")
		if err == nil && (!sendable.MatchString(got) || got != strings.TrimSpace(raw)) || err != nil && (got != "" || len(raw) > 40 && strings.Contains(err.Error(), raw)) {
			t.Errorf("Clean(%q) = %q, %v", raw, got, err)
		}
	})
}
