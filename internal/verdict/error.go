package verdict

// Error is the outcome of a check that could not be decided: the issuer was not
// asked, did not answer, or did not answer the question. It says nothing about
// the token, and it never holds a part of one.
type Error struct {
	// Summary says in a few words, and without values, what kind of fault it is.
	Summary string
	// Happened says what happened and what was tried, in sentences.
	Happened string
	// Remedy says what to do next, in sentences.
	Remedy string
	// Asked says that a request was on its way: the detail then adds that the
	// fault says nothing about the token, since people rotate tokens in an outage.
	Asked bool
	// Temporary says that the same request may be answered in a moment, so that it
	// is retried.
	Temporary bool
	// Err is the cause, for [errors.Is] and [errors.As]. Its text is not shown: it
	// may repeat what a server sent.
	Err error
}

// Error gives the summary and the detail on one line.
func (e *Error) Error() string { return e.Summary + ": " + e.Detail() }

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

// Detail is the whole text for a person: what happened, and what to do.
func (e *Error) Detail() string {
	detail := e.Happened
	if e.Asked {
		detail += " The token was not verified; this says nothing about whether it is valid."
	}

	return detail + "\n\n" + e.Remedy
}
