package verdict

// Error says why a token could not be verified: no request was sent, there was no
// response, or the response did not decide what was required. It contains no part of
// the token.
type Error struct {
	// Title says in a few words, without values, what kind of fault it is.
	Title string
	// Cause says in sentences what happened.
	Cause string
	// Remedy says in sentences what to do next.
	Remedy string
	// Argument is the argument that the error is about, for the diagnostic's path; ""
	// if there is none, or if it is a token argument, whose line the CLI must not
	// print.
	Argument string
	// ValidityUnknown reports whether a request was sent, and did not tell whether the
	// token is valid. The detail says so, because people rotate tokens in an outage.
	ValidityUnknown bool
	// Err is the underlying error, for [errors.Is] and [errors.As].
	Err error
}

// Error returns the title and the detail.
func (e *Error) Error() string { return e.Title + ": " + e.Detail() }

// Unwrap returns the underlying error.
func (e *Error) Unwrap() error { return e.Err }

// Detail returns the text for the user: what happened, and what to do.
func (e *Error) Detail() string {
	detail := e.Cause
	if e.ValidityUnknown {
		detail += " The token was not verified, so its validity is unknown."
	}
	return detail + "\n\n" + e.Remedy
}
