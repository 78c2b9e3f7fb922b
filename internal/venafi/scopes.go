package venafi

import (
	"errors"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/tokencheck/terraform-provider-tokencheck/internal/verdict"
)

// Scopes are the scopes of a token by name, each with its restrictions in order,
// all in lower case: "certificate:manage,revoke;ssh" is certificate with manage
// and revoke, and ssh with none.
type Scopes map[string][]string

// ParseScopes reads the scope of an answer. Servers write blanks, upper case and
// a semicolon at the end. It gives nil where there is no scope at all.
func ParseScopes(scope string) Scopes {
	var scopes Scopes

	for part := range strings.SplitSeq(strings.Map(lower, scope), ";") {
		name, list, _ := strings.Cut(part, ":")
		if name = strings.TrimSpace(name); name == "" {
			continue
		}

		if scopes == nil {
			scopes = Scopes{}
		}

		restrictions := scopes[name]
		if restrictions == nil {
			restrictions = []string{}
		}

		for restriction := range strings.SplitSeq(list, ",") {
			if restriction = strings.TrimSpace(restriction); restriction != "" {
				restrictions = append(restrictions, restriction)
			}
		}

		slices.Sort(restrictions)
		scopes[name] = slices.Compact(restrictions)
	}

	return scopes
}

// lower is ASCII alone: Unicode's lower case makes an ordinary letter of some others.
func lower(r rune) rune {
	if r >= 'A' && r <= 'Z' {
		return r + 'a' - 'A'
	}

	return r
}

// anyScope is the requirement that every token meets.
const anyScope = "any"

// Missing gives what is required but not granted, in canonical form and order,
// one element for each restriction: "certificate:revoke". A scope alone is met by
// that scope with or without restrictions; restrictions do not imply each other.
func (s Scopes) Missing(required []string) []string {
	missing := []string{}

	for name, wanted := range ParseScopes(strings.Join(required, ";")) {
		granted, ok := s[name]

		switch {
		case name == anyScope, ok && len(wanted) == 0:
		case len(wanted) == 0:
			missing = append(missing, name)
		default:
			for _, restriction := range wanted {
				if !slices.Contains(granted, restriction) {
					missing = append(missing, name+":"+restriction)
				}
			}
		}
	}

	slices.Sort(missing)

	return missing
}

// Require returns the answer together with which of the required scopes the token
// lacks. It leaves the answer itself as it is, since other checks may share that.
func (a *Answer) Require(required []string) verdict.Answer {
	with := a.Answer

	if !a.Refused && len(required) > 0 {
		with.MissingScopes = a.Scopes.Missing(required)
		with.ScopesUnknown = a.Scopes == nil && len(with.MissingScopes) > 0
	}

	return with
}

// scopeGrammar has names of printable ASCII without whitespace and the separators
// (comma, colon, semicolon): anything else would be trimmed or never granted, and so
// require nothing. It is made when it is needed, as microsoftDate is.
var scopeGrammar = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[!-+\--9<-~]+(:[!-+\--9<-~]+(,[!-+\--9<-~]+)*)?$`) }) //nolint:gochecknoglobals // A constant in all but form.

// CheckScope reports why a required scope is not one. The error continues a
// sentence and does not repeat the value.
func CheckScope(scope string) error {
	switch {
	case scope == "":
		return errors.New("is empty")
	case strings.Contains(scope, ";"):
		return errors.New("contains a semicolon; write one element for each scope")
	case !scopeGrammar().MatchString(scope):
		return errors.New(`is not of the form "scope" or "scope:restriction,restriction", in printable ASCII without whitespace`)
	case strings.HasPrefix(strings.Map(lower, scope), anyScope+":"):
		return errors.New("adds a restriction to \"any\", which every token satisfies")
	}

	return nil
}
