package transport

import (
	"cmp"
	"fmt"
	"maps"
	"mime"
	"net/http"
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
	// maxBody is the maximum size of a response body in bytes. Documented responses
	// are below 2 KiB.
	maxBody = 64 << 10
	// maxAge is the maximum age of a cached response in seconds.
	maxAge = 10
	// warnSkew is the clock skew above which a response has a warning, and maxSkew
	// an error.
	warnSkew = 5 * time.Minute
	maxSkew  = 24 * time.Hour
)

// Response is an issuer's response of any status. The body has been read.
type Response struct {
	// Status is the HTTP status code, and Words its reason phrase, which HTTP/2 does
	// not have.
	Status int
	Words  string
	Header http.Header
	// Body is empty, and Oversized true, if the body is larger than 64 KiB.
	Body      []byte
	Oversized bool
	// Now is the time of the response by the issuer's clock, or the local time if it
	// has no date.
	Now time.Time
	// Warnings has a clock skew warning, if any.
	Warnings []verdict.Warning

	config   *Config
	token    token.Token
	attempts int       // attempts so far, including this one
	until    time.Time // when to retry, if there is no Retry-After header
}

func newResponse(config *Config, raw *http.Response, body []byte, bearer token.Token) *Response {
	_, words, _ := strings.Cut(raw.Status, " ")
	r := &Response{
		Status: raw.StatusCode, Words: strings.TrimSpace(words), Header: raw.Header, Body: body,
		Now: config.Now(), config: config, token: bearer,
	}

	if len(body) > maxBody {
		r.Body, r.Oversized = nil, true
	}

	if date, err := http.ParseTime(raw.Header.Get("Date")); err == nil {
		if skew := r.Now.Sub(date); skew.Abs() > warnSkew {
			r.Warnings = append(r.Warnings, verdict.Warning{
				Summary: "Clock skew detected",
				Detail: "The clocks of this machine and of " + config.inSentence() + " differ by more than five minutes. " +
					"The provider uses the issuer's clock. Correct the clock that is wrong.",
			})
		}

		r.Now = date
	}

	return r
}

// usable returns an error for a response that decides nothing: a cached one, or one
// whose date is off by more than a day.
func (r *Response) usable() error {
	switch local := r.config.Now(); {
	case slices.ContainsFunc(r.Header.Values("Age"), tooOld):
		return &verdict.Error{
			Summary: "Cached response",
			Happened: "A proxy or gateway returned a cached response, although the request forbids it, " +
				"so what the issuer would respond now is unknown.",
			Remedy: "Exempt the issuer's address from caching in the proxy or gateway. " + r.config.checkURL(), Asked: true,
		}
	case !temporary(r.Status) && slices.ContainsFunc(slices.Collect(maps.Keys(r.Header)), misnamed):
		return r.Unexpected("The name of a header contains whitespace.", "")
	case local.Sub(r.Now).Abs() > maxSkew:
		return &verdict.Error{
			Summary: "Clock skew of more than a day",
			Happened: fmt.Sprintf("The clock of %s reads %s, and the clock of this machine reads %s. One of them is wrong, so the token's dates cannot be checked.",
				r.config.inSentence(), verdict.Format(r.Now), verdict.Format(local.Truncate(time.Second))),
			Remedy: "Correct the clock that is wrong, and run again. " + r.config.checkURL(), Asked: true,
		}
	default:
		return nil
	}
}

// misnamed reports whether a header is one that decides, but that net/http does not
// find under its name.
func misnamed(name string) bool {
	trimmed := strings.TrimSpace(name)

	return trimmed != name && slices.ContainsFunc([]string{"Age", "Date", "WWW-Authenticate"}, func(decides string) bool { return strings.EqualFold(trimmed, decides) })
}

// tooOld reports whether an Age header exceeds maxAge. An invalid one, or one that
// overflows 64 bits, comes from a cache too.
func tooOld(age string) bool {
	seconds, err := strconv.ParseUint(strings.TrimSpace(age), 10, 64)

	return err != nil || seconds > maxAge
}

// Decode parses the body as one JSON object, strictly: exact names and types, no
// duplicate names, nothing after the object. If ok is false, the document is empty.
func Decode[T any](r *Response) (document T, ok bool) {
	// Checked because null unmarshals into any type.
	if jsontext.Value(r.Body).Kind() != jsontext.KindBeginObject || json.Unmarshal(r.Body, &document) != nil {
		var none T

		return none, false
	}

	return document, true
}

// Show prepares text of the response for display, see [token.Token.Show].
func (r *Response) Show(text string) string { return r.token.Show(text) }

// Repeats reports whether text contains part of the token, see [token.Token.In].
func (r *Response) Repeats(text string) bool { return r.token.In(text) }

// describe describes the response without what may be unsafe to show.
func (r *Response) describe(said string) string {
	var b strings.Builder

	b.WriteString(r.statusLine())

	if said != "" {
		b.WriteString(": " + said)

		return b.String()
	}

	switch kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); {
	case r.Oversized:
		b.WriteString(" and a body of more than 64 KiB")
	case len(r.Body) == 0:
		b.WriteString(" and no body")
	case err == nil && len(kind) <= 64 && r.Show(kind) == kind:
		b.WriteString(" and a body of " + plural(len(r.Body), "byte") + " of type " + kind)
	default:
		b.WriteString(" and a body of " + plural(len(r.Body), "byte"))
	}

	return b.String()
}

