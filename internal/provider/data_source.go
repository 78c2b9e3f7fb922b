package provider

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/datasource"
)

var (
	_ datasource.DataSource              = (*checkDataSource)(nil)
	_ datasource.DataSourceWithConfigure = (*checkDataSource)(nil)
)

// checkDataSource is the data source of one issuer.
type checkDataSource struct {
	issuer     issuer
	connection *connection
}

// Metadata implements [datasource.DataSource].
func (d *checkDataSource) Metadata(_ context.Context, req datasource.MetadataRequest, resp *datasource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_" + d.issuer.names.Block
}

// Schema implements [datasource.DataSource].
func (d *checkDataSource) Schema(_ context.Context, _ datasource.SchemaRequest, resp *datasource.SchemaResponse) {
	resp.Schema = d.issuer.schema
}

// Configure implements [datasource.DataSourceWithConfigure].
func (d *checkDataSource) Configure(_ context.Context, req datasource.ConfigureRequest, resp *datasource.ConfigureResponse) {
	if req.ProviderData == nil { // Terraform validates before it configures the provider.
		return
	}

	d.connection, resp.Diagnostics = connectionOf(d.issuer, req.ProviderData)
}

// Read implements [datasource.DataSource].
func (d *checkDataSource) Read(ctx context.Context, req datasource.ReadRequest, resp *datasource.ReadResponse) {
	object, _, diags := d.connection.run(ctx, req.Config, false)
	resp.Diagnostics.Append(diags...)

	if !diags.HasError() {
		resp.Diagnostics.Append(resp.State.Set(ctx, object)...)
	}
}
