package cloudflaretest

import (
	"time"

	"github.com/tokencheck/terraform-provider-tokencheck/internal/issuertest"
)

// Accepts reports whether response is the documented success for a valid token. It
// is a simple decoder that shares no code with the client. It may accept what the
// client refuses, but not the reverse.
func Accepts(response []byte, now time.Time) bool {
	document, now, ok := issuertest.Document(response, now)
	if !ok || document["success"] != true {
		return false
	}

	if errors, ok := document["errors"].([]any); document["errors"] != nil && !ok || len(errors) > 0 {
		return false
	}

	result, _ := document["result"].(map[string]any)
	id, _ := result["id"].(string)

	return id != "" && result["status"] == active &&
		passes(result["expires_on"], func(t time.Time) bool { return t.After(now) }) &&
		passes(result["not_before"], func(t time.Time) bool { return !t.After(now) })
}

// passes reports whether a date is absent, or valid and meets the condition.
func passes(value any, condition func(time.Time) bool) bool {
	if value == nil {
		return true
	}

	text, _ := value.(string)
	t, err := time.Parse(time.RFC3339, text)

	return err == nil && condition(t)
}
