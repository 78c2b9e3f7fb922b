package verdict

import (
	"fmt"
	"strings"
	"time"
)

// Words are an issuer's part of a reason.
type Words struct {
	// Token is what the issuer calls the token: "Cloudflare API token".
	Token string
	// Endpoint is the endpoint that responded, to start a sentence: "Cloudflare's user
	// endpoint".
	Endpoint string
	// Renew says in a sentence what to do about an expired or expiring token.
	Renew string
	// Enable says in a sentence what to do about a disabled token; "" if the issuer
	// does not report any.
	Enable string
	// Refused says in sentences what a rejection may mean and what to do.
	Refused string
	// Scope says in a sentence what to do about a missing scope.
	Scope string
	// ScopesUnknown and EndUnknown say in a sentence what to do if the response lacks
	// what is needed to check required_scopes or min_remaining. They are empty for an
	// issuer that always returns it.
	ScopesUnknown, EndUnknown string
}

// reason explains a status. It contains nothing that differs between equal answers,
// such as the time of the check, so that repeating a check causes no changes in a
// plan.
func reason(s Status, f Facts, q Question, w Words) string {
	var what, todo string

	// An issuer may use one of our status words, with a meaning of its own.
	ours := Status(f.Word) == Active

	switch {
	case f.Refused: // An issuer may use the word itself.
		what, todo = "was rejected", w.Refused
	case s == Disabled:
		what, todo = "is disabled", w.Enable
	case s == NotYetValid && ours:
		what = "is not valid before " + Format(*f.NotBefore)
		todo = "Run again after that time, or use another token until then."
	case s == Expired && (f.ExpiresOn == nil || f.ExpiresOn.After(f.Now)):
		what, todo = "has expired", w.Renew
	case s == Expired && ours:
		what = "expired at " + Format(*f.ExpiresOn) + ", although the issuer still accepts it"
		todo = w.Renew
	case s == Expired:
		what, todo = "expired at "+Format(*f.ExpiresOn), w.Renew
	case s == MissingScope && ours:
		scopes := "scope"
		if len(f.MissingScopes) > 1 {
			scopes = "scopes"
		}

		what, todo = "lacks the required "+scopes+" "+strings.Join(f.MissingScopes, ", ")+" (granted: "+f.Granted+")", w.Scope
	case s == Expiring && ours:
		what = fmt.Sprintf("is active but %s; min_remaining requires at least %s", life(f), Brief(*q.MinRemaining))
		todo = w.Renew
	case s == Active:
		what, todo = "is active and "+life(f), "No action is needed."
	default:
		what = fmt.Sprintf("has the status %q, which is not \"active\"", s)
		todo = "Check the token in the issuer's dashboard, and use another token in the meantime."
	}

	said := w.Endpoint + " responded"
	if f.Said != "" {
		said += ": " + f.Said
	}

	if !strings.HasSuffix(said, ".") {
		said += "."
	}

	return fmt.Sprintf("The %s (source: %s) %s. %s %s", w.Token, q.TokenSource, what, said, todo)
}

func life(f Facts) string {
	switch {
	case f.ExpiresOn != nil && f.EndUnknown:
		return "expires at " + Format(*f.ExpiresOn) + " at the latest"
	case f.ExpiresOn != nil:
		return "expires at " + Format(*f.ExpiresOn)
	case f.EndUnknown:
		return "its expiration is unknown"
	default:
		return "does not expire"
	}
}

// Brief formats a duration as a user would: "72h", not "72h0m0s".
func Brief(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}

	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}

	return s
}

// Writable reports whether RFC 3339 can represent a time in UTC: a date late in the
// year 9999 in another zone may be too late. Clients refuse or drop other times.
func Writable(t *time.Time) bool { return t == nil || t.UTC().Year() >= 0 && t.UTC().Year() <= 9999 }

// Format formats a time as RFC 3339 in UTC, as the provider shows all times.
func Format(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }
