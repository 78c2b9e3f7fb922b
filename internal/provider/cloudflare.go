package provider

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/tokencheck/terraform-provider-tokencheck/internal/cloudflare"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/token"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/transport"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/verdict"
)

func cloudflareIssuer() issuer {
	names := token.Names{
		Argument: "api_token", Block: "cloudflare", Variable: "CLOUDFLARE_API_TOKEN",
		Hints: []token.Hint{
			{Variable: "CF_API_TOKEN", Sentence: "neither this provider nor the Cloudflare provider reads it; use CLOUDFLARE_API_TOKEN."},
			{Variable: "CF_DNS_API_TOKEN", Sentence: "neither this provider nor the Cloudflare provider reads it; use CLOUDFLARE_API_TOKEN."},
			{Variable: "CLOUDFLARE_API_KEY", Sentence: "if it holds an API token, use CLOUDFLARE_API_TOKEN; a Global API key cannot be verified, so create an API token instead."},
		},
	}
	url := urlSource{argument: "base_url", variable: "CLOUDFLARE_BASE_URL", fallback: cloudflare.DefaultBaseURL, parse: transport.ParseURL}

	return issuer{
		Issuer: cloudflare.Issuer(), names: names, url: url,
		newBlockModel:      func() blockModel { return new(cloudflareBlock) },
		newDataSourceModel: func() model { return new(cloudflareModel) },
		newEphemeralModel:  func() ephemeralModel { return new(cloudflareEphemeralModel) },
		block: blockSchema("Connection settings for Cloudflare.", names, url,
			"URL of the API, `"+url.fallback+"` if not set; Cloudflare for Government is at `https://api.fed.cloudflare.com/client/v4`.", nil),
		schema: dataSourceSchema(
			"Verifies an API token with Cloudflare. "+
				"Does not check the token's permissions, zones, accounts, or client IP address filtering.",
			names,
			"`active`, `expiring`, `expired`, `disabled`, `not_yet_valid`, `rejected`, or any other status that Cloudflare returns, unchanged.",
			"Null if the token does not expire, or if it was rejected.",
			map[string]schema.Attribute{
				"account_id": optional("ID of the account that owns the token, 32 hexadecimal digits. " +
					"Required for an account-owned token, which the user endpoint rejects; omit it for a user-owned token."),
				"id":         computed("ID of the token, not sensitive. Null if the token was rejected."),
				"not_before": computed("When the token becomes valid, as an RFC 3339 timestamp in UTC. Null if not reported."),
			}),
	}
}

type cloudflareBlock struct {
	APIToken    types.String `tfsdk:"api_token"`
	BaseURL     types.String `tfsdk:"base_url"`
	TrustBundle types.String `tfsdk:"trust_bundle"`
}

func (b *cloudflareBlock) settings() settings {
	return settings{token: b.APIToken, url: b.BaseURL, trustBundle: b.TrustBundle}
}

type cloudflareModel struct {
	commonModel

	APIToken     types.String `tfsdk:"api_token"`
	APITokenEnv  types.String `tfsdk:"api_token_env"`
	APITokenFile types.String `tfsdk:"api_token_file"`
	AccountID    types.String `tfsdk:"account_id"`
	ID           types.String `tfsdk:"id"`
	NotBefore    types.String `tfsdk:"not_before"`
}

type cloudflareEphemeralModel struct {
	cloudflareModel
	gateModel
}

func (m *cloudflareModel) token() tokenArguments {
	return tokenArguments{m.APIToken, m.APITokenEnv, m.APITokenFile}
}

func (m *cloudflareModel) validate(r *rules) {
	r.check(path.Root("account_id"), m.AccountID, "Invalid account ID", cloudflare.CheckAccountID, cloudflare.AccountIDRemedy)
}

func (m *cloudflareModel) verify(ctx context.Context, client *transport.Client, t token.Token, fresh bool) (verdict.Facts, error) {
	v, err := cloudflare.Verify(ctx, client, t, m.AccountID.ValueString(), fresh)
	if err != nil {
		return verdict.Facts{}, err
	}

	m.ID, m.NotBefore = stringValue(v.ID), timeValue(v.NotBefore)
	return v.Facts, nil
}
