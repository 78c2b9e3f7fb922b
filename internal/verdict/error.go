package verdict

// Error says why a token could not be verified: no request was sent, there was no
// response, or the response did not decide. It says nothing about the token, and
// contains no part of it.
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
	// Requested reports whether a request was sent. The detail then says that the
	// token's validity is unknown, because people rotate tokens in an outage.
	Requested bool
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
	if e.Requested {
		detail += " The token was not verified, so its validity is unknown."
	}
	return detail + "\n\n" + e.Remedy
}
