package provider

import (
	"context"
	"fmt"
	"net/url"
	"sync"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-log/tflog"

	"github.com/tokencheck/terraform-provider-tokencheck/internal/token"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/transport"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/verdict"
)

// connection is one issuer under one provider configuration. The provider passes
// one for each issuer to the data sources and ephemeral resources.
type connection struct {
	issuer   issuer
	settings settings
	block    arguments
	// client connects on first use, so that an invalid environment variable or an
	// unknown argument fails the checks of this issuer only.
	client func() (client, error)
}

// settings are the arguments of the provider configuration outside the issuers'
// blocks; all checks share them.
type settings struct {
	timeout    types.String
	maxRetries types.Int64
	userAgent  string
	host       Host
}

func newConnection(i issuer, s settings, block arguments) *connection {
	c := &connection{issuer: i, settings: s, block: block}
	c.client = sync.OnceValues(c.connect)

	return c
}

// connectionOf returns an issuer's connection from the provider data that Configure
// set.
func connectionOf(i issuer, providerData any) (*connection, diag.Diagnostics) {
	connections, ok := providerData.(map[string]*connection)
	if !ok || connections[i.names.Block] == nil {
		return nil, diag.Diagnostics{diag.NewErrorDiagnostic(
			"Provider is not configured", fmt.Sprintf("The provider data has the type %T. This is a bug in the provider; please report it.", providerData))}
	}

	return connections[i.names.Block], nil
}

// connect creates the issuer's client.
func (c *connection) connect() (client, error) {
	if err := c.block.known(c.issuer.names.Block, c.issuer.names.Argument); err != nil { // A check may set its own token.
		return nil, err
	}

	base, err := c.serverURL()
	if err != nil {
		return nil, err
	}

	config, err := c.settings.config()
	if err != nil {
		return nil, err
	}

	config.Block, config.URLArgument, config.URLVariable = c.issuer.names.Block, c.issuer.url.argument, c.issuer.url.variable
	config.TrustBundle = c.block.text("trust_bundle").ValueString()

	return c.issuer.connect(c.block, base, config)
}

// serverURL returns the URL of the issuer's server.
func (c *connection) serverURL() (*url.URL, error) {
	from := c.issuer.url
	argument := c.issuer.names.Block + "." + from.argument
	raw, what := from.fallback, ""

	if configured := c.block.text(from.argument); !configured.IsNull() {
		raw, what = configured.ValueString(), argument+" in the provider configuration"
	} else if value, _ := c.settings.host.LookupEnv(from.variable); value != "" {
		raw, what = value, "the environment variable "+from.variable
	}

	if raw == "" {
		return nil, &verdict.Error{
			Summary:  "Server URL is not set",
			Happened: "The URL of the server is set neither in the provider configuration nor in the environment.",
			Remedy:   "Set " + argument + " in the provider configuration, or the environment variable " + from.variable + ".",
		}
	}

	base, err := from.parse(raw)
	if err != nil {
		return nil, &verdict.Error{
			Summary: "Invalid server URL", Happened: "The value of " + what + " " + err.Error() + ".", Remedy: urlRemedy,
		}
	}

	return base, nil
}

// config returns the part of the transport configuration that is the same for all
// issuers.
func (s settings) config() (transport.Config, error) {
	switch {
	case s.maxRetries.IsUnknown():
		return transport.Config{}, unknownConfiguration("max_retries")
	case s.timeout.IsUnknown():
		return transport.Config{}, unknownConfiguration("timeout")
	}

	config := transport.Config{
		Timeout: s.limit(), MaxRetries: defaultMaxRetries, UserAgent: s.userAgent,
		Proxy: s.host.Proxy, Resolver: s.host.Resolver, Now: s.host.Now, Backoff: s.host.Backoff,
		Log: func(ctx context.Context, message string, fields map[string]any) { tflog.Debug(ctx, message, fields) },
	}

	if !s.maxRetries.IsNull() {
		config.MaxRetries = int(s.maxRetries.ValueInt64())
	}

	return config, nil
}

// limit returns the time limit of a check.
func (s settings) limit() time.Duration {
	if d, err := time.ParseDuration(s.timeout.ValueString()); err == nil { // The schema has validated it.
		return d
	}

	return defaultTimeout
}

// token returns the token of a check: its own, else the provider's, else the one in
// the environment.
func (c *connection) token(ctx context.Context, check arguments) (token.Token, []verdict.Warning, error) {
	names := c.issuer.names
	sources := token.Sources{
		Names:     names,
		Value:     check.text(names.Argument).ValueStringPointer(),
		Env:       check.text(names.ArgumentEnv()).ValueStringPointer(),
		File:      check.text(names.ArgumentFile()).ValueStringPointer(),
		LookupEnv: c.settings.host.LookupEnv,
	}

	if !sources.HasOwn() {
		configured := c.block.text(names.Argument)
		if configured.IsUnknown() {
			return token.Token{}, nil, &verdict.Error{
				Summary: "Provider configuration is unknown",
				Happened: names.Provider() + " in the provider configuration is unknown until apply, " +
					"so there is no token to verify.",
				Remedy: "Set the token in the check's own argument, so that Terraform defers the check, or create what it depends on in an earlier run. " +
					"The provider does not fall back to the environment, which could contain another token.",
			}
		}

		sources.FromProvider = configured.ValueStringPointer()
	}

	ctx, cancel := context.WithTimeout(ctx, c.settings.limit())
	defer cancel()

	return sources.Resolve(ctx)
}
