// Package token holds a bearer token so that it cannot be printed by mistake,
// and knows every place where a check can take one from.
package token

import (
	"crypto/md5"  //nolint:gosec // Others write it.
	"crypto/sha1" //nolint:gosec // Others write it.
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

// minPart is how many consecutive characters of a token are too many to show.
const minPart = 8

// maxShown is how many characters of a server's text are shown at the most.
const maxShown = 300

// Token is a bearer token and where it came from. However it is formatted,
// logged or encoded, it shows its source only.
type Token struct {
	// A pointer, since package fmt prints the fields of a struct without asking
	// their methods when the struct itself sits in an unexported field.
	secret *string
	source string
	// forms gives the token's encodings, which are made when they are needed.
	forms *func() []string
}

// newToken makes a token that is clean.
func newToken(text, source string) Token {
	forms := sync.OnceValue(func() []string { return encodings(text) })

	return Token{&text, source, &forms}
}

// Reveal gives the token itself, for the Authorization header, for what masks the
// token in the log, and for the ephemeral resource that hands it on.
func (t Token) Reveal() string {
	if t.secret == nil {
		return ""
	}

	return *t.secret
}

// HasPrefix reports whether the token begins with prefix, by which some issuers
// tell kinds of tokens apart.
func (t Token) HasPrefix(prefix string) bool { return strings.HasPrefix(t.Reveal(), prefix) }

// Key is the same for equal tokens, wherever they came from. It can be compared,
// and printing it shows an address.
func (t Token) Key() unique.Handle[string] { return unique.Make(t.Reveal()) }

// Source says where the token came from: "argument", "env:NAME", "file:PATH"
// or "provider".
func (t Token) Source() string { return t.source }

// String gives the source in place of the token.
func (t Token) String() string { return "token from " + t.source }

// Format implements [fmt.Formatter], so that no verb reaches the token.
func (t Token) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, t.String()) }

// MarshalText implements [encoding.TextMarshaler] for encoders.
func (t Token) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// LogValue implements [slog.LogValuer].
func (t Token) LogValue() slog.Value { return slog.StringValue(t.String()) }

// In reports whether text holds eight or more consecutive characters of the
// token (all of it, if it is shorter), in upper or lower case, even if characters that
// do not show, or blanks, are strewn between them; also where they are escaped as in
// URLs, HTML or JSON, where the token is in Base64 or written as numbers, or where it
// is a hash of the token.
func (t Token) In(text string) bool {
	secret := t.Reveal()
	if secret == "" || len(text) < min(minPart, len(secret)) {
		return false
	}

	// What is escaped may have been escaped before.
	plain := text
	for range 3 {
		if strings.ContainsAny(plain, `%&\`) {
			plain = escaped().ReplaceAllStringFunc(html.UnescapeString(plain), unescape)
		}
	}

	if hasPart(visible(text), visible(secret), minPart) || plain != text && hasPart(visible(plain), visible(secret), minPart) {
		return true
	}

	squeezed := squeeze(plain)

	return len(squeezed) >= minPart && slices.ContainsFunc((*t.forms)(), func(form string) bool { return hasPart(squeezed, form, minEncoded) })
}

// minEncoded is minPart for an encoded token, in which a character takes up to two.
const minEncoded = 2 * minPart

// hasPart reports whether text has that many consecutive characters of secret, or all
// of it if it is shorter.
func hasPart(text, secret string, part int) bool {
	part = min(part, len(secret))

	// Any part has one of these blocks whole, and an ordinary text has none.
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

// encodings are the forms in which others write a token or a hash of it, squeezed. A
// hash can be a credential, such as the SHA-256 of a Cloudflare token.
func encodings(secret string) []string {
	var all []string

	add := func(form string) {
		if form = squeeze(form); len(form) >= minPart {
			all = append(all, form)
		}
	}

	wide := strings.Join(strings.Split(secret, ""), "\x00") + "\x00" // UTF-16, as .NET has it.
	for _, text := range []string{secret, wide} {
		add(hex.EncodeToString([]byte(text)))
		add(fmt.Sprintf("%d", []byte(text)))

		// What comes before shifts the groups, and what comes after ends the last one.
		for offset := range 3 {
			encoded := base64.RawStdEncoding.EncodeToString([]byte(strings.Repeat(" ", offset) + text))
			add(encoded[(offset*8+5)/6 : (offset+len(text))*8/6])
		}
	}

	for _, text := range []string{secret, secret + "\n", "Bearer " + secret} {
		for _, h := range []hash.Hash{md5.New(), sha1.New(), sha256.New224(), sha256.New(), sha512.New384(), sha512.New()} { //nolint:gosec // Others write them.
			_, _ = io.WriteString(h, text)
			sum := h.Sum(nil)

			add(hex.EncodeToString(sum))
			add(base64.RawStdEncoding.EncodeToString(sum))
		}
	}

	return all
}

// visible is text in lower case without blanks and what does not show. Full-width
// characters are as the ordinary ones.
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

// squeeze is what is visible without anything but letters and digits, since encodings
// are written with various separators.
func squeeze(text string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			return -1
		}

		return r
	}, visible(text))
}

// escaped matches a character as URLs, JSON and programs have it.
var escaped = sync.OnceValue(func() *regexp.Regexp { //nolint:gochecknoglobals // A constant in all but form.
	return regexp.MustCompile(`(%|\\x)[0-9a-fA-F]{2}|(%|\\)u[0-9a-fA-F]{4}|\\u\{[0-9a-fA-F]{1,6}\}`)
})

func unescape(sequence string) string {
	code, _ := strconv.ParseInt(strings.Trim(sequence, `%\ux{}`), 16, 32) // The pattern lets nothing else through.

	return string(rune(code))
}

// Show prepares a message that a server sent for a person's eyes: printable, on
// one line, at most 300 characters, and withheld whole if it repeats a part of
// the token.
func (t Token) Show(text string) string {
	if t.In(text) {
		return "(message withheld: it contains part of the token)"
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
