// Package venafi verifies access tokens with a Venafi Trust Protection Platform
// server (also: TLS Protect Datacenter, CyberArk Certificate Manager, Self-Hosted).
//
// It uses one operation, GET vedauth/Authorize/Verify of the platform's Web SDK.
package venafi

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/tokencheck/terraform-provider-tokencheck/internal/token"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/transport"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/verdict"
)

// maxBareName is the length of the longest single-label host name that needs no
// https:// before it: that of a Windows computer name, in characters.
const maxBareName = 15

// verifyPath is the path of the only operation.
const verifyPath = "/vedauth/authorize/verify"

// ParseURL parses a server's URL: the host alone, or a URL that ends in /vedsdk,
// /vedauth or the path of Authorize/Verify. The scheme defaults to HTTPS. The error
// continues a sentence and does not repeat the value.
func ParseURL(raw string) (*url.URL, error) {
	raw = strings.TrimSpace(raw)
	bare := !strings.Contains(raw, "://")

	if raw != "" && bare {
		raw = "https://" + raw
	}

	base, err := transport.ParseURL(raw)
	if err != nil {
		return nil, err
	}

	if bare && !isName(base, raw) {
		return nil, errors.New("does not begin with https:// and may not be a host name")
	}

	if host := strings.TrimSuffix(strings.ToLower(base.Hostname()), "."); slices.ContainsFunc([]string{"venafi.cloud", "venafi.eu"}, func(domain string) bool { return host == domain || strings.HasSuffix(host, "."+domain) }) {
		return nil, errors.New("belongs to the SaaS product; only self-hosted servers are supported")
	}

	base.Path, base.RawPath = cutSuffix(base.Path), cutSuffix(base.RawPath)

	return base, nil
}

// isName reports whether a URL without a scheme begins with a host name. It may be a
// token in place of the URL, which would be looked up, and shown.
func isName(base *url.URL, raw string) bool {
	host := base.Host

	switch {
	case strings.Contains(raw, "="), strings.HasPrefix(host, "eyJ"), strings.EqualFold(host, "https"), strings.EqualFold(host, "http"):
		return false
	case strings.ContainsAny(host, ".:"):
		return true
	default:
		return len(host) <= maxBareName && cutSuffix(base.Path) == ""
	}
}

// cutSuffix removes the service's path from the end of a path.
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

// NewClient returns a client of the server at base, a URL from [ParseURL]. The
// error is a [*verdict.Error] about the configuration.
func NewClient(base *url.URL, config transport.Config) (*Client, error) {
	config.Issuer = "The Venafi server"
	config.Outage = "If the error persists, ask the server's administrator."
	config.Header = http.Header{"Accept": {"application/json"}}
	// IIS may request a client certificate for the vedauth application only.
	config.LateClientAuth = true

	client, err := transport.New[*Answer](config)
	if err != nil {
		return nil, err
	}

	return &Client{base: base, client: client}, nil
}

// Verify sends one GET, to vedauth/authorize/verify. Equal checks share a request,
// and a fresh one does not use an earlier response, as in [transport.Client.Ask]. A
// rejected token is an answer, not an error. The error is a [*verdict.Error]: the
// token could not be verified.
func (c *Client) Verify(ctx context.Context, bearer token.Token, fresh bool) (*Answer, error) {
	return c.client.Ask(ctx, c.base.JoinPath(verifyPath), bearer, fresh, read)
}

// words are Venafi's part of a reason.
var words = verdict.Words{ //nolint:gochecknoglobals // Effectively a constant.
	Token:    "Venafi access token",
	Endpoint: "The Venafi server's Authorize/Verify",
	Renew:    "Refresh the token or request a new one, and use the new value.",
	Refused: "The token may have expired, been revoked, been replaced by a refresh, be incomplete, or come from another server. " +
		"Refresh the token or request a new one, and check that the provider's venafi.url names the server that issued it.",
	Scope: "Check required_scopes for typos, or request a new token with all required scopes; the scope of an existing token cannot be changed.",

	ScopesUnknown: "Remove required_scopes, or ask the server's administrator to upgrade to a version that reports scopes.",
	EndUnknown: "Remove min_remaining to check only that the token is valid now. If a warning says that a date was ignored, ask the server's administrator to check the server's clock; " +
		"otherwise ask for an upgrade to a version that reports the token's lifetime.",
}
