package verdict

import (
	"errors"
	"slices"
	"strings"
)

// MissingScopes returns the required scopes, sorted, that none of the granted ones
// is or includes.
func MissingScopes(required, granted []string, includes func(granted, required string) bool) []string {
	missing := slices.DeleteFunc(slices.Clone(required), func(scope string) bool {
		return slices.ContainsFunc(granted, func(g string) bool { return g == scope || includes(g, scope) })
	})
	slices.Sort(missing)
	return missing
}

// CheckScope reports why a required scope is not the name of one. The error continues
// a sentence and does not repeat the value.
func CheckScope(scope string) error {
	if scope == "" || strings.ContainsAny(scope, " \t\r\n,;\"'") {
		return errors.New("is not the name of one scope")
	}
	return nil
}
