package cloudflare

import (
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/tokencheck/terraform-provider-tokencheck/internal/transport"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/verdict"
)

// envelope is the body of every API response. Real responses omit fields that the
// schema requires, and contain fields that it does not list.
type envelope struct {
	Success  *bool     `json:"success"`
	Errors   []message `json:"errors"`
	Messages []message `json:"messages"`
	Result   *struct {
		ID        string     `json:"id"`
		Status    string     `json:"status"`
		NotBefore *time.Time `json:"not_before"`
		ExpiresOn *time.Time `json:"expires_on"`
	} `json:"result"`
}

type message struct {
	Code       int64     `json:"code"`
	Message    string    `json:"message"`
	ErrorChain []message `json:"error_chain"`
}

// The error codes that matter to a check. Cloudflare documents none of them; they
// were observed in API responses.
const (
	codeRateLimit       = 971   // the current rate limit
	codeInvalidToken    = 1000  // unknown, rolled, or deleted; or for the other endpoint
	codeNoAuthorization = 1001  // no Authorization header received; also used for other errors
	codeInvalidHeaders  = 6003  // malformed header, with the next code in its chain
	codeMalformedToken  = 6111  // the header's content cannot be a token
	codeNoRoute         = 7000  // no such path
	codeInvalidObject   = 7003  // in practice, no such account
	codeForbidden       = 9109  // observed with four messages, one about IP address filtering
	codeAuthentication  = 10000 // rejected; in messages, the same code means success
	codeOldRateLimit    = 10100 // the former rate limit
	codeLockOut         = 10502 // too many failed authentications from this address
)

// aboutToken are the codes that a rejection may list; any other has another cause.
var aboutToken = []int64{codeInvalidToken, codeAuthentication, codeInvalidHeaders, codeMalformedToken} //nolint:gochecknoglobals // Effectively a constant.

// read determines what a response says about the token; words are for that token.
// It decides by the HTTP status, success, and the codes, never by a message.
func read(resp *transport.Response, words verdict.Words, asked endpoint) (*Answer, error) {
	body, ok := transport.Decode[envelope](resp)
	said := say(resp, body.Errors)

	switch {
	case !ok && resp.Status == http.StatusOK:
		return nil, withRay(resp, resp.Unexpected("The response is not the documented JSON.", ""))
	case has(body.Errors, codeLockOut):
		return nil, withRay(resp, undecided(resp, body.Errors, said, asked))
	case has(body.Errors, codeRateLimit), has(body.Errors, codeOldRateLimit): // With any status.
		return nil, withRay(resp, resp.RateLimited(said, time.Time{}))
	case resp.Status == http.StatusOK:
		return success(resp, body, words, said)
	case body.Success != nil && !*body.Success && len(body.Errors) > 0 && (body.Result == nil || body.Result.ID+body.Result.Status == "") &&
		onlyAboutToken(body.Errors) &&
		!slices.ContainsFunc(body.Errors, func(m message) bool { return !m.refuses(resp.Status) }):
		if has(body.Errors, codeAuthentication) {
			words.Refused += " Cloudflare may also return this error temporarily: run again before you replace the token."
		}

		if has(body.Errors, codeInvalidHeaders) {
			words.Refused = "The value is not a well-formed API token: it may be truncated, or it may be a Global API key. Set the whole token, exactly as Cloudflare showed it."
		}

		facts := verdict.Facts{Refused: true, Said: said, Now: resp.Now}

		return &Answer{Answer: verdict.Answer{Facts: facts, Words: words, Warnings: resp.Warnings}}, nil
	default:
		return nil, withRay(resp, undecided(resp, body.Errors, said, asked))
	}
}

// success reads a response with status 200.
func success(resp *transport.Response, body envelope, words verdict.Words, said string) (*Answer, error) {
	unexpected := func(happened string) error {
		if said != "" {
			happened += " Errors: " + said + "."
		}

		return withRay(resp, resp.Unexpected(happened, ""))
	}

	switch {
	case body.Success == nil || !*body.Success:
		return nil, unexpected("The body does not report success.")
	case len(body.Errors) > 0:
		return nil, unexpected("The body reports success and lists errors.")
	case body.Result == nil || !verdict.IsWord(body.Result.ID) || !verdict.IsWord(body.Result.Status):
		return nil, unexpected("The result has no usable id or status.")
	case !verdict.Writable(body.Result.NotBefore) || !verdict.Writable(body.Result.ExpiresOn):
		return nil, unexpected("The result contains a date before the year 0 or after the year 9999.")
	case resp.Repeats(body.Result.ID + body.Result.Status):
		return nil, unexpected("The result contains part of the token.")
	}

	facts := verdict.Facts{
		Word:      body.Result.Status,
		Said:      `status "` + body.Result.Status + `"`,
		NotBefore: body.Result.NotBefore,
		ExpiresOn: body.Result.ExpiresOn,
		Now:       resp.Now,
	}

	return &Answer{ID: body.Result.ID, Answer: verdict.Answer{Facts: facts, Words: words, Warnings: resp.Warnings}}, nil
}