// Fault returns the error for a response that does not decide the check. Said is
// the issuer's documented message, prepared with Show, or "". Happened and remedy,
// if not empty, explain the status for this issuer. What the status means for any
// server, and whether to retry, is decided here.
func (r *Response) Fault(said, happened, remedy string) *verdict.Error {
	return r.explain(r.usual(), said, happened, remedy)
}

// RateLimited returns the error for a response that reports, by its status or
// otherwise, that the rate limit is reached. Until is when to retry, zero if only a
// Retry-After header says so. The request is retried.
func (r *Response) RateLimited(said string, until time.Time) *verdict.Error {
	r.until = until

	return r.explain(r.rateLimit(), said, "", "")
}

// Unexpected returns the error for an undocumented response; happened says in a
// sentence what is wrong with it.
func (r *Response) Unexpected(happened, remedy string) *verdict.Error {
	return r.explain(&verdict.Error{
		Summary: "Unexpected response from the issuer",
		Remedy:  r.config.checkURL() + " A proxy or another server may be impersonating the issuer.",
	}, "", happened, remedy)
}

// explain adds a description of the response, and what the issuer's package knows.
func (r *Response) explain(err *verdict.Error, said, happened, remedy string) *verdict.Error {
	err.Happened = r.config.Issuer + " returned " + r.describe(said) + ". " + cmp.Or(happened, err.Happened)
	err.Remedy = cmp.Or(remedy, err.Remedy)
	err.Asked = true

	return err
}

// redirects are the statuses with a new location.
var redirects = []int{301, 302, 303, 307, 308} //nolint:gochecknoglobals // Effectively a constant.

// tooLarge are the statuses for a header that is too large.
var tooLarge = []int{http.StatusRequestEntityTooLarge, http.StatusRequestURITooLong, http.StatusRequestHeaderFieldsTooLarge} //nolint:gochecknoglobals // Effectively a constant.

// usual returns the error for the status with any server.
func (r *Response) usual() *verdict.Error {
	switch {
	case slices.Contains(redirects, r.Status):
		return &verdict.Error{
			Summary:  "Redirect not followed",
			Happened: "The provider does not follow redirects, because the token would be sent to the new location.",
			Remedy:   "Set the URL that the server redirects to, if it is the issuer's. " + r.config.checkURL(),
		}
	case r.Status == http.StatusTooManyRequests:
		return r.rateLimit()
	case r.Status == http.StatusNetworkAuthenticationRequired:
		return &verdict.Error{
			Summary: "Network sign-in required", Happened: "The network that this machine uses requires a sign-in. " + r.tried(),
			Remedy: "Sign in to the network, or use another one.", Temporary: true,
		}
	case temporary(r.Status):
		err := &verdict.Error{
			Summary: "Issuer returned an error", Happened: r.tried(),
			Remedy: "Run again later. " + r.config.Outage, Temporary: true,
		}
		if r.Status == http.StatusInternalServerError {
			err.Remedy += r.config.lateAuthRemedy()
		}

		return err
	case slices.Contains(tooLarge, r.Status):
		return &verdict.Error{
			Summary: "Request too large", Happened: "The token may be too long.",
			Remedy: "Check that the token source contains the token and nothing else.",
		}
	case r.Status == http.StatusProxyAuthRequired:
		return &verdict.Error{
			Summary: "Proxy authentication required", Happened: "The response comes from a proxy.",
			Remedy: "Check the proxy's user name and password in HTTPS_PROXY.",
		}
	default:
		return &verdict.Error{
			Summary:  "Unexpected response from the issuer",
			Happened: "This is not a documented response to a token verification.",
			Remedy:   r.config.checkURL() + " A proxy, a firewall, or another server may be impersonating the issuer.",
		}
	}
}

func (r *Response) rateLimit() *verdict.Error {
	return &verdict.Error{
		Summary: "Rate limit reached", Happened: r.tried(),
		Remedy: "Run again later, with a lower -parallelism or fewer checks of the same token.", Temporary: true,
	}
}

// tried says how many requests were sent, and when to retry.
func (r *Response) tried() string {
	return "The provider made " + plural(r.attempts, "request") + ". " + r.retryAdvice()
}

func (r *Response) retryAdvice() string {
	until, ok := r.retryAt()

	switch {
	case !ok:
		return "The response does not say when to retry."
	case until.Sub(r.config.Now()) > 366*24*time.Hour:
		return "The response says to wait for longer than a year."
	case r.attempts > r.config.MaxRetries && until.Sub(r.config.Now()) < r.config.Timeout:
		return fmt.Sprintf("The response says to wait until %s, and no retries are left.", verdict.Format(until.Truncate(time.Second)))
	default:
		return fmt.Sprintf("The response says to wait until %s, which is longer than the provider's timeout allows.", verdict.Format(until.Truncate(time.Second)))
	}
}

func (r *Response) statusLine() string {
	line := fmt.Sprintf("HTTP %d", r.Status)

	if words := r.Show(r.Words); words != "" {
		return line + " " + words
	}

	return strings.TrimSpace(line + " " + http.StatusText(r.Status))
}

func plural(n int, word string) string {
	if n == 1 {
		return "1 " + word
	}

	return fmt.Sprintf("%d %ss", n, word)
}
