// Package provider implements the Terraform provider: its schemas, the conversion
// of configurations to checks, and of verdicts to attributes and diagnostics. It
// contains no HTTP code, and decides nothing about a token.
package provider

import (
	"context"
	"net"
	"net/http"
	"net/url"
	"os"
	"time"

	"github.com/hashicorp/terraform-plugin-framework-validators/int64validator"
	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/ephemeral"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/provider"
	"github.com/hashicorp/terraform-plugin-framework/provider/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"
)

// Variables returns the names of the environment variables that the provider reads.
func Variables() []string {
	all := issuers()
	names := make([]string, 0, 2*len(all))

	for _, i := range all {
		names = append(names, i.names.Variable, i.url.variable)
	}

	return names
}

// Defaults of the provider configuration.
const (
	defaultTimeout    = time.Minute
	defaultMaxRetries = 3
)

var (
	_ provider.Provider                       = (*tokencheckProvider)(nil)
	_ provider.ProviderWithEphemeralResources = (*tokencheckProvider)(nil)
)

// Host is the environment that checks depend on.
type Host struct {
	// LookupEnv looks up an environment variable; [os.LookupEnv] if nil.
	LookupEnv func(string) (string, bool)
	// Now, Proxy, Resolver and Backoff are those of [transport.Config].
	Now      func() time.Time
	Proxy    func(*http.Request) (*url.URL, error)
	Resolver *net.Resolver
	Backoff  time.Duration
}

// New returns a constructor of the provider. The User-Agent header contains the
// version.
func New(version string, host Host) func() provider.Provider {
	if host.LookupEnv == nil {
		host.LookupEnv = os.LookupEnv
	}

	return func() provider.Provider { return &tokencheckProvider{version: version, host: host} }
}

type tokencheckProvider struct {
	version string
	host    Host
}

// Metadata implements [provider.Provider].
func (p *tokencheckProvider) Metadata(_ context.Context, _ provider.MetadataRequest, resp *provider.MetadataResponse) {
	resp.TypeName = "tokencheck"
	resp.Version = p.version
}

// Schema implements [provider.Provider].
func (p *tokencheckProvider) Schema(_ context.Context, _ provider.SchemaRequest, resp *provider.SchemaResponse) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "Verifies API tokens with their issuers before Terraform changes anything with them.",
		Attributes: map[string]schema.Attribute{
			"timeout": schema.StringAttribute{
				Optional: true,
				MarkdownDescription: "Time limit for a check, including retries, as a [Go duration](https://pkg.go.dev/time#ParseDuration) " +
					"such as `\"90s\"`. Defaults to `\"60s\"`.",
				Validators: []validator.String{rule("Invalid timeout", positiveDuration, `Set a positive duration, such as "60s" or "2m".`)},
			},
			"max_retries": schema.Int64Attribute{
				Optional: true,
				MarkdownDescription: "Maximum number of retries after a connection failure, an HTTP status of 408, 429, or 5xx, or another response that reports a rate limit. " +
					"Between `0`, which disables retries, and `100`. Defaults to `3`.",
				Validators: []validator.Int64{int64validator.Between(0, 100)},
			},
		},
	}

	for _, i := range issuers() {
		resp.Schema.Attributes[i.names.Block] = i.block
	}
}

// Configure implements [provider.Provider]. It sends no request, and leaves unknown
// values to the checks that need them.
func (p *tokencheckProvider) Configure(ctx context.Context, req provider.ConfigureRequest, resp *provider.ConfigureResponse) {
	s := settings{userAgent: "terraform-provider-tokencheck/" + p.version, host: p.host}

	resp.Diagnostics.Append(req.Config.GetAttribute(ctx, path.Root("timeout"), &s.timeout)...)
	resp.Diagnostics.Append(req.Config.GetAttribute(ctx, path.Root("max_retries"), &s.maxRetries)...)

	connections := make(map[string]*connection)

	for _, i := range issuers() {
		var block types.Object

		resp.Diagnostics.Append(req.Config.GetAttribute(ctx, path.Root(i.names.Block), &block)...)

		connections[i.names.Block] = newConnection(i, s, newArguments(ctx, block))
	}

	resp.DataSourceData = connections
	resp.EphemeralResourceData = connections
}

// Resources implements [provider.Provider]; there are none.
func (p *tokencheckProvider) Resources(context.Context) []func() resource.Resource { return nil }

// DataSources implements [provider.Provider].
func (p *tokencheckProvider) DataSources(context.Context) []func() datasource.DataSource {
	all := issuers()
	sources := make([]func() datasource.DataSource, 0, len(all))

	for _, i := range all {
		sources = append(sources, func() datasource.DataSource { return &checkDataSource{issuer: i} })
	}

	return sources
}

// EphemeralResources implements [provider.ProviderWithEphemeralResources].
func (p *tokencheckProvider) EphemeralResources(context.Context) []func() ephemeral.EphemeralResource {
	all := issuers()
	resources := make([]func() ephemeral.EphemeralResource, 0, len(all))

	for _, i := range all {
		resources = append(resources, func() ephemeral.EphemeralResource { return &checkEphemeralResource{issuer: i} })
	}

	return resources
}