// refuses reports whether the error means that Cloudflare rejects the token. A code
// counts only with the statuses it was observed with.
func (m message) refuses(status int) bool {
	switch m.Code {
	case codeInvalidToken:
		return status == http.StatusBadRequest || status == http.StatusUnauthorized || status == http.StatusForbidden
	case codeAuthentication:
		return status == http.StatusUnauthorized || status == http.StatusForbidden
	case codeInvalidHeaders:
		return status == http.StatusBadRequest && slices.ContainsFunc(m.ErrorChain, func(m message) bool { return m.Code == codeMalformedToken })
	default:
		return false
	}
}

// has reports whether an error, or a cause in its chain, has the code.
func has(errs []message, code int64) bool {
	return slices.ContainsFunc(errs, func(m message) bool { return m.Code == code || has(m.ErrorChain, code) })
}

// onlyAboutToken reports whether all errors, and their causes, are about the token.
func onlyAboutToken(errs []message) bool {
	return !slices.ContainsFunc(errs, func(m message) bool { return !slices.Contains(aboutToken, m.Code) || !onlyAboutToken(m.ErrorChain) })
}

// undecided returns the error for a response that does not decide the check.
func undecided(resp *transport.Response, errs []message, said string, asked endpoint) *verdict.Error {
	switch {
	case has(errs, codeLockOut):
		err := resp.Fault(said, "After too many failed authentications, Cloudflare rejects every token from this machine's address for some minutes, "+
			"and each further request prolongs the lockout.",
			"Stop whatever sends invalid tokens from this address, wait ten minutes, and run again.")
		err.Summary, err.Temporary = "Cloudflare has locked out this machine", false

		return err
	case resp.Status < 400 || resp.Status == http.StatusTooManyRequests || resp.Status >= 500:
		return resp.Fault(said, "", "")
	case has(errs, codeNoAuthorization):
		return resp.Fault(said, "The request's Authorization header may not have reached Cloudflare.",
			asked.urlRemedy()+" If the message is about the header, look for a proxy or gateway that removes it, "+
				"and exempt the Cloudflare API from it.")
	case has(errs, codeForbidden):
		return resp.Fault(said, "Cloudflare uses this code for several reasons; the token's client IP address filtering may be one of them.",
			"If the message names a location, allow this machine's address in the token's client IP address filtering in the Cloudflare dashboard. "+
				"Otherwise compare the message with the token's settings in the dashboard.")
	case has(errs, codeInvalidObject) && asked.account != "":
		return resp.Fault(said, "Cloudflare does not recognize the account or the path.", "Check account_id. "+AccountIDRemedy+" "+asked.urlRemedy())
	case has(errs, codeNoRoute) && asked.account != "":
		return resp.Fault(said, "", asked.urlRemedy()+" Then check account_id. "+AccountIDRemedy)
	case resp.Status == http.StatusNotFound, has(errs, codeNoRoute):
		return resp.Fault(said, "", asked.urlRemedy())
	default:
		return resp.Fault(said, "", "")
	}
}

// urlRemedy returns the remedy if the server does not know the path.
func (e endpoint) urlRemedy() string {
	remedy := "Check the server URL (cloudflare.base_url in the provider configuration, or CLOUDFLARE_BASE_URL)."
	if !strings.HasSuffix(e.base.Path, "/client/v4") {
		remedy += " It usually ends in /client/v4, and this one does not."
	}

	return remedy
}

// say returns the API's errors in a form that may be shown.
func say(resp *transport.Response, errs []message) string {
	var b strings.Builder

	one := func(between string, m message) {
		if b.Len() > 0 {
			b.WriteString(between)
		}

		fmt.Fprintf(&b, `"%s" (code %d)`, resp.Show(m.Message), m.Code)
	}

	for _, m := range errs {
		one("; ", m)

		for _, cause := range m.ErrorChain {
			one(", caused by ", cause)
		}
	}

	if whole := together(errs); resp.Repeats(whole) { // The token may be spread over several errors.
		return resp.Show(whole)
	}

	return resp.Show(b.String())
}

// together returns the messages of all errors and their causes.
func together(errs []message) string {
	var b strings.Builder

	for _, m := range errs {
		b.WriteString(m.Message + together(m.ErrorChain))
	}

	return b.String()
}

// rayID is compiled on first use: most runs do not need it, and each run starts the
// provider several times.
var rayID = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[0-9a-f]{16}(-[A-Z]{3})?$`) }) //nolint:gochecknoglobals // Effectively a constant.

// withRay adds the Ray ID, which Cloudflare's support needs.
func withRay(resp *transport.Response, err *verdict.Error) *verdict.Error {
	if ray := resp.Header.Get("Cf-Ray"); rayID().MatchString(ray) && !resp.Repeats(ray) {
		err.Remedy += " For Cloudflare support, the Ray ID is " + ray + "."
	}

	return err
}
