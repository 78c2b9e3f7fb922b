package provider

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/path"
	providerschema "github.com/hashicorp/terraform-plugin-framework/provider/schema"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/tokencheck/terraform-provider-tokencheck/internal/token"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/transport"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/venafi"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/verdict"
)

func venafiIssuer() issuer {
	names := token.Names{
		Argument: "access_token", Block: "venafi", Variable: "VENAFI_TOKEN",
		Hints: []token.Hint{
			{Variable: "VCERT_TOKEN", Sentence: "neither this provider nor the Venafi provider reads it; use VENAFI_TOKEN."},
			{Variable: "VENAFI_ACCESS_TOKEN", Sentence: "neither this provider nor the Venafi provider reads it; use VENAFI_TOKEN."},
		},
	}
	url := urlSource{argument: "url", variable: "VENAFI_URL", parse: venafi.ParseURL}

	return issuer{
		Issuer: venafi.Issuer(), names: names, url: url,
		newBlockModel:      func() blockModel { return new(venafiBlock) },
		newDataSourceModel: func() model { return new(venafiModel) },
		newEphemeralModel:  func() ephemeralModel { return new(venafiEphemeralModel) },
		block: blockSchema("Connection settings for the Venafi Trust Protection Platform server (TLS Protect Datacenter; CyberArk Certificate Manager, Self-Hosted).", names, url,
			"URL of the server; may end in the path of one of its services, such as `/vedsdk`.",
			map[string]providerschema.Attribute{
				"client_certificate": setting("PEM-encoded client certificate with its chain, for servers that require one. Requires `client_key`."),
				"client_key": providerschema.StringAttribute{
					Optional: true, Sensitive: true,
					MarkdownDescription: "PEM-encoded, unencrypted private key of `client_certificate`. Accepts ephemeral values.",
				},
				"tls_max_version": setting("Maximum TLS version, `\"1.2\"` or `\"1.3\"`. Set `\"1.2\"` for a server that requests the client certificate after the handshake " +
					"(IIS, if only the `vedauth` application requires one); TLS 1.3 does not support this. Defaults to `\"1.3\"`."),
			}),
		schema: dataSourceSchema(
			"Verifies an access token with a Venafi Trust Protection Platform server (TLS Protect Datacenter; CyberArk Certificate Manager, Self-Hosted). "+
				"Does not check the permissions of the token's identity.",
			names,
			"`active`, `expiring`, `rejected`, or `missing_scope`.",
			"This is `access_issued_on` plus `valid_for`, or `grant_expires_on` if that is earlier. Null if it is unknown, or if the token was rejected.",
			map[string]schema.Attribute{
				"required_scopes": schema.SetAttribute{
					Optional: true, ElementType: types.StringType,
					MarkdownDescription: "Scopes that the token must have, each as `scope` or `scope:restriction,restriction`, such as `\"certificate:manage,revoke\"`. " +
						"A scope without restrictions matches any; restrictions do not imply each other; `\"any\"` is always satisfied. " +
						"A token that lacks one has the status `missing_scope` and is not valid.",
				},
				"access_issued_on": computed("When the access token was issued or last refreshed. RFC 3339 in UTC. Null if not reported."),
				"grant_issued_on":  computed("When the grant was authorized. RFC 3339 in UTC. Null if not reported."),
				"grant_expires_on": computed("When the *grant* expires. RFC 3339 in UTC; null if it does not expire or is not reported."),
				"valid_for": schema.Int64Attribute{
					Computed:            true,
					MarkdownDescription: "Lifetime of the access token in seconds, starting at `access_issued_on`. Null if not reported.",
				},
				"application": computed("Client ID of the API integration. Null if the token was rejected."),
				"identity":    computed("Identity of the token's owner, such as `local:{guid}`. Null if not reported."),
				"scope":       computed("Scope of the token, such as `certificate:manage,revoke;ssh`. Null if the token was rejected."),
				"scopes": schema.MapAttribute{
					Computed: true, ElementType: types.SetType{ElemType: types.StringType},
					MarkdownDescription: "`scope` as a map of scopes to sets of restrictions, in lower case, " +
						"such as `{ certificate = [\"manage\", \"revoke\"], ssh = [] }`. Null if the token was rejected.",
				},
				"missing_scopes": schema.SetAttribute{
					Computed: true, ElementType: types.StringType,
					MarkdownDescription: "Scopes in `required_scopes` that the token lacks, one element for each restriction, such as `certificate:revoke`. " +
						"Empty if none is missing; null if `required_scopes` is not set or the token was rejected.",
				},
			}),
	}
}

