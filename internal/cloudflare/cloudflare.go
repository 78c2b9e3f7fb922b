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
	"net/http"
	"net/url"
	"strings"

	"github.com/tokencheck/terraform-provider-tokencheck/internal/token"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/transport"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/verdict"
)

// DefaultBaseURL is the public API. FedRAMP customers use another one.
const DefaultBaseURL = "https://api.cloudflare.com/client/v4"

// Client verifies tokens at one Cloudflare API.
type Client struct {
	base   *url.URL
	client *transport.Client[*Answer]
}

// NewClient returns a client of the API at base, a URL from [transport.ParseURL].
// The error is a [*verdict.Error] about the configuration.
func NewClient(base *url.URL, config transport.Config) (*Client, error) {
	config.Issuer = "Cloudflare"
	config.Outage = "If the error persists, check https://www.cloudflarestatus.com."
	config.Header = http.Header{"Accept": {"application/json"}}

	client, err := transport.New[*Answer](config)
	if err != nil {
		return nil, err
	}

	return &Client{base: base, client: client}, nil
}

// Answer is Cloudflare's answer about a token. Equal checks may share one.
type Answer struct {
	verdict.Answer

	// ID is the token's identifier, which is not sensitive; "" if the token was
	// rejected.
	ID string
}

// Verify sends one GET, to /accounts/{accountID}/tokens/verify or, if accountID is
// empty, to /user/tokens/verify. Equal checks share a request, and a fresh one does
// not use an earlier response, as in [transport.Client.Ask]. A rejected token is an
// answer, not an error. The error is a [*verdict.Error]: the token could not be
// verified.
func (c *Client) Verify(ctx context.Context, bearer token.Token, accountID string, fresh bool) (*Answer, error) {
	address := c.base.JoinPath("user", "tokens", "verify")

	if accountID != "" {
		if err := CheckAccountID(accountID); err != nil {
			return nil, &verdict.Error{
				Summary: "Not an account ID", Happened: "The value of account_id " + err.Error() + ".", Remedy: AccountIDRemedy,
			}
		}

		address = c.base.JoinPath("accounts", accountID, "tokens", "verify")
	}

	return c.client.Ask(ctx, address, bearer, fresh, func(resp *transport.Response) (*Answer, error) {
		return read(resp, words(bearer, accountID), endpoint{c.base, accountID})
	})
}

// endpoint is the API and the account of a request, "" for the user endpoint.
type endpoint struct {
	base    *url.URL
	account string
}

// AccountIDRemedy says where to find an account ID.
const AccountIDRemedy = "Copy the account ID from the account's overview page in the Cloudflare dashboard, under API."

// CheckAccountID reports why id is not a valid account ID. The error continues a
// sentence and does not repeat the value.
func CheckAccountID(id string) error {
	if len(id) != 32 || strings.Trim(id, "0123456789abcdefABCDEF") != "" {
		return errors.New("is not 32 hexadecimal digits")
	}

	return nil
}

// words returns Cloudflare's part of a reason. The token's prefix only adds a hint:
// prefixes change, and older tokens have none.
func words(bearer token.Token, accountID string) verdict.Words {
	w := verdict.Words{ //nolint:gosec // Text about tokens, not a token.
		Token:    "Cloudflare API token",
		Endpoint: "Cloudflare's user endpoint (/user/tokens/verify)",
		Renew:    "Extend the token's expiration date in the Cloudflare dashboard, or create a new token and use that.",
		Enable:   "Enable the token in the Cloudflare dashboard, or use another token.",
		Refused: "The token may be unknown, expired, disabled, rolled, or deleted, belong to another Cloudflare API (cloudflare.base_url or CLOUDFLARE_BASE_URL), or be account-owned: set account_id to verify an account-owned token. " +
			"Otherwise create a new token in the Cloudflare dashboard.",
	}
	if accountID != "" {
		w.Endpoint = "Cloudflare's account endpoint (/accounts/" + accountID + "/tokens/verify)"
		w.Refused = "The token may be unknown, expired, disabled, rolled, or deleted, belong to another Cloudflare API (cloudflare.base_url or CLOUDFLARE_BASE_URL), or be owned by another account or by a user: remove account_id to verify a user-owned token. " +
			"Otherwise create a new token in the Cloudflare dashboard."
	}

	hints := []struct{ prefix, hint string }{
		{"cfk_", "The token's prefix indicates a Global API key, which is not an API token: create an API token."},
		{"cfoat_", "The token's prefix indicates a token from a Wrangler login, which cannot be verified: create an API token."},
		{"v1.0-", "The token's prefix indicates an Origin CA key, which is not an API token: create an API token."},
	}

	const unusable = "The token may be unknown, expired, disabled, rolled, or deleted, or belong to another Cloudflare API (cloudflare.base_url or CLOUDFLARE_BASE_URL)"

	if accountID == "" {
		hints = append(hints,
			struct{ prefix, hint string }{"cfat_", "The token's prefix indicates an account-owned token: set account_id."},
			struct{ prefix, hint string }{"cfut_", unusable + ". Check that, or create a new token in the Cloudflare dashboard."})
	} else {
		hints = append(hints,
			struct{ prefix, hint string }{"cfut_", "The token's prefix indicates a user-owned token: remove account_id."},
			struct{ prefix, hint string }{"cfat_", unusable + ", or to another account. Check that, or create a new token in the Cloudflare dashboard."})
	}

	for _, h := range hints {
		if bearer.HasPrefix(h.prefix) {
			w.Refused = h.hint
		}
	}

	return w
}
