// Package gitlab verifies access tokens with GitLab: personal, project, group, and
// service account tokens, on gitlab.com and on self-managed instances.
//
// It uses one operation, GET /personal_access_tokens/self of GitLab 15.5 and newer
// (https://docs.gitlab.com/api/personal_access_tokens/), which accepts a token with any
// scope.
package gitlab

import (
	"context"
	"errors"
	"net/url"
	"slices"
	"strings"

	"github.com/tokencheck/terraform-provider-tokencheck/internal/token"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/transport"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/verdict"
)

// DefaultBaseURL is gitlab.com.
const DefaultBaseURL = "https://gitlab.com"

// Issuer describes GitLab to [transport.New].
func Issuer() transport.Issuer {
	return transport.Issuer{
		Name: "GitLab", Block: "gitlab", OutageRemedy: "If the error persists, check https://status.gitlab.com, or ask the instance's administrator.",
	}
}

// ParseURL parses a base URL as the GitLab provider does: the root of an instance, with
// or without /api/v4. The error continues a sentence and does not repeat the value.
func ParseURL(raw string) (*url.URL, error) {
	base, err := transport.ParseURL(raw)
	if err != nil {
		return nil, err
	}
	if strings.HasSuffix(base.Path, "/api/v3") {
		return nil, errors.New("ends in /api/v3, which GitLab no longer has")
	}
	base.Path, base.RawPath = strings.TrimSuffix(base.Path, "/api/v4"), ""
	return base, nil
}

// Verification is what GitLab says about a token. What it does not say is nil, zero,
// or empty.
type Verification struct {
	verdict.Facts

	// ID identifies the token, and UserID its user, a bot for a project or group token.
	ID, UserID int64
	Name       string
	Scopes     []string // not redacted
}

// granular is the only scope of a fine-grained token, which has permissions instead.
const granular = "granular"

// Verify sends one GET, to /api/v4/personal_access_tokens/self, and compares the
// token's scopes with the required scopes. A request that is not fresh may be shared,
// as in [transport.Client.Get]. A rejected token is not an error. The error is a
// [*verdict.Error]: the token could not be verified.
func Verify(ctx context.Context, client *transport.Client, t token.Token, required []string, fresh bool) (*Verification, error) {
	resp, err := client.Get(ctx, t, fresh, "api", "v4", "personal_access_tokens", "self")
	if err != nil {
		return nil, err
	}

	v, err := read(resp, t)
	if err == nil && !v.Rejected && len(required) > 0 {
		if v.ScopesUnknown = v.Scopes == nil || slices.Equal(v.Scopes, []string{granular}); !v.ScopesUnknown {
			v.MissingScopes = verdict.MissingScopes(required, v.Scopes, includes)
		}
	}
	return v, err
}

// included are the scopes that a scope includes
// (https://docs.gitlab.com/security/tokens/access_token_scopes/, and GitLab's source,
// lib/gitlab/auth.rb). The scope write_registry does not include read_registry.
var included = map[string]string{
	"api": "read_api read_user create_runner manage_runner self_rotate ai_features read_repository write_repository " +
		"read_registry write_registry read_virtual_registry write_virtual_registry",
	"read_api": "read_user read_repository read_registry", "write_repository": "read_repository", "write_virtual_registry": "read_virtual_registry",
}

func includes(granted, required string) bool {
	return slices.Contains(strings.Fields(included[granted]), required)
}

// otherKind returns what a token is that GitLab rejects at this endpoint although it
// may be valid, by its prefix, which may follow that of the instance; "" for others.
func otherKind(t token.Token) string {
	for prefix, kind := range map[string]string{
		"glcbt-": "a CI/CD job token", "gldt-": "a deploy token", "glrt-": "a runner token", "glrtr-": "a runner token",
		"glptt-": "a trigger token", "glft-": "a feed token", "glagent-": "an agent token",
	} {
		if strings.Contains(t.Reveal(), prefix) {
			return kind
		}
	}
	return ""
}

// advice is GitLab's part of a reason.
func advice(urlSource string) verdict.Advice {
	instance := "For a self-managed instance, set gitlab.base_url, and check that no proxy removes the Authorization header."
	if urlSource != "" {
		instance = "It must be a token of the instance in " + urlSource + ", and no proxy may remove the Authorization header."
	}
	return verdict.Advice{
		Token:         "GitLab token",
		Renew:         "Rotate it or create a new one in GitLab, and use the new value.",
		Rejected:      "Create a new token in GitLab. " + instance,
		Enable:        "Ask the instance's administrator whether tokens of this kind are switched off, or use another token.",
		Scope:         "Create a new token with the required scopes, or correct required_scopes.",
		ScopesUnknown: "Remove required_scopes: GitLab does not report the scopes of fine-grained and OAuth tokens, nor of a token that may not read itself.",
		ExpiryUnknown: "Remove min_remaining: GitLab does not report when this token expires.",
	}
}
