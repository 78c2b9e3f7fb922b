// Command provider is what the benchmark measures the checks against: a data
// source that only waits, and one that opens a connection for each read, as the
// data source of hashicorp/http does. It is no part of a release.
package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"log"
	"net/http"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/provider"
	providerschema "github.com/hashicorp/terraform-plugin-framework/provider/schema"
	"github.com/hashicorp/terraform-plugin-framework/providerserver"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/types"
)

func main() {
	err := providerserver.Serve(context.Background(), newProvider, providerserver.ServeOpts{Address: "registry.terraform.io/tokencheck/bench"})
	if err != nil {
		log.Fatal(err)
	}
}

type benchProvider struct{}

func newProvider() provider.Provider { return benchProvider{} }

// Metadata implements [provider.Provider].
func (benchProvider) Metadata(_ context.Context, _ provider.MetadataRequest, resp *provider.MetadataResponse) {
	resp.TypeName = "bench"
}

// Schema implements [provider.Provider].
func (benchProvider) Schema(_ context.Context, _ provider.SchemaRequest, resp *provider.SchemaResponse) {
	resp.Schema = providerschema.Schema{Attributes: map[string]providerschema.Attribute{
		"round_trip": providerschema.StringAttribute{Required: true},
	}}
}

// Configure implements [provider.Provider].
func (benchProvider) Configure(ctx context.Context, req provider.ConfigureRequest, resp *provider.ConfigureResponse) {
	var config struct {
		RoundTrip types.String `tfsdk:"round_trip"`
	}

	resp.Diagnostics.Append(req.Config.Get(ctx, &config)...)

	roundTrip, err := time.ParseDuration(config.RoundTrip.ValueString())
	fail(&resp.Diagnostics, err)

	resp.DataSourceData = roundTrip
}

// Resources implements [provider.Provider].
func (benchProvider) Resources(context.Context) []func() resource.Resource { return nil }

// DataSources implements [provider.Provider].
func (benchProvider) DataSources(context.Context) []func() datasource.DataSource {
	return []func() datasource.DataSource{
		func() datasource.DataSource { return &floorDataSource{} },
		func() datasource.DataSource { return httpDataSource{} },
	}
}

// floorDataSource waits for one round trip: what any check must cost that asks
// its issuer over a connection that is open.
type floorDataSource struct{ roundTrip time.Duration }

type floorModel struct {
	Name types.String `tfsdk:"name"`
	ID   types.String `tfsdk:"id"`
}

// Metadata implements [datasource.DataSource].
func (d *floorDataSource) Metadata(_ context.Context, req datasource.MetadataRequest, resp *datasource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_floor"
}

// Schema implements [datasource.DataSource].
func (d *floorDataSource) Schema(_ context.Context, _ datasource.SchemaRequest, resp *datasource.SchemaResponse) {
	resp.Schema = schema.Schema{Attributes: map[string]schema.Attribute{
		"name": schema.StringAttribute{Optional: true},
		"id":   schema.StringAttribute{Computed: true},
	}}
}

// Configure implements [datasource.DataSourceWithConfigure].
func (d *floorDataSource) Configure(_ context.Context, req datasource.ConfigureRequest, _ *datasource.ConfigureResponse) {
	d.roundTrip, _ = req.ProviderData.(time.Duration) // Absent when the configuration is validated.
}

// Read implements [datasource.DataSource].
func (d *floorDataSource) Read(ctx context.Context, req datasource.ReadRequest, resp *datasource.ReadResponse) {
	var model floorModel

	resp.Diagnostics.Append(req.Config.Get(ctx, &model)...)

	if d.roundTrip > 0 {
		time.Sleep(d.roundTrip)
	}

	model.ID = types.StringValue("floor")
	resp.Diagnostics.Append(resp.State.Set(ctx, model)...)
}

// httpDataSource stands in for the data source of hashicorp/http, which makes a
// transport, and so a connection, for each read. Its arguments are that one's.
type httpDataSource struct{}

type httpModel struct {
	URL            types.String `tfsdk:"url"`
	RequestHeaders types.Map    `tfsdk:"request_headers"`
	CACertPEM      types.String `tfsdk:"ca_cert_pem"`
	StatusCode     types.Int64  `tfsdk:"status_code"`
	ResponseBody   types.String `tfsdk:"response_body"`
}

// Metadata implements [datasource.DataSource].
func (httpDataSource) Metadata(_ context.Context, req datasource.MetadataRequest, resp *datasource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_http"
}

// Schema implements [datasource.DataSource].
func (httpDataSource) Schema(_ context.Context, _ datasource.SchemaRequest, resp *datasource.SchemaResponse) {
	resp.Schema = schema.Schema{Attributes: map[string]schema.Attribute{
		"url":             schema.StringAttribute{Required: true},
		"request_headers": schema.MapAttribute{Optional: true, ElementType: types.StringType},
		"ca_cert_pem":     schema.StringAttribute{Optional: true},
		"status_code":     schema.Int64Attribute{Computed: true},
		"response_body":   schema.StringAttribute{Computed: true},
	}}
}

// Read implements [datasource.DataSource].
func (httpDataSource) Read(ctx context.Context, req datasource.ReadRequest, resp *datasource.ReadResponse) {
	var model httpModel

	resp.Diagnostics.Append(req.Config.Get(ctx, &model)...)

	var headers map[string]string

	resp.Diagnostics.Append(model.RequestHeaders.ElementsAs(ctx, &headers, false)...)

	status, body, err := get(ctx, model.URL.ValueString(), headers, model.CACertPEM.ValueString())
	fail(&resp.Diagnostics, err)

	model.StatusCode, model.ResponseBody = types.Int64Value(int64(status)), types.StringValue(body)
	resp.Diagnostics.Append(resp.State.Set(ctx, model)...)
}

// get sends a request over a connection of its own.
func get(ctx context.Context, address string, headers map[string]string, authority string) (status int, body string, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return 0, "", fmt.Errorf("making the request: %w", err)
	}

	for name, value := range headers {
		request.Header.Set(name, value)
	}

	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM([]byte(authority))

	transport := http.DefaultTransport.(*http.Transport).Clone() //nolint:forcetypeassert // Nothing here replaces it.
	transport.TLSClientConfig = &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}

	// As with hashicorp/http, the connection is left to the end of the process.
	answer, err := (&http.Client{Transport: transport}).Do(request)
	if err != nil {
		return 0, "", fmt.Errorf("asking the server: %w", err)
	}
	defer func() { _ = answer.Body.Close() }()

	text, err := io.ReadAll(answer.Body)

	return answer.StatusCode, string(text), err
}

func fail(diags *diag.Diagnostics, err error) {
	if err != nil {
		diags.AddError("The benchmark's provider failed", err.Error())
	}
}
