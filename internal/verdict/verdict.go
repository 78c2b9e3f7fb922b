// Package verdict decides what an issuer's response means for a token. It is the
// same for every issuer.
//
// A verification results in a [Verdict] if the response decided it, and in an
// [Error] if not.
package verdict

import (
	"cmp"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Status is the status of a token: one of the constants below, or any other status
// of an issuer, unchanged.
type Status string

// The statuses, in the order in which [Decide] considers them.
const (
	Rejected     Status = "rejected"      // the issuer rejects the token
	Disabled     Status = "disabled"      // reported by the issuer
	NotYetValid  Status = "not_yet_valid" // the token is not valid yet
	Expired      Status = "expired"       // reported by the issuer, or the expiration has passed
	MissingScope Status = "missing_scope" // a required scope is not granted
	Expiring     Status = "expiring"      // the token expires sooner than required
	Active       Status = "active"        // none of the above: the token is valid
)

// Facts is what a response says about a token. The issuers' own types embed it.
type Facts struct {
	// Rejected reports whether the issuer rejects the token. Everything about its
	// lifetime is then unknown.
	Rejected bool
	// Message is the issuer's message, in a form that may be shown, or "".
	Message string
	// IssuerStatus is the status that the issuer reports.
	IssuerStatus string
	// NotBefore is when the token becomes valid; nil if not reported.
	NotBefore *time.Time
	// ExpiresOn is when the token expires; nil if it does not or, with ExpiryUnknown,
	// if that is unknown.
	ExpiresOn     *time.Time
	ExpiryUnknown bool
	// MissingScopes are the required scopes that the token lacks, and GrantedScopes
	// are those that it has, in a form that may be shown.
	MissingScopes []string
	GrantedScopes string
	// ScopesUnknown reports whether scopes are required, but not reported.
	ScopesUnknown bool
	// Now is the time by the issuer's clock.
	Now time.Time

	Advice   Advice
	Warnings []Warning
}

// Warning is a warning for the user: a title of a few words, and sentences.
type Warning struct{ Title, Detail string }

// Requirements are what a configuration requires of a token beyond being valid.
type Requirements struct {
	// TokenSource is the token's source, as in the attribute of that name.
	TokenSource string
	// MinRemaining is the minimum remaining lifetime; nil if not set.
	MinRemaining *time.Duration
}

// Verdict is what the issuer's response decided.
type Verdict struct {
	Status Status
	// Reason explains the status to the user. It is the same for equal responses.
	Reason string
}

// Valid reports whether the token is valid and meets all requirements.
func (v Verdict) Valid() bool { return v.Status == Active }

// titles are those of diagnostics about a token that is not valid.
var titles = map[Status]string{
	Rejected: "Token was rejected", Disabled: "Token is disabled", NotYetValid: "Token is not valid yet", Expired: "Token has expired",
	MissingScope: "Token lacks a required scope", Expiring: "Token expires too soon",
}

// Title is the title of a diagnostic about a token that is not valid.
func (v Verdict) Title() string { return cmp.Or(titles[v.Status], "Token is not valid") }

// SetExpiration sets the expiration of a token that its issuer has just accepted, for an
// issuer that rejects expired tokens itself. One that has passed by the issuer's
// clock contradicts the response, so it becomes unknown, with a warning.
func (f *Facts) SetExpiration(end time.Time) {
	if end.After(f.Now) {
		f.ExpiresOn = &end
		return
	}

	f.ExpiryUnknown = true
	f.Warnings = append(f.Warnings, Warning{
		"Expiration ignored", "The issuer accepts the " + f.Advice.Token + ", but reports an expiration that has passed. " +
			"The provider ignores it. Check the issuer's clock.",
	})
}

// Decide returns the verdict on a response. The error is always an [*Error]: the
// response does not decide what was required.
func Decide(f Facts, r Requirements) (Verdict, error) {
	status, err := decide(f, r)
	if err != nil {
		return Verdict{}, err
	}
	return Verdict{Status: status, Reason: reason(status, f, r)}, nil
}

func decide(f Facts, r Requirements) (Status, error) {
	switch {
	case f.Rejected:
		return Rejected, nil
	case !isStatus(f.IssuerStatus):
		return "", &Error{
			Title: "Unexpected response from the issuer", ValidityUnknown: true,
			Cause:  "The status in the response is empty, longer than 64 characters, or not printable.",
			Remedy: "Check the server URL: another server may be responding there.",
		}
	case Status(f.IssuerStatus) != Active:
		return Status(f.IssuerStatus), nil
	case f.NotBefore != nil && f.NotBefore.After(f.Now):
		return NotYetValid, nil
	case f.ExpiresOn != nil && !f.ExpiresOn.After(f.Now):
		return Expired, nil
	case f.ScopesUnknown:
		return "", &Error{
			Title: "Required scopes cannot be checked", Argument: "required_scopes",
			Cause:  "The issuer accepts the " + f.Advice.Token + " (source: " + r.TokenSource + "), but does not report its scopes.",
			Remedy: f.Advice.ScopesUnknown,
		}
	case len(f.MissingScopes) > 0:
		return MissingScope, nil
	case r.MinRemaining == nil:
		return Active, nil
	case f.ExpiryUnknown:
		return "", &Error{
			Title: "Remaining lifetime cannot be checked", Argument: "min_remaining",
			Cause:  "The issuer accepts the " + f.Advice.Token + " (source: " + r.TokenSource + "), but its expiration is unknown.",
			Remedy: f.Advice.ExpiryUnknown,
		}
	case f.ExpiresOn != nil && f.ExpiresOn.Sub(f.Now) < *r.MinRemaining:
		return Expiring, nil
	default:
		return Active, nil
	}
}

// isStatus reports whether s can be shown as an issuer's status: 1 to 64 printable
// characters.
func isStatus(s string) bool {
	n := utf8.RuneCountInString(s)
	notPrintable := func(r rune) bool { return !unicode.IsPrint(r) || r == utf8.RuneError }
	return n >= 1 && n <= 64 && !strings.ContainsFunc(s, notPrintable)
}
