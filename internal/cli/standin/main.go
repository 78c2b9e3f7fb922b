// Command standin stands in for the providers in [cli.StandIns], depending on the
// name of its binary. Each has a resource and a data source, whose every operation
// needs the token, as in the real providers. It is for tests and the demo, and not
// part of a release.
package main

import (
	"cmp"
	"context"
	"log"
	"net/http"
	"os"
	"path"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/datasource"
	dataschema "github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	attribute "github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/provider"
	providerschema "github.com/hashicorp/terraform-plugin-framework/provider/schema"
	"github.com/hashicorp/terraform-plugin-framework/providerserver"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/tokencheck/terraform-provider-tokencheck/internal/cli"
)

func main() {
	// Tests check which files the provider under test writes.
	_ = os.Unsetenv("TF_LOG_SDK_PROTO_DATA_DIR")

	for _, s := range cli.StandIns() {
		if name := path.Base(s.Source); strings.Contains(os.Args[0], "provider-"+name) {
			err := providerserver.Serve(context.Background(), func() provider.Provider { return &standIn{s, name} },
				providerserver.ServeOpts{Address: "registry.terraform.io/" + s.Source})
			if err != nil {
				log.Fatal(err)
			}
		}
	}
}

// client is the provider's configuration.
type client struct {
	token, url string
	anonymous  bool
}

// call sends the request with which every operation starts. It reports whether the
// server may have kept objects back for lack of a token.
func (c client) call(ctx context.Context, operation string, diags *diag.Diagnostics) (hidden bool) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, c.url, http.NoBody)
	if err != nil {
		diags.AddError("Invalid URL", err.Error())
		return false
	}
	if c.token != "" {
		request.Header.Set("Authorization", "Bearer "+c.token)
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		diags.AddError("No response", err.Error())
		return false
	}
	_ = answer.Body.Close()

	switch {
	case c.token == "" && c.anonymous:
		return true
	case c.token == "":
		diags.AddError("No token", "The provider cannot "+operation+" without a token.")
	case answer.StatusCode != http.StatusOK:
		diags.AddError(answer.Status, "The server refused to "+operation+".")
	}
	return false
}

type standIn struct {
	cli.StandIn

	name string
}

func (s *standIn) Metadata(_ context.Context, _ provider.MetadataRequest, resp *provider.MetadataResponse) {
	resp.TypeName = s.name
}

func (s *standIn) Schema(_ context.Context, _ provider.SchemaRequest, resp *provider.SchemaResponse) {
	resp.Schema.Attributes = map[string]providerschema.Attribute{s.TokenArgument: providerschema.StringAttribute{Optional: true, Sensitive: true}}
	for _, name := range append(s.Settings, s.URLArgument) {
		resp.Schema.Attributes[name] = providerschema.StringAttribute{Optional: true}
	}
}

// Configure implements [provider.Provider]. Arguments take precedence over the
// environment.
func (s *standIn) Configure(ctx context.Context, req provider.ConfigureRequest, resp *provider.ConfigureResponse) {
	var token, url types.String
	resp.Diagnostics.Append(req.Config.GetAttribute(ctx, attribute.Root(s.TokenArgument), &token)...)
	resp.Diagnostics.Append(req.Config.GetAttribute(ctx, attribute.Root(s.URLArgument), &url)...)

	base := cmp.Or(url.ValueString(), os.Getenv(s.URLVariable))
	c := client{cmp.Or(token.ValueString(), os.Getenv(s.TokenVariable)), strings.TrimSuffix(base, "/") + s.Verify, s.Anonymous}
	resp.ResourceData, resp.DataSourceData = c, c
}

func (s *standIn) Resources(context.Context) []func() resource.Resource {
	return []func() resource.Resource{func() resource.Resource { return &record{StandIn: s.StandIn} }}
}

func (s *standIn) DataSources(context.Context) []func() datasource.DataSource {
	return []func() datasource.DataSource{func() datasource.DataSource { return &lookup{StandIn: s.StandIn} }}
}

// record is the resource.
type record struct {
	client
	cli.StandIn
}

func (r *record) Configure(_ context.Context, req resource.ConfigureRequest, _ *resource.ConfigureResponse) {
	r.client, _ = req.ProviderData.(client)
}

func (r *record) Metadata(_ context.Context, req resource.MetadataRequest, resp *resource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_" + r.Resource
}

func (r *record) Schema(_ context.Context, _ resource.SchemaRequest, resp *resource.SchemaResponse) {
	resp.Schema.Attributes = make(map[string]schema.Attribute)
	for _, name := range r.Attributes {
		resp.Schema.Attributes[name] = schema.StringAttribute{Optional: true}
	}
	resp.Schema.Attributes[r.Attributes[0]] = schema.StringAttribute{Optional: true, PlanModifiers: []planmodifier.String{stringplanmodifier.RequiresReplace()}}
}

func (r *record) Create(ctx context.Context, req resource.CreateRequest, resp *resource.CreateResponse) {
	if r.call(ctx, "create", &resp.Diagnostics); !resp.Diagnostics.HasError() {
		resp.State.Raw = req.Plan.Raw
	}
}

func (r *record) Read(ctx context.Context, _ resource.ReadRequest, resp *resource.ReadResponse) {
	if r.call(ctx, "read", &resp.Diagnostics) {
		resp.State.RemoveResource(ctx)
	}
}

func (r *record) Update(ctx context.Context, req resource.UpdateRequest, resp *resource.UpdateResponse) {
	if r.call(ctx, "update", &resp.Diagnostics); !resp.Diagnostics.HasError() {
		resp.State.Raw = req.Plan.Raw
	}
}

func (r *record) Delete(ctx context.Context, _ resource.DeleteRequest, resp *resource.DeleteResponse) {
	r.call(ctx, "delete", &resp.Diagnostics)
}

func (r *record) ImportState(ctx context.Context, req resource.ImportStateRequest, resp *resource.ImportStateResponse) {
	resource.ImportStatePassthroughID(ctx, attribute.Root(r.Attributes[0]), req, resp)
}

// lookup is the data source.
type lookup struct {
	client
	cli.StandIn
}

func (l *lookup) Configure(_ context.Context, req datasource.ConfigureRequest, _ *datasource.ConfigureResponse) {
	l.client, _ = req.ProviderData.(client)
}

func (l *lookup) Metadata(_ context.Context, req datasource.MetadataRequest, resp *datasource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_" + l.Resource
}

func (l *lookup) Schema(_ context.Context, _ datasource.SchemaRequest, resp *datasource.SchemaResponse) {
	resp.Schema.Attributes = map[string]dataschema.Attribute{l.Attributes[0]: dataschema.StringAttribute{Optional: true}}
}

func (l *lookup) Read(ctx context.Context, req datasource.ReadRequest, resp *datasource.ReadResponse) {
	l.call(ctx, "list", &resp.Diagnostics)
	resp.State.Raw = req.Config.Raw
}
