// Package provider implements the Terraform provider: its schemas, the conversion
// of configurations to verifications, and of verdicts to attributes and diagnostics.
// It contains no HTTP code, and decides nothing about a token.
package provider

import (
	"context"
	"maps"
	"slices"

	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/ephemeral"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/provider"
	"github.com/hashicorp/terraform-plugin-framework/provider/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/tfsdk"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/tokencheck/terraform-provider-tokencheck/internal/transport"
)

var (
	_ provider.Provider                       = (*tokencheckProvider)(nil)
	_ provider.ProviderWithEphemeralResources = (*tokencheckProvider)(nil)
	_ provider.ProviderWithValidateConfig     = (*tokencheckProvider)(nil)
)

// New returns a constructor of the provider. The User-Agent header contains the
// version.
func New(version string, host transport.Host) func() provider.Provider {
	return func() provider.Provider { return &tokencheckProvider{version: version, host: host} }
}

type tokencheckProvider struct {
	version string
	host    transport.Host
}

func (p *tokencheckProvider) Metadata(_ context.Context, _ provider.MetadataRequest, resp *provider.MetadataResponse) {
	resp.TypeName = "tokencheck"
	resp.Version = p.version
}

func (p *tokencheckProvider) Schema(_ context.Context, _ provider.SchemaRequest, resp *provider.SchemaResponse) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "Verifies API tokens with their issuers before Terraform changes anything with them.",
		Attributes: map[string]schema.Attribute{
			"timeout": schema.StringAttribute{
				Optional: true,
				MarkdownDescription: "Time limit for verifying one token, including retries, as a [Go duration](https://pkg.go.dev/time#ParseDuration) " +
					"such as `\"90s\"`. Defaults to `\"60s\"`.",
			},
			"max_retries": schema.Int64Attribute{
				Optional: true,
				MarkdownDescription: "Maximum number of retries after a connection failure, an HTTP status of 408, 429, or 5xx, or another temporary response. " +
					"Between `0`, which disables retries, and `100`. Defaults to `3`.",
			},
		},
		Blocks: make(map[string]schema.Block),
	}

	for _, i := range issuers() {
		resp.Schema.Blocks[i.names.Block] = i.block
	}
}

// configModel is the provider configuration.
type configModel struct {
	timeout    types.String
	maxRetries types.Int64
	// blocks are the issuers' blocks by name; an absent one sets nothing.
	blocks map[string]settings
}

// read reads the provider configuration.
func (m *configModel) read(ctx context.Context, config tfsdk.Config) (r rules) {
	m.blocks = make(map[string]settings)
	r.Append(config.GetAttribute(ctx, path.Root("timeout"), &m.timeout)...)
	r.Append(config.GetAttribute(ctx, path.Root("max_retries"), &m.maxRetries)...)
	for _, i := range issuers() {
		var (
			object types.Object
			block  = i.newBlockModel()
		)
		r.Append(config.GetAttribute(ctx, path.Root(i.names.Block), &object)...)
		if !object.IsNull() && !r.HasError() {
			r.Append(config.GetAttribute(ctx, path.Root(i.names.Block), block)...)
		}
		s := block.settings()
		switch {
		case m.timeout.IsUnknown():
			s.unknown = "timeout"
		case m.maxRetries.IsUnknown():
			s.unknown = "max_retries"
		}
		for _, name := range slices.Sorted(maps.Keys(object.Attributes())) {
			if object.Attributes()[name].IsUnknown() && name != i.names.Argument { // Not everything needs this token.
				s.unknown = i.names.Block + "." + name
			}
		}
		m.blocks[i.names.Block] = s
	}
	return r
}

func (p *tokencheckProvider) ValidateConfig(ctx context.Context, req provider.ValidateConfigRequest, resp *provider.ValidateConfigResponse) {
	var m configModel
	r := m.read(ctx, req.Config)
	r.check(path.Root("timeout"), m.timeout, "Invalid timeout", durationFrom(1), `Set a positive duration, such as "60s" or "2m".`)
	if n := m.maxRetries.ValueInt64(); n < 0 || n > 100 { // Null and unknown are 0.
		r.AddAttributeError(path.Root("max_retries"), "Invalid number of retries", "The value of max_retries is not between 0 and 100.\n\nSet a number between 0 and 100.")
	}

	for _, i := range issuers() {
		r.settings(i, m.blocks[i.names.Block])
	}

	resp.Diagnostics = r.Diagnostics
}

// Configure implements [provider.Provider]. It sends no request, and leaves unknown
// values to the verifications that need them.
func (p *tokencheckProvider) Configure(ctx context.Context, req provider.ConfigureRequest, resp *provider.ConfigureResponse) {
	var m configModel
	resp.Diagnostics = m.read(ctx, req.Config).Diagnostics
	connections := make(map[string]*connection)
	for _, i := range issuers() {
		connections[i.names.Block] = newConnection(i, m, "terraform-provider-tokencheck/"+p.version, p.host)
	}

	resp.DataSourceData = connections
	resp.EphemeralResourceData = connections
}

func (p *tokencheckProvider) Resources(context.Context) []func() resource.Resource { return nil }

func (p *tokencheckProvider) DataSources(context.Context) []func() datasource.DataSource {
	var all []func() datasource.DataSource
	for _, i := range issuers() {
		all = append(all, func() datasource.DataSource { return &tokenDataSource{issuer: i} })
	}
	return all
}

func (p *tokencheckProvider) EphemeralResources(context.Context) []func() ephemeral.EphemeralResource {
	var all []func() ephemeral.EphemeralResource
	for _, i := range issuers() {
		all = append(all, func() ephemeral.EphemeralResource { return &tokenEphemeralResource{issuer: i} })
	}
	return all
}
