package venafi

import (
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/tokencheck/terraform-provider-tokencheck/internal/transport"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/verdict"
)

// Answer is the server's answer about a token. Fields missing from the response are
// nil, zero, or empty. Equal checks may share one.
type Answer struct {
	verdict.Answer

	AccessIssuedOn *time.Time
	GrantIssuedOn  *time.Time
	// GrantExpiresOn is when the grant expires and refreshes end. It is not the
	// token's expiration.
	GrantExpiresOn *time.Time
	// ValidFor is the lifetime of the access token in seconds from AccessIssuedOn,
	// zero if unknown.
	ValidFor    int64
	Application string
	Identity    string
	// Scope is the scope as the server returns it, and Scopes is Scope parsed.
	Scope  string
	Scopes Scopes
}

// document is the body of a 200. Any field may be absent or null: older servers
// send fewer.
type document struct {
	moments

	ValidFor    *int64  `json:"valid_for"`
	Application *string `json:"application"`
	Identity    *string `json:"identity"`
	Scope       *string `json:"scope"`
	// Others are the remaining members by name.
	Others map[string]jsontext.Value `json:",embed"`
}

// isVerify reports whether the document has what only this operation returns: a
// time, a lifetime or, from old servers, an application with a scope.
func (d document) isVerify(t times) bool {
	return t != (times{}) || deref(d.ValidFor) > 0 || strings.TrimSpace(deref(d.Application)) != "" && strings.TrimSpace(deref(d.Scope)) != ""
}

// refusal is the body of a response that rejects the token.
type refusal struct {
	Error       string `json:"error"`
	Description string `json:"error_description"`
}

// refusing are the error codes with which the platform rejects a token. Any other
// comes from a gateway or reports an outage.
var refusing = []string{"invalid_token", "expired_token", "invalid_grant", "session_error"} //nolint:gochecknoglobals // Effectively a constant.

// read determines what a response says about the token. It decides by the HTTP
// status and the documented fields, in one case by the status line.
func read(resp *transport.Response) (*Answer, error) {
	if resp.Status == http.StatusOK {
		return accepted(resp)
	}

	body, _ := transport.Decode[refusal](resp)
	said, refused := say(resp, body), false

	switch inLine := inStatusLine(resp); resp.Status {
	case http.StatusUnauthorized:
		refused = !challenged(resp) && (slices.Contains(refusing, body.Error) || inLine)
		if inLine {
			said = quote(resp, resp.Words)
		}
	case http.StatusBadRequest:
		// The server returns this if the grant has expired.
		refused = slices.Contains(refusing, body.Error)
	}

	if refused {
		facts := verdict.Facts{Refused: true, Said: said, Now: resp.Now}

		return &Answer{Answer: verdict.Answer{Facts: facts, Words: words, Warnings: resp.Warnings}}, nil
	}

	return nil, undecided(resp, said)
}

// inStatusLine reports whether a response without a body says in its status line
// that the token or its grant is no longer valid, as some servers do. Text about
// anything else, such as a token service, does not count.
func inStatusLine(resp *transport.Response) bool {
	return len(resp.Body) == 0 && !resp.Oversized && ended().MatchString(strings.Join(strings.Fields(resp.Words), " "))
}

// ended matches a status line that says that a token or grant is no longer valid. It is
// compiled on first use: each run starts the provider several times.
var ended = sync.OnceValue(func() *regexp.Regexp { //nolint:gochecknoglobals // Effectively a constant.
	const wrong = `(revoked|expired|invalid|malformed)`

	return regexp.MustCompile(`(?i)^(unauthorized: )?(` + wrong + `[ _](access )?(token|grant)( format)?|` +
		`(the )?(provided )?((access )?token|grant)( provided)? (not found|((is|has|was) )?(been )?` + wrong + `)` +
		`(,? (or )?((has |is )?(been )?` + wrong + `|the refresh token is invalid))*( for other reasons)?)\.?$`)
})

