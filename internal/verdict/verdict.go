// Package verdict decides what an issuer's answer means for a token. It is the
// only place where a token can become valid, and it is the same for every issuer.
//
// A check ends in one of two ways: a [Verdict], when the issuer said something
// about the token, or an [Error], when the question could not be answered.
package verdict

import (
	"slices"
	"time"
	"unicode"
	"unicode/utf8"
)

// Status is the verdict in a word. It is one of the constants below or, where
// an issuer uses a status word that is none of them, that word as it is.
type Status string

// The statuses, in the order in which [Decide] looks for them.
const (
	Rejected     Status = "rejected"      // the issuer refuses the token
	Disabled     Status = "disabled"      // the issuer's word
	NotYetValid  Status = "not_yet_valid" // the token's time has not begun
	Expired      Status = "expired"       // the issuer's word, or the token's end has passed
	MissingScope Status = "missing_scope" // a required scope is not granted
	Expiring     Status = "expiring"      // the token ends sooner than was asked for
	Active       Status = "active"        // none of the above: the token works
)

// Facts is what one answer of an issuer says about one token.
type Facts struct {
	// Refused says that the issuer does not accept the token. The facts about
	// the token's life are then not known.
	Refused bool
	// Said is the issuer's message in a form that may be shown, "" for none.
	Said string
	// Word is the issuer's own word for the token's status.
	Word string
	// NotBefore is when the token begins to work; nil if the answer has none.
	NotBefore *time.Time
	// ExpiresOn is when the token stops working; nil if the answer has none.
	ExpiresOn *time.Time
	// EndUnknown says that the token may end before ExpiresOn, or at any time
	// where ExpiresOn is nil. If it is false, no ExpiresOn is a token without an end.
	EndUnknown bool
	// ScopesUnknown says that scopes were required, but the answer names none.
	ScopesUnknown bool
	// MissingScopes are the required scopes that the token lacks.
	MissingScopes []string
	// Granted is the token's scope as the issuer writes it, in a form that may be shown.
	Granted string
	// Now is the time by the issuer's clock.
	Now time.Time
}

// Answer is what every issuer's answer about a token has. The issuers' own types
// embed it.
type Answer struct {
	Facts

	// Words are the issuer's part of the reason.
	Words Words
	// Warnings are remarks on an answer that was good enough to decide.
	Warnings []Warning
}

// Warning is a remark for the user: a summary of a few words, and sentences.
type Warning struct{ Summary, Detail string }

// Question is what the user wants to know about a token beyond whether it is valid.
type Question struct {
	// TokenSource says where the token came from, as in the attribute of that name.
	TokenSource string
	// MinRemaining is how long the token must still live; nil if that was not asked.
	MinRemaining *time.Duration
}

// Verdict is the outcome of a check that the issuer has answered.
type Verdict struct {
	Status Status
	// Reason explains the status to a person. The same answer gives the same text.
	Reason string
}

// Valid reports whether the token works and meets everything that was asked.
func (v Verdict) Valid() bool { return v.Status == Active }

// Decide turns an answer into a verdict. The error is always an [*Error]: the
// answer cannot decide what was asked.
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
			Happened: "The issuer accepts the token, but its response does not report when the token expires, so min_remaining cannot be checked.",
			Remedy:   a.Words.EndUnknown,
		}
	default:
		return Active, nil
	}
}

// IsWord reports whether s can be passed on as an issuer's status word: 1 to 64
// printable characters.
func IsWord(s string) bool {
	n := utf8.RuneCountInString(s)
	notPrintable := func(r rune) bool { return !unicode.IsPrint(r) || r == utf8.RuneError }

	return n >= 1 && n <= 64 && !slices.ContainsFunc([]rune(s), notPrintable)
}
