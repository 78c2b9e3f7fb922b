package github

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/tokencheck/terraform-provider-tokencheck/internal/token"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/transport"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/verdict"
)

type user struct { // The rest of a 200 is personal.
	Login string `json:"login"`
	ID    int64  `json:"id"`
}

// failure is the body of any other response.
type failure struct {
	Message          transport.Text `json:"message"`
	DocumentationURL transport.Text `json:"documentation_url"`
}

// The messages that decide, without a final period: the whole, or the first sentence.
const (
	messageBadCredentials = "Bad credentials"
	messageIntegration    = "Resource not accessible by integration"
	messageSuspended      = "Sorry. Your account was suspended"
	messageInstallation   = "This installation has been suspended"
	messageLockout        = "Maximum number of login attempts exceeded"
	messageOldLockout     = "Max number of login attempt exceeded"
	messageSecondary      = "You have exceeded a secondary rate limit"
	messageAbuse          = "You have triggered an abuse detection mechanism"
)

// read determines what a response says about the token.
func read(resp *transport.Response, t token.Token) (*Verification, error) {
	v := &Verification{Facts: verdict.Facts{Now: resp.Now, Advice: advice(t, resp.URLSource), Warnings: resp.Warnings, IssuerStatus: string(verdict.Active)}}
	body, _ := transport.Decode[failure](resp)
	if body.Message != "" {
		v.Message = `"` + resp.Show(string(body.Message)) + `"`
	}

	switch {
	case resp.Status == http.StatusOK:
		return v, v.readUser(resp, t)
	case badCredentials(resp, body) && (resp.SameStatus || resp.MaxRetries == 0):
		v.Rejected = true
	case suspended(resp, body):
		v.Rejected, v.Advice.Rejected = true, "Ask an administrator to lift the suspension, or use another token."
	case installation(resp, body):
		v.Message, v.ExpiryUnknown = "", true
	default:
		err := undecided(resp, body, v.Message)
		if id := resp.Show(resp.Header.Get("X-Github-Request-Id")); id != "" {
			err.Remedy += " For GitHub support, the request ID is " + id + "."
		}
		return nil, err
	}
	return v, nil
}

func (v *Verification) readUser(resp *transport.Response, t token.Token) error {
	body, ok := transport.Decode[user](resp)
	if !ok || body.Login == "" || body.ID == 0 {
		return resp.Unexpected("", "", "")
	}
	v.Message, v.Login, v.UserID = "", resp.Redact(body.Login), body.ID
	if lines, ok := resp.Header["X-Oauth-Scopes"]; ok { // Empty for a token of an App, which has permissions.
		scopes := strings.FieldsFunc(strings.Join(lines, ","), func(r rune) bool { return r == ',' || r == ' ' })
		if len(scopes) > 0 || resp.Header.Get("X-Oauth-Client-Id") == "" {
			v.Scopes, v.GrantedScopes = append([]string{}, scopes...), resp.Show(strings.Join(scopes, ", "))
		}
	}

	header := resp.Header.Get("Github-Authentication-Token-Expiration")
	for _, layout := range []string{"2006-01-02 15:04:05 UTC", "2006-01-02 15:04:05 -0700"} {
		if end, err := time.Parse(layout, header); err == nil {
			v.SetExpiration(end)
			return nil
		}
	}
	// Without the header, only a personal access token of github.com does not expire.
	v.ExpiryUnknown = header != "" || resp.URL.Host != publicHost || !t.HasPrefix("ghp_") && !t.HasPrefix("github_pat_")
	return nil
}

// own reports whether a response with a status is GitHub's, not that of a gateway.
func own(resp *transport.Response, body failure, status int) bool {
	return resp.Status == status && (resp.Header.Get("X-Github-Request-Id") != "" || resp.Header.Get("X-Github-Media-Type") != "" ||
		strings.HasPrefix(string(body.DocumentationURL), "https://docs.github.com/"))
}

// says reports whether the message, or its first sentence, is the given one.
func says(body failure, message string) bool {
	first, _, _ := strings.Cut(string(body.Message), ". ")
	return first == message || strings.TrimSuffix(string(body.Message), ".") == message
}

func badCredentials(resp *transport.Response, body failure) bool {
	return own(resp, body, http.StatusUnauthorized) && says(body, messageBadCredentials)
}

// installation reports whether GitHub authenticated the token of an installation.
func installation(resp *transport.Response, body failure) bool {
	return !anonymous(resp) && own(resp, body, http.StatusForbidden) && says(body, messageIntegration)
}

func suspended(resp *transport.Response, body failure) bool {
	return own(resp, body, http.StatusForbidden) && (says(body, messageSuspended) || says(body, messageInstallation))
}

func lockedOut(body failure) bool {
	return says(body, messageLockout) || says(body, messageOldLockout)
}

// anonymous reports whether GitHub counts the request for its address, not its token.
func anonymous(resp *transport.Response) bool {
	return (resp.Status == http.StatusForbidden || resp.Status == http.StatusTooManyRequests) && resp.Header.Get("X-Ratelimit-Limit") == "60"
}

// limited reports whether a rate limit is reached.
func limited(resp *transport.Response, body failure) bool {
	return resp.Status == http.StatusTooManyRequests || resp.Status == http.StatusForbidden &&
		(resp.Header.Get("X-Ratelimit-Remaining") == "0" || resp.Header.Get("Retry-After") != "" || says(body, messageSecondary) || says(body, messageAbuse))
}

// resetTime returns when the primary rate limit resets, zero if it is not reached.
func resetTime(resp *transport.Response) time.Time {
	if seconds, err := strconv.ParseInt(resp.Header.Get("X-Ratelimit-Reset"), 10, 64); err == nil && resp.Header.Get("X-Ratelimit-Remaining") == "0" {
		return time.Unix(seconds, 0)
	}
	return time.Time{}
}

// undecided returns the error for a response that does not decide.
func undecided(resp *transport.Response, body failure, message string) *verdict.Error {
	switch {
	case resp.Outage():
		return resp.Unexpected(message, "", "")
	case lockedOut(body):
		return resp.Error("GitHub has locked out this machine", message, "After too many failed authentications, GitHub rejects valid tokens too for some time, and each request prolongs that.",
			"Stop whatever sends invalid tokens from this address or for this user, wait, and run again.")
	case anonymous(resp):
		return resp.Error("Unexpected response from the issuer", message, "GitHub did not take the request for an authenticated one: its rate limit is that of requests without a token.",
			"Look for a proxy or gateway that removes the Authorization header. If there is none, run again when the limit has reset, within an hour.")
	case limited(resp, body):
		return resp.RateLimited(message, resetTime(resp))
	case resp.Header.Get("X-Github-Sso") != "":
		return resp.Unexpected(message, "The token is not authorized for the organization's SAML single sign-on.", "Authorize it for the organization in GitHub's settings.")
	case badCredentials(resp, body): // As in an outage, where it also gets this response.
		return resp.Unexpected(message, "No retry or time was left to confirm the rejection.", "Run again. If the error persists, increase timeout or max_retries in the provider configuration.")
	case resp.Status == http.StatusUnauthorized:
		return resp.Unexpected(message, "The request's Authorization header may not have reached GitHub.", "Look for a proxy or gateway that removes it, or that requires a sign-in.")
	case resp.Status == http.StatusForbidden:
		return resp.Unexpected(message, "An IP allow list or another policy of the organization is one possible cause.", "Compare the message with the policies for tokens in GitHub's settings.")
	default:
		return resp.Unexpected(message, "", "")
	}
}
