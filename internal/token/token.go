// Package token holds a bearer token so that it cannot be printed by mistake,
// and knows every place where a check can take one from.
package token

import (
	"fmt"
	"io"
	"log/slog"
	"strings"
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
}

// Reveal gives the token itself. It has two callers: what writes the
// Authorization header, and what masks the token in the log.
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
// token (all of it, if it is shorter), in upper or lower case, even if
// characters that do not show, or blanks, are strewn between them.
func (t Token) In(text string) bool {
	secret := strings.ToLower(t.Reveal())
	if secret == "" {
		return false
	}

	squeezed := strings.Map(func(r rune) rune {
		if r <= ' ' || r > '~' {
			return -1
		}

		return unicode.ToLower(r)
	}, text)
	part := min(minPart, len(secret))

	for i := 0; i+part <= len(secret); i++ {
		if strings.Contains(squeezed, secret[i:i+part]) {
			return true
		}
	}

	return false
}

// Show prepares a message that a server sent for a person's eyes: printable, on
// one line, at most 300 characters, and withheld whole if it repeats a part of
// the token.
func (t Token) Show(text string) string {
	if t.In(text) {
		return "(message withheld: it repeats a part of the token)"
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
