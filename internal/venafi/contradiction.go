package venafi

import (
	"errors"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"unicode"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// contradicted reports whether one of the other members contradicts the status: an
// error in any spelling, or a word for an invalid token. Real responses have none,
// so a false alarm is better than trusting the rest.
func (d document) contradicted() bool {
	for name, raw := range d.Others {
		var value any

		err := json.Unmarshal(raw, &value, json.WithUnmarshalers(json.UnmarshalFromFunc(number)))
		if err != nil || strings.HasPrefix(strings.Map(letters, name), "error") || claimOf(name).denied(value) {
			return true
		}
	}

	return false
}

// number decodes a number of any size, which may be infinite then.
func number(dec *jsontext.Decoder, value *any) error {
	if dec.PeekKind() != '0' {
		return errors.ErrUnsupported
	}

	raw, err := dec.ReadValue()
	if err == nil {
		*value, _ = strconv.ParseFloat(string(raw), 64)
	}

	return err //nolint:wrapcheck // That there is one is enough.
}

// claim is what the name of a member says that its value is about: that the token is
// valid, or that it is not, or its state.
type claim struct{ good, bad, state bool }

// claimOf reads a name. The whole name must be about the token: neither "default" nor
// "mfa_enabled" is.
func claimOf(name string) claim {
	if slices.ContainsFunc(wordsOf(name), func(word string) bool {
		return slices.Contains([]string{"error", "errors", "exception", "fault"}, word)
	}) {
		return claim{bad: true} // As in oauth_error.
	}

	return inWords(name)
}

// inWords reads a text that describes the token, or nothing.
func inWords(text string) claim {
	about := describing().FindStringSubmatch(strings.Map(letters, text))
	if about == nil {
		return claim{}
	}

	// A time, such as authorized_on, is not a yes or no.
	return claim{good: about[1] != "" && about[5] == "", bad: about[2]+about[3] != "", state: about[4] != ""}
}

// denied reports whether a value, or a member of it, says that the token is not valid.
func (c claim) denied(value any) bool {
	switch v := value.(type) {
	case map[string]any:
		for name, inner := range v {
			own := claimOf(name)
			if strings.EqualFold(name, "value") {
				own = c
			}

			if own.denied(inner) {
				return true
			}
		}

		return c.bad && len(v) > 0
	case []any:
		return slices.ContainsFunc(v, c.denied)
	case nil:
		return false
	default:
		no, says := plainly(value)
		text, _ := value.(string)

		return no && (c.good || c.state && (value == false || strings.EqualFold(strings.Trim(text, " ."), "false"))) || c.bad && !no || (c.good || c.state) && says
	}
}

// describing matches the names, in letters alone, of members that describe the token:
// a good word, its negation, a bad word, or states; and the time of that.
var describing = sync.OnceValue(func() *regexp.Regexp { //nolint:gochecknoglobals // Effectively a constant.
	good := "(?:" + strings.Join(goodWords, "|") + ")"

	return regexp.MustCompile("^(?:" + strings.Join(prefixes, "|") + ")*(?:(" + good + ")|((?:not|in|un)" + good + ")|(" + strings.Join(badWords, "|") + ")|((?:" +
		strings.Join(stateWords, "|") + ")+))(?:token|grant)*((?:on|at|date|time|unix|iso|utc)*)$")
})

// plainly reports whether a value is a form of no, and whether it alone says that
// something is not valid.
func plainly(value any) (no, says bool) {
	switch v := value.(type) {
	case string:
		text := strings.ToLower(strings.Trim(v, " ."))
		no = slices.Contains([]string{"false", "no", "n", "off", "0", "none", ""}, text) || noTime(v)

		return no, negative(wordsOf(v)) || inWords(v).bad
	case float64:
		return v == 0, v >= http.StatusBadRequest && v < 600
	default:
		return value == false, false
	}
}

// noTime reports whether a text is what servers send for no time.
func noTime(text string) bool {
	fromISO, err1 := parseISO(text)
	fromMicrosoft, err2 := parseMicrosoft(text)

	return err1 == nil && set(fromISO) == nil || err2 == nil && set(fromMicrosoft) == nil
}

// negative reports whether words say that something is not valid.
func negative(words []string) bool {
	for i, word := range words {
		denied := i > 0 && slices.Contains([]string{"no", "not", "never", "without"}, words[i-1])

		if slices.Contains(badWords, word) && !denied || slices.Contains(goodWords, word) && (denied || i > 0 && words[i-1] == "longer") || word == "found" && denied {
			return true
		}
	}

	return false
}

// wordsOf splits a name or text into lower-case words: at non-letters, and before
// an upper-case letter that follows a lower-case one.
func wordsOf(text string) []string {
	var (
		b        strings.Builder
		previous rune
	)

	for _, r := range text {
		if unicode.IsUpper(r) && unicode.IsLower(previous) {
			b.WriteByte(' ')
		}

		b.WriteRune(unicode.ToLower(r))

		previous = r
	}

	return strings.FieldsFunc(b.String(), func(r rune) bool { return !unicode.IsLetter(r) })
}

// Words in the name or value of a member that describe a token.
var (
	prefixes = []string{ //nolint:gochecknoglobals // Effectively a constant.
		"is", "has", "was", "been", "the", "this", "your", "api", "access", "auth", "oauth", "bearer", "token", "grant", "session", "still", "currently", "current", "already", "http", "response",
	}
	badWords = []string{ //nolint:gochecknoglobals // Effectively a constant.
		"revoked", "expired", "disabled", "inactive", "deactivated", "invalid", "invalidated", "malformed", "rejected", "refused", "blocked", "locked", "suspended", "terminated",
		"cancelled", "canceled", "denied", "deleted", "unauthorized", "forbidden", "failed", "failure", "error", "errors", "exception", "fault",
	}
	goodWords  = []string{"active", "valid", "enabled", "success", "authenticated", "authorized", "accepted", "verified", "usable", "ok"}        //nolint:gochecknoglobals // Effectively a constant.
	stateWords = []string{"status", "state", "result", "token", "message", "msg", "reason", "details", "detail", "description", "title", "code"} //nolint:gochecknoglobals // Effectively a constant.
)

// letters maps letters to lower case and drops other characters.
func letters(r rune) rune {
	if !unicode.IsLetter(r) {
		return -1
	}

	return unicode.ToLower(r)
}
