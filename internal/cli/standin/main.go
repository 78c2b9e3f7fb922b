// Command standin is a stand-in for the providers cloudflare/cloudflare and
// venafi/venafi, depending on the name of its binary. Each has one resource and one
// data source, whose every operation needs the token, as in the real providers. It
// is for tests and the demo, and not part of a release.
package main

import (
	"cmp"
	"context"
	"log"
	"net/http"
	"os"
	"strings"

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

// original describes the real provider. Names are the real ones, except the data
// source's.
type original struct {
	name, tokenArgument, urlArgument string
	tokenVariable, urlVariable       string
	// verify is the path, relative to the server's URL, that returns 200 for a valid
	// token.
	verify string
	// resource is a resource with string attributes; changing the first one replaces
	// it.
	resource   string
	attributes []string
}

var (
	cloudflare = original{ //nolint:gochecknoglobals // Effectively a constant.
		"cloudflare", "api_token", "base_url", "CLOUDFLARE_API_TOKEN", "CLOUDFLARE_BASE_URL", "/user/tokens/verify",
		"dns_record",
		[]string{"name", "content", "zone_id", "type", "ttl", "comment"},
	}
	venafi = original{ //nolint:gochecknoglobals // Effectively a constant.
		"venafi", "access_token", "url", "VENAFI_TOKEN", "VENAFI_URL", "/vedauth/authorize/verify",
		"certificate",
		[]string{"common_name", "nickname"},
	}
)

func main() {
	// Tests check which files the provider under test writes.
	_ = os.Unsetenv("TF_LOG_SDK_PROTO_DATA_DIR")

	o := cloudflare
	if strings.Contains(os.Args[0], "provider-venafi") {
		o = venafi
	}

	err := providerserver.Serve(context.Background(), func() provider.Provider { return &standIn{o} }, providerserver.ServeOpts{Address: "registry.terraform.io/" + o.name + "/" + o.name})
	if err != nil {
		log.Fatal(err)
	}
}

// client is the provider's configuration.
type client struct{ token, url string }

// call sends the request with which every operation starts.
func (c client) call(ctx context.Context, operation string, diags *diag.Diagnostics) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, c.url, nil)
	if err != nil {
		diags.AddError(err.Error(), operation)

		return
	}

	request.Header.Set("Authorization", "Bearer "+c.token)

	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		diags.AddError(err.Error(), operation)

		return
	}

	_ = answer.Body.Close()

	if answer.StatusCode != http.StatusOK {
		diags.AddError(answer.Status, "The server refused to "+operation+".")
	}
}

type standIn struct{ original }

// Metadata implements [provider.Provider].
func (s *standIn) Metadata(_ context.Context, _ provider.MetadataRequest, resp *provider.MetadataResponse) {
	resp.TypeName = s.name
}

// Schema implements [provider.Provider].
func (s *standIn) Schema(_ context.Context, _ provider.SchemaRequest, resp *provider.SchemaResponse) {
	resp.Schema = providerschema.Schema{Attributes: map[string]providerschema.Attribute{
		s.tokenArgument: providerschema.StringAttribute{Optional: true, Sensitive: true},
		s.urlArgument:   providerschema.StringAttribute{Optional: true},
		"trust_bundle":  providerschema.StringAttribute{Optional: true},
		"zone":          providerschema.StringAttribute{Optional: true},
	}}
}

// Configure implements [provider.Provider]. Arguments take precedence over the
// environment.
func (s *standIn) Configure(ctx context.Context, req provider.ConfigureRequest, resp *provider.ConfigureResponse) {
	var token, url types.String

	resp.Diagnostics.Append(req.Config.GetAttribute(ctx, path.Root(s.tokenArgument), &token)...)
	resp.Diagnostics.Append(req.Config.GetAttribute(ctx, path.Root(s.urlArgument), &url)...)

	c := client{cmp.Or(token.ValueString(), os.Getenv(s.tokenVariable)), cmp.Or(url.ValueString(), os.Getenv(s.urlVariable)) + s.verify}
	resp.ResourceData, resp.DataSourceData = c, c
}

// Resources implements [provider.Provider].
func (s *standIn) Resources(context.Context) []func() resource.Resource {
	return []func() resource.Resource{func() resource.Resource { return &record{original: s.original} }}
}

// DataSources implements [provider.Provider].
func (s *standIn) DataSources(context.Context) []func() datasource.DataSource {
	return []func() datasource.DataSource{func() datasource.DataSource { return new(zone) }}
}

type record struct {
	client
	original
}

// Configure implements [resource.ResourceWithConfigure].
func (r *record) Configure(_ context.Context, req resource.ConfigureRequest, _ *resource.ConfigureResponse) {
	r.client, _ = req.ProviderData.(client)
}

// Metadata implements [resource.Resource].
func (r *record) Metadata(_ context.Context, req resource.MetadataRequest, resp *resource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_" + r.resource
}

// Schema implements [resource.Resource].
func (r *record) Schema(_ context.Context, _ resource.SchemaRequest, resp *resource.SchemaResponse) {
	resp.Schema.Attributes = map[string]schema.Attribute{}
	for _, name := range r.attributes {
		resp.Schema.Attributes[name] = schema.StringAttribute{Optional: true}
	}

	resp.Schema.Attributes[r.attributes[0]] = schema.StringAttribute{Optional: true, PlanModifiers: []planmodifier.String{stringplanmodifier.RequiresReplace()}}
}

// Create implements [resource.Resource].
func (r *record) Create(ctx context.Context, req resource.CreateRequest, resp *resource.CreateResponse) {
	r.call(ctx, "create", &resp.Diagnostics)

	if !resp.Diagnostics.HasError() {
		resp.State.Raw = req.Plan.Raw
	}
}

// Read implements [resource.Resource]. A refresh calls it.
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
func (r *record) ImportState(ctx context.Context, req resource.ImportStateRequest, resp *resource.ImportStateResponse) {
	resource.ImportStatePassthroughID(ctx, path.Root(r.attributes[0]), req, resp)
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
