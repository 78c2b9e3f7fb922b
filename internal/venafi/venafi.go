// Package venafi asks a Venafi Trust Protection Platform server (also: TLS
// Protect Datacenter, CyberArk Certificate Manager, Self-Hosted) whether an
// access token works.
//
// It knows one operation, GET vedauth/Authorize/Verify of the platform's Web SDK.
package venafi

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

// verifyPath is the one path that is asked.
const verifyPath = "/vedauth/authorize/verify"

// ParseURL reads a server's URL: the bare host, or one that ends in /vedsdk,
// /vedauth or the path of Authorize/Verify. Without a scheme it is HTTPS. The
// error continues a sentence and does not repeat the value.
func ParseURL(raw string) (*url.URL, error) {
	raw = strings.TrimSpace(raw)
	if raw != "" && !strings.Contains(raw, "://") {
		raw = "https://" + raw
	}

	base, err := transport.ParseURL(raw)
	if err != nil {
		return nil, err
	}

	if host := strings.ToLower(base.Hostname()); host == "venafi.cloud" || strings.HasSuffix(host, ".venafi.cloud") {
		return nil, errors.New("belongs to the SaaS product, which has no such tokens; only self-hosted servers are supported")
	}

	base.Path, base.RawPath = cutSuffix(base.Path), cutSuffix(base.RawPath)

	return base, nil
}

// cutSuffix removes the service's path from the end of the server's.
func cutSuffix(path string) string {
	for _, suffix := range []string{verifyPath, "/vedauth", "/vedsdk"} {
		if cut := len(path) - len(suffix); cut >= 0 && strings.EqualFold(path[cut:], suffix) {
			return strings.TrimRight(path[:cut], "/")
		}
	}

	return path
}

// Client verifies tokens at one server.
type Client struct {
	base   *url.URL
	client *transport.Client[*Answer]
}

// NewClient makes a client of the server at base, as [ParseURL] returns it. The
// error is a [*verdict.Error] about the configuration.
func NewClient(base *url.URL, config transport.Config) (*Client, error) {
	config.Issuer = "The Venafi server"
	config.Header = http.Header{"Accept": {"application/json"}}
	// IIS may be set to ask for a client certificate on the vedauth application only.
	config.LateClientAuth = true

	client, err := transport.New[*Answer](config)
	if err != nil {
		return nil, err
	}

	return &Client{base: base, client: client}, nil
}

// Verify sends one GET, to vedauth/authorize/verify. Equal checks share a
// request, and a fresh one takes no old answer, as [transport.Client.Ask] says. A token
// that the server refuses is an answer. The error is a [*verdict.Error]: the
// question was not answered.
func (c *Client) Verify(ctx context.Context, bearer token.Token, fresh bool) (*Answer, error) {
	return c.client.Ask(ctx, c.base.JoinPath(verifyPath), bearer, fresh, read)
}

// words are Venafi's part of a reason.
var words = verdict.Words{ //nolint:gochecknoglobals // A constant in all but form.
	Token:    "Venafi access token",
	Endpoint: "The Venafi server's Authorize/Verify",
	Renew:    "Refresh the token or request a new one, and use the new value.",
	Refused: "It may have expired, been revoked, been replaced by a refresh, or come from another server; the server does not report which. " +
		"Refresh the token or request a new one, and check that the provider's venafi.url names the server that issued it.",
	Scope: "Check required_scopes for a typo, or request a new token with that scope; the scope of an existing token cannot be changed.",

	ScopesUnknown: "Remove required_scopes, or ask the server's administrator to upgrade to a version that reports scopes.",
	EndUnknown: "Remove min_remaining to check only that the token is valid now. If a warning says that a date was ignored, ask the server's administrator to check the server's clock; " +
		"otherwise ask for an upgrade to a version that reports the token's lifetime.",
}
