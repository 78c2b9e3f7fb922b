package cloudflare

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/tokencheck/terraform-provider-tokencheck/internal/transport"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/verdict"
)

// envelope is the body of every API response. Real responses omit fields that the
// schema requires, and contain fields that it does not list.
type envelope struct {
	Success *bool      `json:"success"`
	Errors  []apiError `json:"errors"`
	Result  *struct {
		ID        string     `json:"id"`
		Status    string     `json:"status"`
		NotBefore *time.Time `json:"not_before"`
		ExpiresOn *time.Time `json:"expires_on"`
	} `json:"result"`
}

type apiError struct {
	Code       int64          `json:"code"`
	Message    transport.Text `json:"message"`
	ErrorChain []apiError     `json:"error_chain"`
}

// The error codes that matter to a verification. Cloudflare documents none of them;
// they were observed in API responses.
const (
	codeRateLimit       = 971   // the current rate limit
	codeInvalidToken    = 1000  // unknown, rolled, or deleted; or for the other endpoint
	codeNoAuthorization = 1001  // no Authorization header received; also used for other errors
	codeInvalidHeaders  = 6003  // malformed header, with the next code in its chain
	codeMalformedToken  = 6111  // the header's content cannot be a token
	codeNoRoute         = 7000  // no such path
	codeInvalidObject   = 7003  // in practice, no such account
	codeMissingHeader   = 9106  // no authentication header received
	codeForbidden       = 9109  // observed with four messages, one about IP address filtering
	codeAuthentication  = 10000 // observed for dead tokens, address filters, and transient faults
	codeOldRateLimit    = 10100 // the former rate limit
	codeLockout         = 10502 // too many failed authentications from this address
)

// read determines what a response says about the token. It decides by success, the
// codes, and the HTTP status, never by a message.
func read(resp *transport.Response, advice verdict.Advice) (*Verification, error) {
	body, ok := transport.Decode[envelope](resp)
	message := say(resp, body.Errors)
	v := &Verification{Facts: verdict.Facts{Message: message, Now: resp.Now, Advice: advice, Warnings: resp.Warnings}}

	switch {
	case resp.Status == http.StatusOK && ok && body.Success != nil && *body.Success && len(body.Errors) == 0 && body.Result != nil && body.Result.ID != "" && body.Result.Status != "":
		v.ID = resp.Redact(body.Result.ID)
		v.IssuerStatus, v.NotBefore, v.ExpiresOn = resp.Redact(body.Result.Status), body.Result.NotBefore, body.Result.ExpiresOn
	case rejects(resp.Status, body):
		v.Rejected = true
		if has(body.Errors, codeInvalidHeaders) {
			v.Advice.Rejected = "It is incomplete, or a Global API key: set a whole API token, exactly as Cloudflare showed it."
		}
	default:
		err := undecided(resp, body.Errors, message)
		if ray := resp.Show(resp.Header.Get("Cf-Ray")); ray != "" { // Cloudflare's support needs it.
			err.Remedy += " For Cloudflare support, the Ray ID is " + ray + "."
		}
		return nil, err
	}
	return v, nil
}

// rejects reports whether a response rejects the token: it lists errors, and each
// means just that, with a status that the code was observed with.
func rejects(status int, body envelope) bool {
	if body.Success == nil || *body.Success || len(body.Errors) == 0 {
		return false
	}

	return !slices.ContainsFunc(body.Errors, func(e apiError) bool {
		switch e.Code {
		case codeInvalidToken:
			return status != http.StatusBadRequest && status != http.StatusUnauthorized && status != http.StatusForbidden
		case codeInvalidHeaders:
			return status != http.StatusBadRequest || !has(e.ErrorChain, codeMalformedToken)
		default:
			return true
		}
	})
}

// has reports whether an error, or a cause in its chain, has the code.
func has(errs []apiError, code int64) bool {
	return slices.ContainsFunc(errs, func(e apiError) bool { return e.Code == code || has(e.ErrorChain, code) })
}

// undecided returns the error for a response that does not decide.
func undecided(resp *transport.Response, errs []apiError, message string) *verdict.Error {
	wrongURL := ""
	if !strings.Contains(resp.URL.Path, "/client/v4/") {
		wrongURL = "The base URL of the API usually ends in /client/v4, and this one does not. Check cloudflare.base_url and CLOUDFLARE_BASE_URL."
	}

	switch body := strings.TrimSpace(string(resp.Body)); {
	case resp.Outage():
		return resp.Unexpected(message, "", "")
	case has(errs, codeLockout):
		return resp.Error("Cloudflare has locked out this machine", message,
			"After too many failed authentications, Cloudflare rejects every token from this address for some minutes, and each request prolongs that.",
			"Stop whatever sends invalid tokens from this address, wait ten minutes, and run again.")
	case has(errs, codeRateLimit), has(errs, codeOldRateLimit):
		return resp.RateLimited(message, time.Time{})
	case has(errs, codeAuthentication):
		return resp.Unexpected(message, "Cloudflare returns this for a token that is no longer valid, for one whose client IP address filtering excludes this machine, and for a temporary fault of its own.",
			"Run again. If the error persists, compare the token's client IP address filtering with this machine's address, then create a new token in the Cloudflare dashboard.")
	case has(errs, codeNoAuthorization), has(errs, codeMissingHeader):
		return resp.Unexpected(message, "The request's Authorization header may not have reached Cloudflare.", "Look for a proxy or gateway that removes it, and exempt the Cloudflare API.")
	case has(errs, codeForbidden):
		return resp.Unexpected(message, "The token's client IP address filtering is one possible cause.",
			"Compare the token's client IP address filtering in the Cloudflare dashboard with this machine's address.")
	case has(errs, codeInvalidObject) && strings.Contains(resp.URL.Path, "/accounts/"):
		return resp.Unexpected(message, "Cloudflare does not know the account.", "Check account_id. "+AccountIDRemedy)
	case resp.Status == http.StatusNotFound, has(errs, codeNoRoute), has(errs, codeInvalidObject):
		return resp.Unexpected(message, "", wrongURL)
	case resp.Header.Get("Cf-Mitigated") == "challenge", body == "error code: 1010", body == "error code: 1020":
		return resp.Error("Cloudflare blocks this machine", message, "Cloudflare blocked the request because of this machine's address or network, whatever the token.",
			"Run from another network, or ask Cloudflare support.")
	default:
		return resp.Unexpected(message, "", "")
	}
}

// say returns the API's errors in a form that may be shown.
func say(resp *transport.Response, errs []apiError) string {
	var all []string
	for _, e := range errs {
		one := fmt.Sprintf(`"%s" (code %d)`, resp.Show(string(e.Message)), e.Code)
		if causes := say(resp, e.ErrorChain); causes != "" {
			one += ", caused by " + causes
		}
		all = append(all, one)
	}
	return strings.Join(all, "; ")
}
