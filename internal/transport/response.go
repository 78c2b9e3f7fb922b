package transport

import (
	"cmp"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/tokencheck/terraform-provider-tokencheck/internal/token"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/verdict"
)

const (
	// maxBody is the maximum size of a response body in bytes. Most are below 2 KiB, but
	// GitLab lists each permission of a fine-grained token.
	maxBody = 4 << 20
	// maxSkew is the clock skew above which a response has a warning.
	maxSkew = 5 * time.Minute
)

// Response is an issuer's response of any status. Equal requests may share one.
type Response struct {
	// Status is the HTTP status code, and Phrase its reason phrase, which HTTP/2 does
	// not have.
	Status int
	Phrase string
	Header http.Header
	// Body is cut at 4 MiB.
	Body []byte
	// Now is the time of the response by the issuer's clock, or the local time if it
	// has no date.
	Now time.Time
	// Warnings has a clock skew warning, if any.
	Warnings []verdict.Warning
	// Attempt is the number of requests so far, this one included, and SameStatus reports
	// whether the previous one had the same status.
	Attempt    int
	SameStatus bool
	// MaxRetries is that of the provider configuration.
	MaxRetries int
	// URL is the URL that was requested, and URLSource where its base was set, "" if it
	// is the default.
	URL       *url.URL
	URLSource string
	// Backoff is the usual wait before a first retry, a second but in tests.
	Backoff time.Duration

	client    *Client
	token     token.Token
	unsettled bool // another request could have another response
}

func (c *Client) newResponse(raw *http.Response, body []byte, address *url.URL, t token.Token) *Response {
	_, phrase, _ := strings.Cut(raw.Status, " ")
	r := &Response{
		Status: raw.StatusCode, Phrase: strings.TrimSpace(phrase), Header: raw.Header, Body: body,
		Now: c.config.Now(), URL: address, URLSource: c.config.URLSource, MaxRetries: c.config.MaxRetries, Backoff: c.config.Backoff, client: c, token: t,
	}
	if date, err := http.ParseTime(raw.Header.Get("Date")); err == nil {
		if r.Now.Sub(date).Abs() > maxSkew {
			r.Warnings = append(r.Warnings, verdict.Warning{
				Title: "Clock skew detected",
				Detail: "The clocks of this machine and of " + r.Show(address.Host) + " differ by more than five minutes. " +
					"The provider uses the issuer's clock. Correct the clock that is wrong.",
			})
		}
		r.Now = date
	}
	return r
}

// cached reports whether a cache returned the response (RFC 9111, section 5.1).
func (r *Response) cached() bool {
	// The value is zero for what is not a number, and large for what is out of range.
	seconds, _ := strconv.ParseUint(strings.TrimSpace(r.Header.Get("Age")), 10, 64)
	return seconds > 0
}

// ForeignChallenge reports whether the response asks for credentials other than a
// bearer token, as something in front of the issuer does.
func (r *Response) ForeignChallenge() bool {
	return slices.ContainsFunc(r.Header.Values("WWW-Authenticate"), func(challenge string) bool {
		return !strings.HasPrefix(strings.ToLower(challenge), "bearer")
	})
}

// Outage reports whether the status means that the server failed, so that the
// response says nothing about the token.
func (r *Response) Outage() bool { return r.Status == http.StatusRequestTimeout || r.Status >= 500 }

// HTML reports whether the body is a page, as of a proxy.
func (r *Response) HTML() bool {
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	return kind == "text/html"
}

// Decode parses the body as one JSON object, strictly: exact names and types, no
// duplicate names, nothing after the object. Invalid UTF-8 in a text is replaced. If
// ok is false, the document is empty.
func Decode[T any](r *Response) (document T, ok bool) {
	// Checked because null unmarshals into any type.
	if jsontext.Value(r.Body).Kind() != jsontext.KindBeginObject || json.Unmarshal(r.Body, &document, jsontext.AllowInvalidUTF8(true)) != nil {
		return *new(T), false
	}
	return document, true
}

// Text is a JSON string that decides nothing: any other value is "".
type Text string

// UnmarshalJSON implements [json.Unmarshaler].
func (t *Text) UnmarshalJSON(value []byte) error {
	_ = json.Unmarshal(value, (*string)(t), jsontext.AllowInvalidUTF8(true))
	return nil
}

// Show prepares text of the response for display, see [token.Token.Show].
func (r *Response) Show(text string) string { return r.token.Show(text) }

// Redact prepares text of the response for an attribute, see [token.Token.Redact].
func (r *Response) Redact(text string) string { return r.token.Redact(text) }

// Unexpected returns the error for a response that does not decide. The message is the
// issuer's, prepared with Show, or "". Cause and remedy are sentences for a status that
// does not explain itself; if empty, they say what is likely for any server.
func (r *Response) Unexpected(message, cause, remedy string) *verdict.Error {
	switch {
	case r.Status >= 300 && r.Status < 400 && r.Header.Get("Location") != "":
		target := "another location"
		if location, err := r.URL.Parse(r.Header.Get("Location")); err == nil {
			target = r.Show(location.Scheme + "://" + location.Host)
		}
		return r.Error("Redirect not followed", message, "It redirects to "+target+"; the provider does not follow, because the token would be sent there.",
			"If the issuer's API has moved, set its new URL."+r.client.urlRemedy())
	case r.Outage():
		remedy = "Run again later. " + r.client.issuer.OutageRemedy
		if r.Status == http.StatusInternalServerError {
			remedy += r.client.lateAuthRemedy()
		}
		return r.Error("Issuer returned a server error", message, r.tried(), remedy)
	case r.Status == http.StatusTooManyRequests:
		return r.RateLimited(message, time.Time{})
	case remedy == "":
		remedy = "Check whether a proxy, a firewall, or another server responds at this URL." + r.client.urlRemedy()
	}
	if cause == "" {
		cause = "This is not a documented response to a token verification."
	}
	return r.Error("Unexpected response from the issuer", message, cause, remedy)
}

// RateLimited returns the error for a response that reports, by its status or
// otherwise, that a rate limit is reached, until a time if that is not zero.
func (r *Response) RateLimited(message string, until time.Time) *verdict.Error {
	cause := r.tried()
	if !until.IsZero() {
		cause = "The limit resets at " + verdict.Format(until) + "."
	}
	return r.Error("Rate limit reached", message, cause, "Run again later, with a lower -parallelism or fewer verifications of the same token.")
}

// Error returns an error about the response, with its URL and status. Message is the
// issuer's, prepared with Show, or "".
func (r *Response) Error(title, message, cause, remedy string) *verdict.Error {
	switch {
	case message != "":
		message = ": " + message
	case len(r.Body) == 0:
		message = " without a body"
	case r.HTML():
		message = fmt.Sprintf(" with an HTML page (%d bytes)", len(r.Body))
	default:
		message = fmt.Sprintf(" with a body of %d bytes", len(r.Body))
	}
	status := strings.TrimSpace(fmt.Sprintf("HTTP %d %s", r.Status, cmp.Or(r.Show(r.Phrase), http.StatusText(r.Status))))
	return &verdict.Error{
		Title: title, Cause: strings.TrimSpace("GET " + r.Show(r.URL.String()) + " returned " + status + message + ". " + cause),
		Remedy: remedy, ValidityUnknown: true,
	}
}

// tried says how many requests were sent, and when to retry.
func (r *Response) tried() string {
	text := fmt.Sprintf("Requests sent: %d.", r.Attempt)
	if wait := r.retryAfter(); wait > 0 {
		text += " The response says to wait until " + verdict.Format(r.Now.Add(wait)) + "."
	}
	return text
}
