package provider

import (
	"context"
	"crypto/tls"
	"net/url"
	"sync"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-log/tflog"

	"github.com/tokencheck/terraform-provider-tokencheck/internal/token"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/transport"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/verdict"
)

const defaultTimeout, defaultMaxRetries = time.Minute, 3

// connection is one issuer under one provider configuration. The provider passes
// one for each issuer to the data sources and ephemeral resources.
type connection struct {
	issuer    issuer
	config    configModel
	settings  settings
	userAgent string
	host      transport.Host
	// client connects on first use, so that an invalid environment variable or an
	// unknown argument fails the verifications of this issuer only.
	client func() (*transport.Client, error)
}

func newConnection(i issuer, config configModel, userAgent string, host transport.Host) *connection {
	c := &connection{issuer: i, config: config, settings: config.blocks[i.names.Block], userAgent: userAgent, host: host}
	c.client = sync.OnceValues(c.connect)
	return c
}

// connectionOf returns an issuer's connection from the provider data that Configure
// set, nil before that: Terraform validates before it configures the provider.
func connectionOf(i issuer, providerData any) *connection {
	connections, _ := providerData.(map[string]*connection)
	return connections[i.names.Block]
}

// connect creates the issuer's client.
func (c *connection) connect() (*transport.Client, error) {
	s := c.settings

	base, source, err := c.serverURL()
	if err != nil {
		return nil, err
	}

	config := transport.Config{
		URL: base, URLSource: source, Timeout: c.timeout(), MaxRetries: defaultMaxRetries, UserAgent: c.userAgent, TrustBundle: s.trustBundle.ValueString(), Host: c.host,
		Log: func(ctx context.Context, message string, fields map[string]any) { tflog.Debug(ctx, message, fields) },
	}
	if !c.config.maxRetries.IsNull() {
		config.MaxRetries = int(c.config.maxRetries.ValueInt64())
	}
	if s.tlsMaxVersion.ValueString() == "1.2" {
		config.TLSMaxVersion = tls.VersionTLS12
	}
	if !s.clientCertificate.IsNull() {
		pair, err := tls.X509KeyPair([]byte(s.clientCertificate.ValueString()), []byte(s.clientKey.ValueString()))
		if err != nil {
			return nil, &verdict.Error{Title: "Invalid client certificate", Cause: "The client certificate and key cannot be used: " + err.Error() + ".", Remedy: certificateRemedy}
		}
		config.ClientCertificate = &pair
	}
	return transport.New(c.issuer.Issuer, config)
}

// serverURL returns the URL of the issuer's server and its source, "" for the
// default.
func (c *connection) serverURL() (base *url.URL, source string, err error) {
	from := c.issuer.url
	argument := c.issuer.names.Block + "." + from.argument
	raw := from.fallback
	if value, _ := c.host.LookupEnv(from.variable); value != "" {
		raw, source = value, "the environment variable "+from.variable
	}
	if configured := c.settings.url; !configured.IsNull() {
		raw, source = configured.ValueString(), argument+" in the provider configuration"
	}
	if raw == "" && source == "" {
		return nil, "", &verdict.Error{
			Title: "Server URL is not set", Cause: "The URL of the server is set neither in the provider configuration nor in the environment.",
			Remedy: "Set " + argument + " in the provider configuration, or the environment variable " + from.variable + ".",
		}
	}

	base, err = from.parse(raw)
	if err != nil {
		return nil, "", &verdict.Error{Title: "Invalid server URL", Cause: "The value of " + source + " " + err.Error() + ".", Remedy: urlRemedy}
	}
	return base, source, nil
}

// timeout returns the time limit of a verification.
func (c *connection) timeout() time.Duration {
	if d, err := time.ParseDuration(c.config.timeout.ValueString()); err == nil { // ValidateConfig has validated it.
		return d
	}
	return defaultTimeout
}

