package provider

import (
	"context"
	"net/url"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	providerschema "github.com/hashicorp/terraform-plugin-framework/provider/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"

	"github.com/tokencheck/terraform-provider-tokencheck/internal/cloudflare"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/token"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/transport"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/verdict"
)

var cloudflareNames = token.Names{ //nolint:gochecknoglobals // Effectively a constant.
	Argument: "api_token", Block: "cloudflare", Variable: "CLOUDFLARE_API_TOKEN",
	Hints: map[string]string{ //nolint:gosec // Text about tokens, not a token.
		"CF_API_TOKEN":       "CF_API_TOKEN is set, but neither this provider nor the Cloudflare provider reads it: rename it to CLOUDFLARE_API_TOKEN.",
		"CLOUDFLARE_API_KEY": "CLOUDFLARE_API_KEY is set, but it is for a Global API key, which cannot be verified: create an API token instead.",
	},
}

func cloudflareIssuer() issuer {
	url := urlSource{argument: "base_url", variable: "CLOUDFLARE_BASE_URL", fallback: cloudflare.DefaultBaseURL, parse: transport.ParseURL}

	return issuer{
		names: cloudflareNames, url: url, connect: connectCloudflare,
		block: blockSchema("Connection settings for Cloudflare.", cloudflareNames, map[string]providerschema.StringAttribute{
			url.argument: url.attribute("URL of the API. Tokens are sent to this server only. HTTPS, or plain HTTP for a loopback address. " +
				"Defaults to the environment variable `" + url.variable + "`, then to `" + url.fallback + "`; " +
				"Cloudflare for Government is at `https://api.fed.cloudflare.com/client/v4`."),
		}),
		schema: checkSchema(
			"Verifies an API token with Cloudflare. "+
				"Does not check the token's permissions, zones, accounts, or client IP address filtering.",
			cloudflareNames,
			"`active`, `expiring`, `expired`, `disabled`, `not_yet_valid`, `rejected`, or any other status that Cloudflare returns, unchanged.",
			"Null if the token does not expire, or if it was rejected.",
			map[string]schema.Attribute{
				"account_id": schema.StringAttribute{
					Optional: true,
					MarkdownDescription: "ID of the account that owns the token, 32 hexadecimal digits. " +
						"Required for an account-owned token, which the user endpoint rejects; omit it for a user-owned token.",
					Validators: []validator.String{rule("Invalid account ID", cloudflare.CheckAccountID, cloudflare.AccountIDRemedy)},
				},
				"id": schema.StringAttribute{
					Computed:            true,
					MarkdownDescription: "ID of the token, not sensitive. Null if the token was rejected.",
				},
				"not_before": schema.StringAttribute{
					Computed:            true,
					MarkdownDescription: "When the token becomes valid, as an RFC 3339 timestamp in UTC. Null if not reported.",
				},
			}),
	}
}

// cloudflareClient verifies tokens with Cloudflare for one provider configuration.
type cloudflareClient struct{ *cloudflare.Client }

func connectCloudflare(_ arguments, base *url.URL, config transport.Config) (client, error) {
	c, err := cloudflare.NewClient(base, config)

	return cloudflareClient{c}, err
}

// verify implements [client].
func (c cloudflareClient) verify(ctx context.Context, check arguments, bearer token.Token, fresh bool) (verdict.Answer, map[string]attr.Value, error) {
	answer, err := c.Verify(ctx, bearer, check.text("account_id").ValueString(), fresh)
	if err != nil {
		return verdict.Answer{}, nil, err
	}

	return answer.Answer, map[string]attr.Value{"id": stringValue(answer.ID), "not_before": timeValue(answer.NotBefore)}, nil
}
