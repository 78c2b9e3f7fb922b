package provider

import (
	"fmt"
	"maps"

	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	providerschema "github.com/hashicorp/terraform-plugin-framework/provider/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"

	"github.com/tokencheck/terraform-provider-tokencheck/internal/token"
)

// tokenAttribute returns the argument for the token itself. Its description is
// what, followed by the defaults.
func tokenAttribute(names token.Names, what string) schema.StringAttribute {
	return schema.StringAttribute{
		Optional: true, Sensitive: true,
		MarkdownDescription: what + fmt.Sprintf("If no token argument is set, defaults to the provider's `%s`, then to the environment variable `%s`.",
			names.Provider(), names.Variable),
		Validators: []validator.String{rule("Malformed token", cleanToken, tokenRemedy)},
	}
}

// checkSchema returns the schema of a check: the attributes that all checks have,
// and the issuer's own. Names are the names of the token arguments.
func checkSchema(description string, names token.Names, statuses, nullEnd string, own map[string]schema.Attribute) schema.Schema {
	attributes := map[string]schema.Attribute{
		names.Argument: tokenAttribute(names, "The token. **Terraform stores it in plain text in the state and plan**; "+
			"`"+names.ArgumentEnv()+"`, `"+names.ArgumentFile()+"`, and the provider configuration keep it out of both. "),
		names.ArgumentEnv(): schema.StringAttribute{
			Optional: true,
			MarkdownDescription: "*Name* of the environment variable that contains the token. " +
				"An unset or empty variable causes an error. Conflicts with the other token arguments.",
			Validators: []validator.String{
				conflicts{[]string{names.Argument}},
				rule("Invalid environment variable name", token.CheckEnvName, `Set the name of an environment variable, such as "`+names.Variable+`".`),
			},
		},
		names.ArgumentFile(): schema.StringAttribute{
			Optional: true,
			MarkdownDescription: "Path to a regular file of at most 64 KiB that contains only the token; a trailing newline is ignored. " +
				"Resolved relative to the working directory, not the module. Conflicts with the other token arguments.",
			Validators: []validator.String{
				conflicts{[]string{names.Argument, names.ArgumentEnv()}},
				rule("Invalid path", notEmpty, "Set the path to a file, or remove the argument."),
			},
		},
		"min_remaining": schema.StringAttribute{
			Optional: true,
			MarkdownDescription: "Minimum remaining lifetime, as a non-negative [Go duration](https://pkg.go.dev/time#ParseDuration) such as `\"72h\"`; units are `h`, `m`, and `s`. " +
				"A token that expires sooner has the status `expiring` and is not valid.",
			Validators: []validator.String{rule("Invalid duration", durationNotNegative, `Set a non-negative duration in hours, minutes, and seconds, such as "72h" or "1h30m".`)},
		},
		"valid": schema.BoolAttribute{
			Computed:            true,
			MarkdownDescription: "Whether the token is valid: `true` only if `status` is `active`. If the token could not be verified, the check returns an error, never `false`.",
		},
		"status": schema.StringAttribute{
			Computed:            true,
			MarkdownDescription: "Status of the token: " + statuses,
		},
		"reason": schema.StringAttribute{
			Computed:            true,
			MarkdownDescription: "Explanation of `status`: the token source, the issuer's response, and what to do. Never null.",
		},
		"expires_on": schema.StringAttribute{
			Computed:            true,
			MarkdownDescription: "When the token expires, as an RFC 3339 timestamp in UTC. " + nullEnd,
		},
		"token_source": schema.StringAttribute{
			Computed:            true,
			MarkdownDescription: "Token source: `argument`, `env:NAME`, `file:PATH`, or `provider`. Never the token.",
		},
	}
	maps.Copy(attributes, own)

	return schema.Schema{MarkdownDescription: description, Attributes: attributes}
}

// blockSchema returns the schema of an issuer's block: the token and the trust
// bundle, and the issuer's own arguments.
func blockSchema(description string, names token.Names, own map[string]providerschema.StringAttribute) providerschema.SingleNestedAttribute {
	attributes := map[string]providerschema.Attribute{
		names.Argument: providerschema.StringAttribute{
			Optional: true, Sensitive: true,
			MarkdownDescription: "Token for all checks that do not set their own. Accepts ephemeral values; not stored in state or plan. " +
				"Defaults to the environment variable `" + names.Variable + "`.",
			Validators: []validator.String{rule("Malformed token", cleanToken, tokenRemedy)},
		},
		"trust_bundle": providerschema.StringAttribute{
			Optional: true,
			MarkdownDescription: "PEM-encoded CA certificates to trust in addition to the system trust store, " +
				"for a private CA or TLS inspection.",
			Validators: []validator.String{rule("Invalid trust bundle", readablePEM, `Set the PEM-encoded certificates themselves, for example with file("ca.pem").`)},
		},
	}

	for name, attribute := range own {
		attributes[name] = attribute
	}

	return providerschema.SingleNestedAttribute{Optional: true, MarkdownDescription: description, Attributes: attributes}
}

// attribute returns the argument for the server URL in the issuer's block.
func (u urlSource) attribute(description string) providerschema.StringAttribute {
	return providerschema.StringAttribute{
		Optional: true, MarkdownDescription: description,
		Validators: []validator.String{rule("Invalid server URL", errorOnly(u.parse), urlRemedy)},
	}
}
