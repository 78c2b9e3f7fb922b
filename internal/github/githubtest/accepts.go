package githubtest

import (
	"bufio"
	"bytes"
	"encoding/json"
	"net/http"
	"time"

	"github.com/tokencheck/terraform-provider-tokencheck/internal/issuertest"
)

// Accepts reports whether response is the documented success, or GitHub's word that
// the token is that of an installation. It is a simple decoder that shares no code with
// the client. It may accept what the client refuses, but not the reverse.
func Accepts(response []byte, now time.Time) bool {
	if document, _, ok := issuertest.Document(response, now); ok {
		login, _ := document["login"].(string)
		id, _ := document["id"].(json.Number)

		return login != "" && id != "" && id != "0"
	}

	resp, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(response)), nil)
	if err != nil {
		return false
	}
	defer func() { _ = resp.Body.Close() }()

	return bytes.Contains(response, []byte("Resource not accessible by integration"))
}
