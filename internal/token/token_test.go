package token_test

import (
	"bytes"
	"context"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	stdjson "encoding/json"
	"encoding/xml"
	"fmt"
	"hash"
	"io"
	"log/slog"
	"net/url"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/go-json-experiment/json"

	"github.com/tokencheck/terraform-provider-tokencheck/internal/token"
)

// secret is a test token: no word of a message contains a part of it.
const secret = "Zq8RtYw3LmN5pKj7HgFd2sXcVbA9eU4i"

// names belong to an issuer that does not exist.
var names = token.Names{Argument: "api_token", Block: "example", Variable: "EXAMPLE_TOKEN", Hints: map[string]string{"EX_TOKEN": "HINT about EX_TOKEN."}}

// newToken returns a token set by a check's own argument.
func newToken(t *testing.T, secret string) token.Token {
	t.Helper()

	bearer, _, err := token.Sources{Names: names, Value: &secret}.Resolve(t.Context())
	if err != nil {
		t.Fatal(err)
	}

	return bearer
}

// holder keeps a token where package fmt cannot call its methods.
type holder struct {
	hidden struct{ bearer token.Token }
	list   []token.Token
	Shown  token.Token
	Map    map[string]token.Token
	Any    any
}

func TestNothingRevealsTheToken(t *testing.T) {
	t.Parallel()

	bearer := newToken(t, secret)
	h := holder{list: []token.Token{bearer}, Shown: bearer, Map: map[string]token.Token{"a": bearer}, Any: bearer}
	h.hidden.bearer = bearer

	check := func(how, text string) {
		t.Helper()

		hexadecimal := fmt.Sprintf("%x", secret)
		if bearer.In(text) || strings.Contains(strings.ToLower(text), hexadecimal[:16]) {
			t.Errorf("%s shows the token: %s", how, text)
		}
	}

	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "% x", "%d", "%t", "%T", "%p", "%c", "%U", "%10s", "%!"} {
		for _, value := range []any{bearer, &bearer, h, &h, []token.Token{bearer}, []any{bearer}, map[token.Token]int{bearer: 1}, h.hidden, struct{ t *token.Token }{&bearer}} {
			check(verb, fmt.Sprintf(verb, value))
		}
	}

	check("Sprint", fmt.Sprint(bearer, h))
	check("String", bearer.String())
	check("error", fmt.Errorf("failed with %v and %w", bearer, fmt.Errorf("%+v", h)).Error())

	for _, value := range []any{bearer, h, &h, []token.Token{bearer}, map[string]any{"t": bearer}} {
		if text, err := stdjson.Marshal(value); err == nil {
			check("encoding/json", string(text))
		} else {
			t.Error(err)
		}

		if text, err := json.Marshal(value); err == nil {
			check("go-json-experiment", string(text))
		}
	}

	if text, err := xml.Marshal(bearer); err == nil {
		check("encoding/xml", string(text))
	}

	var log bytes.Buffer

	for _, handler := range []slog.Handler{slog.NewTextHandler(&log, nil), slog.NewJSONHandler(&log, nil)} {
		logger := slog.New(handler)
		logger.Info("m", "token", bearer, "pointer", &bearer, "holder", h, "list", []token.Token{bearer})
		logger.With("t", bearer).WithGroup("g").Info("m", slog.Any("t", bearer), slog.Group("g", "t", bearer))
	}

	check("slog", log.String())

	const source = "token from argument"
	if text, err := bearer.MarshalText(); fmt.Sprint(bearer) != source || string(text) != source || err != nil || bearer.LogValue().String() != source {
		t.Errorf("the source is not shown: %v, %s, %v", bearer, text, bearer.LogValue())
	}

	if bearer.Reveal() != secret {
		t.Error("Reveal does not return the token")
	}
}

func TestZeroToken(t *testing.T) {
	t.Parallel()

	var none token.Token

	if none.Reveal() != "" || none.In("anything") || none.In("") || none.Source() != "" {
		t.Error("the zero token is not empty")
	}

	if got := none.Show("text"); got != "text" {
		t.Errorf("Show = %q", got)
	}

	_ = fmt.Sprintf("%v %+v", none, &none)
}

