package provider

import (
	"context"
	"net/url"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	providerschema "github.com/hashicorp/terraform-plugin-framework/provider/schema"

	"github.com/tokencheck/terraform-provider-tokencheck/internal/token"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/transport"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/verdict"
)

// issuers lists the supported issuers. The provider block, data sources, and
// ephemeral resources follow from it.
func issuers() []issuer { return []issuer{cloudflareIssuer(), venafiIssuer()} }

// issuer describes an issuer to the provider.
type issuer struct {
	// names are the names of the token sources. The type names are "tokencheck_"
	// followed by the block's name.
	names token.Names
	// url is the source of the server URL.
	url urlSource
	// block is the issuer's block in the provider configuration.
	block providerschema.SingleNestedAttribute
	// schema is the schema of a check, as a data source.
	schema schema.Schema
	// connect creates the client for a block whose arguments are known. The config
	// lacks only what is specific to this issuer.
	connect func(block arguments, base *url.URL, config transport.Config) (client, error)
}

// urlSource is the source of a server URL: the argument in the issuer's block, else
// the environment variable, else the fallback, which may be empty.
type urlSource struct {
	argument, variable, fallback string
	parse                        func(string) (*url.URL, error)
}

// client verifies tokens with one issuer under one provider configuration.
type client interface {
	// verify sends the request of a check. It returns the undecided answer, and the
	// attributes that only this issuer's checks have. A fresh check does not use an
	// earlier response.
	verify(ctx context.Context, check arguments, bearer token.Token, fresh bool) (verdict.Answer, map[string]attr.Value, error)
}
