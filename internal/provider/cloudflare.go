package provider

import (
	"context"
	"sync"

	"github.com/hashicorp/terraform-plugin-framework-timetypes/timetypes"
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	providerschema "github.com/hashicorp/terraform-plugin-framework/provider/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/tokencheck/terraform-provider-tokencheck/internal/cloudflare"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/token"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/transport"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/verdict"
)

const cloudflareURLVariable = "CLOUDFLARE_BASE_URL"

var cloudflareNames = token.Names{Argument: "api_token", Block: "cloudflare", Variable: "CLOUDFLARE_API_TOKEN"} //nolint:gochecknoglobals // A constant in all but form.

// cloudflareBlock is the provider's block.
type cloudflareBlock struct {
	APIToken    types.String `tfsdk:"api_token"`
	BaseURL     types.String `tfsdk:"base_url"`
	TrustBundle types.String `tfsdk:"trust_bundle"`
}

// cloudflareModel is a check.
type cloudflareModel struct {
	verdictModel

	APIToken     types.String      `tfsdk:"api_token"`
	APITokenEnv  types.String      `tfsdk:"api_token_env"`
	APITokenFile types.String      `tfsdk:"api_token_file"`
	AccountID    types.String      `tfsdk:"account_id"`
	ID           types.String      `tfsdk:"id"`
	NotBefore    timetypes.RFC3339 `tfsdk:"not_before"`
}

func cloudflareIssuer() issuer {
	return issuer{
		names: cloudflareNames,
		block: blockSchema("How Cloudflare is asked.", cloudflareNames, map[string]providerschema.Attribute{
			"base_url": providerschema.StringAttribute{
				Optional: true,
				MarkdownDescription: "URL of the API. Tokens go to this server only. HTTPS, or plain HTTP to a loopback address. " +
					"Defaults to the environment variable `" + cloudflareURLVariable + "`, then to `" + cloudflare.DefaultBaseURL + "`; " +
					"the FedRAMP cloud is at `https://api.fed.cloudflare.com/client/v4`.",
				Validators: []validator.String{check("Invalid server URL", errorOnly(transport.ParseURL), urlRemedy)},
			},
		}),
		check: checkSchema(
			"Asks Cloudflare whether an API token works. That a token works says nothing about what it may do: "+
				"permissions, zones, accounts and address filters are not looked at.",
			cloudflareNames,
			"`active`, `expiring`, `expired`, `disabled`, `not_yet_valid`, `rejected`, or a status word of Cloudflare that is none of these, as it is.",
			"Null: the token has no end, or it was refused.",
			map[string]schema.Attribute{
				"account_id": schema.StringAttribute{
					Optional: true,
					MarkdownDescription: "ID of the account that owns the token, 32 hexadecimal digits. " +
						"Set it for an account-owned token, which the user endpoint refuses; leave it out for a user-owned one.",
					Validators: []validator.String{check("Invalid account ID", cloudflare.CheckAccountID, cloudflare.AccountIDRemedy)},
				},
				"id": schema.StringAttribute{
					Computed:            true,
					MarkdownDescription: "Identifier of the token, which is no secret. Null if the token was refused.",
				},
				"not_before": schema.StringAttribute{
					Computed: true, CustomType: timetypes.RFC3339Type{},
					MarkdownDescription: "When the token begins to work, in RFC 3339, UTC. Null if the answer has none.",
				},
			}),
		connect: connectCloudflare,
	}
}

// cloudflareVerifier makes the checks of one provider configuration.
type cloudflareVerifier struct {
	host  Host
	block cloudflareBlock
	// client connects on first use: what is wrong in the environment, or not known
	// yet, concerns the checks of this issuer only.
	client func() (*cloudflare.Client, error)
}

func connectCloudflare(ctx context.Context, conn connection, object types.Object) (verifier, diag.Diagnostics) {
	v := &cloudflareVerifier{host: conn.host}

	v.client = sync.OnceValues(func() (*cloudflare.Client, error) {
		if err := known(map[string]attr.Value{"cloudflare.base_url": v.block.BaseURL, "cloudflare.trust_bundle": v.block.TrustBundle}); err != nil {
			return nil, err
		}

		base, err := serverURL(conn.host, "cloudflare.base_url", v.block.BaseURL, cloudflareURLVariable, cloudflare.DefaultBaseURL, transport.ParseURL)
		if err != nil {
			return nil, err
		}

		client, err := conn.transport(transport.Config{
			Issuer: "Cloudflare", Block: cloudflareNames.Block, URLArgument: "base_url", TrustBundle: v.block.TrustBundle.ValueString(),
		})
		if err != nil {
			return nil, err
		}

		return cloudflare.NewClient(base, client), nil
	})

	return newVerifier(v.verify), readBlock(ctx, object, &v.block)
}

func (v *cloudflareVerifier) verify(ctx context.Context, m *cloudflareModel, fresh bool) ([]verdict.Warning, error) {
	ctx, r, err := prepare(ctx, v.host, token.Sources{
		Names: cloudflareNames,
		Value: m.APIToken.ValueStringPointer(), Env: m.APITokenEnv.ValueStringPointer(), File: m.APITokenFile.ValueStringPointer(),
	}, v.block.APIToken, m.MinRemaining)
	if err != nil {
		return nil, err
	}

	client, err := v.client()
	if err != nil {
		return nil, err
	}

	answer, err := client.Verify(ctx, r.token, m.AccountID.ValueString(), fresh)
	if err != nil {
		return nil, err
	}

	m.ID = stringValue(answer.ID)
	m.NotBefore = timeValue(answer.NotBefore)

	return answer.Warnings, m.decide(ctx, answer.Facts, r, answer.Words)
}
