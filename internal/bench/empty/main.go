// Command empty is a provider that has nothing: what the framework alone costs.
// It is for the benchmark and no part of a release.
package main

import (
	"context"
	"log"

	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/provider"
	"github.com/hashicorp/terraform-plugin-framework/providerserver"
	"github.com/hashicorp/terraform-plugin-framework/resource"
)

func main() {
	err := providerserver.Serve(context.Background(), newProvider, providerserver.ServeOpts{Address: "registry.terraform.io/tokencheck/empty"})
	if err != nil {
		log.Fatal(err)
	}
}

type emptyProvider struct{}

func newProvider() provider.Provider { return emptyProvider{} }

// Metadata implements [provider.Provider].
func (emptyProvider) Metadata(_ context.Context, _ provider.MetadataRequest, resp *provider.MetadataResponse) {
	resp.TypeName = "empty"
}

// Schema implements [provider.Provider].
func (emptyProvider) Schema(context.Context, provider.SchemaRequest, *provider.SchemaResponse) {}

// Configure implements [provider.Provider].
func (emptyProvider) Configure(context.Context, provider.ConfigureRequest, *provider.ConfigureResponse) {
}

// Resources implements [provider.Provider].
func (emptyProvider) Resources(context.Context) []func() resource.Resource { return nil }

// DataSources implements [provider.Provider].
func (emptyProvider) DataSources(context.Context) []func() datasource.DataSource { return nil }
