package gitlabtest

import (
	"bytes"
	"encoding/json"
	"time"

	"github.com/tokencheck/terraform-provider-tokencheck/internal/issuertest"
)

// Accepts reports whether response is the documented success, or one of GitLab's
// answers that only an authenticated token gets. It is a simple decoder that shares no
// code with the client. It may accept what the client refuses, but not the reverse.
func Accepts(response []byte, now time.Time) bool {
	if document, _, ok := issuertest.Document(response, now); ok {
		_, id := document["id"].(json.Number)

		return id && document["active"] == true && document["revoked"] == false
	}

	for _, word := range []string{"insufficient_scope", "insufficient_granular_scope", "This endpoint requires token type to be a personal access token"} {
		if bytes.Contains(response, []byte(word)) {
			return true
		}
	}
	return false
}
