package venafi

import (
	"net/http"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/tokencheck/terraform-provider-tokencheck/internal/transport"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/verdict"
)

// document is the body of a 200. Every captured one, the oldest included, has an
// application and a scope; the rest decides nothing if it cannot be read.
type document struct {
	Application string         `json:"application"`
	Scope       string         `json:"scope"`
	Error       jsontext.Value `json:"error"`

	Identity transport.Text `json:"identity"`
	ValidFor jsontext.Value `json:"valid_for"`

	AccessIssuedOn     transport.Text `json:"access_issued_on"`
	AccessIssuedOnISO  transport.Text `json:"access_issued_on_ISO8601"`
	AccessIssuedOnUnix jsontext.Value `json:"access_issued_on_unix_time"`
	GrantIssuedOn      transport.Text `json:"grant_issued_on"`
	GrantIssuedOnISO   transport.Text `json:"grant_issued_on_ISO8601"`
	GrantIssuedOnUnix  jsontext.Value `json:"grant_issued_on_unix_time"`
	Expires            transport.Text `json:"expires"`
	ExpiresISO         transport.Text `json:"expires_ISO8601"`
	ExpiresUnix        jsontext.Value `json:"expires_unix_time"`
}

// failure is the body of any other response.
type failure struct {
	Error       string         `json:"error"`
	Description transport.Text `json:"error_description"`
}

// read determines what a response says about the token.
func read(resp *transport.Response) (*Verification, error) {
	v := &Verification{Facts: verdict.Facts{Now: resp.Now, Advice: advice(), Warnings: resp.Warnings}}

	if resp.Status == http.StatusOK {
		return v, v.readSuccess(resp)
	}

	body, _ := transport.Decode[failure](resp)
	v.Message = say(resp, body)
	if v.Rejected = rejects(resp, body); !v.Rejected {
		return nil, undecided(resp, body, v.Message)
	}
	return v, nil
}

// readSuccess reads a response with status 200, by which the server accepts the
// token. Members that are not documented decide nothing.
func (v *Verification) readSuccess(resp *transport.Response) error {
	body, ok := transport.Decode[document](resp)
	switch {
	case !ok:
		return resp.Unexpected("", "The response is not the documented JSON object.", "")
	case strings.TrimSpace(body.Application) == "", strings.TrimSpace(body.Scope) == "", len(body.Error) > 0 && string(body.Error) != "null" && string(body.Error) != `""`:
		return resp.Unexpected("", "The response has no application or scope, or has an error.",
			"Check that the server's version supports Authorize/Verify, and that venafi.url names the server itself.")
	}

	v.IssuerStatus = string(verdict.Active)
	v.AccessIssuedOn = moment(body.AccessIssuedOnUnix, body.AccessIssuedOnISO, body.AccessIssuedOn)
	v.GrantIssuedOn = moment(body.GrantIssuedOnUnix, body.GrantIssuedOnISO, body.GrantIssuedOn)
	v.GrantExpiresOn = moment(body.ExpiresUnix, body.ExpiresISO, body.Expires)
	v.ValidFor = max(integer(body.ValidFor), 0)
	v.Application, v.Identity, v.Scope = resp.Redact(body.Application), resp.Redact(string(body.Identity)), resp.Redact(strings.TrimSpace(body.Scope))
	v.Scopes, v.GrantedScopes = ParseScopes(v.Scope), resp.Show(body.Scope)

	v.findExpiry()
	return nil
}

// findExpiry sets the token's expiration: AccessIssuedOn + ValidFor, or the grant's
// expiration if that is earlier.
func (v *Verification) findExpiry() {
	end := after(v.AccessIssuedOn, v.ValidFor)
	switch grant := v.GrantExpiresOn; {
	case end == nil:
		v.ExpiryUnknown = true
	case grant != nil && grant.Before(*end):
		v.Advice.Renew = "Its grant expires then, and a refresh does not extend that: request a new grant and token."
		v.SetExpiration(*grant)
	default:
		v.SetExpiration(*end)
	}
}

// rejects reports whether a response rejects the token, in the documented form or,
// without a body, by a status line that servers have been seen to send. A challenge
// for other credentials comes from something in front of the server.
func rejects(resp *transport.Response, body failure) bool {
	switch {
	case resp.ForeignChallenge():
		return false
	case slices.Contains([]string{"invalid_token", "expired_token", "invalid_grant"}, body.Error):
		return resp.Status == http.StatusUnauthorized || resp.Status == http.StatusBadRequest
	}
	return resp.Status == http.StatusUnauthorized && len(resp.Body) == 0 && slices.Contains(statusLines(), strings.ToLower(resp.Phrase))
}

// statusLines are the captured reason phrases of rejections without a body, in lower
// case.
func statusLines() []string {
	return []string{
		"grant not found",
		"token not found",
		"access token expired",
		"the access token is expired",
		"invalid token format",
		"the access token provided is expired, revoked, malformed, or invalid for other reasons",
		"grant has been revoked, has expired, or the refresh token is invalid",
	}
}

// undecided returns the error for a response that does not decide.
func undecided(resp *transport.Response, body failure, message string) *verdict.Error {
	switch {
	case resp.Status == http.StatusUnauthorized && body.Error == "session_error":
		return resp.Unexpected(message, "The server reports a session error: the token may be invalid, or the server's database may be unavailable.",
			"Run again. If the error persists, request a new token, or ask the server's administrator.")
	case resp.Status == http.StatusUnauthorized:
		return resp.Unexpected(message, "This is not how the platform rejects a token: a proxy, gateway, or web server in front of it may require other credentials, or it may be failing.",
			"Exempt /vedauth from authentication there, and pass the Authorization header through.")
	case resp.Status == http.StatusBadRequest:
		return resp.Unexpected(message, "The server did not accept the request.",
			"Look for a proxy or gateway that removes or changes the Authorization header. If the server requires a client certificate, set venafi.client_certificate and venafi.client_key.")
	case resp.Status == http.StatusForbidden:
		return resp.Unexpected(message, "Verifying a token requires no scope, so an access restriction is the likely cause.",
			"Ask the server's administrator whether access is restricted by address, or requires a client certificate (venafi.client_certificate).")
	case resp.Status == http.StatusNotFound:
		return resp.Unexpected(message, "There is no Authorize/Verify endpoint at this URL.",
			"Check venafi.url or VENAFI_URL, and that the VEDAuth service is installed on that host; it may be on another host than VEDSDK.")
	default:
		return resp.Unexpected(message, "", "")
	}
}

// say returns the documented message of a response, else its status line, in a form
// that may be shown.
func say(resp *transport.Response, body failure) string {
	switch text := strings.Trim(body.Error+": "+string(body.Description), ": "); {
	case text != "":
		return `"` + resp.Show(text) + `"`
	case len(resp.Body) == 0 && resp.Phrase != "":
		return `"` + resp.Show(resp.Phrase) + `"`
	default:
		return ""
	}
}
