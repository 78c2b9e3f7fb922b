// Command cloud is a provider whose one resource and one data source need an API
// token, as those of a real cloud do: what a token check is there to guard. It is
// for tests and no part of a release.
package main

import (
	"cmp"
	"context"
	"log"
	"net/http"
	"os"

	"github.com/hashicorp/terraform-plugin-framework/datasource"
	dataschema "github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/provider"
	providerschema "github.com/hashicorp/terraform-plugin-framework/provider/schema"
	"github.com/hashicorp/terraform-plugin-framework/providerserver"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/types"
)

func main() {
	// The tests look for files that the provider under test writes.
	_ = os.Unsetenv("TF_LOG_SDK_PROTO_DATA_DIR")

	err := providerserver.Serve(context.Background(), newProvider, providerserver.ServeOpts{Address: "registry.terraform.io/hashicorp/cloud"})
	if err != nil {
		log.Fatal(err)
	}
}

// client is what the provider was configured with.
type client struct{ token, url string }

// call is what every operation does first: a request with the token to the URL, which
// is an issuer's verification endpoint.
func (c client) call(ctx context.Context, operation string, diags *diag.Diagnostics) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, c.url, nil)
	if err != nil {
		diags.AddError(err.Error(), operation)

		return
	}

	request.Header.Set("User-Agent", "cloud")
	request.Header.Set("Authorization", "Bearer "+c.token)

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
func (cloudProvider) Schema(_ context.Context, _ provider.SchemaRequest, resp *provider.SchemaResponse) {
	resp.Schema = providerschema.Schema{Attributes: map[string]providerschema.Attribute{
		"token": providerschema.StringAttribute{Optional: true, Sensitive: true},
		"url":   providerschema.StringAttribute{Optional: true},
	}}
}

// Configure implements [provider.Provider]. Arguments take precedence over CLOUD_TOKEN
// and CLOUD_URL.
func (cloudProvider) Configure(ctx context.Context, req provider.ConfigureRequest, resp *provider.ConfigureResponse) {
	var token, url types.String

	resp.Diagnostics.Append(req.Config.GetAttribute(ctx, path.Root("token"), &token)...)
	resp.Diagnostics.Append(req.Config.GetAttribute(ctx, path.Root("url"), &url)...)

	c := client{cmp.Or(token.ValueString(), os.Getenv("CLOUD_TOKEN")), cmp.Or(url.ValueString(), os.Getenv("CLOUD_URL"))}
	resp.ResourceData, resp.DataSourceData = c, c
}

// Resources implements [provider.Provider].
func (cloudProvider) Resources(context.Context) []func() resource.Resource {
	return []func() resource.Resource{func() resource.Resource { return new(record) }}
}

// DataSources implements [provider.Provider].
func (cloudProvider) DataSources(context.Context) []func() datasource.DataSource {
	return []func() datasource.DataSource{func() datasource.DataSource { return new(zone) }}
}

// record is a resource with the argument of terraform_data, so that it can take
// that one's place in an example.
type record struct{ client }

// Configure implements [resource.ResourceWithConfigure].
func (r *record) Configure(_ context.Context, req resource.ConfigureRequest, _ *resource.ConfigureResponse) {
	r.client, _ = req.ProviderData.(client)
}

// Metadata implements [resource.Resource].
func (*record) Metadata(_ context.Context, req resource.MetadataRequest, resp *resource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_record"
}

// Schema implements [resource.Resource].
func (*record) Schema(_ context.Context, _ resource.SchemaRequest, resp *resource.SchemaResponse) {
	resp.Schema = schema.Schema{Attributes: map[string]schema.Attribute{
		"input": schema.StringAttribute{Optional: true},
		"name":  schema.StringAttribute{Optional: true, PlanModifiers: []planmodifier.String{stringplanmodifier.RequiresReplace()}},
	}}
}

// Create implements [resource.Resource].
func (r *record) Create(ctx context.Context, req resource.CreateRequest, resp *resource.CreateResponse) {
	r.call(ctx, "create", &resp.Diagnostics)

	if !resp.Diagnostics.HasError() {
		resp.State.Raw = req.Plan.Raw
	}
}

// Read implements [resource.Resource]. It is what a refresh calls.
func (r *record) Read(ctx context.Context, _ resource.ReadRequest, resp *resource.ReadResponse) {
	r.call(ctx, "read", &resp.Diagnostics)
}

// Update implements [resource.Resource].
func (r *record) Update(ctx context.Context, req resource.UpdateRequest, resp *resource.UpdateResponse) {
	r.call(ctx, "update", &resp.Diagnostics)

	if !resp.Diagnostics.HasError() {
		resp.State.Raw = req.Plan.Raw
	}
}

// Delete implements [resource.Resource].
func (r *record) Delete(ctx context.Context, _ resource.DeleteRequest, resp *resource.DeleteResponse) {
	r.call(ctx, "delete", &resp.Diagnostics)
}

// ImportState implements [resource.ResourceWithImportState].
func (*record) ImportState(ctx context.Context, req resource.ImportStateRequest, resp *resource.ImportStateResponse) {
	resource.ImportStatePassthroughID(ctx, path.Root("name"), req, resp)
}

type zone struct{ client }

// Configure implements [datasource.DataSourceWithConfigure].
func (z *zone) Configure(_ context.Context, req datasource.ConfigureRequest, _ *datasource.ConfigureResponse) {
	z.client, _ = req.ProviderData.(client)
}

// Metadata implements [datasource.DataSource].
func (*zone) Metadata(_ context.Context, req datasource.MetadataRequest, resp *datasource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_zone"
}

// Schema implements [datasource.DataSource].
func (*zone) Schema(_ context.Context, _ datasource.SchemaRequest, resp *datasource.SchemaResponse) {
	resp.Schema = dataschema.Schema{Attributes: map[string]dataschema.Attribute{"name": dataschema.StringAttribute{Optional: true}}}
}

// Read implements [datasource.DataSource].
func (z *zone) Read(ctx context.Context, req datasource.ReadRequest, resp *datasource.ReadResponse) {
	z.call(ctx, "list", &resp.Diagnostics)
	resp.State.Raw = req.Config.Raw
}
