package provider

import (
	"fmt"
	"maps"

	"github.com/hashicorp/terraform-plugin-framework-timetypes/timetypes"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	providerschema "github.com/hashicorp/terraform-plugin-framework/provider/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"

	"github.com/tokencheck/terraform-provider-tokencheck/internal/token"
)

// tokenAttribute is the argument for the token itself, described by what and by
// where else a token may come from.
func tokenAttribute(names token.Names, what string) schema.StringAttribute {
	return schema.StringAttribute{
		Optional: true, Sensitive: true,
		MarkdownDescription: what + fmt.Sprintf("If none of `%s`, `%s` and `%s` is set, the provider's `%s` is used, else the environment variable `%s`.",
			names.Argument, names.ArgumentEnv(), names.ArgumentFile(), names.Provider(), names.Variable),
		Validators: []validator.String{rule("Not a token", cleanToken, tokenRemedy)},
	}
}

// checkSchema is the schema of a check: what every check has, and what is the
// issuer's own. The token arguments are called as in names.
func checkSchema(description string, names token.Names, statuses, nullEnd string, own map[string]schema.Attribute) schema.Schema {
	attributes := map[string]schema.Attribute{
		names.Argument: tokenAttribute(names, "The token itself. **Terraform stores it in plain text in the state and in the plan**; "+
			"`"+names.ArgumentEnv()+"`, `"+names.ArgumentFile()+"` and the provider configuration keep it out of both. "),
		names.ArgumentEnv(): schema.StringAttribute{
			Optional: true,
			MarkdownDescription: "The *name* of the environment variable that holds the token. " +
				"A variable that is not set or empty is an error. Conflicts with the other two.",
			Validators: []validator.String{
				conflicts{[]string{names.Argument}},
				rule("Invalid name of a variable", token.CheckEnvName, `Write the name of an environment variable, such as "`+names.Variable+`".`),
			},
		},
		names.ArgumentFile(): schema.StringAttribute{
			Optional: true,
			MarkdownDescription: "Path of the file that holds the token: a regular file of at most 64 KiB with nothing else in it; one line end is ignored. " +
				"A relative path is taken from the directory in which Terraform runs. Conflicts with the other two.",
			Validators: []validator.String{
				conflicts{[]string{names.Argument, names.ArgumentEnv()}},
				rule("Invalid path", notEmpty, "Write the path of a file, or remove the argument."),
			},
		},
		"min_remaining": schema.StringAttribute{
			Optional: true,
			MarkdownDescription: "How long the token must still live, as a [Go duration](https://pkg.go.dev/time#ParseDuration) such as `\"72h\"`; " +
				"not negative. A token that ends sooner has the status `expiring` and is not valid. The largest unit is the hour.",
			Validators: []validator.String{rule("Invalid duration", durationNotNegative, `Write a duration that is not negative in hours, minutes and seconds, such as "72h" or "1h30m".`)},
		},
		"valid": schema.BoolAttribute{
			Computed: true,
			MarkdownDescription: "Whether the issuer says that the token works, and it meets everything that was asked: true exactly when `status` is `active`. " +
				"An issuer that could not be asked is an error, never `false`.",
		},
		"status": schema.StringAttribute{
			Computed:            true,
			MarkdownDescription: "The verdict in a word: " + statuses,
		},
		"reason": schema.StringAttribute{
			Computed:            true,
			MarkdownDescription: "The verdict in sentences, for the error message of a condition: which token, what its issuer said, what to do. Never null.",
		},
		"expires_on": schema.StringAttribute{
			Computed: true, CustomType: timetypes.RFC3339Type{},
			MarkdownDescription: "When the token stops working, in RFC 3339, UTC. " + nullEnd,
		},
		"token_source": schema.StringAttribute{
			Computed:            true,
			MarkdownDescription: "Where the token came from: `argument`, `env:NAME`, `file:PATH` or `provider`. Never the token.",
		},
	}
	maps.Copy(attributes, own)

	return schema.Schema{MarkdownDescription: description, Attributes: attributes}
}

// blockSchema is the part of an issuer's block that every issuer has: the token
// and the trust bundle; own holds the rest.
func blockSchema(description string, names token.Names, own map[string]providerschema.StringAttribute) providerschema.SingleNestedAttribute {
	attributes := map[string]providerschema.Attribute{
		names.Argument: providerschema.StringAttribute{
			Optional: true, Sensitive: true,
			MarkdownDescription: "The token of all checks that give none of their own. It may be an ephemeral value, and is stored neither in state nor in plan. " +
				"Defaults to the environment variable `" + names.Variable + "`.",
			Validators: []validator.String{rule("Not a token", cleanToken, tokenRemedy)},
		},
		"trust_bundle": providerschema.StringAttribute{
			Optional: true,
			MarkdownDescription: "Certificates of authorities, in PEM form, that are trusted beside the system's. " +
				"For a private authority, or for one that inspects TLS on the way.",
			Validators: []validator.String{rule("Unreadable trust bundle", readablePEM, `Give the certificates themselves in PEM form, for example by file("ca.pem").`)},
		},
	}

	for name, attribute := range own {
		attributes[name] = attribute
	}

	return providerschema.SingleNestedAttribute{Optional: true, MarkdownDescription: description, Attributes: attributes}
}

// attribute is the argument for the URL in the issuer's block.
func (u urlSource) attribute(description string) providerschema.StringAttribute {
	return providerschema.StringAttribute{
		Optional: true, MarkdownDescription: description,
		Validators: []validator.String{rule("Invalid server URL", errorOnly(u.parse), urlRemedy)},
	}
}