// base64Token has no eight consecutive letters or digits.
const base64Token = "aB3+dE5f/gH7jK9+mN2pQ/rS4=tU6v=="

func sum(h hash.Hash, text string) []byte {
	_, _ = io.WriteString(h, text)

	return h.Sum(nil)
}

func percent(text string) string {
	var b strings.Builder
	for _, c := range []byte(text) {
		fmt.Fprintf(&b, "%%%02x", c)
	}

	return b.String()
}

func TestIn(t *testing.T) {
	t.Parallel()

	tests := []struct {
		name, secret, text string
		want               bool
	}{
		{"empty", secret, "", false},
		{"with tilde", "abcd~~~~efgh", "x cd~~~~ef x", true},
		{"with exclamation mark", "abcd!!!!efgh", "x cd!!!!ef x", true},
		{"with DEL", "abcdefgh", "abcd\x7fefgh", true},
		{"ordinary message", secret, "The access token provided is expired, revoked, malformed, or invalid for other reasons", false},
		{"whole", secret, secret, true},
		{"in text", secret, "token '" + secret + "' refused", true},
		{"as bearer token", secret, "Bearer " + secret, true},
		{"first half", secret, secret[:16], true},
		{"second half", secret, secret[16:], true},
		{"first eight", secret, secret[:8], true},
		{"last eight", secret, "…" + secret[len(secret)-8:], true},
		{"eight in the middle", secret, "<" + secret[11:19] + ">", true},
		{"seven at the start", secret, secret[:7], false},
		{"seven at the end", secret, secret[len(secret)-7:], false},
		{"two parts of seven", secret, secret[:7] + "..." + secret[8:15], false},
		{"upper case", secret, strings.ToUpper(secret), true},
		{"lower case", secret, strings.ToLower(secret), true},
		{"split by space", secret, secret[:4] + " " + secret[4:8], true},
		{"split by CRLF", secret, secret[:4] + "\r\n" + secret[4:8], true},
		{"split by NUL", secret, secret[:4] + "\x00" + secret[4:8], true},
		{"split by invisible characters", secret, secret[:3] + "\u200b\u00ad" + secret[3:8], true},
		{"split by invalid UTF-8", secret, secret[:4] + "\xff" + secret[4:8], true},
		{"short token, whole", "abc", "xabcx", true},
		{"part of a short token", "abc", "ab", false},
		{"token of eight", "abcdefgh", "ABCDEFGH", true},
		{"in ordinary words", "access-token-expired", "The access token provided is expired", false},
		{"escaped for a URL", base64Token, url.QueryEscape(base64Token), true},
		{"escaped for HTML", base64Token, "bad token &quot;" + strings.NewReplacer("+", "&#43;", "/", "&#x2F;", "=", "&#61;").Replace(base64Token), true},
		{"escaped for JSON", base64Token, strings.ReplaceAll(base64Token, "+", `\u002b`), true},
		{"each character escaped", secret, percent(secret), true},
		{"full-width", secret, strings.Map(func(r rune) rune { return r - '!' + '！' }, secret), true},
		{"full-width, with the first and the last character that is", "abcd!!~~efgh", "ａｂｃｄ！！～～", true},
		{"in Base64", secret, base64.StdEncoding.EncodeToString([]byte(secret)), true},
		{"in Base64 as bearer token", secret, base64.URLEncoding.EncodeToString([]byte("Bearer " + secret)), true},
		{"in Base64 after a name", secret, base64.StdEncoding.EncodeToString([]byte("x:" + secret)), true},
		{"in hexadecimal", secret, fmt.Sprintf("%X", secret), true},
		{"in hexadecimal digits with colons", secret, strings.ReplaceAll(fmt.Sprintf("% x", secret), " ", ":"), true},
		{"short, in hexadecimal digits", "abcd", "61626364", true},
		{"too short for its hexadecimal digits to be told from others", "abc", "number 616263", false},
		{"SHA-256", secret, fmt.Sprintf("unknown token %x", sha256.Sum256([]byte(secret))), true},
		{"half of uppercase SHA-256", secret, fmt.Sprintf("%X", sha256.Sum256([]byte(secret)))[:32], true},
		{"SHA-256, sixteen digits of it", secret, fmt.Sprintf("%x", sha256.Sum256([]byte(secret)))[20:36], true},
		{"SHA-256, fifteen digits of it", secret, fmt.Sprintf("%x", sha256.Sum256([]byte(secret)))[20:35], false},
		{"SHA-512", secret, fmt.Sprintf("%x", sha512.Sum512([]byte(secret))), true},
		{"SHA-1 in Base64", secret, base64.StdEncoding.EncodeToString(sum(sha1.New(), secret)), true},
		{"MD5", secret, hex.EncodeToString(sum(md5.New(), secret)), true},
		{"SHA-256 of another token", secret, fmt.Sprintf("%x", sha256.Sum256([]byte("another"))), false},
		{"short token, in Base64 as bearer token", "abcdefghijk", base64.StdEncoding.EncodeToString([]byte("Bearer abcdefghijk")), true},
		{"short, in Base64 between others", "abcdefghijk", base64.StdEncoding.EncodeToString([]byte("a:abcdefghijk:b")), true},
		{"short, in Base64 between others, one on", "abcdefghijk", base64.StdEncoding.EncodeToString([]byte("ab:abcdefghijk:b")), true},
		{"short, in Base64 between others, two on", "abcdefghijk", base64.StdEncoding.EncodeToString([]byte("abc:abcdefghijk:b")), true},
		{"in Base64 of UTF-16", secret, base64.StdEncoding.EncodeToString([]byte(strings.Join(strings.Split(secret, ""), "\x00") + "\x00")), true},
		{"escaped by IIS", secret, "%u00" + strings.ReplaceAll(strings.TrimPrefix(percent(secret), "%"), "%", "%u00"), true},
		{"escaped as in source code", secret, strings.ReplaceAll(percent(secret), "%", `\x`), true},
		{"escaped twice for a URL", base64Token, url.QueryEscape(url.QueryEscape(base64Token)), true},
		{"escaped twice for HTML", base64Token, strings.NewReplacer("+", "&amp;#43;", "/", "&amp;#x2F;", "=", "&amp;#61;").Replace(base64Token), true},
		{"as decimal bytes", secret, fmt.Sprintf("%d", []byte(secret)), true},
		{"escaped three times for a URL", base64Token, url.QueryEscape(url.QueryEscape(url.QueryEscape(base64Token))), true},
		{"SHA-256 of the header", secret, fmt.Sprintf("%x", sha256.Sum256([]byte("Bearer "+secret))), true},
		{"slashes escaped for JSON", "ab/cdefg/hijk/lm", `ab\/cdefg\/hijk\/lm`, true},
		{"escaped, with more escapes inside", "100%42abcd", "100%%34%32abcd", true},
		{"SHA-256 with newline", secret, fmt.Sprintf("%x", sha256.Sum256([]byte(secret+"\n"))), true},
		{"SHA-384", secret, fmt.Sprintf("%x", sha512.Sum384([]byte(secret))), true},
		{"UUID", secret, "8e1bf110-8ef8-4a53-a6da-d5d29c983451", false},
		{"another token in Base64", secret, base64.StdEncoding.EncodeToString([]byte("Bearer another-token-0123456789")), false},
		{"seven of a token of eight", "abcdefgh", "abcdefg", false},
	}

	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()

			bearer := newToken(t, test.secret)
			if got := bearer.In(test.text); got != test.want {
				t.Errorf("In(%q) = %v, want %v", test.text, got, test.want)
			}

			if shown := bearer.Show(test.text); test.want && (bearer.In(shown) || !strings.Contains(shown, "withheld")) {
				t.Errorf("Show(%q) = %q, want it withheld", test.text, shown)
			}
		})
	}
}

