package gitlab

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/tokencheck/terraform-provider-tokencheck/internal/token"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/transport"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/verdict"
)

// accessToken is the body of a 200. The first three members decide.
type accessToken struct {
	ID      *int64 `json:"id"`
	Active  *bool  `json:"active"`
	Revoked *bool  `json:"revoked"`

	Name      transport.Text `json:"name"`
	UserID    jsontext.Value `json:"user_id"`
	Scopes    jsontext.Value `json:"scopes"`
	ExpiresAt jsontext.Value `json:"expires_at"`
}

// failure is the body of any other response: a message, or an error with a
// description.
type failure struct {
	Message     transport.Text `json:"message"`
	Error       transport.Text `json:"error"`
	Description transport.Text `json:"error_description"`
}

// The messages that decide, as GitLab's source has them.
const (
	messageUnauthorized = "401 Unauthorized"
	messageOAuth        = "400 Bad request - This endpoint requires token type to be a personal access token"
	prefixForbidden     = "403 Forbidden - "
)

// ownerRefused are the first sentences after prefixForbidden with which GitLab refuses
// every token of a user; the last one follows the user's name.
var ownerRefused = []string{
	"Your account has been blocked",
	"Your account is pending approval from your administrator and hence blocked",
	"Your account has been deactivated by your administrator",
	"Your primary email address is not confirmed",
	"Your password expired",
	"must accept the Terms of Service in order to perform this action",
}

// read determines what a response says about the token. It decides by the status and
// the documented words; other sentences vary.
func read(resp *transport.Response, t token.Token) (*Verification, error) {
	v := &Verification{Facts: verdict.Facts{Now: resp.Now, Advice: advice(resp.URLSource), Warnings: resp.Warnings, IssuerStatus: string(verdict.Active)}}
	if resp.Status == http.StatusOK {
		return v, v.readToken(resp)
	}

	body, _ := transport.Decode[failure](resp)
	if text := strings.Trim(string(body.Error+": "+body.Description), ": "); text != "" {
		v.Message = `"` + resp.Show(text) + `"`
	} else if body.Message != "" {
		v.Message = `"` + resp.Show(string(body.Message)) + `"`
	}

	switch {
	case resp.ForeignChallenge():
		return nil, undecided(resp, body, t, v.Message)
	case resp.Status == http.StatusUnauthorized && body.Error == "invalid_token":
		v.Rejected, v.Advice.Rejected = true, "Create a new token in GitLab, and use that."
	case resp.Status == http.StatusUnauthorized && body.Message == messageUnauthorized && otherKind(t) == "":
		v.Rejected = true
	case resp.Status == http.StatusForbidden && refusesOwner(string(body.Message)):
		v.Rejected, v.Advice.Rejected = true, "Do what GitLab's message says for the token's user, or use the token of another user."
	case resp.Status == http.StatusBadRequest && body.Message == messageOAuth,
		resp.Status == http.StatusForbidden && (body.Error == "insufficient_scope" || body.Error == "insufficient_granular_scope"):
		// GitLab authenticates a token before it answers this.
		v.Message, v.ExpiryUnknown = "", true
	default:
		return nil, undecided(resp, body, t, v.Message)
	}
	return v, nil
}

func (v *Verification) readToken(resp *transport.Response) error {
	body, ok := transport.Decode[accessToken](resp)
	if !ok || body.ID == nil || body.Active == nil || body.Revoked == nil {
		return resp.Unexpected("", "", "")
	}

	v.ID, v.Name = *body.ID, resp.Redact(string(body.Name))
	// What cannot be read is zero or nil.
	_ = json.Unmarshal(body.UserID, &v.UserID)
	if json.Unmarshal(body.Scopes, &v.Scopes) != nil {
		v.Scopes = nil
	}
	v.GrantedScopes = resp.Show(strings.Join(v.Scopes, ", "))

	var date string
	_ = json.Unmarshal(body.ExpiresAt, &date)
	if year, _, _ := strings.Cut(date, "-"); len(year) == 5 && strings.Trim(year, "0123456789") == "" { // Possible before GitLab 16.0, but not in RFC 3339.
		date = "9999-12-31"
	}
	end, err := time.Parse(time.DateOnly, date) // The first day on which the token is not valid any more.
	switch {
	case *body.Revoked:
		v.Rejected, v.Message = true, `"revoked": true`
	case !*body.Active:
		v.IssuerStatus = string(verdict.Disabled)
	case err == nil:
		v.SetExpiration(end)
	default:
		v.ExpiryUnknown = string(body.ExpiresAt) != "null"
	}
	return nil
}

// refusesOwner reports whether GitLab refuses the token's user.
func refusesOwner(message string) bool {
	reason, found := strings.CutPrefix(message, prefixForbidden)
	first, _, _ := strings.Cut(strings.TrimSuffix(reason, ".")+". ", ". ")
	last := ownerRefused[len(ownerRefused)-1]

	return found && (slices.Contains(ownerRefused, first) || strings.HasPrefix(first, "You (") && strings.HasSuffix(first, ") "+last))
}

// undecided returns the error for a response that does not decide.
func undecided(resp *transport.Response, body failure, t token.Token, message string) *verdict.Error {
	switch kind := otherKind(t); {
	case resp.Status == http.StatusUnauthorized && body.Message == messageUnauthorized && kind != "":
		return resp.Unexpected(message, "The token's prefix indicates "+kind+", which GitLab rejects at this endpoint even if it is valid.",
			"Use a personal, project, or group access token: create one in GitLab.")
	case resp.Status == http.StatusUnauthorized:
		return resp.Unexpected(message, "This is not how GitLab rejects a token: a proxy or gateway in front of it may require other credentials, or the token may need a proof of possession (DPoP).",
			"Exempt /api/v4 from authentication there, and pass the Authorization header through.")
	case resp.Header.Get("Cf-Mitigated") == "challenge":
		return resp.Unexpected(message, "The network in front of GitLab blocked the request because of this machine's address, whatever the token.", "Run from another network, or ask the instance's administrator.")
	case resp.Status == http.StatusForbidden && !resp.HTML():
		return resp.Unexpected(message, "GitLab refused the request, not the token: a limit on the user's IP addresses, or a block of this address after failed authentications, is the likely cause.",
			"Wait an hour, or ask the instance's administrator.")
	case resp.Status == http.StatusNotFound, resp.Status == http.StatusBadRequest && !resp.HTML(), resp.Status == http.StatusGone:
		return resp.Unexpected(message, "There is no such endpoint at this URL, or the instance is older than GitLab 15.5.",
			"Check gitlab.base_url or GITLAB_BASE_URL, with the path below which GitLab is installed, and the version.")
	default:
		return resp.Unexpected(message, "", "")
	}
}
