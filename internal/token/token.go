// Package token finds the token of a check, and keeps it from being printed by
// mistake.
package token

import (
	"crypto/md5"  //nolint:gosec // Servers may return this hash of the token.
	"crypto/sha1" //nolint:gosec // Servers may return this hash of the token.
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"hash"
	"html"
	"io"
	"log/slog"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"
	"unique"
)

// minPart is the number of consecutive characters of a token that are not shown.
const minPart = 8

// maxShown is the maximum length of a server's message, in characters.
const maxShown = 300

// Token is a bearer token and its source. However it is formatted, logged, or
// encoded, only its source appears.
type Token struct {
	// A pointer, because package fmt prints a struct in an unexported field without
	// calling its methods.
	secret *string
	source string
	// forms returns the token's encodings, computed on first use.
	forms *func() []string
}

// newToken returns a token. The text must have passed Clean.
func newToken(text, source string) Token {
	forms := sync.OnceValue(func() []string { return encodings(text) })

	return Token{&text, source, &forms}
}

// Reveal returns the token itself, for the Authorization header, for masking it in
// the log, and for the ephemeral resource's verified_token.
func (t Token) Reveal() string {
	if t.secret == nil {
		return ""
	}

	return *t.secret
}

// HasPrefix reports whether the token begins with prefix. Some issuers mark kinds
// of tokens that way.
func (t Token) HasPrefix(prefix string) bool { return strings.HasPrefix(t.Reveal(), prefix) }

// Key returns a comparable value that is the same for equal tokens, whatever their
// source. Printing it shows an address.
func (t Token) Key() unique.Handle[string] { return unique.Make(t.Reveal()) }

// Source returns the token source: "argument", "env:NAME", "file:PATH" or
// "provider".
func (t Token) Source() string { return t.source }

// String returns the source, not the token.
func (t Token) String() string { return "token from " + t.source }

// Format implements [fmt.Formatter], so that no verb reveals the token.
func (t Token) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, t.String()) }

// MarshalText implements [encoding.TextMarshaler] for encoders.
func (t Token) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// LogValue implements [slog.LogValuer].
func (t Token) LogValue() slog.Value { return slog.StringValue(t.String()) }

// In reports whether text contains eight or more consecutive characters of the
// token (all of it, if shorter), in upper or lower case, even with whitespace or
// invisible characters between them. It also finds them escaped as in URLs, HTML or
// JSON, in Base64, or as numbers, and finds hashes of the token.
func (t Token) In(text string) bool {
	secret := t.Reveal()
	if secret == "" || len(text) < min(minPart, len(secret)) {
		return false
	}

	// Text may be escaped more than once.
	plain := text
	for range 4 {
		if hasPart(visible(plain), visible(secret), minPart) {
			return true
		}

		if !strings.ContainsAny(plain, `%&\`) {
			break
		}

		plain = escaped().ReplaceAllStringFunc(strings.ReplaceAll(html.UnescapeString(plain), `\/`, "/"), unescape)
	}

	squeezed := squeeze(plain)

	return len(squeezed) >= minPart && slices.ContainsFunc((*t.forms)(), func(form string) bool { return hasPart(squeezed, form, minEncoded) })
}

// InHost reports whether a host contains so much of the token that it stands there in
// place of the host name: 16 consecutive characters, or all of a token of at least eight.
// A word such as "cloudflare" may be in both.
func (t Token) InHost(host string) bool {
	return len(t.Reveal()) >= minPart && hasPart(visible(host), visible(t.Reveal()), 2*minPart)
}

// minEncoded is minPart for an encoded token: a character takes up to two.
const minEncoded = 2 * minPart

// hasPart reports whether text contains part consecutive characters of secret, or
// all of secret if it is shorter.
func hasPart(text, secret string, part int) bool {
	part = min(part, len(secret))

	// Every part contains one of these blocks whole; ordinary text contains none.
	some, block := false, (part+1)/2
	for i := 0; i+block <= len(secret) && !some; i += block {
		some = strings.Contains(text, secret[i:i+block])
	}

	for i := 0; some && i+part <= len(secret); i++ {
		if strings.Contains(text, secret[i:i+part]) {
			return true
		}
	}

	return false
}

// encodings returns the forms in which a server may return a token or its hash,
// squeezed. A hash can be a credential, such as the SHA-256 of a Cloudflare token.
func encodings(secret string) []string {
	var all []string

	add := func(form string) {
		if form = squeeze(form); len(form) >= minPart {
			all = append(all, form)
		}
	}

	wide := strings.Join(strings.Split(secret, ""), "\x00") + "\x00" // UTF-16, as .NET encodes it.
	for _, text := range []string{secret, wide} {
		add(hex.EncodeToString([]byte(text)))
		add(fmt.Sprintf("%d", []byte(text)))

		// Preceding text shifts the groups, and following text completes the last one.
		for offset := range 3 {
			encoded := base64.RawStdEncoding.EncodeToString([]byte(strings.Repeat(" ", offset) + text))
			add(encoded[(offset*8+5)/6 : (offset+len(text))*8/6])
		}
	}

	for _, text := range []string{secret, secret + "\n", "Bearer " + secret} {
		for _, h := range []hash.Hash{md5.New(), sha1.New(), sha256.New224(), sha256.New(), sha512.New384(), sha512.New()} { //nolint:gosec // Servers may return them.
			_, _ = io.WriteString(h, text)
			sum := h.Sum(nil)

			add(hex.EncodeToString(sum))
			add(base64.RawStdEncoding.EncodeToString(sum))
		}
	}

	return all
}

// visible returns text in lower case without whitespace and invisible characters,
// with full-width characters made ordinary ones.
func visible(text string) string {
	return strings.Map(func(r rune) rune {
		if r >= '！' && r <= '～' {
			r -= '！' - '!'
		}

		if r <= ' ' || r > '~' {
			return -1
		}

		return unicode.ToLower(r)
	}, text)
}

// squeeze returns only the visible letters and digits of text, because encodings
// have various separators.
func squeeze(text string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			return -1
		}

		return r
	}, visible(text))
}

// escaped matches an escaped character in URLs, JSON, and source code.
var escaped = sync.OnceValue(func() *regexp.Regexp { //nolint:gochecknoglobals // Effectively a constant.
	return regexp.MustCompile(`(%|\\x)[0-9a-fA-F]{2}|(%|\\)u[0-9a-fA-F]{4}|\\u\{[0-9a-fA-F]{1,6}\}`)
})

func unescape(sequence string) string {
	code, _ := strconv.ParseInt(strings.Trim(sequence, `%\ux{}`), 16, 32) // The pattern matches nothing else.

	return string(rune(code))
}

// Show prepares a server's message for display: printable, on one line, at most 300
// characters, and withheld if it contains part of the token.
func (t Token) Show(text string) string {
	if t.In(text) {
		return "(withheld: contains part of the token)"
	}

	text = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) || r == utf8.RuneError {
			return ' '
		}

		return r
	}, text)
	text = strings.Join(strings.Fields(text), " ")

	if runes := []rune(text); len(runes) > maxShown {
		text = string(runes[:maxShown-1]) + "…"
	}

	return text
}
