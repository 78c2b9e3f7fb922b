package venafi

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/tokencheck/terraform-provider-tokencheck/internal/transport"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/verdict"
)

// Answer is what the server says about a token. Fields that the answer lacks are
// nil, zero or empty. Equal checks may share one.
type Answer struct {
	verdict.Answer

	AccessIssuedOn *time.Time
	GrantIssuedOn  *time.Time
	// GrantExpiresOn is when the grant ends, and with it the last refresh. It is
	// not the token's end.
	GrantExpiresOn *time.Time
	// ValidFor is the lifetime of the access token in seconds from AccessIssuedOn,
	// zero if it is not known.
	ValidFor    int64
	Application string
	Identity    string
	// Scope is as the server writes it, and Scopes the same parsed.
	Scope  string
	Scopes Scopes
}

// document is the body of a 200. Each field may be absent or null: older servers
// send fewer.
type document struct {
	moments

	ValidFor    *int64  `json:"valid_for"`
	Application *string `json:"application"`
	Identity    *string `json:"identity"`
	Scope       *string `json:"scope"`
	// Error is in no answer that accepts a token.
	Error jsontext.Value `json:"error"`
}

// empty reports whether the document holds none of the documented fields.
func (d document) empty() bool {
	return d.moments == (moments{}) && d.ValidFor == nil && d.Application == nil && d.Identity == nil && d.Scope == nil
}

// refusal is the body of an answer that does not accept the token.
type refusal struct {
	Error       string `json:"error"`
	Description string `json:"error_description"`
}

// read finds what an answer says about the token. It decides by the HTTP status
// and by the documented fields; what the status line says decides in one case only.
func read(resp *transport.Response) (*Answer, error) {
	if resp.Status == http.StatusOK {
		return accepted(resp)
	}

	body, _ := transport.Decode[refusal](resp)
	said, refused := say(resp, body), false

	switch resp.Status {
	case http.StatusUnauthorized:
		// Some servers say it in the status line alone. A challenge for another
		// kind of credentials is not the platform's.
		inStatusLine := len(resp.Body) == 0 && !resp.Oversized && !challenged(resp) &&
			resp.Words != "" && !strings.EqualFold(resp.Words, http.StatusText(resp.Status))
		refused = body.Error != "" && body.Error != "invalid_request" || inStatusLine

		if inStatusLine {
			said = quote(resp, resp.Words)
		}
	case http.StatusBadRequest:
		// The server answers so when the grant has ended.
		refused = slices.Contains([]string{"invalid_token", "expired_token", "invalid_grant", "session_error"}, body.Error)
	}

	if refused {
		facts := verdict.Facts{Refused: true, Said: said, Now: resp.Now}

		return &Answer{Answer: verdict.Answer{Facts: facts, Words: words, Warnings: resp.Warnings}}, nil
	}

	return nil, undecided(resp, said)
}

// accepted reads an answer with the status 200, which is the server's word that
// the token works.
func accepted(resp *transport.Response) (*Answer, error) {
	body, ok := transport.Decode[document](resp)

	switch {
	case !ok:
		return nil, resp.Unexpected("Its body is not the documented JSON object.", "")
	case body.Error != nil:
		return nil, resp.Unexpected("Its body holds an error, although the status says that the token works.", "")
	case body.empty():
		return nil, resp.Unexpected("Its body holds none of the documented fields.",
			"Check the server's version: old ones may not support Authorize/Verify. Check also that venafi.url names the server itself.")
	case resp.Repeats(deref(body.Application), deref(body.Identity), deref(body.Scope)):
		return nil, resp.Unexpected("Its body repeats a part of the token.", "")
	}

	times, err := body.read()
	if err != nil {
		return nil, resp.Unexpected("A date in its body is none.", "")
	}

	scope := strings.TrimSpace(deref(body.Scope))
	answer := &Answer{
		Answer: verdict.Answer{
			Facts: verdict.Facts{Word: string(verdict.Active), Said: "the token is valid", Now: resp.Now},
			Words: words, Warnings: resp.Warnings,
		},
		AccessIssuedOn: times.accessIssued,
		GrantIssuedOn:  times.grantIssued,
		GrantExpiresOn: times.grantExpires,
		ValidFor:       max(deref(body.ValidFor), 0),
		Application:    deref(body.Application),
		Identity:       deref(body.Identity),
		Scope:          scope,
		Scopes:         ParseScopes(scope),
	}

	answer.findEnd(resp.Now)

	return answer, nil
}

// undecided is the error for an answer that says nothing about the token.
func undecided(resp *transport.Response, said string) *verdict.Error {
	switch resp.Status {
	case http.StatusUnauthorized:
		return resp.Fault(said, "That is not how the platform refuses a token: something in front of it asked for other credentials.",
			"Exempt /vedauth from the sign-in of the proxy, gateway or web server in front of the platform. It must let the Authorization header pass.")
	case http.StatusBadRequest:
		return resp.Fault(said, "The server could not read the request.",
			"Look for a proxy or gateway on the way that removes or changes the Authorization header, and check venafi.url in the provider configuration.")
	case http.StatusForbidden:
		return resp.Fault(said, "Verifying a token needs no particular scope, so that a scope is missing is not the cause.",
			"Ask the server's administrator whether this machine's address, or a missing client certificate (venafi.client_certificate), is the cause.")
	case http.StatusNotFound:
		return resp.Fault(said, "There is no Authorize/Verify at this address.",
			"Check the server URL (venafi.url in the provider configuration, or VENAFI_URL), and that the VEDAuth service is installed there. It can live on another host than VEDSDK.")
	default:
		return resp.Fault(said, "", "")
	}
}

// say puts the documented messages of an answer into words that may be shown.
func say(resp *transport.Response, body refusal) string {
	switch code, description := body.Error, body.Description; {
	case resp.Repeats(code + description):
		return resp.Show(code + description)
	case code == "" && description == "":
		return ""
	case description == "":
		return quote(resp, code)
	case code == "":
		return quote(resp, description)
	default:
		return quote(resp, code+": "+description)
	}
}

func quote(resp *transport.Response, text string) string { return `"` + resp.Show(text) + `"` }

// challenged reports whether the answer asks for credentials of a kind that the
// platform does not use, as a gateway or IIS itself does.
func challenged(resp *transport.Response) bool {
	return slices.ContainsFunc(resp.Header.Values("WWW-Authenticate"), func(challenge string) bool {
		scheme, _, _ := strings.Cut(strings.TrimSpace(challenge), " ")

		return !strings.EqualFold(scheme, "Bearer")
	})
}

// deref gives the zero value for what is absent, where that means the same.
func deref[T any](p *T) T {
	if p == nil {
		return *new(T)
	}

	return *p
}
