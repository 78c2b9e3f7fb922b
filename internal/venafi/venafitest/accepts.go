package venafitest

import (
	"time"

	"github.com/tokencheck/terraform-provider-tokencheck/internal/issuertest"
)

// Accepts reports whether response is the documented success. It is a simple
// decoder that shares no code with the client. It may accept what the client
// refuses, but not the reverse.
func Accepts(response []byte, now time.Time) bool {
	document, _, ok := issuertest.Document(response, now)
	application, _ := document["application"].(string)
	scope, _ := document["scope"].(string)

	return ok && application != "" && scope != "" && (document["error"] == nil || document["error"] == "")
}
