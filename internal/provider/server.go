package provider

import (
	"context"
	"net/url"
	"sync"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	providerschema "github.com/hashicorp/terraform-plugin-framework/provider/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/tokencheck/terraform-provider-tokencheck/internal/token"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/transport"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/verdict"
)

// server is how the checks of an issuer reach it. C is the issuer's client.
type server[C any] struct {
	names token.Names
	// issuer is the issuer's name for messages, as in [transport.Config].
	issuer string
	// urlArgument, urlVariable and defaultURL are where the URL comes from. There
	// need not be a default.
	urlArgument, urlVariable, defaultURL string
	parseURL                             func(string) (*url.URL, error)
	newClient                            func(*url.URL, *transport.Client) C
	// configure sets what only this issuer's block has; nil for nothing.
	configure func(b block, config *transport.Config) error
}

// urlAttribute is the block's argument for the server's URL.
func (s server[C]) urlAttribute(description string) providerschema.StringAttribute {
	return providerschema.StringAttribute{
		Optional: true, MarkdownDescription: description,
		Validators: []validator.String{check("Invalid server URL", errorOnly(s.parseURL), urlRemedy)},
	}
}

// connect makes the client of one provider configuration.
func (s server[C]) connect(conn connection, b block) (C, error) {
	var none C

	needed := make(map[string]attr.Value)

	for name, value := range b {
		if name != s.names.Argument { // A check may have a token of its own.
			needed[s.names.Block+"."+name] = value
		}
	}

	if err := known(needed); err != nil {
		return none, err
	}

	base, err := serverURL(conn.host, s.names.Block+"."+s.urlArgument, b[s.urlArgument], s.urlVariable, s.defaultURL, s.parseURL)
	if err != nil {
		return none, err
	}

	config := transport.Config{
		Issuer: s.issuer, Block: s.names.Block, URLArgument: s.urlArgument, TrustBundle: b["trust_bundle"].ValueString(),
	}

	if s.configure != nil {
		if err := s.configure(b, &config); err != nil {
			return none, err
		}
	}

	client, err := conn.transport(config)
	if err != nil {
		return none, err
	}

	return s.newClient(base, client), nil
}

// checked is a pointer to the model of an issuer's check.
type checked[M any] interface {
	*M
	model
	// own gives the check's own token arguments: the token, the name of the
	// variable that holds it, and the path of the file that does.
	own() (value, env, file types.String)
}

// newIssuer describes an issuer by its server and its two schemas; ask verifies
// one token, and fills in the model.
func newIssuer[C, M any, P checked[M]](
	s server[C], ask func(ctx context.Context, client C, m P, r request, fresh bool) ([]verdict.Warning, error),
	block providerschema.SingleNestedAttribute, check schema.Schema,
) issuer {
	connect := func(ctx context.Context, conn connection, object types.Object) verifier {
		b := readBlock(ctx, object)

		// The client connects on first use: what is wrong in the environment, or not
		// known yet, concerns the checks of this issuer only.
		dial := sync.OnceValues(func() (C, error) { return s.connect(conn, b) })

		return newVerifier(func(ctx context.Context, m P, fresh bool) ([]verdict.Warning, error) {
			value, env, file := m.own()

			ctx, r, err := prepare(ctx, conn.host, token.Sources{
				Names: s.names, Value: value.ValueStringPointer(), Env: env.ValueStringPointer(), File: file.ValueStringPointer(),
			}, b[s.names.Argument], m.result().MinRemaining)
			if err != nil {
				return nil, err
			}

			client, err := dial()
			if err != nil {
				return nil, err
			}

			return ask(ctx, client, m, r, fresh)
		})
	}

	return issuer{names: s.names, urlVariable: s.urlVariable, block: block, check: check, connect: connect}
}