func TestShow(t *testing.T) {
	t.Parallel()

	tests := []struct{ name, text, want string }{
		{"empty", "", ""},
		{"plain", "Invalid API Token", "Invalid API Token"},
		{"surplus whitespace", "  a  b \t c ", "a b c"},
		{"newlines", "a\r\nb\nc", "a b c"},
		{"terminal colors", "a\x1b[31mb", "a [31mb"},
		{"right-to-left override", "a\u202eb", "a b"},
		{"invalid UTF-8", "a\xffb", "a b"},
		{"NUL", "a\x00b", "a b"},
		{"non-ASCII", "Ungültig – 無効", "Ungültig – 無効"},
		{"300 characters", strings.Repeat("é", 300), strings.Repeat("é", 300)},
		{"301 characters", strings.Repeat("é", 301), strings.Repeat("é", 299) + "…"},
	}

	bearer := newToken(t, secret)

	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()

			if got := bearer.Show(test.text); got != test.want {
				t.Errorf("Show(%q) = %q, want %q", test.text, got, test.want)
			}
		})
	}

	// A part of the token beyond the visible text withholds it as well.
	if got := bearer.Show(strings.Repeat("x", 400) + secret); strings.Contains(got, "xxx") {
		t.Errorf("Show = %q, want it withheld", got)
	}
}

