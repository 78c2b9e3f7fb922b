// Package token finds the token to verify, and keeps it from being shown.
package token

import (
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"
)

// Token is a bearer token and its source. However it is formatted, logged, or
// encoded, only its source appears.
type Token struct {
	// A pointer, because package fmt prints a struct in an unexported field without
	// calling its methods.
	secret *string
	source string
}

// Reveal returns the token itself.
func (t Token) Reveal() string {
	if t.secret == nil {
		return ""
	}
	return *t.secret
}

// HasPrefix reports whether the token begins with prefix. Some issuers mark kinds
// of tokens that way.
func (t Token) HasPrefix(prefix string) bool { return strings.HasPrefix(t.Reveal(), prefix) }

// Source returns the token source: "argument", "env:NAME", "file:PATH" or
// "provider".
func (t Token) Source() string { return t.source }

// Format implements [fmt.Formatter], so that no verb reveals the token.
func (t Token) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "token from "+t.source) }

const (
	// minPart is the number of consecutive characters of a token that are not shown.
	minPart = 8
	// maxShown is the maximum length of a server's message, in characters.
	maxShown = 300
	// withheld replaces a text.
	withheld = "(withheld: contains part of the token)"
)

// publicPrefixes are documented prefixes of at least minPart characters, which are
// not part of the secret.
var publicPrefixes = []string{"github_pat_", "glagent-"}

// In reports whether text contains eight consecutive characters of the token, or
// all of a shorter one.
func (t Token) In(text string) bool {
	secret := t.Reveal()
	for _, prefix := range publicPrefixes {
		secret = strings.TrimPrefix(secret, prefix)
	}

	part := min(minPart, len(secret))
	for i := 0; part > 0 && i+part <= len(secret); i++ {
		if strings.Contains(text, secret[i:i+part]) {
			return true
		}
	}
	return false
}

// Redact prepares a value from a server for an attribute: printable, and withheld
// if it contains part of the token.
func (t Token) Redact(text string) string {
	if t.In(text) {
		return withheld
	}

	return strings.Map(func(r rune) rune {
		if !unicode.IsGraphic(r) {
			return utf8.RuneError
		}
		return r
	}, text)
}

// Show prepares a server's message for display: printable, on one line, at most 300
// characters, and withheld if it contains part of the token.
func (t Token) Show(text string) string {
	text = strings.TrimSuffix(t.Redact(strings.Join(strings.Fields(text), " ")), ".") // It is part of a sentence.
	if runes := []rune(text); len(runes) > maxShown {
		text = string(runes[:maxShown-1]) + "…"
	}
	return text
}

// grammar is that of bearer tokens (RFC 6750, section 2.1), with what GitLab allows
// in a configured prefix.
var grammar = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z0-9._~+/=@:-]+$`) })

// assignment matches a line of an env file.
var assignment = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Z][A-Z0-9_]*=[^=]`) })

// Remedy says what to set as a token.
const Remedy = "Set the token alone, exactly as its issuer showed it."

// Clean removes surrounding whitespace and reports why the rest cannot be a token.
// Neither length nor prefix matters: issuers change them. The error continues a
// sentence that names the value, and repeats no part of it. FileArgument is the
// argument to use for a path.
func Clean(raw, fileArgument string) (string, error) {
	text := strings.TrimSpace(raw)
	switch {
	case text == "":
		return "", errors.New("is empty")
	case strings.HasPrefix(text, "\ufeff"), strings.HasPrefix(text, "\xff\xfe"): // UTF-8, and UTF-16 as PowerShell writes it
		return "", errors.New("begins with a byte order mark")
	case strings.Contains(text, "$"), strings.Contains(text, "{{"):
		return "", errors.New("contains an unexpanded $…, ${…}, $(…), or {{…}}")
	case strings.HasPrefix(text, "{"):
		return "", errors.New("is JSON, not the token in it")
	case strings.ContainsAny(text, "\"'`“”‘’"):
		return "", errors.New("contains quotes")
	case len(text) > 7 && strings.EqualFold(text[:7], "Bearer "):
		return "", errors.New(`begins with "Bearer ", which the provider adds itself`)
	case strings.Contains(text, "***"):
		return "", errors.New("is masked with ***")
	case strings.Contains(text, "://"):
		return "", errors.New("is a URL")
	case assignment().MatchString(text):
		return "", errors.New("is an assignment: remove the variable's name and the equals sign")
	case text == "null", text == "None", text == "undefined":
		return "", errors.New("is the word for a missing value")
	case strings.ContainsFunc(text, unicode.IsSpace):
		return "", errors.New("contains whitespace")
	case !grammar().MatchString(text):
		return "", errors.New("contains a character that is not allowed in a token")
	}
	if info, err := os.Stat(text); err == nil && info.Mode().IsRegular() {
		return "", errors.New("is the path of a file: use " + fileArgument)
	}
	return text, nil
}
