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

// issuers are all issuers that the provider knows. The provider block, the data
// sources and the ephemeral resources follow from this list.
func issuers() []issuer { return []issuer{cloudflareIssuer(), venafiIssuer()} }

// issuer is what the provider knows of an issuer.
type issuer struct {
	// names are what the token sources are called. The block's name is also what
	// follows "tokencheck_" in the names of the types.
	names token.Names
	// url is where the URL of the issuer's server comes from.
	url urlSource
	// block is the issuer's part of the provider configuration.
	block providerschema.SingleNestedAttribute
	// schema is that of a check, as a data source has it.
	schema schema.Schema
	// connect makes the client for a block whose arguments are known. The config is
	// complete but for what only this issuer has.
	connect func(block arguments, base *url.URL, config transport.Config) (client, error)
}

// urlSource is where the URL of a server comes from: the argument of the issuer's
// block, else the environment variable, else the fallback, which may be empty.
type urlSource struct {
	argument, variable, fallback string
	parse                        func(string) (*url.URL, error)
}

// client asks one issuer under one provider configuration.
type client interface {
	// verify asks the issuer about a token. It returns the answer, which is not
	// decided yet, and the attributes that only this issuer's checks have. A fresh
	// check takes no answer that was there before it asked.
	verify(ctx context.Context, check arguments, bearer token.Token, fresh bool) (verdict.Answer, map[string]attr.Value, error)
}
