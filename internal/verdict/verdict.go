// Package verdict decides what an issuer's answer means for a token. It is the same
// for every issuer, and no other package can make a token valid.
//
// A check results in a [Verdict] if the issuer's answer decided it, and in an
// [Error] if not.
package verdict

import (
	"slices"
	"time"
	"unicode"
	"unicode/utf8"
)

// Status is the status of a token: one of the constants below, or any other status
// word of an issuer, unchanged.
type Status string

// The statuses, in the order in which [Decide] checks them.
const (
	Rejected     Status = "rejected"      // the issuer rejects the token
	Disabled     Status = "disabled"      // from the issuer
	NotYetValid  Status = "not_yet_valid" // the token is not valid yet
	Expired      Status = "expired"       // from the issuer, or the expiration has passed
	MissingScope Status = "missing_scope" // a required scope is not granted
	Expiring     Status = "expiring"      // the token expires sooner than required
	Active       Status = "active"        // none of the above: the token is valid
)

// Facts is what one answer of an issuer says about a token.
type Facts struct {
	// Refused reports whether the issuer rejects the token. The facts about its
	// lifetime are then unknown.
	Refused bool
	// Said is the issuer's message in a form that may be shown, or "".
	Said string
	// Word is the issuer's word for the token's status.
	Word string
	// NotBefore is when the token becomes valid; nil if the answer has none.
	NotBefore *time.Time
	// ExpiresOn is when the token expires; nil if the answer has none.
	ExpiresOn *time.Time
	// EndUnknown reports whether the token may expire before ExpiresOn, or at any time if
	// ExpiresOn is nil. If false, a nil ExpiresOn means that the token does not
	// expire.
	EndUnknown bool
	// ScopesUnknown reports whether scopes are required, but the answer has none.
	ScopesUnknown bool
	// MissingScopes are the required scopes that the token lacks.
	MissingScopes []string
	// Granted is the token's scope as the issuer returns it, in a form that may be
	// shown.
	Granted string
	// Now is the time by the issuer's clock.
	Now time.Time
}

// Answer is the part of an answer that all issuers have in common. The issuers' own
// types embed it.
type Answer struct {
	Facts

	// Words are the issuer's part of the reason.
	Words Words
	// Warnings are for an answer that can still decide the check.
	Warnings []Warning
}

// Warning is a warning for the user: a summary of a few words, and sentences.
type Warning struct{ Summary, Detail string }

// Question is what a check requires of a token beyond being valid.
type Question struct {
	// TokenSource is the token source, as in the attribute of that name.
	TokenSource string
	// MinRemaining is the minimum remaining lifetime; nil if not set.
	MinRemaining *time.Duration
}

// Verdict is the outcome of a check that the issuer's answer decided.
type Verdict struct {
	Status Status
	// Reason explains the status to the user. It is the same for equal answers.
	Reason string
}

// Valid reports whether the token is valid and meets all requirements.
func (v Verdict) Valid() bool { return v.Status == Active }

// Decide returns the verdict on an answer. The error is always an [*Error]: the
// answer does not decide the check.
func Decide(a Answer, q Question) (Verdict, error) {
	status, err := decide(a, q)
	if err != nil {
		return Verdict{}, err
	}

	return Verdict{Status: status, Reason: reason(status, a.Facts, q, a.Words)}, nil
}

func decide(a Answer, q Question) (Status, error) {
	switch f := a.Facts; {
	case f.Refused:
		return Rejected, nil
	case !IsWord(f.Word):
		return "", &Error{
			Summary:  "Unexpected response from the issuer",
			Happened: "The status in the response is empty, longer than 64 characters, or not printable.",
			Remedy:   "Compare the configured server URL with the issuer's documentation; another server may be responding there.",
		}
	case Status(f.Word) != Active:
		return Status(f.Word), nil
	case f.NotBefore != nil && f.NotBefore.After(f.Now):
		return NotYetValid, nil
	case f.ExpiresOn != nil && !f.ExpiresOn.After(f.Now):
		return Expired, nil
	case f.ScopesUnknown:
		return "", &Error{
			Summary:  "Required scopes cannot be checked",
			Happened: "The issuer accepts the token, but its response does not report the token's scopes, so required_scopes cannot be checked.",
			Remedy:   a.Words.ScopesUnknown,
		}
	case len(f.MissingScopes) > 0:
		return MissingScope, nil
	case q.MinRemaining == nil:
		return Active, nil
	case f.ExpiresOn != nil && f.ExpiresOn.Sub(f.Now) < *q.MinRemaining:
		return Expiring, nil
	case f.EndUnknown:
		return "", &Error{
			Summary:  "Remaining lifetime cannot be checked",
			Happened: "The issuer accepts the token, but the expiration of the token is unknown, so min_remaining cannot be checked.",
			Remedy:   a.Words.EndUnknown,
		}
	default:
		return Active, nil
	}
}

// IsWord reports whether s can be shown as an issuer's status word: 1 to 64
// printable characters.
func IsWord(s string) bool {
	n := utf8.RuneCountInString(s)
	notPrintable := func(r rune) bool { return !unicode.IsPrint(r) || r == utf8.RuneError }

	return n >= 1 && n <= 64 && !slices.ContainsFunc([]rune(s), notPrintable)
}