// TestInHost covers tokens in place of a host name, and words that are in both.
func TestInHost(t *testing.T) {
	t.Parallel()

	for _, test := range []struct {
		secret, host string
		want         bool
	}{
		{"Xk29ZqPw7LmN4RtYv8BcD3fGh6JsQ1aE", "xk29zqpw7lmn4rtyv8bcd3fgh6jsq1ae", true},
		{"Xk29ZqPw7LmN4RtYv8BcD3fGh6JsQ1aE", "api.Xk29ZqPw7LmN4RtY.example.com:8443", true},
		{"Xk29ZqPw7LmN4RtYv8BcD3fGh6JsQ1aE", "Xk29ZqPw7LmN4Rt.example.com", false},
		{"Xk29ZqPw", "xk29zqpw.example.com", true},
		{"Xk29ZqP", "xk29zqp.example.com", false},
		{"YOUR_CLOUDFLARE_API_TOKEN", "api.cloudflare.com", false},
		{"localhost-dev-token", "localhost:8080", false},
	} {
		bearer, _, err := token.Sources{Value: &test.secret}.Resolve(context.Background())
		if err != nil {
			t.Fatal(err)
		}

		if got := bearer.InHost(test.host); got != test.want {
			t.Errorf("%q in %q: %v, want %v", test.secret, test.host, got, test.want)
		}
	}
}

// FuzzShow finds texts that should not be shown.
func FuzzShow(f *testing.F) {
	for _, text := range []string{"", secret, strings.ToUpper(secret[4:20]), "a\x00b\xff\u202e", strings.Repeat("long ", 100)} {
		f.Add(text)
	}

	value := secret

	bearer, _, err := token.Sources{Names: names, Value: &value}.Resolve(context.Background())
	if err != nil {
		f.Fatal(err)
	}

	f.Fuzz(func(t *testing.T, text string) {
		shown := bearer.Show(text)

		if bearer.In(shown) || !utf8.ValidString(shown) || utf8.RuneCountInString(shown) > 300 ||
			strings.ContainsFunc(shown, func(r rune) bool { return !unicode.IsPrint(r) }) {
			t.Errorf("Show(%q) = %q", text, shown)
		}
	})
}

// FuzzClean finds accepted tokens that cannot be sent, and messages that repeat one.
func FuzzClean(f *testing.F) {
	for _, raw := range []string{"", "token", "token\r\n", "\ufefftoken", `"token"`, "Bearer token", "${token}", "to ken", "to\x00ken", "tökén", "token\n\n"} {
		f.Add(raw)
	}

	f.Fuzz(func(t *testing.T, raw string) {
		got, err := token.Clean(raw)

		switch {
		case err != nil && (got != "" || len(raw) > 30 && strings.Contains(err.Error(), raw)):
			t.Errorf("Clean(%q) = %q, %v", raw, got, err)
		case err == nil && (got == "" || !strings.HasPrefix(raw, got) || strings.ContainsFunc(got, func(r rune) bool { return r <= ' ' || r > '~' })):
			t.Errorf("Clean(%q) = %q", raw, got)
		}
	})
}
