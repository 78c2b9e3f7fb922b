package verdict

// Error is the outcome of a check that could not be decided: no request was sent,
// there was no response, or the response did not decide it. It says nothing about
// the token, and contains no part of it.
type Error struct {
	// Summary says in a few words, without values, what kind of fault it is.
	Summary string
	// Happened says in sentences what happened and what was tried.
	Happened string
	// Remedy says in sentences what to do next.
	Remedy string
	// Asked reports whether a request was in progress. The detail then says that the
	// fault says nothing about the token, because people rotate tokens in an outage.
	Asked bool
	// Temporary reports whether the request may succeed shortly, and is retried.
	Temporary bool
	// Err is the cause, for [errors.Is] and [errors.As]. Its text is not shown,
	// because it may repeat what a server sent.
	Err error
}

// Error returns the summary and the detail.
func (e *Error) Error() string { return e.Summary + ": " + e.Detail() }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Detail returns the text for display: what happened, and what to do.
func (e *Error) Detail() string {
	detail := e.Happened
	if e.Asked {
		detail += " The token was not verified; this says nothing about whether it is valid."
	}

	return detail + "\n\n" + e.Remedy
}
