package cli

import "strings"

// StandIn describes a provider that the checked tokens are for, to the program that
// stands in for it. Names are the real provider's.
type StandIn struct {
	// Source is the provider's address, and Version a version that the examples accept.
	Source, Version string

	TokenArgument, TokenVariable string
	URLArgument, URLVariable     string
	// Settings are further arguments of the provider.
	Settings []string
	// Verify is the path, relative to the server's URL, that returns 200 for a valid
	// token.
	Verify string
	// Anonymous reports whether the provider sends requests without a token. What it
	// cannot see then counts as deleted. Other providers fail.
	Anonymous bool

	// Resource is the type, without the provider's name, of a resource and a data source
	// with string attributes; changing the first one replaces the resource.
	Resource   string
	Attributes []string
}

const baseURL = "base_url"

// StandIns returns the providers that have a stand-in.
func StandIns() []StandIn {
	return []StandIn{
		{
			Source: "cloudflare/cloudflare", Version: "5.0.0",
			TokenArgument: "api_token", TokenVariable: "CLOUDFLARE_API_TOKEN", URLArgument: baseURL, URLVariable: "CLOUDFLARE_BASE_URL",
			Verify: "/user/tokens/verify", Resource: "dns_record", Attributes: strings.Fields("name content zone_id type ttl comment"),
		},
		{
			Source: "venafi/venafi", Version: "0.21.0",
			TokenArgument: "access_token", TokenVariable: "VENAFI_TOKEN", URLArgument: "url", URLVariable: "VENAFI_URL",
			Settings: []string{"trust_bundle", "zone"},
			Verify:   "/vedauth/authorize/verify", Resource: "certificate", Attributes: strings.Fields("common_name nickname"),
		},
		{
			Source: "integrations/github", Version: "6.9.1",
			TokenArgument: "token", TokenVariable: "GITHUB_TOKEN", URLArgument: baseURL, URLVariable: "GITHUB_BASE_URL",
			Settings: []string{"owner"}, Anonymous: true,
			Verify: "/api/v3/user", Resource: "repository", Attributes: strings.Fields("name description visibility"),
		},
		{
			Source: "gitlabhq/gitlab", Version: "18.0.0",
			TokenArgument: "token", TokenVariable: "GITLAB_TOKEN", URLArgument: baseURL, URLVariable: "GITLAB_BASE_URL",
			Settings: []string{"cacert_file"}, Anonymous: true,
			Verify: "/api/v4/personal_access_tokens/self", Resource: "project", Attributes: strings.Fields("name description visibility_level"),
		},
	}
}
