package provider

import (
	"context"
	"net/url"

	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	providerschema "github.com/hashicorp/terraform-plugin-framework/provider/schema"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/tokencheck/terraform-provider-tokencheck/internal/token"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/transport"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/verdict"
)

// issuers lists the supported issuers. The provider's blocks, data sources, and
// ephemeral resources follow from it.
func issuers() []issuer {
	return []issuer{cloudflareIssuer(), venafiIssuer(), githubIssuer(), gitlabIssuer()}
}

// issuer describes an issuer to the provider.
type issuer struct {
	transport.Issuer

	// names are the names of the token sources. The type names are "tokencheck_"
	// followed by the block's name.
	names token.Names
	url   urlSource
	// block is the schema of the block in the provider configuration, and newBlockModel
	// returns its model.
	block         providerschema.SingleNestedBlock
	newBlockModel func() blockModel
	// schema is that of the data source. The ephemeral resource has two more attributes.
	schema             schema.Schema
	newDataSourceModel func() model
	newEphemeralModel  func() ephemeralModel
}

// urlSource is the source of a server URL: the argument in the issuer's block, else
// the environment variable, else the fallback, which may be empty.
type urlSource struct {
	argument, variable, fallback string
	parse                        func(string) (*url.URL, error)
}

// blockModel is the model of an issuer's block.
type blockModel interface{ settings() settings }

// settings are the values of an issuer's block. An argument that the issuer does not
// have is null.
type settings struct {
	token, url, trustBundle                     types.String
	clientCertificate, clientKey, tlsMaxVersion types.String

	// unknown is the name of an argument, other than the token, that is unknown and
	// that every verification needs; "" if there is none.
	unknown string
}

// model is the model of a data source, and of an ephemeral resource.
type model interface {
	common() *commonModel
	token() tokenArguments
	// validate checks the arguments that only this issuer has.
	validate(r *rules)
	// verify sends the request, and sets the attributes that only this issuer has. A
	// request that is not fresh may be shared.
	verify(ctx context.Context, client *transport.Client, t token.Token, fresh bool) (verdict.Facts, error)
}

// ephemeralModel is the model of an ephemeral resource.
type ephemeralModel interface {
	model

	gate() *gateModel
}

// tokenArguments are the arguments for a token, the name of a variable, and the path
// of a file.
type tokenArguments struct{ value, env, file types.String }

// commonModel is embedded in all models.
type commonModel struct {
	MinRemaining types.String `tfsdk:"min_remaining"`
	Valid        types.Bool   `tfsdk:"valid"`
	Status       types.String `tfsdk:"status"`
	Reason       types.String `tfsdk:"reason"`
	ExpiresOn    types.String `tfsdk:"expires_on"`
	TokenSource  types.String `tfsdk:"token_source"`
}

func (m *commonModel) common() *commonModel { return m }

// tokenBlock is the model of a block, and tokenModel is embedded in the models, of an
// issuer whose argument for the token is token.
type (
	tokenBlock struct {
		Token       types.String `tfsdk:"token"`
		BaseURL     types.String `tfsdk:"base_url"`
		TrustBundle types.String `tfsdk:"trust_bundle"`
	}
	tokenModel struct {
		Token     types.String `tfsdk:"token"`
		TokenEnv  types.String `tfsdk:"token_env"`
		TokenFile types.String `tfsdk:"token_file"`
	}
)

func (b *tokenBlock) settings() settings {
	return settings{token: b.Token, url: b.BaseURL, trustBundle: b.TrustBundle}
}

func (m *tokenModel) token() tokenArguments { return tokenArguments{m.Token, m.TokenEnv, m.TokenFile} }

// gateModel is embedded in the models of ephemeral resources.
type gateModel struct {
	RequireValid  types.Bool   `tfsdk:"require_valid"`
	VerifiedToken types.String `tfsdk:"verified_token"`
}

func (m *gateModel) gate() *gateModel { return m }
