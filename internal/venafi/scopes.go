package venafi

import (
	"errors"
	"regexp"
	"slices"
	"strings"
	"sync"
)

// Scopes maps scopes to their sorted restrictions, all in lower case:
// "certificate:manage,revoke;ssh" is certificate with manage and revoke, and ssh
// with none.
type Scopes map[string][]string

// ParseScopes parses the scope of a response. Servers add whitespace, upper case,
// and a trailing semicolon. It returns nil if there is no scope.
func ParseScopes(scope string) Scopes {
	var scopes Scopes

	for part := range strings.SplitSeq(strings.ToLower(scope), ";") {
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

// anyScope is a requirement that every token satisfies.
const anyScope = "any"

// Missing returns the required scopes that are not granted, in canonical form and
// order, one element per restriction: "certificate:revoke". A scope without
// restrictions accepts any; restrictions do not imply each other.
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

// scopeGrammar matches a scope with restrictions. It is compiled on first use, as
// microsoftDate is.
var scopeGrammar = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[^\s,:;]+(:[^\s,:;]+(,[^\s,:;]+)*)?$`) })

// CheckScope reports why a required scope is not valid. The error continues a
// sentence and does not repeat the value.
func CheckScope(scope string) error {
	if !scopeGrammar().MatchString(scope) {
		return errors.New(`is not of the form "scope" or "scope:restriction,restriction"`)
	}
	return nil
}
