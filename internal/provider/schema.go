package provider

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	ephemeralschema "github.com/hashicorp/terraform-plugin-framework/ephemeral/schema"
	providerschema "github.com/hashicorp/terraform-plugin-framework/provider/schema"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/tokencheck/terraform-provider-tokencheck/internal/token"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/verdict"
)

// tokenDescription describes the argument for the token itself.
func tokenDescription(names token.Names, stored string) string {
	return "The token. " + stored + fmt.Sprintf(" If no token argument is set, defaults to the provider's `%s`, then to the environment variable `%s`.", names.Provider(), names.Variable)
}

// computed and optional are for data sources, setting for an issuer's block.
func computed(description string) schema.StringAttribute {
	return schema.StringAttribute{Computed: true, MarkdownDescription: description}
}

func optional(description string) schema.StringAttribute {
	return schema.StringAttribute{Optional: true, MarkdownDescription: description}
}

func setting(description string) providerschema.StringAttribute {
	return providerschema.StringAttribute{Optional: true, MarkdownDescription: description}
}

// dataSourceSchema returns the schema of a data source: the attributes that all
// issuers have, and the issuer's own. Statuses and nullExpiry describe status and a
// null expires_on.
func dataSourceSchema(description string, names token.Names, statuses, nullExpiry string, own map[string]schema.Attribute) schema.Schema {
	attributes := map[string]schema.Attribute{
		names.Argument: schema.StringAttribute{
			Optional: true, Sensitive: true,
			MarkdownDescription: tokenDescription(names, "**Terraform stores it in plain text in the state and plan**; "+
				"`"+names.ArgumentEnv()+"`, `"+names.ArgumentFile()+"`, and the provider configuration keep it out of both."),
		},
		names.ArgumentEnv(): optional("*Name* of the environment variable that contains the token. " +
			"An unset or empty variable causes an error. Conflicts with the other token arguments."),
		names.ArgumentFile(): optional("Path to a regular file of at most 64 KiB that contains only the token; surrounding whitespace is ignored. " +
			"Resolved relative to the working directory, not the module. Conflicts with the other token arguments."),
		"min_remaining": optional("Minimum remaining lifetime, as a non-negative [Go duration](https://pkg.go.dev/time#ParseDuration) such as `\"72h\"`; units are `h`, `m`, and `s`. " +
			"A token that expires sooner has the status `expiring` and is not valid."),
		"valid": schema.BoolAttribute{
			Computed:            true,
			MarkdownDescription: "Whether the token is valid: `true` only if `status` is `active`. If the token could not be verified, there is an error, never `false`.",
		},
		"status":       computed("Status of the token: " + statuses),
		"reason":       computed("Explanation of `status`: the token source, the issuer's message, and what to do. Never null."),
		"expires_on":   computed("When the token expires, as an RFC 3339 timestamp in UTC. " + nullExpiry),
		"token_source": computed("Token source: `argument`, `env:NAME`, `file:PATH`, or `provider`. Never the token."),
	}
	maps.Copy(attributes, own)
	return schema.Schema{MarkdownDescription: description, Attributes: attributes}
}

// ephemeralSchema converts the schema of a data source to that of the ephemeral
// resource, which has two more attributes.
func ephemeralSchema(i issuer) ephemeralschema.Schema {
	attributes := make(map[string]ephemeralschema.Attribute)
	for name, attribute := range i.schema.Attributes {
		attributes[name] = ephemeralAttribute(attribute)
	}

	attributes[i.names.Argument] = ephemeralschema.StringAttribute{
		Optional: true, Sensitive: true,
		MarkdownDescription: tokenDescription(i.names, "Accepts ephemeral values; not stored in state or plan."),
	}
	attributes["require_valid"] = ephemeralschema.BoolAttribute{
		Optional: true,
		MarkdownDescription: "Whether an invalid token causes an error with `reason` as its message. If `false`, it causes a warning. " +
			"A token that could not be verified always causes an error. Defaults to `true`.",
	}
	attributes["verified_token"] = ephemeralschema.StringAttribute{
		Computed: true, Sensitive: true,
		MarkdownDescription: "The token, to pass to the provider that uses it. Null unless `valid` is `true`. " +
			"Not stored in state or plan.",
	}

	return ephemeralschema.Schema{
		MarkdownDescription: i.schema.MarkdownDescription + " Terraform verifies the token during plan, and again during apply.",
		Attributes:          attributes,
	}
}

