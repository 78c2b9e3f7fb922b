package provider

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"time"

	"github.com/hashicorp/terraform-plugin-framework-timetypes/timetypes"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	providerschema "github.com/hashicorp/terraform-plugin-framework/provider/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-framework/types/basetypes"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
	"github.com/hashicorp/terraform-plugin-log/tflog"

	"github.com/tokencheck/terraform-provider-tokencheck/internal/token"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/verdict"
)

// issuer describes an issuer to Terraform.
type issuer struct {
	// names are what the sources of a token are called. The block's name is also
	// what follows "tokencheck_" in the names of the types.
	names token.Names
	// block is the issuer's part of the provider configuration.
	block providerschema.SingleNestedAttribute
	// check describes a check's arguments and attributes.
	check schema.Schema
	// connect makes the verifier of one provider configuration.
	connect func(ctx context.Context, conn connection, block types.Object) (verifier, diag.Diagnostics)
}

// verifier makes the checks of one issuer under one provider configuration. It
// reads a check's arguments by get, asks the issuer, and gives the model for the
// check's schema with all attributes set. A fresh check takes no answer that was
// there before it asked.
type verifier func(ctx context.Context, get func(ctx context.Context, model any) diag.Diagnostics, fresh bool) (model, diag.Diagnostics)

// model is a check of any issuer.
type model interface{ result() *verdictModel }

// newVerifier makes a verifier from a function that fills in a model.
func newVerifier[M any, P interface {
	*M
	model
}](verify func(ctx context.Context, m P, fresh bool) ([]verdict.Warning, error),
) verifier {
	return func(ctx context.Context, get func(context.Context, any) diag.Diagnostics, fresh bool) (model, diag.Diagnostics) {
		model := P(new(M))

		diags := get(ctx, model)
		if diags.HasError() {
			return nil, diags
		}

		warnings, err := verify(ctx, model, fresh)
		for _, w := range warnings {
			diags.AddWarning(w.Summary, w.Detail)
		}

		if err != nil {
			addError(&diags, err)
		}

		return model, diags
	}
}

// verdictModel holds the attributes that every check has.
type verdictModel struct {
	MinRemaining types.String      `tfsdk:"min_remaining"`
	Valid        types.Bool        `tfsdk:"valid"`
	Status       types.String      `tfsdk:"status"`
	Reason       types.String      `tfsdk:"reason"`
	ExpiresOn    timetypes.RFC3339 `tfsdk:"expires_on"`
	TokenSource  types.String      `tfsdk:"token_source"`
}

// result implements [model].
func (m *verdictModel) result() *verdictModel { return m }

// tokenAttribute is the argument for the token itself, described by what and by
// where else a token may come from.
func tokenAttribute(names token.Names, what string) schema.StringAttribute {
	return schema.StringAttribute{
		Optional: true, Sensitive: true,
		MarkdownDescription: what + fmt.Sprintf("If none of `%s`, `%s` and `%s` is set, the provider's `%s` is used, else the environment variable `%s`.",
			names.Argument, names.ArgumentEnv(), names.ArgumentFile(), names.Provider(), names.Variable),
		Validators: []validator.String{check("Not a token", checkToken, tokenRemedy)},
	}
}

