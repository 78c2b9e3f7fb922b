package provider

import (
	"context"
	"crypto/tls"
	"errors"
	"net/url"

	"github.com/hashicorp/terraform-plugin-framework-validators/setvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/path"
	providerschema "github.com/hashicorp/terraform-plugin-framework/provider/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/tokencheck/terraform-provider-tokencheck/internal/token"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/transport"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/venafi"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/verdict"
)

const scopeRemedy = `Set a scope such as "certificate" or "certificate:manage,revoke".`

var venafiNames = token.Names{Argument: "access_token", Block: "venafi", Variable: "VENAFI_TOKEN"} //nolint:gochecknoglobals // Effectively a constant.

func venafiIssuer() issuer {
	url := urlSource{argument: "url", variable: "VENAFI_URL", parse: venafi.ParseURL}
	computedTime := func(description string) schema.StringAttribute {
		return schema.StringAttribute{
			Computed:            true,
			MarkdownDescription: description + " RFC 3339 in UTC; null if not reported.",
		}
	}
	computedString := func(description string) schema.StringAttribute {
		return schema.StringAttribute{Computed: true, MarkdownDescription: description + " Null if not reported."}
	}
	certificateRemedy := "Set a certificate and its unencrypted private key, both PEM-encoded. " +
		"To convert a PKCS#12 file, run: openssl pkcs12 -in client.p12 -clcerts -nokeys -out client.pem; openssl pkcs12 -in client.p12 -nocerts -nodes -out client.key."

	return issuer{
		names: venafiNames, url: url, connect: connectVenafi,
		block: blockSchema(
			"Connection settings for the Venafi Trust Protection Platform server (TLS Protect Datacenter; CyberArk Certificate Manager, Self-Hosted).",
			venafiNames,
			map[string]providerschema.StringAttribute{
				url.argument: url.attribute("URL of the server; may end in `/vedsdk`, `/vedauth`, or the path of Authorize/Verify. " +
					"Tokens are sent to this server only. HTTPS, or plain HTTP for a loopback address. Defaults to the environment variable `" + url.variable + "`."),
				"client_certificate": {
					Optional:            true,
					MarkdownDescription: "PEM-encoded client certificate with its chain, for servers that require one. Requires `client_key`.",
					Validators: []validator.String{
						stringvalidator.AlsoRequires(path.MatchRoot(venafiNames.Block).AtName("client_key")),
						rule("Invalid client certificate", readablePEM, certificateRemedy),
					},
				},
				"client_key": {
					Optional: true, Sensitive: true,
					MarkdownDescription: "PEM-encoded, unencrypted private key of `client_certificate`. Accepts ephemeral values.",
					Validators: []validator.String{
						stringvalidator.AlsoRequires(path.MatchRoot(venafiNames.Block).AtName("client_certificate")),
						rule("Invalid client key", notEmpty, certificateRemedy),
						keyOf{sibling: "client_certificate", remedy: certificateRemedy},
					},
				},
				"tls_max_version": {
					Optional: true,
					MarkdownDescription: "Maximum TLS version, `\"1.2\"` or `\"1.3\"`. Set `\"1.2\"` for a server that requests the client certificate after the handshake " +
						"(IIS, if only the `vedauth` application requires one); TLS 1.3 does not support this. Defaults to `\"1.3\"`.",
					Validators: []validator.String{rule("Invalid TLS version", tlsVersion, `Set "1.2" or "1.3", or remove the argument.`)},
				},
			}),
		schema: checkSchema(
			"Verifies an access token with a Venafi Trust Protection Platform server (TLS Protect Datacenter; CyberArk Certificate Manager, Self-Hosted). "+
				"Does not check the permissions of the token's identity.",
			venafiNames,
			"`active`, `expiring`, `rejected`, or `missing_scope`.",
			"This is `access_issued_on` plus `valid_for`, or `grant_expires_on` if that is earlier. Null if it is unknown, or if the token was rejected.",
			map[string]schema.Attribute{
				"required_scopes": schema.SetAttribute{
					Optional: true, ElementType: types.StringType,
					MarkdownDescription: "Scopes that the token must have, each as `scope` or `scope:restriction,restriction`, such as `\"certificate:manage,revoke\"`. " +
						"A scope without restrictions matches any; restrictions do not imply each other; `\"any\"` is always satisfied. " +
						"A token that lacks one has the status `missing_scope` and is not valid.",
					Validators: []validator.Set{
						noNulls{summary: "Invalid scope", remedy: scopeRemedy},
						setvalidator.ValueStringsAre(rule("Invalid scope", venafi.CheckScope, scopeRemedy)),
					},
				},
				"access_issued_on": computedTime("When the access token was issued or last refreshed."),
				"grant_issued_on":  computedTime("When the grant was authorized."),
				"grant_expires_on": schema.StringAttribute{
					Computed:            true,
					MarkdownDescription: "When the *grant* expires. RFC 3339 in UTC; null if it does not expire or is not reported.",
				},
				"valid_for": schema.Int64Attribute{
					Computed:            true,
					MarkdownDescription: "Lifetime of the access token in seconds, starting at `access_issued_on`. Null if not reported.",
				},
				"application": computedString("Client ID of the API integration."),
				"identity":    computedString("Identity of the token's owner, such as `local:{guid}`."),
				"scope":       computedString("Scope of the token, such as `certificate:manage,revoke;ssh`."),
				"scopes": schema.MapAttribute{
					Computed: true, ElementType: types.SetType{ElemType: types.StringType},
					MarkdownDescription: "`scope` as a map of scopes to sets of restrictions, in lower case, " +
						"such as `{ certificate = [\"manage\", \"revoke\"], ssh = [] }`. Null if not reported.",
				},
				"missing_scopes": schema.SetAttribute{
					Computed: true, ElementType: types.StringType,
					MarkdownDescription: "Scopes in `required_scopes` that the token lacks, one element for each restriction, such as `certificate:revoke`. " +
						"Empty if none is missing; null if `required_scopes` is not set or the token was rejected.",
				},
			}),
	}
}