// unknownConfiguration returns the error for an unknown argument of the provider
// configuration.
func unknownConfiguration(argument string) error {
	return &verdict.Error{
		Title: "Provider configuration is unknown",
		Cause: argument + " in the provider configuration is unknown until apply, and no token can be verified without it. " +
			"The provider does not fall back to the environment, which could contain another value.",
		Remedy: "Create what it depends on in an earlier run, or set a value that is known during plan. If it is the token, set it in an argument " +
			"of the data source or ephemeral resource instead, so that Terraform defers the verification.",
	}
}

// verify verifies a token for a data source or an ephemeral resource, and sets the
// attributes of its model. An ephemeral resource always sends its own request.
func (c *connection) verify(ctx context.Context, m model) (verdict.Verdict, diag.Diagnostics) {
	ctx, cancel := context.WithTimeout(ctx, c.timeout())
	defer cancel()

	var r rules
	if r.model(c.issuer, m); r.HasError() { // An ephemeral resource was not validated before.
		return verdict.Verdict{}, r.Diagnostics
	}

	decided, warnings, err := c.decide(ctx, m)
	for _, w := range warnings {
		r.AddWarning(w.Title, w.Detail)
	}
	if err != nil {
		addError(&r.Diagnostics, err)
	}
	return decided, r.Diagnostics
}

func (c *connection) decide(ctx context.Context, m model) (decided verdict.Verdict, warnings []verdict.Warning, err error) {
	if c.settings.unknown != "" {
		return decided, nil, unknownConfiguration(c.settings.unknown)
	}

	t, warnings, err := c.token(ctx, m.token())
	if err != nil {
		return decided, nil, err
	}
	ctx = tflog.MaskMessageStrings(tflog.MaskAllFieldValuesStrings(ctx, t.Reveal()), t.Reveal())

	client, err := c.client()
	if err != nil {
		return decided, warnings, err
	}

	gate, isEphemeral := m.(ephemeralModel)
	facts, err := m.verify(ctx, client, t, isEphemeral)
	if err != nil {
		return decided, warnings, err
	}
	warnings = append(warnings, facts.Warnings...)

	requirements := verdict.Requirements{TokenSource: t.Source()}
	if remaining := m.common().MinRemaining; !remaining.IsNull() {
		d, _ := parseDuration(remaining.ValueString()) // It is valid.
		requirements.MinRemaining = &d
	}

	decided, err = verdict.Decide(facts, requirements)
	if err != nil {
		return decided, warnings, err
	}

	tflog.Debug(ctx, "token verified", map[string]any{"status": string(decided.Status), "source": t.Source()})
	m.common().set(decided, facts, t)
	if isEphemeral && decided.Valid() {
		gate.gate().VerifiedToken = stringValue(t.Reveal())
	}
	return decided, warnings, nil
}

// token returns the token to verify.
func (c *connection) token(ctx context.Context, own tokenArguments) (token.Token, []verdict.Warning, error) {
	sources := token.Sources{
		Names: c.issuer.names, LookupEnv: c.host.LookupEnv, FromProvider: c.settings.token.ValueStringPointer(),
		Value: own.value.ValueStringPointer(), Env: own.env.ValueStringPointer(), File: own.file.ValueStringPointer(),
	}
	if c.settings.token.IsUnknown() && sources.Value == nil && sources.Env == nil && sources.File == nil {
		return token.Token{}, nil, unknownConfiguration(c.issuer.names.Provider())
	}
	return sources.Resolve(ctx)
}

// addError converts an error to a diagnostic.
func addError(diags *diag.Diagnostics, err error) {
	fault, ok := err.(*verdict.Error) //nolint:errorlint // Errors are not wrapped.
	if !ok {
		fault = &verdict.Error{Title: "Internal error", Cause: err.Error(), Remedy: "This is a bug in the provider; please report it."}
	}
	if fault.Argument != "" {
		diags.AddAttributeError(path.Root(fault.Argument), fault.Title, fault.Detail())
	} else {
		diags.AddError(fault.Title, fault.Detail())
	}
}
