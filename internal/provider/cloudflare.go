package provider

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework-timetypes/timetypes"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	providerschema "github.com/hashicorp/terraform-plugin-framework/provider/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/tokencheck/terraform-provider-tokencheck/internal/cloudflare"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/token"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/transport"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/verdict"
)

var cloudflareNames = token.Names{Argument: "api_token", Block: "cloudflare", Variable: "CLOUDFLARE_API_TOKEN"} //nolint:gochecknoglobals // A constant in all but form.

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

// own implements [checked].
func (m *cloudflareModel) own() (value, env, file types.String) {
	return m.APIToken, m.APITokenEnv, m.APITokenFile
}

func cloudflareIssuer() issuer {
	server := server[*cloudflare.Client]{
		names: cloudflareNames, issuer: "Cloudflare",
		urlArgument: "base_url", urlVariable: "CLOUDFLARE_BASE_URL", defaultURL: cloudflare.DefaultBaseURL,
		parseURL: transport.ParseURL, newClient: cloudflare.NewClient,
	}

	return newIssuer(server, askCloudflare,
		blockSchema("How Cloudflare is asked.", cloudflareNames, map[string]providerschema.StringAttribute{
			server.urlArgument: server.urlAttribute("URL of the API. Tokens go to this server only. HTTPS, or plain HTTP to a loopback address. " +
				"Defaults to the environment variable `" + server.urlVariable + "`, then to `" + server.defaultURL + "`; " +
				"the FedRAMP cloud is at `https://api.fed.cloudflare.com/client/v4`."),
		}),
		checkSchema(
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
	)
}

func askCloudflare(ctx context.Context, client *cloudflare.Client, m *cloudflareModel, r request, fresh bool) ([]verdict.Warning, error) {
	answer, err := client.Verify(ctx, r.token, m.AccountID.ValueString(), fresh)
	if err != nil {
		return nil, err
	}

	m.ID = stringValue(answer.ID)
	m.NotBefore = timeValue(answer.NotBefore)

	return answer.Warnings, m.decide(ctx, answer.Facts, r, answer.Words)
}