// venafiClient verifies tokens with a Venafi server for one provider configuration.
type venafiClient struct{ *venafi.Client }

// connectVenafi adds the settings for client certificates.
func connectVenafi(block arguments, base *url.URL, config transport.Config) (client, error) {
	if block.text("tls_max_version").ValueString() == "1.2" {
		config.TLSMaxVersion = tls.VersionTLS12
	}

	if certificate := block.text("client_certificate"); !certificate.IsNull() {
		pair, err := tls.X509KeyPair([]byte(certificate.ValueString()), []byte(block.text("client_key").ValueString()))
		if err != nil {
			return nil, &verdict.Error{
				Summary: "Invalid client certificate", Happened: "venafi.client_certificate and venafi.client_key in the provider configuration do not match, or cannot be parsed.",
				Remedy: "Set a certificate and its own private key, both PEM-encoded.",
			}
		}

		config.ClientCertificate = &pair
	}

	c, err := venafi.NewClient(base, config)

	return venafiClient{c}, err
}

// verify implements [client].
func (c venafiClient) verify(ctx context.Context, check arguments, bearer token.Token, fresh bool) (verdict.Answer, map[string]attr.Value, error) {
	answer, err := c.Verify(ctx, bearer, fresh)
	if err != nil {
		return verdict.Answer{}, nil, err
	}

	required := answer.Require(check.texts("required_scopes"))

	attributes := map[string]attr.Value{
		"access_issued_on": timeValue(answer.AccessIssuedOn),
		"grant_issued_on":  timeValue(answer.GrantIssuedOn),
		"grant_expires_on": timeValue(answer.GrantExpiresOn),
		"valid_for":        types.Int64Null(),
		"application":      stringValue(answer.Application),
		"identity":         stringValue(answer.Identity),
		"scope":            stringValue(answer.Scope),
		"scopes":           types.MapNull(types.SetType{ElemType: types.StringType}),
		"missing_scopes":   setValue(required.MissingScopes),
	}

	if answer.ValidFor > 0 {
		attributes["valid_for"] = types.Int64Value(answer.ValidFor)
	}

	if answer.Scopes != nil {
		scopes := make(map[string]attr.Value)
		for name, restrictions := range answer.Scopes {
			scopes[name] = setValue(restrictions)
		}

		attributes["scopes"] = types.MapValueMust(types.SetType{ElemType: types.StringType}, scopes)
	}

	return required, attributes, nil
}

// keyOf is a validator for a private key that must match its certificate.
type keyOf struct{ sibling, remedy string }

// Description implements [validator.Describer].
func (v keyOf) Description(context.Context) string { return v.remedy }

// MarkdownDescription implements [validator.Describer].
func (v keyOf) MarkdownDescription(context.Context) string { return v.remedy }

// ValidateString implements [validator.String].
func (v keyOf) ValidateString(ctx context.Context, req validator.StringRequest, resp *validator.StringResponse) {
	var certificate types.String

	resp.Diagnostics.Append(req.Config.GetAttribute(ctx, req.Path.ParentPath().AtName(v.sibling), &certificate)...)

	if req.ConfigValue.ValueString() == "" || readablePEM(certificate.ValueString()) != nil {
		return // Unknown until apply, or another validator reports the error.
	}

	if _, err := tls.X509KeyPair([]byte(certificate.ValueString()), []byte(req.ConfigValue.ValueString())); err != nil {
		rule("Invalid client key", func(string) error {
			return errors.New("is not the private key of " + v.sibling + ", or cannot be parsed")
		}, v.remedy).
			ValidateString(ctx, req, resp)
	}
}
