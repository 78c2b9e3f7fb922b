// Command provider is the provider that the benchmark compares tokencheck with.
// Without arguments, its data source only waits, the least that a check can cost;
// with a URL, it replaces data "http". It is not part of a release.
package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"log"
	"net/http"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/provider"
	"github.com/hashicorp/terraform-plugin-framework/providerserver"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/types"
)

func main() {
	if err := providerserver.Serve(context.Background(), func() provider.Provider { return bench{} }, providerserver.ServeOpts{Address: "registry.terraform.io/tokencheck/bench"}); err != nil {
		log.Fatal(err)
	}
}

type bench struct{}

func (bench) Metadata(_ context.Context, _ provider.MetadataRequest, resp *provider.MetadataResponse) {
	resp.TypeName = "bench"
}

func (bench) Schema(context.Context, provider.SchemaRequest, *provider.SchemaResponse)          {}
func (bench) Configure(context.Context, provider.ConfigureRequest, *provider.ConfigureResponse) {}
func (bench) Resources(context.Context) []func() resource.Resource                              { return nil }

func (bench) DataSources(context.Context) []func() datasource.DataSource {
	return []func() datasource.DataSource{func() datasource.DataSource { return read{} }}
}

type read struct{}

type model struct {
	URL            *string           `tfsdk:"url"`
	RequestHeaders map[string]string `tfsdk:"request_headers"`
	CACertPEM      *string           `tfsdk:"ca_cert_pem"`
}

func (read) Metadata(_ context.Context, _ datasource.MetadataRequest, resp *datasource.MetadataResponse) {
	resp.TypeName = "bench_read"
}

func (read) Schema(_ context.Context, _ datasource.SchemaRequest, resp *datasource.SchemaResponse) {
	resp.Schema.Attributes = map[string]schema.Attribute{
		"url":             schema.StringAttribute{Optional: true},
		"request_headers": schema.MapAttribute{Optional: true, ElementType: types.StringType},
		"ca_cert_pem":     schema.StringAttribute{Optional: true},
	}
}

func (read) Read(ctx context.Context, req datasource.ReadRequest, resp *datasource.ReadResponse) {
	var m model
	resp.Diagnostics.Append(req.Config.Get(ctx, &m)...)
	if m.URL == nil {
		time.Sleep(50 * time.Millisecond) // The benchmark's simulated round trip.
	} else if err := get(ctx, m); err != nil {
		resp.Diagnostics.AddError("The benchmark's provider failed", err.Error())
	}
	resp.Diagnostics.Append(resp.State.Set(ctx, m)...)
}

// get opens a connection and leaves it open, as hashicorp/http does.
func get(ctx context.Context, m model) error {
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM([]byte(*m.CACertPEM))
	request, _ := http.NewRequestWithContext(ctx, http.MethodGet, *m.URL, http.NoBody) // The URL of the fake issuer is valid.
	request.Header.Set("Authorization", m.RequestHeaders["Authorization"])
	answer, err := (&http.Transport{ForceAttemptHTTP2: true, TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}}).RoundTrip(request) //nolint:bodyclose // Write closes it.
	if err != nil {
		return err
	}
	return answer.Write(io.Discard)
}
