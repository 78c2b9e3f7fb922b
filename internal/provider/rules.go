package provider

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/tfsdk"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/tokencheck/terraform-provider-tokencheck/internal/token"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/transport"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/verdict"
)

const (
	urlRemedy         = "Set the URL of the server, such as https://host/path, without a user name, query, or fragment."
	certificateRemedy = "Set a certificate in client_certificate and its unencrypted private key in client_key, both PEM-encoded. " +
		"To convert a PKCS#12 file, run: openssl pkcs12 -in client.p12 -clcerts -nokeys -out client.pem; openssl pkcs12 -in client.p12 -nocerts -nodes -out client.key."
)

// rules collects errors about arguments. Unlike those of the framework's validators,
// they repeat no value, which may be a token in the wrong argument.
type rules struct{ diag.Diagnostics }

// check adds an error about an argument that is set and known, unless find accepts
// it. The error of find continues a sentence that names the argument; the remedy says
// what to set instead.
func (r *rules) check(at path.Path, value types.String, title string, find func(string) error, remedy string) {
	if value.IsNull() || value.IsUnknown() {
		return
	}
	if err := find(value.ValueString()); err != nil {
		r.AddAttributeError(at, title, fmt.Sprintf("The value of %s %s.\n\n%s", at, err, remedy))
	}
}

// checkSecret is check without an attribute path: the CLI prints the path's source
// line, and with it a literal token.
func (r *rules) checkSecret(at path.Path, value types.String, title string, find func(string) error, remedy string) {
	var with rules
	with.check(at, value, title, find, remedy)

	for _, d := range with.Diagnostics {
		r.AddError(d.Summary(), d.Detail())
	}
}

// elements is check for each element of a set of strings.
func (r *rules) elements(at path.Path, set types.Set, title string, find func(string) error, remedy string) {
	for _, element := range set.Elements() {
		if element.IsNull() {
			r.AddAttributeError(at, title, fmt.Sprintf("The value of %s contains null.\n\n%s", at, remedy))
		}
		if text, ok := element.(types.String); ok {
			r.check(at, text, title, find, remedy)
		}
	}
}

// validateConfig checks the configuration of a data source or an ephemeral resource.
func validateConfig(ctx context.Context, config tfsdk.Config, i issuer, m model) diag.Diagnostics {
	var r rules
	if r.Append(config.Get(ctx, m)...); !r.HasError() {
		r.model(i, m)
	}
	return r.Diagnostics
}

// model checks the arguments of a data source or an ephemeral resource.
func (r *rules) model(i issuer, m model) {
	own, names := m.token(), i.names
	r.checkSecret(path.Root(names.Argument), own.value, "Malformed token", cleanToken(names), token.Remedy)
	r.checkSecret(path.Root(names.ArgumentEnv()), own.env, "Invalid environment variable name", token.CheckEnvName, "Set the name of an environment variable, such as "+names.Variable+".")
	set := 0
	for _, argument := range []attr.Value{own.value, own.env, own.file} {
		if !argument.IsNull() && !argument.IsUnknown() {
			set++
		}
	}
	if set > 1 {
		r.AddError("Conflicting token arguments", fmt.Sprintf("More than one of %s, %s, and %s is set, but only one token can be verified.\n\nRemove the others.",
			names.Argument, names.ArgumentEnv(), names.ArgumentFile()))
	}

	r.check(path.Root("min_remaining"), m.common().MinRemaining, "Invalid duration", durationFrom(0),
		`Set a non-negative duration in hours, minutes, and seconds, such as "72h" or "1h30m".`)
	m.validate(r)
}

// settings checks the arguments of an issuer's block in the provider configuration.
func (r *rules) settings(i issuer, s settings) {
	block := path.Root(i.names.Block)
	r.checkSecret(block.AtName(i.names.Argument), s.token, "Malformed token", cleanToken(i.names), token.Remedy)
	r.check(block.AtName(i.url.argument), s.url, "Invalid server URL", errorOf(i.url.parse), urlRemedy)
	r.check(block.AtName("trust_bundle"), s.trustBundle, "Invalid trust bundle", errorOf(transport.ParseTrustBundle), transport.TrustBundleRemedy)
	r.check(block.AtName("tls_max_version"), s.tlsMaxVersion, "Invalid TLS version", tlsVersion, `Set "1.2" or "1.3", or remove the argument.`)

	if s.clientCertificate.IsUnknown() || s.clientKey.IsUnknown() || s.clientCertificate.IsNull() && s.clientKey.IsNull() {
		return
	}
	if _, err := tls.X509KeyPair([]byte(s.clientCertificate.ValueString()), []byte(s.clientKey.ValueString())); err != nil {
		r.AddAttributeError(block.AtName("client_certificate"), "Invalid client certificate", "The client certificate and key cannot be used: "+err.Error()+".\n\n"+certificateRemedy)
	}
}

// errorOf returns a rule that accepts what can be parsed.
func errorOf[T any](parse func(string) (T, error)) func(string) error {
	return func(text string) error {
		_, err := parse(text)
		return err
	}
}

func cleanToken(names token.Names) func(string) error {
	return errorOf(func(text string) (string, error) { return token.Clean(text, names.ArgumentFile()) })
}

func tlsVersion(s string) error {
	if s != "1.2" && s != "1.3" {
		return errors.New("is not a supported TLS version")
	}
	return nil
}

// durationFrom returns a rule for durations of at least a minimum.
func durationFrom(least time.Duration) func(string) error {
	return func(s string) error {
		d, err := parseDuration(s)
		if err == nil && d < least {
			return errors.New("is too short, or negative")
		}
		return err
	}
}

// parseDuration parses a Go duration. If the value is in days, the error says how
// many hours they are.
func parseDuration(s string) (time.Duration, error) {
	d, err := time.ParseDuration(s)
	if err == nil {
		return d, nil
	}
	if days, err := strconv.ParseUint(strings.TrimSuffix(s, "d"), 10, 16); err == nil && strings.HasSuffix(s, "d") {
		return 0, fmt.Errorf("is in days, which are not a unit of Go durations: write %q", verdict.Brief(time.Duration(days)*24*time.Hour))
	}
	return 0, errors.New("is not a duration with a unit, such as h for hours")
}
