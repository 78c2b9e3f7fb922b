package provider

import (
	"context"
	"fmt"

	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
)

// Ensure that the data source satisfies the framework's interfaces.
var (
	_ datasource.DataSource              = (*checkDataSource)(nil)
	_ datasource.DataSourceWithConfigure = (*checkDataSource)(nil)
)

// checkDataSource is the data source of any issuer.
type checkDataSource struct {
	issuer   issuer
	verifier verifier
}

// Metadata implements [datasource.DataSource].
func (d *checkDataSource) Metadata(_ context.Context, req datasource.MetadataRequest, resp *datasource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_" + d.issuer.names.Block
}

// Schema implements [datasource.DataSource].
func (d *checkDataSource) Schema(_ context.Context, _ datasource.SchemaRequest, resp *datasource.SchemaResponse) {
	resp.Schema = d.issuer.check
}

// Configure implements [datasource.DataSourceWithConfigure].
func (d *checkDataSource) Configure(_ context.Context, req datasource.ConfigureRequest, resp *datasource.ConfigureResponse) {
	if req.ProviderData == nil { // Validation comes before the provider is configured.
		return
	}

	d.verifier, resp.Diagnostics = verifierOf(d.issuer, req.ProviderData)
}

// Read implements [datasource.DataSource].
func (d *checkDataSource) Read(ctx context.Context, req datasource.ReadRequest, resp *datasource.ReadResponse) {
	resp.Diagnostics.Append(refuseUnknown(req.Config.Raw)...)

	if resp.Diagnostics.HasError() {
		return
	}

	model, diags := d.verifier(ctx, req.Config.Get, false)
	resp.Diagnostics.Append(diags...)

	if !resp.Diagnostics.HasError() {
		resp.Diagnostics.Append(resp.State.Set(ctx, model)...)
	}
}

// verifierOf finds an issuer's verifier in what Configure of the provider left.
func verifierOf(i issuer, providerData any) (verifier, diag.Diagnostics) {
	verifiers, ok := providerData.(map[string]verifier)
	if !ok || verifiers[i.names.Block] == nil {
		return nil, diag.Diagnostics{diag.NewErrorDiagnostic(
			"Provider is not configured", fmt.Sprintf("The provider handed over a %T. This is a fault of the provider; please report it.", providerData))}
	}

	return verifiers[i.names.Block], nil
}

// refuseUnknown refuses arguments that are not known. Terraform puts such checks
// off; a caller that does not would otherwise have them taken for not set.
func refuseUnknown(config tftypes.Value) diag.Diagnostics {
	var (
		diags      diag.Diagnostics
		attributes map[string]tftypes.Value
	)

	if err := config.As(&attributes); err != nil {
		diags.AddError("Unreadable configuration", "The check's configuration is not an object. This is a fault of whatever runs the provider.")

		return diags
	}

	for name, value := range attributes {
		if !value.IsFullyKnown() {
			diags.AddAttributeError(path.Root(name), "Argument is not known yet",
				name+" depends on something that does not exist yet, so the check cannot be made.\n\nCreate that in an earlier run.")
		}
	}

	return diags
}
