package venafitest

import (
	"encoding/json"
	"math"
	"strings"
	"time"

	"github.com/tokencheck/terraform-provider-tokencheck/internal/issuertest"
)

// Accepts reports whether response is the documented success. It is a simple
// decoder that shares no code with the client. It may accept what the client
// refuses, but not the reverse.
func Accepts(response []byte, now time.Time) bool {
	fresh, _, ok := issuertest.Fresh(response, now)

	decoder := json.NewDecoder(strings.NewReader(fresh.Body))
	decoder.UseNumber() // One that does not concern the client may be of any size.

	var document map[string]any
	if !ok || decoder.Decode(&document) != nil {
		return false
	}

	for name, value := range document {
		if strings.HasPrefix(strings.ToLower(name), "error") || strings.EqualFold(name, "active") && value == false {
			return false
		}
	}

	proofs := 0

	for name, isNumber := range map[string]bool{
		"access_issued_on": false, "access_issued_on_ISO8601": false, "access_issued_on_unix_time": true,
		"grant_issued_on": false, "grant_issued_on_ISO8601": false, "grant_issued_on_unix_time": true,
		"expires": false, "expires_ISO8601": false, "expires_unix_time": true,
		"valid_for": true, "application": false, "identity": false, "scope": false,
	} {
		value := document[name]
		if value == nil {
			continue
		}

		literal, numeric := value.(json.Number)
		number, _ := literal.Float64()
		_, text := value.(string)

		if numeric != isNumber || text == isNumber || numeric && number != math.Trunc(number) {
			return false
		}

		if isNumber && number > 0 || text && value != "" && strings.Contains(name, "_on") || strings.HasPrefix(name, "expires") {
			proofs++
		}
	}

	return proofs > 0 || document["application"] != nil && document["scope"] != nil
}