// checkSchema is the schema of a check: what every check has, and what is the
// issuer's own. The token arguments are called as in names.
func checkSchema(description string, names token.Names, statuses, nullEnd string, own map[string]schema.Attribute) schema.Schema {
	oneOf := func(others ...string) []validator.String {
		paths := make([]path.Expression, 0, len(others))
		for _, other := range others {
			paths = append(paths, path.MatchRoot(other))
		}

		return []validator.String{stringvalidator.ConflictsWith(paths...)}
	}

	attributes := map[string]schema.Attribute{
		names.Argument: tokenAttribute(names, "The token itself. **Terraform stores it in plain text in the state and in the plan**; "+
			"`"+names.ArgumentEnv()+"`, `"+names.ArgumentFile()+"` and the provider configuration keep it out of both. "),
		names.ArgumentEnv(): schema.StringAttribute{
			Optional: true,
			MarkdownDescription: "The *name* of the environment variable that holds the token. " +
				"A variable that is not set or empty is an error. Conflicts with the other two.",
			Validators: append(oneOf(names.Argument), check("Invalid name of a variable", token.CheckEnvName, `Write the name of an environment variable, such as "`+names.Variable+`".`)),
		},
		names.ArgumentFile(): schema.StringAttribute{
			Optional: true,
			MarkdownDescription: "Path of the file that holds the token: a regular file of at most 64 KiB with nothing else in it; one line end is ignored. " +
				"A relative path is taken from the directory in which Terraform runs. Conflicts with the other two.",
			Validators: append(oneOf(names.Argument, names.ArgumentEnv()), check("Invalid path", checkNotEmpty, "Write the path of a file, or remove the argument.")),
		},
		"min_remaining": schema.StringAttribute{
			Optional: true,
			MarkdownDescription: "How long the token must still live, as a [Go duration](https://pkg.go.dev/time#ParseDuration) such as `\"72h\"`; " +
				"not negative. A token that ends sooner has the status `expiring` and is not valid. The largest unit is the hour.",
			Validators: []validator.String{check("Invalid duration", checkMinRemaining, `Write a duration that is not negative in hours, minutes and seconds, such as "72h" or "1h30m".`)},
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
func blockSchema(description string, names token.Names, own map[string]providerschema.Attribute) providerschema.SingleNestedAttribute {
	attributes := map[string]providerschema.Attribute{
		names.Argument: providerschema.StringAttribute{
			Optional: true, Sensitive: true,
			MarkdownDescription: "The token of all checks that give none of their own. It may be an ephemeral value, and is stored neither in state nor in plan. " +
				"Defaults to the environment variable `" + names.Variable + "`.",
			Validators: []validator.String{check("Not a token", checkToken, tokenRemedy)},
		},
		"trust_bundle": providerschema.StringAttribute{
			Optional: true,
			MarkdownDescription: "Certificates of authorities, in PEM form, that are trusted beside the system's. " +
				"For a private authority, or for one that inspects TLS on the way.",
			Validators: []validator.String{check("Unreadable trust bundle", checkTrustBundle, `Give the certificates themselves in PEM form, for example by file("ca.pem").`)},
		},
	}
	maps.Copy(attributes, own)

	return providerschema.SingleNestedAttribute{Optional: true, MarkdownDescription: description, Attributes: attributes}
}

// request is the part of a check that every issuer has.
type request struct {
	token    token.Token
	question verdict.Question
}

// prepare finds the check's token, which is masked in the log from here on, and
// the question.
func prepare(ctx context.Context, host Host, sources token.Sources, provider types.String, minRemaining types.String) (context.Context, request, error) {
	if !sources.HasOwn() {
		if provider.IsUnknown() {
			return ctx, request{}, &verdict.Error{
				Summary:  "Provider configuration is not known yet",
				Happened: sources.Provider() + " in the provider configuration depends on something that this run has yet to create or read, so the token to verify is not known.",
				Remedy: "Give the token as the check's own argument, which Terraform puts off until it is known, or create what it depends on in an earlier run. " +
					"The environment is not looked at: it could hold another token.",
			}
		}

		sources.FromProvider = provider.ValueStringPointer()
	}

	sources.LookupEnv = host.LookupEnv

	bearer, err := sources.Resolve()
	if err != nil {
		return ctx, request{}, err
	}

	ctx = tflog.MaskAllFieldValuesStrings(ctx, bearer.Reveal())
	ctx = tflog.MaskMessageStrings(ctx, bearer.Reveal())

	r := request{token: bearer, question: verdict.Question{TokenSource: bearer.Source()}}

	if !minRemaining.IsNull() {
		d, err := parseDuration(minRemaining.ValueString())
		if err != nil {
			return ctx, request{}, err
		}

		r.question.MinRemaining = &d
	}

	return ctx, r, nil
}

// decide fills in the attributes that every check has.
func (m *verdictModel) decide(ctx context.Context, facts verdict.Facts, r request, words verdict.Words) error {
	v, err := verdict.Decide(facts, r.question, words)
	if err != nil {
		return err
	}

	tflog.Debug(ctx, "token verified", map[string]any{"status": string(v.Status), "token_source": r.token.Source()})

	m.Valid = types.BoolValue(v.Valid())
	m.Status = types.StringValue(string(v.Status))
	m.Reason = types.StringValue(v.Reason)
	m.ExpiresOn = timeValue(facts.ExpiresOn)
	m.TokenSource = types.StringValue(r.token.Source())

	return nil
}

// readBlock reads an issuer's block. A block that is null sets nothing; in one
// that is unknown as a whole, nothing is known, which is not the same.
func readBlock(ctx context.Context, object types.Object, target any) diag.Diagnostics {
	if object.IsUnknown() {
		values := make(map[string]attr.Value)

		for name, kind := range object.AttributeTypes(ctx) {
			value, err := kind.ValueFromTerraform(ctx, tftypes.NewValue(kind.TerraformType(ctx), tftypes.UnknownValue))
			if err != nil {
				return diag.Diagnostics{diag.NewErrorDiagnostic("Unreadable provider configuration", "This is a fault of the provider; please report it.")}
			}

			values[name] = value
		}

		object = types.ObjectValueMust(object.AttributeTypes(ctx), values)
	}

	return object.As(ctx, target, basetypes.ObjectAsOptions{UnhandledNullAsEmpty: true})
}

// serverURL takes an issuer's URL from the provider configuration, else from the
// environment variable, else from fallback, which may be empty.
func serverURL(host Host, argument string, configured types.String, variable, fallback string, parse func(string) (*url.URL, error)) (*url.URL, error) {
	raw, what := fallback, ""

	if !configured.IsNull() {
		raw, what = configured.ValueString(), argument+" in the provider configuration"
	} else if value, _ := host.LookupEnv(variable); value != "" {
		raw, what = value, "the environment variable "+variable
	}

	if raw == "" && what == "" {
		return nil, &verdict.Error{
			Summary:  "No server to ask",
			Happened: "No URL of the server is configured.",
			Remedy:   "Set " + argument + " in the provider configuration, or the environment variable " + variable + ".",
		}
	}

	parsed, err := parse(raw)
	if err != nil {
		return nil, &verdict.Error{
			Summary: "Invalid server URL", Happened: "The value of " + what + " " + err.Error() + ".", Remedy: urlRemedy, Err: err,
		}
	}

	return parsed, nil
}

// known reports an error if one of the values, by their names in the provider
// configuration, is not known yet.
func known(values map[string]attr.Value) error {
	for _, name := range slices.Sorted(maps.Keys(values)) {
		if values[name].IsUnknown() {
			return &verdict.Error{
				Summary: "Provider configuration is not known yet",
				Happened: fmt.Sprintf("%s in the provider configuration depends on something that this run has yet to create or read, "+
					"and without it no check can be made.", name),
				Remedy: "Create what it depends on in an earlier run, or give a value that is known when the plan is made. " +
					"If only the token is not known yet, give that as the check's own argument, which Terraform puts off.",
			}
		}
	}

	return nil
}

// addError turns the error of a check into a diagnostic, on the argument that is
// at fault where there is one.
func addError(diags *diag.Diagnostics, err error) {
	var fault *verdict.Error
	if !errors.As(err, &fault) {
		fault = &verdict.Error{Summary: "The check failed", Happened: err.Error(), Remedy: "This is a fault of the provider; please report it."}
	}

	if fault.Argument != "" {
		diags.AddAttributeError(path.Root(fault.Argument), fault.Summary, fault.Detail())
	} else {
		diags.AddError(fault.Summary, fault.Detail())
	}
}

// timeValue gives a time as an attribute, null for the zero time.
func timeValue(t time.Time) timetypes.RFC3339 {
	if t.IsZero() {
		return timetypes.NewRFC3339Null()
	}

	return timetypes.NewRFC3339ValueMust(verdict.Format(t)) // The clients refuse years that RFC 3339 cannot write.
}

// stringValue gives a string as an attribute, null for the empty one.
func stringValue(s string) types.String {
	if s == "" {
		return types.StringNull()
	}

	return types.StringValue(s)
}
