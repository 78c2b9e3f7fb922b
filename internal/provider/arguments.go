package provider

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/hashicorp/terraform-plugin-framework-timetypes/timetypes"
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/tokencheck/terraform-provider-tokencheck/internal/verdict"
)

// arguments are what a check, or an issuer's block in the provider configuration,
// has in its schema, by name. What the user did not set is null.
type arguments map[string]attr.Value

// newArguments reads an object. One that is null as a whole sets nothing; in one
// that is unknown as a whole every argument is unknown, which is not the same.
func newArguments(ctx context.Context, object types.Object) arguments {
	all := make(arguments)

	for name, kind := range object.AttributeTypes(ctx) {
		value, found := object.Attributes()[name]
		if !found {
			var content any
			if object.IsUnknown() {
				content = tftypes.UnknownValue
			}

			// There is no error: every type has a null and an unknown value.
			value, _ = kind.ValueFromTerraform(ctx, tftypes.NewValue(kind.TerraformType(ctx), content))
		}

		all[name] = value
	}

	return all
}

// text is an argument that is a string. It panics for a name that is not in the
// schema, so that a typo fails the first test, and no argument seems to be null.
func (a arguments) text(name string) types.String { return a[name].(types.String) } //nolint:forcetypeassert // As documented.

// texts are the elements of an argument that is a set of strings, as in text.
func (a arguments) texts(name string) []string {
	elements := a[name].(types.Set).Elements() //nolint:forcetypeassert // As documented.
	all := make([]string, 0, len(elements))

	for _, element := range elements {
		all = append(all, element.(types.String).ValueString()) //nolint:forcetypeassert // As documented.
	}

	return all
}

// known reports an error on the first argument, by name, that is unknown and not
// among the exceptions. Block is the name of the block that has them.
func (a arguments) known(block string, except ...string) error {
	for _, name := range slices.Sorted(maps.Keys(a)) {
		if a[name].IsUnknown() && !slices.Contains(except, name) {
			return unknownConfiguration(block + "." + name)
		}
	}

	return nil
}

// unknownConfiguration is the error for an argument of the provider configuration
// without which no check can be made.
func unknownConfiguration(argument string) error {
	return &verdict.Error{
		Summary: "Provider configuration is unknown",
		Happened: argument + " in the provider configuration is unknown until apply, " +
			"and no token can be verified without it.",
		Remedy: "Create what it depends on in an earlier run, or set a value that is known at plan. " +
			"If only the token is unknown, set it in the check's own argument, which Terraform defers until apply.",
	}
}

// refuseUnknown refuses a check with unknown arguments. Terraform defers such
// checks; a caller that does not would otherwise have them taken for not set.
func refuseUnknown(config tftypes.Value) (diags diag.Diagnostics) {
	var all map[string]tftypes.Value

	_ = config.As(&all) // A check is an object.

	for _, name := range slices.Sorted(maps.Keys(all)) {
		if !all[name].IsFullyKnown() {
			diags.AddError("Argument is unknown",
				name+" is unknown until apply, so the token cannot be verified.\n\nCreate what it depends on in an earlier run.")
		}
	}

	return diags
}

// timeValue makes an attribute of a time, null for none.
func timeValue(t *time.Time) timetypes.RFC3339 {
	if t == nil {
		return timetypes.NewRFC3339Null()
	}

	return timetypes.NewRFC3339ValueMust(verdict.Format(*t)) // The clients leave no other years, see verdict.Writable.
}

// stringValue makes an attribute of a string, null for the empty one.
func stringValue(s string) types.String {
	if s == "" {
		return types.StringNull()
	}

	return types.StringValue(s)
}

// setValue makes an attribute of strings, null for nil.
func setValue(all []string) types.Set {
	if all == nil {
		return types.SetNull(types.StringType)
	}

	elements := make([]attr.Value, len(all))
	for i, s := range all {
		elements[i] = types.StringValue(s)
	}

	return types.SetValueMust(types.StringType, elements)
}
