package provider

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/tfsdk"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-log/tflog"

	"github.com/tokencheck/terraform-provider-tokencheck/internal/token"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/verdict"
)

// outcome is the result of a check that was decided.
type outcome struct {
	verdict.Verdict

	// attributes are those of the check, including its arguments.
	attributes arguments
	warnings   []verdict.Warning
}

// verify runs a check: it finds the token, sends the request, decides the verdict,
// and returns the attributes. Data sources and ephemeral resources of all issuers
// use it; no other code can make a token valid. It may return warnings along with
// an error.
func (c *connection) verify(ctx context.Context, check arguments, fresh bool) (outcome, error) {
	began := time.Now()

	bearer, warnings, err := c.token(ctx, check)
	if err != nil {
		return outcome{}, err
	}

	// The time limit is for the whole check, and a slow file used part of it.
	if spent := time.Since(began); spent > c.settings.limit()/10 {
		var cancel context.CancelFunc

		ctx, cancel = context.WithTimeout(ctx, c.settings.limit()-spent)
		defer cancel()
	}

	ctx = mask(ctx, bearer)

	if name := c.misplaced(check, bearer); name != "" {
		return outcome{warnings: warnings}, &verdict.Error{
			Summary: "Token in another argument", Happened: "The value of " + name + " contains the value of the token.",
			Remedy: "Remove the token from that argument, and replace the token if Terraform has already shown it. If the value belongs there, correct the token source instead.",
		}
	}

	question := verdict.Question{TokenSource: bearer.Source()}

	if remaining := check.text("min_remaining"); !remaining.IsNull() {
		d, err := parseDuration(remaining.ValueString())
		if err != nil {
			return outcome{}, err
		}

		question.MinRemaining = &d
	}

	client, err := c.client()
	if err != nil {
		return outcome{warnings: warnings}, err
	}

	answer, own, err := client.verify(ctx, check, bearer, fresh)
	if err != nil {
		return outcome{warnings: warnings}, err
	}

	warnings = append(warnings, answer.Warnings...)

	decided, err := verdict.Decide(answer, question)
	if err != nil {
		return outcome{warnings: warnings}, err
	}

	tflog.Debug(ctx, "token verified", map[string]any{"verdict": string(decided.Status), "source": bearer.Source()})

	attributes := maps.Clone(check)
	maps.Copy(attributes, own)
	maps.Copy(attributes, map[string]attr.Value{
		"valid":        types.BoolValue(decided.Valid()),
		"status":       types.StringValue(string(decided.Status)),
		"reason":       types.StringValue(decided.Reason),
		"expires_on":   timeValue(answer.ExpiresOn),
		"token_source": types.StringValue(bearer.Source()),
	})

	// Only the ephemeral resource has this attribute: Terraform does not store its
	// values.
	if _, ok := check[verifiedToken]; ok && decided.Valid() {
		attributes[verifiedToken] = types.StringValue(bearer.Reveal())
	}

	return outcome{decided, attributes, warnings}, nil
}

// misplaced returns the name of an argument, other than the token's own, that
// contains the token and so would show it; "" if there is none.
func (c *connection) misplaced(check arguments, bearer token.Token) string {
	secret := strings.ToLower(bearer.Reveal())
	if len(secret) < 8 { // Ordinary words contain such a token.
		return ""
	}

	names := c.issuer.names
	contains := func(text string) bool { return strings.Contains(strings.ToLower(text), secret) }

	for _, name := range slices.Sorted(maps.Keys(check)) {
		var texts []string

		switch value := check[name].(type) {
		case types.String:
			texts = []string{value.ValueString()}
		case types.Set:
			texts = check.texts(name)
		}

		if !slices.Contains([]string{names.Argument, names.ArgumentEnv(), names.ArgumentFile()}, name) && slices.ContainsFunc(texts, contains) {
			return name
		}
	}

	return ""
}

// mask keeps the token out of everything logged with the context.
func mask(ctx context.Context, bearer token.Token) context.Context {
	ctx = tflog.MaskAllFieldValuesStrings(ctx, bearer.Reveal())

	return tflog.MaskMessageStrings(ctx, bearer.Reveal())
}

// run runs a check for a data source or an ephemeral resource. It returns an object
// of the configuration's schema, and diagnostics.
func (c *connection) run(ctx context.Context, config tfsdk.Config, fresh bool) (types.Object, verdict.Verdict, diag.Diagnostics) {
	var object types.Object

	diags := refuseUnknown(config.Raw)
	diags.Append(config.Get(ctx, &object)...)

	if diags.HasError() {
		return types.Object{}, verdict.Verdict{}, diags
	}

	result, err := c.verify(ctx, newArguments(ctx, object), fresh)
	for _, w := range result.warnings {
		diags.AddWarning(w.Summary, w.Detail)
	}

	if err != nil {
		addError(&diags, err)

		return types.Object{}, verdict.Verdict{}, diags
	}

	object, objectDiags := types.ObjectValue(object.AttributeTypes(ctx), result.attributes)
	diags.Append(objectDiags...)

	return object, result.Verdict, diags
}

// addError converts an error of a check to a diagnostic.
func addError(diags *diag.Diagnostics, err error) {
	fault, ok := errors.AsType[*verdict.Error](err)
	if !ok {
		fault = &verdict.Error{Summary: "Internal error", Happened: err.Error(), Remedy: "This is a bug in the provider; please report it."}
	}

	diags.AddError(fault.Summary, fault.Detail())
}