// ephemeralAttribute converts an attribute of a data source to one of an ephemeral
// resource. The framework's two types have the same fields.
func ephemeralAttribute(attribute schema.Attribute) ephemeralschema.Attribute {
	switch a := attribute.(type) {
	case schema.StringAttribute:
		return ephemeralschema.StringAttribute(a)
	case schema.BoolAttribute:
		return ephemeralschema.BoolAttribute(a)
	case schema.Int64Attribute:
		return ephemeralschema.Int64Attribute(a)
	case schema.SetAttribute:
		return ephemeralschema.SetAttribute(a)
	case schema.MapAttribute:
		return ephemeralschema.MapAttribute(a)
	default:
		panic(fmt.Sprintf("no ephemeral attribute for a %T", attribute)) // The first test that builds the schema would panic.
	}
}

// blockSchema returns the schema of an issuer's block: the token, the server URL and
// the trust bundle, and the issuer's own arguments.
func blockSchema(description string, names token.Names, url urlSource, urlDescription string, own map[string]providerschema.Attribute) providerschema.SingleNestedBlock {
	attributes := map[string]providerschema.Attribute{
		names.Argument: providerschema.StringAttribute{
			Optional: true, Sensitive: true,
			MarkdownDescription: "Token for all data sources and ephemeral resources that do not set their own. Accepts ephemeral values; not stored in state or plan. " +
				"Defaults to the environment variable `" + names.Variable + "`.",
		},
		url.argument: setting(urlDescription + " Tokens are sent to this server only. HTTPS, or plain HTTP for a loopback address. " +
			"Defaults to the environment variable `" + url.variable + "`."),
		"trust_bundle": setting("PEM-encoded CA certificates to trust in addition to the system trust store, " +
			"for a private CA or TLS inspection."),
	}
	maps.Copy(attributes, own)
	return providerschema.SingleNestedBlock{MarkdownDescription: description, Attributes: attributes}
}

// set sets the attributes that all issuers have.
func (m *commonModel) set(v verdict.Verdict, facts verdict.Facts, t token.Token) {
	m.Valid = types.BoolValue(v.Valid())
	m.Status = types.StringValue(string(v.Status))
	m.Reason = types.StringValue(v.Reason)
	m.ExpiresOn = timeValue(facts.ExpiresOn)
	m.TokenSource = types.StringValue(t.Source())
}

// timeValue converts a time to an attribute value, nil to null.
func timeValue(t *time.Time) types.String {
	if t == nil {
		return types.StringNull()
	}
	return types.StringValue(verdict.Format(*t))
}

// stringValue converts a string to an attribute value, "" to null.
func stringValue(s string) types.String {
	if s == "" {
		return types.StringNull()
	}
	return types.StringValue(s)
}

// setValue converts an issuer's texts to an attribute value without parts of the token,
// nil to null. Duplicates count once.
func setValue(ctx context.Context, t token.Token, elements []string) types.Set {
	unique := slices.Clone(elements)
	for i, element := range unique {
		unique[i] = t.Redact(element)
	}
	slices.Sort(unique)
	set, _ := types.SetValueFrom(ctx, types.StringType, slices.Compact(unique)) // Strings always convert.
	return set
}

// numberValue converts a number to an attribute value, 0 to null.
func numberValue(n int64) types.Int64 {
	if n == 0 {
		return types.Int64Null()
	}
	return types.Int64Value(n)
}