// accepted reads a response with status 200, by which the server accepts the token.
func accepted(resp *transport.Response) (*Answer, error) {
	body, ok := transport.Decode[document](resp)

	if !ok {
		return nil, resp.Unexpected("The response is not the documented JSON object.", "")
	}

	times, err := body.read()
	application, identity, scope := deref(body.Application), deref(body.Identity), strings.TrimSpace(deref(body.Scope))

	switch {
	case err != nil:
		return nil, resp.Unexpected("The body contains an invalid date.", "")
	case body.contradicted():
		return nil, resp.Unexpected("The body reports an error or an invalid token, although the HTTP status reports success.", "")
	case !body.isVerify(times):
		return nil, resp.Unexpected("The body contains no date or lifetime of a token or grant.",
			"Check the server's version: older versions may not support Authorize/Verify. Also check that venafi.url names the server itself.")
	case slices.ContainsFunc([]rune(application+identity+scope), func(r rune) bool { return !unicode.IsPrint(r) }):
		return nil, resp.Unexpected("The body contains characters that are not printable in the application, identity, or scope.", "")
	case resp.Repeats(application + identity + scope):
		return nil, resp.Unexpected("The body contains part of the token.", "")
	}

	answer := &Answer{
		Answer: verdict.Answer{
			Facts: verdict.Facts{Word: string(verdict.Active), Said: "the token is valid", Granted: resp.Show(scope), Now: resp.Now},
			Words: words, Warnings: resp.Warnings,
		},
		AccessIssuedOn: times.accessIssued,
		GrantIssuedOn:  times.grantIssued,
		GrantExpiresOn: times.grantExpires,
		ValidFor:       max(deref(body.ValidFor), 0),
		Application:    application,
		Identity:       identity,
		Scope:          scope,
		Scopes:         ParseScopes(scope),
	}

	answer.findEnd(resp.Now)

	if answer.ExpiresOn != nil && answer.ExpiresOn == answer.GrantExpiresOn {
		answer.Words.Renew = "The grant expires then, and a refresh does not extend it: request a new grant and token."
	}

	return answer, nil
}

const authenticationRemedy = "Exempt /vedauth from authentication in the proxy, gateway, or web server in front of the platform, " +
	"which must pass the Authorization header through."

// undecided returns the error for a response that does not decide the check.
func undecided(resp *transport.Response, said string) *verdict.Error {
	switch {
	case resp.Status == http.StatusUnauthorized && challenged(resp):
		return resp.Fault(said, "The response has a challenge (WWW-Authenticate) that is not a Bearer challenge or cannot be parsed, so a proxy, gateway, or web server in front of the platform may have sent it.",
			authenticationRemedy)
	case resp.Status == http.StatusUnauthorized:
		return resp.Fault(said, "This is not how the platform rejects a token: a proxy, gateway, or web server in front of it may require other credentials, or it may be failing.",
			authenticationRemedy)
	case resp.Status == http.StatusBadRequest && inStatusLine(resp) && !challenged(resp):
		return resp.Fault(said, "The message suggests that the grant has expired, but the response is not in the documented format.",
			"Run again. If the message is the same, request a new grant and token, and use that token.")
	case resp.Status == http.StatusBadRequest && said != "":
		return resp.Fault(said, "The server did not accept the request.",
			"Run again. If the error persists, look for a proxy or gateway that removes or changes the Authorization header, and check venafi.url in the provider configuration.")
	case resp.Status == http.StatusBadRequest:
		return resp.Fault(said, "The web server in front of the platform rejected the request: it may require a client certificate.",
			"If it does, set venafi.client_certificate and venafi.client_key. Otherwise look for a proxy or gateway that removes or changes "+
				"the Authorization header, and check venafi.url in the provider configuration.")
	case resp.Status == http.StatusForbidden:
		return resp.Fault(said, "Verifying a token requires no scope, so an access restriction may be the cause.",
			"Ask the server's administrator whether access is restricted by address, or whether a client certificate (venafi.client_certificate) is required.")
	case resp.Status == http.StatusNotFound:
		return resp.Fault(said, "There is no Authorize/Verify endpoint at this URL.",
			"Check the server URL (venafi.url in the provider configuration, or VENAFI_URL), and that the VEDAuth service is installed on that host; it may be on another host than VEDSDK.")
	default:
		return resp.Fault(said, "", "")
	}
}

// say returns the documented messages of a response in a form that may be shown.
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

// challenged reports whether the response requests credentials that the platform
// does not use, as a gateway or IIS itself does: whether a challenge contains any
// word except Bearer and parameters. One header can contain several challenges (RFC
// 9110, section 11.6.1). An unreadable one counts.
func challenged(resp *transport.Response) bool {
	for _, challenge := range resp.Header.Values("WWW-Authenticate") {
		challenge = parameter().ReplaceAllString(challenge, " ")

		for word := range strings.FieldsFuncSeq(challenge, func(r rune) bool { return r == ',' || r == ' ' || r == '\t' }) {
			if !strings.EqualFold(word, "Bearer") {
				return true
			}
		}
	}

	return false
}

// parameter matches a challenge parameter, whose value is a word or a quoted
// string.
var parameter = sync.OnceValue(func() *regexp.Regexp { //nolint:gochecknoglobals // Effectively a constant.
	return regexp.MustCompile(`[^\s,="]+[ \t]*=[ \t]*("(\\.|[^"\\])*"|[^\s,"]+)`)
})

// deref returns *p, or the zero value if p is nil.
func deref[T any](p *T) T {
	if p == nil {
		return *new(T)
	}

	return *p
}
