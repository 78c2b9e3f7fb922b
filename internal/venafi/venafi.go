// Package venafi verifies access tokens with a Venafi Trust Protection Platform
// server (also: TLS Protect Datacenter, CyberArk Certificate Manager, Self-Hosted).
//
// It uses one operation, GET vedauth/Authorize/Verify of the platform's Web SDK.
package venafi

import (
	"context"
	"errors"
	"net/url"
	"strings"
	"time"

	"github.com/tokencheck/terraform-provider-tokencheck/internal/token"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/transport"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/verdict"
)

// verifyPath is the path of the only operation.
const verifyPath = "/vedauth/authorize/verify"

// Issuer describes the platform to [transport.New].
func Issuer() transport.Issuer {
	return transport.Issuer{
		Name: "The Venafi server", Block: "venafi", OutageRemedy: "If the error persists, ask the server's administrator.",
		// IIS may request a client certificate for the vedauth application only.
		LateClientAuth: true,
	}
}

// ParseURL parses a server's URL: the host alone, or a URL whose path ends in that of
// one of the platform's services, as users copy it from a browser. The scheme
// defaults to HTTPS. The error continues a sentence and does not repeat the value.
func ParseURL(raw string) (*url.URL, error) {
	raw = strings.TrimSpace(raw)
	if raw != "" && !strings.Contains(raw, "://") {
		raw = "https://" + raw
	}

	base, err := transport.ParseURL(raw)
	if err != nil {
		return nil, err
	}
	if host := "." + strings.ToLower(base.Hostname()); strings.HasSuffix(host, ".venafi.cloud") || strings.HasSuffix(host, ".venafi.eu") {
		return nil, errors.New("belongs to the SaaS product; only self-hosted servers are supported")
	}

	path := strings.ToLower(base.Path)
	for _, service := range []string{verifyPath, "/vedauth", "/vedsdk", "/vedadmin", "/aperture"} {
		if strings.HasSuffix(path, service) {
			base.Path, base.RawPath = strings.TrimRight(base.Path[:len(path)-len(service)], "/"), ""
			break
		}
	}
	return base, nil
}

// Verification is what the server says about a token. What the response lacks is
// nil, zero, or empty.
type Verification struct {
	verdict.Facts

	AccessIssuedOn *time.Time
	GrantIssuedOn  *time.Time
	// GrantExpiresOn is when the grant expires and refreshes end. It is not the
	// token's expiration.
	GrantExpiresOn *time.Time
	// ValidFor is the lifetime of the access token in seconds from AccessIssuedOn.
	ValidFor    int64
	Application string
	Identity    string
	// Scope is the scope as the server returns it, and Scopes is Scope parsed.
	Scope  string
	Scopes Scopes
}

// Verify sends one GET, to vedauth/authorize/verify, and compares the token's scope
// with the required scopes. A request that is not fresh may be shared, as in
// [transport.Client.Get]. A rejected token is not an error. The error is a
// [*verdict.Error]: the token could not be verified.
func Verify(ctx context.Context, client *transport.Client, t token.Token, required []string, fresh bool) (*Verification, error) {
	resp, err := client.Get(ctx, t, fresh, verifyPath)
	if err != nil {
		return nil, err
	}

	v, err := read(resp)
	if err == nil && !v.Rejected && len(required) > 0 {
		v.MissingScopes = v.Scopes.Missing(required)
	}
	return v, err
}

// advice is Venafi's part of a reason.
func advice() verdict.Advice {
	return verdict.Advice{
		Token:    "Venafi access token",
		Renew:    "Refresh the token or request a new one, and use the new value.",
		Rejected: "It may have expired, been revoked or refreshed, or belong to another server. Refresh it or request a new one, and use the new value.",
		Scope:    "Check required_scopes for typos, or request a new token with all required scopes.",
		ExpiryUnknown: "Remove min_remaining to check only that the token is valid now, or ask the server's administrator to check the server's clock and version: " +
			"older versions do not report the token's lifetime.",
	}
}
