// Command cloud is a provider whose one resource and one data source need an API
// token, as those of a real cloud do: what a token check is there to guard. It is
// for tests and no part of a release.
package main

import (
	"context"
	"log"
	"net/http"
	"os"

	"github.com/hashicorp/terraform-plugin-framework/datasource"
	dataschema "github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/provider"
	"github.com/hashicorp/terraform-plugin-framework/providerserver"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
)

func main() {
	err := providerserver.Serve(context.Background(), newProvider, providerserver.ServeOpts{Address: "registry.terraform.io/hashicorp/cloud"})
	if err != nil {
		log.Fatal(err)
	}
}

// call is what every operation does first: a request with the token in CLOUD_TOKEN
// to the URL in CLOUD_URL, which is an issuer's verification endpoint.
func call(ctx context.Context, operation string, diags *diag.Diagnostics) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, os.Getenv("CLOUD_URL"), nil)
	if err != nil {
		diags.AddError(err.Error(), operation)

		return
	}

	request.Header.Set("Authorization", "Bearer "+os.Getenv("CLOUD_TOKEN"))

	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		diags.AddError(err.Error(), operation)

		return
	}

	_ = answer.Body.Close()

	if answer.StatusCode != http.StatusOK {
		diags.AddError(answer.Status, "The cloud refused to "+operation+".")
	}
}

type cloudProvider struct{}

func newProvider() provider.Provider { return cloudProvider{} }

// Metadata implements [provider.Provider].
func (cloudProvider) Metadata(_ context.Context, _ provider.MetadataRequest, resp *provider.MetadataResponse) {
	resp.TypeName = "cloud"
}

// Schema implements [provider.Provider].
func (cloudProvider) Schema(context.Context, provider.SchemaRequest, *provider.SchemaResponse) {}

// Configure implements [provider.Provider].
func (cloudProvider) Configure(context.Context, provider.ConfigureRequest, *provider.ConfigureResponse) {
}

// Resources implements [provider.Provider].
func (cloudProvider) Resources(context.Context) []func() resource.Resource {
	return []func() resource.Resource{func() resource.Resource { return record{} }}
}

// DataSources implements [provider.Provider].
func (cloudProvider) DataSources(context.Context) []func() datasource.DataSource {
	return []func() datasource.DataSource{func() datasource.DataSource { return zone{} }}
}

// record is a resource with the argument of terraform_data, so that it can take
// that one's place in an example.
type record struct{}

// Metadata implements [resource.Resource].
func (record) Metadata(_ context.Context, req resource.MetadataRequest, resp *resource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_record"
}

// Schema implements [resource.Resource].
func (record) Schema(_ context.Context, _ resource.SchemaRequest, resp *resource.SchemaResponse) {
	resp.Schema = schema.Schema{Attributes: map[string]schema.Attribute{"input": schema.StringAttribute{Optional: true}}}
}

// Create implements [resource.Resource].
func (record) Create(ctx context.Context, req resource.CreateRequest, resp *resource.CreateResponse) {
	call(ctx, "create", &resp.Diagnostics)

	if !resp.Diagnostics.HasError() {
		resp.State.Raw = req.Plan.Raw
	}
}

// Read implements [resource.Resource]. It is what a refresh calls.
func (record) Read(ctx context.Context, _ resource.ReadRequest, resp *resource.ReadResponse) {
	call(ctx, "read", &resp.Diagnostics)
}

// Update implements [resource.Resource].
func (record) Update(ctx context.Context, req resource.UpdateRequest, resp *resource.UpdateResponse) {
	call(ctx, "update", &resp.Diagnostics)

	if !resp.Diagnostics.HasError() {
		resp.State.Raw = req.Plan.Raw
	}
}

// Delete implements [resource.Resource].
func (record) Delete(ctx context.Context, _ resource.DeleteRequest, resp *resource.DeleteResponse) {
	call(ctx, "delete", &resp.Diagnostics)
}

type zone struct{}

// Metadata implements [datasource.DataSource].
func (zone) Metadata(_ context.Context, req datasource.MetadataRequest, resp *datasource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_zone"
}

// Schema implements [datasource.DataSource].
func (zone) Schema(_ context.Context, _ datasource.SchemaRequest, resp *datasource.SchemaResponse) {
	resp.Schema = dataschema.Schema{Attributes: map[string]dataschema.Attribute{"name": dataschema.StringAttribute{Optional: true}}}
}

// Read implements [datasource.DataSource].
func (zone) Read(ctx context.Context, req datasource.ReadRequest, resp *datasource.ReadResponse) {
	call(ctx, "list", &resp.Diagnostics)
	resp.State.Raw = req.Config.Raw
}
