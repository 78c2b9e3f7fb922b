package provider

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/ephemeral"
)

var (
	_ ephemeral.EphemeralResourceWithConfigure      = (*tokenEphemeralResource)(nil)
	_ ephemeral.EphemeralResourceWithValidateConfig = (*tokenEphemeralResource)(nil)
)

// tokenEphemeralResource is the ephemeral resource of one issuer. Terraform opens it
// during plan and again during apply.
type tokenEphemeralResource struct {
	issuer     issuer
	connection *connection
}

func (e *tokenEphemeralResource) Metadata(_ context.Context, req ephemeral.MetadataRequest, resp *ephemeral.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_" + e.issuer.names.Block
}

func (e *tokenEphemeralResource) Schema(_ context.Context, _ ephemeral.SchemaRequest, resp *ephemeral.SchemaResponse) {
	resp.Schema = ephemeralSchema(e.issuer)
}

// ValidateConfig implements [ephemeral.EphemeralResourceWithValidateConfig]. It only
// runs before the provider is configured, as in terraform validate: during plan,
// Terraform shows its errors without a location, and those of Open with one.
func (e *tokenEphemeralResource) ValidateConfig(ctx context.Context, req ephemeral.ValidateConfigRequest, resp *ephemeral.ValidateConfigResponse) {
	if e.connection == nil {
		resp.Diagnostics = validateConfig(ctx, req.Config, e.issuer, e.issuer.newEphemeralModel())
	}
}

func (e *tokenEphemeralResource) Configure(_ context.Context, req ephemeral.ConfigureRequest, _ *ephemeral.ConfigureResponse) {
	e.connection = connectionOf(e.issuer, req.ProviderData)
}

func (e *tokenEphemeralResource) Open(ctx context.Context, req ephemeral.OpenRequest, resp *ephemeral.OpenResponse) {
	m := e.issuer.newEphemeralModel()

	resp.Diagnostics.Append(req.Config.Get(ctx, m)...)
	if resp.Diagnostics.HasError() {
		return
	}

	decided, diags := e.connection.verify(ctx, m)
	resp.Diagnostics.Append(diags...)

	require := m.gate().RequireValid
	switch {
	case resp.Diagnostics.HasError():
		return
	case !decided.Valid() && (require.IsNull() || require.ValueBool()):
		resp.Diagnostics.AddError(decided.Title(), decided.Reason)
		return
	case !decided.Valid(): // A condition's message cannot show an ephemeral value.
		resp.Diagnostics.AddWarning(decided.Title(), decided.Reason)
	}

	resp.Diagnostics.Append(resp.Result.Set(ctx, m)...)
}