type venafiBlock struct {
	URL               types.String `tfsdk:"url"`
	AccessToken       types.String `tfsdk:"access_token"`
	TrustBundle       types.String `tfsdk:"trust_bundle"`
	ClientCertificate types.String `tfsdk:"client_certificate"`
	ClientKey         types.String `tfsdk:"client_key"`
	TLSMaxVersion     types.String `tfsdk:"tls_max_version"`
}

func (b *venafiBlock) settings() settings {
	return settings{
		token: b.AccessToken, url: b.URL, trustBundle: b.TrustBundle,
		clientCertificate: b.ClientCertificate, clientKey: b.ClientKey, tlsMaxVersion: b.TLSMaxVersion,
	}
}

type venafiModel struct {
	commonModel

	AccessToken     types.String `tfsdk:"access_token"`
	AccessTokenEnv  types.String `tfsdk:"access_token_env"`
	AccessTokenFile types.String `tfsdk:"access_token_file"`
	RequiredScopes  types.Set    `tfsdk:"required_scopes"`
	AccessIssuedOn  types.String `tfsdk:"access_issued_on"`
	GrantIssuedOn   types.String `tfsdk:"grant_issued_on"`
	GrantExpiresOn  types.String `tfsdk:"grant_expires_on"`
	ValidFor        types.Int64  `tfsdk:"valid_for"`
	Application     types.String `tfsdk:"application"`
	Identity        types.String `tfsdk:"identity"`
	Scope           types.String `tfsdk:"scope"`
	Scopes          types.Map    `tfsdk:"scopes"`
	MissingScopes   types.Set    `tfsdk:"missing_scopes"`
}

type venafiEphemeralModel struct {
	venafiModel
	gateModel
}

func (m *venafiModel) token() tokenArguments {
	return tokenArguments{m.AccessToken, m.AccessTokenEnv, m.AccessTokenFile}
}

func (m *venafiModel) validate(r *rules) {
	r.elements(path.Root("required_scopes"), m.RequiredScopes, "Invalid scope", venafi.CheckScope, `Set one element for each scope, such as "certificate" or "certificate:manage,revoke".`)
}

func (m *venafiModel) verify(ctx context.Context, client *transport.Client, t token.Token, fresh bool) (verdict.Facts, error) {
	var required []string
	_ = m.RequiredScopes.ElementsAs(ctx, &required, false) // They are valid.
	v, err := venafi.Verify(ctx, client, t, required, fresh)
	if err != nil {
		return verdict.Facts{}, err
	}

	m.AccessIssuedOn, m.GrantIssuedOn, m.GrantExpiresOn = timeValue(v.AccessIssuedOn), timeValue(v.GrantIssuedOn), timeValue(v.GrantExpiresOn)
	m.ValidFor = numberValue(v.ValidFor)
	m.Application, m.Identity, m.Scope = stringValue(v.Application), stringValue(v.Identity), stringValue(v.Scope)
	m.Scopes, _ = types.MapValueFrom(ctx, types.SetType{ElemType: types.StringType}, v.Scopes) // nil is null.
	m.MissingScopes = setValue(ctx, t, v.MissingScopes)
	return v.Facts, nil
}
