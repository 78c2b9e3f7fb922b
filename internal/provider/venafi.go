package provider

import (
	"context"
	"crypto/tls"
	"errors"
	"net/url"

	"github.com/hashicorp/terraform-plugin-framework-timetypes/timetypes"
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

var venafiNames = token.Names{Argument: "access_token", Block: "venafi", Variable: "VENAFI_TOKEN"} //nolint:gochecknoglobals // A constant in all but form.

func venafiIssuer() issuer {
	url := urlSource{argument: "url", variable: "VENAFI_URL", parse: venafi.ParseURL}
	computedTime := func(description string) schema.StringAttribute {
		return schema.StringAttribute{
			Computed: true, CustomType: timetypes.RFC3339Type{},
			MarkdownDescription: description + " In RFC 3339, UTC; null if the answer has none.",
		}
	}
	computedString := func(description string) schema.StringAttribute {
		return schema.StringAttribute{Computed: true, MarkdownDescription: description + " Null if the answer has none."}
	}
	certificateRemedy := "Give the certificate and its key in PEM form, not encrypted. A PKCS#12 file is not read: " +
		"convert it by openssl pkcs12 -in client.p12 -nokeys -out client.pem, and openssl pkcs12 -in client.p12 -nocerts -nodes -out client.key."

	return issuer{
		names: venafiNames, url: url, connect: connectVenafi,
		block: blockSchema(
			"How the Venafi Trust Protection Platform server (TLS Protect Datacenter, CyberArk Certificate Manager, Self-Hosted) is asked.",
			venafiNames,
			map[string]providerschema.StringAttribute{
				url.argument: url.attribute("URL of the server: the bare host, or ending in `/vedsdk`, `/vedauth` or the path of Authorize/Verify. " +
					"Tokens go to this server only. HTTPS, or plain HTTP to a loopback address. Defaults to the environment variable `" + url.variable + "`."),
				"client_certificate": {
					Optional:            true,
					MarkdownDescription: "Client certificate in PEM form, with its chain, for servers that require one. Needs `client_key`.",
					Validators: []validator.String{
						stringvalidator.AlsoRequires(path.MatchRoot(venafiNames.Block).AtName("client_key")),
						rule("Unreadable client certificate", readablePEM, certificateRemedy),
					},
				},
				"client_key": {
					Optional: true, Sensitive: true,
					MarkdownDescription: "Private key of `client_certificate` in PEM form, not encrypted. It may be an ephemeral value.",
					Validators: []validator.String{
						stringvalidator.AlsoRequires(path.MatchRoot(venafiNames.Block).AtName("client_certificate")),
						rule("Unreadable client key", notEmpty, certificateRemedy),
						keyOf{sibling: "client_certificate", remedy: certificateRemedy},
					},
				},
				"tls_max_version": {
					Optional: true,
					MarkdownDescription: "Newest TLS version to use, `\"1.2\"` or `\"1.3\"`. Set `\"1.2\"` for a server that asks for a client certificate late " +
						"(IIS, where only the `vedauth` application asks for one): TLS 1.3 does not allow that. Defaults to the newest.",
					Validators: []validator.String{rule("Invalid TLS version", tlsVersion, `Write "1.2" or "1.3", or remove the argument.`)},
				},
			}),
		schema: checkSchema(
			"Asks a Venafi Trust Protection Platform server (TLS Protect Datacenter, CyberArk Certificate Manager, Self-Hosted) whether an access token works. "+
				"That a token works says nothing about the permissions of its identity.",
			venafiNames,
			"`active`, `expiring`, `rejected` or `missing_scope`.",
			"This is `access_issued_on` + `valid_for`, or `grant_expires_on` where that comes first. Null: the end is not known, or the token was refused.",
			map[string]schema.Attribute{
				"required_scopes": schema.SetAttribute{
					Optional: true, ElementType: types.StringType,
					MarkdownDescription: "Scopes that the token must have, each as `scope` or `scope:restriction,restriction`, such as `\"certificate:manage,revoke\"`. " +
						"A scope alone is met by that scope with any restrictions; restrictions do not imply each other; `\"any\"` is always met. " +
						"A token that lacks one has the status `missing_scope` and is not valid.",
					Validators: []validator.Set{
						setvalidator.NoNullValues(),
						setvalidator.ValueStringsAre(rule("Invalid scope", venafi.CheckScope, `Write a scope such as "certificate" or "certificate:manage,revoke".`)),
					},
				},
				"access_issued_on": computedTime("When the access token was issued; a refresh moves it."),
				"grant_issued_on":  computedTime("When the grant was authorized."),
				"grant_expires_on": computedTime("When the *grant* ends and the token can no longer be refreshed; this is not the token's own end."),
				"valid_for": schema.Int64Attribute{
					Computed:            true,
					MarkdownDescription: "Lifetime of the access token in seconds, counted from `access_issued_on`. Null if the answer has none.",
				},
				"application": computedString("Client ID of the API integration that the token was issued to."),
				"identity":    computedString("Identity of the token's owner, such as `local:{guid}`."),
				"scope":       computedString("The token's scope as the server writes it, such as `certificate:manage,revoke;ssh`."),
				"scopes": schema.MapAttribute{
					Computed: true, ElementType: types.SetType{ElemType: types.StringType},
					MarkdownDescription: "`scope`, parsed: a map from each scope to the set of its restrictions, in lower case, " +
						"such as `{ certificate = [\"manage\", \"revoke\"], ssh = [] }`. Null if the answer has none.",
				},
				"missing_scopes": schema.SetAttribute{
					Computed: true, ElementType: types.StringType,
					MarkdownDescription: "What `required_scopes` asks for and the token lacks, one element for each restriction, such as `certificate:revoke`. " +
						"Empty if nothing is missing. Null if nothing was required, or if the token was refused.",
				},
			}),
	}
}

// venafiClient asks a Venafi server for the checks of a provider configuration.
type venafiClient struct{ *venafi.Client }

// connectVenafi adds what concerns client certificates.
func connectVenafi(block arguments, base *url.URL, config transport.Config) (client, error) {
	if block.text("tls_max_version").ValueString() == "1.2" {
		config.TLSMaxVersion = tls.VersionTLS12
	}

	if certificate := block.text("client_certificate"); !certificate.IsNull() {
		pair, err := tls.X509KeyPair([]byte(certificate.ValueString()), []byte(block.text("client_key").ValueString()))
		if err != nil {
			return nil, &verdict.Error{
				Summary: "Unreadable client certificate", Happened: "venafi.client_certificate and venafi.client_key in the provider configuration are not a readable pair.",
				Remedy: "Give a certificate and its own private key, both in PEM form.",
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

// keyOf is a validator for a private key that must fit the certificate beside it.
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
		return // Not known yet, or another validator says what is wrong.
	}

	if _, err := tls.X509KeyPair([]byte(certificate.ValueString()), []byte(req.ConfigValue.ValueString())); err != nil {
		rule("Unreadable client key", func(string) error { return errors.New("is not a readable private key of " + v.sibling) }, v.remedy).
			ValidateString(ctx, req, resp)
	}
}
