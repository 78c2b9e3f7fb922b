package verdict

import (
	"cmp"
	"fmt"
	"strings"
	"time"
)

// Advice is an issuer's part of a reason. Each remedy is a sentence or two.
type Advice struct {
	// Token is what the issuer calls the token: "Cloudflare API token".
	Token string
	// Rejected, Renew, Enable and Scope say what to do about a rejected, an expired or
	// expiring, and a disabled token, and about one that lacks a scope. They are empty
	// where the issuer reports no such token.
	Rejected, Renew, Enable, Scope string
	// ScopesUnknown and ExpiryUnknown say what to do if the response lacks what is
	// needed to check required_scopes or min_remaining.
	ScopesUnknown, ExpiryUnknown string
}

// reason explains a status in at most three sentences. It contains nothing that
// differs between equal responses, such as the time, so that verifying again causes
// no changes in a plan.
func reason(s Status, f Facts, r Requirements) string {
	var what, todo string

	// An issuer may report one of our statuses, with a meaning of its own.
	reported := Status(f.IssuerStatus) == s
	switch {
	case f.Rejected:
		what, todo = "was rejected", f.Advice.Rejected
	case s == Active:
		what = "is active and " + life(f)
	case s == Disabled:
		what, todo = "is disabled", f.Advice.Enable
	case s == Expired && f.ExpiresOn != nil && !f.ExpiresOn.After(f.Now):
		what, todo = "expired at "+Format(*f.ExpiresOn), f.Advice.Renew
	case s == Expired:
		what, todo = "has expired", f.Advice.Renew
	case s == NotYetValid && !reported:
		what, todo = "is not valid before "+Format(*f.NotBefore), "Run again after that time, or use another token."
	case s == MissingScope && !reported:
		what, todo = "lacks the required scope "+strings.Join(f.MissingScopes, ", ")+" (granted: "+cmp.Or(f.GrantedScopes, "none")+")", f.Advice.Scope
	case s == Expiring && !reported:
		what, todo = fmt.Sprintf("expires at %s; min_remaining requires at least %s", Format(*f.ExpiresOn), Brief(*r.MinRemaining)), f.Advice.Renew
	default:
		what, todo = fmt.Sprintf("has the status %q, not \"active\"", s), "Check it with its issuer, or use another token."
	}

	text := fmt.Sprintf("The %s (source: %s) %s", f.Advice.Token, r.TokenSource, what)
	if f.Message != "" {
		text += ": " + f.Message
	}
	return strings.TrimSpace(text + ". " + todo)
}

func life(f Facts) string {
	switch {
	case f.ExpiresOn != nil:
		return "expires at " + Format(*f.ExpiresOn)
	case f.ExpiryUnknown:
		return "its expiration is unknown"
	default:
		return "does not expire"
	}
}

// Brief formats a duration as a user would: "72h", not "72h0m0s".
func Brief(d time.Duration) string {
	return strings.Replace(strings.Replace(d.String(), "m0s", "m", 1), "h0m", "h", 1)
}

// Format formats a time as RFC 3339 in UTC, as the provider shows all times.
func Format(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }
