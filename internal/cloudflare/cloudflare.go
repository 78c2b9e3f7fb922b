// Package cloudflare verifies API tokens with Cloudflare.
//
// It uses two operations, both a GET: "Verify Token" for user-owned tokens
// (https://developers.cloudflare.com/api/resources/user/subresources/tokens/methods/verify/)
// and for account-owned tokens
// (https://developers.cloudflare.com/api/resources/accounts/subresources/tokens/methods/verify/).
package cloudflare

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/tokencheck/terraform-provider-tokencheck/internal/token"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/transport"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/verdict"
)

// DefaultBaseURL is the public API. FedRAMP customers use another one.
const DefaultBaseURL = "https://api.cloudflare.com/client/v4"

// Issuer describes Cloudflare to [transport.New].
func Issuer() transport.Issuer {
	return transport.Issuer{
		Name: "Cloudflare", Block: "cloudflare", OutageRemedy: "If the error persists, check https://www.cloudflarestatus.com.",
		Retry: retry,
	}
}

// Verification is what Cloudflare says about a token.
type Verification struct {
	verdict.Facts

	// ID is the token's identifier, which is not sensitive; "" if the token was
	// rejected.
	ID string
}

// Verify sends one GET, to /accounts/{accountID}/tokens/verify or, if accountID is
// empty, to /user/tokens/verify. A request that is not fresh may be shared, as in
// [transport.Client.Get]. A rejected token is not an error. The error is a
// [*verdict.Error]: the token could not be verified.
func Verify(ctx context.Context, client *transport.Client, t token.Token, accountID string, fresh bool) (*Verification, error) {
	path := []string{"user", "tokens", "verify"}
	if accountID != "" {
		path = []string{"accounts", accountID, "tokens", "verify"}
	}

	resp, err := client.Get(ctx, t, fresh, path...)
	if err != nil {
		return nil, err
	}
	return read(resp, advice(t, accountID, resp.URLSource))
}

// AccountIDRemedy says where to find an account ID.
const AccountIDRemedy = "Copy the account ID from the account's overview page in the Cloudflare dashboard, under API."

// CheckAccountID reports why id is not an account ID. The error continues a sentence
// and does not repeat the value.
func CheckAccountID(id string) error {
	if len(id) != 32 || strings.Trim(id, "0123456789abcdefABCDEF") != "" {
		return errors.New("is not 32 hexadecimal digits")
	}
	return nil
}

// advice returns Cloudflare's part of a reason. The token's prefix only adds a hint:
// prefixes change, and older tokens have none.
func advice(t token.Token, accountID, urlSource string) verdict.Advice {
	create := "create a new token in the Cloudflare dashboard."
	if urlSource != "" {
		create = "create a new token in the Cloudflare dashboard, or check the API's URL in " + urlSource + "."
	}

	a := verdict.Advice{ //nolint:gosec // Text about tokens, not a token.
		Token:    "Cloudflare API token",
		Renew:    "Extend its expiration date in the Cloudflare dashboard, or create a new token.",
		Enable:   "Enable it in the Cloudflare dashboard, or use another token.",
		Rejected: "If it is account-owned, set account_id; otherwise " + create,
	}

	switch {
	case t.HasPrefix("cfk_"):
		a.Rejected = "Its prefix indicates a Global API key: create an API token instead."
	case t.HasPrefix("cfoat_"):
		a.Rejected = "Its prefix indicates a token from a Wrangler login, which cannot be verified: create an API token instead."
	case accountID == "" && t.HasPrefix("cfat_"):
		a.Rejected = "Its prefix indicates an account-owned token: set account_id."
	case accountID != "" && t.HasPrefix("cfut_"):
		a.Rejected = "Its prefix indicates a user-owned token: remove account_id."
	case t.HasPrefix("cfut_"):
		a.Rejected = strings.ToUpper(create[:1]) + create[1:]
	case accountID != "":
		a.Rejected = "If it is user-owned, remove account_id; if another account owns it, correct account_id; otherwise " + create
	}
	return a
}

// retry decides about responses that Cloudflare treats differently from other
// servers. A lockout would be prolonged by another request. A rate limit is reported
// with various statuses. An authentication error has been seen to come and go with
// valid tokens.
func retry(resp *transport.Response) (wait time.Duration, again, ok bool) {
	body, _ := transport.Decode[envelope](resp)
	switch {
	case resp.Outage():
		return 0, false, false
	case has(body.Errors, codeLockout):
		return 0, false, true
	case has(body.Errors, codeRateLimit), has(body.Errors, codeOldRateLimit), has(body.Errors, codeAuthentication):
		return 0, true, true
	default:
		return 0, false, false
	}
}
