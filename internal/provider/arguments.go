package provider

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/tokencheck/terraform-provider-tokencheck/internal/verdict"
)

// arguments maps the attribute names of a check, or of an issuer's block in the
// provider configuration, to their values. Unset ones are null.
type arguments map[string]attr.Value

// newArguments returns the arguments of an object. A null object sets none of them;
// in an unknown object, every argument is unknown.
func newArguments(ctx context.Context, object types.Object) arguments {
	all := make(arguments)

	for name, kind := range object.AttributeTypes(ctx) {
		value, found := object.Attributes()[name]
		if !found {
			var content any
			if object.IsUnknown() {
				content = tftypes.UnknownValue
			}

			// This cannot fail: every type has a null and an unknown value.
			value, _ = kind.ValueFromTerraform(ctx, tftypes.NewValue(kind.TerraformType(ctx), content))
		}

		all[name] = value
	}

	return all
}

// text returns a string argument. It panics if the schema has no such argument: a
// typo then fails the first test, and is not mistaken for null.
func (a arguments) text(name string) types.String { return a[name].(types.String) } //nolint:forcetypeassert // As documented.

// texts returns the elements of an argument that is a set of strings. It panics as
// text does.
func (a arguments) texts(name string) []string {
	elements := a[name].(types.Set).Elements() //nolint:forcetypeassert // As documented.
	all := make([]string, 0, len(elements))

	for _, element := range elements {
		all = append(all, element.(types.String).ValueString()) //nolint:forcetypeassert // As documented.
	}

	return all
}

// known returns an error for the first unknown argument, in order of name, that is
// not listed in except. Block is the name of the block.
func (a arguments) known(block string, except ...string) error {
	for _, name := range slices.Sorted(maps.Keys(a)) {
		if a[name].IsUnknown() && !slices.Contains(except, name) {
			return unknownConfiguration(block + "." + name)
		}
	}

	return nil
}

// unknownConfiguration returns the error for an unknown argument of the provider
// configuration that every check needs.
func unknownConfiguration(argument string) error {
	return &verdict.Error{
		Summary: "Provider configuration is unknown",
		Happened: argument + " in the provider configuration is unknown until apply, " +
			"and no token can be verified without it.",
		Remedy: "Create what it depends on in an earlier run, or set a value that is known during plan. " +
			"If the block is unknown only because of its token, set the token in the check's own argument, so that Terraform defers the check.",
	}
}

// refuseUnknown refuses a check with unknown arguments. Terraform defers such a
// check; with any other caller, unknown arguments would count as unset.
func refuseUnknown(config tftypes.Value) (diags diag.Diagnostics) {
	var all map[string]tftypes.Value

	_ = config.As(&all) // A check is an object.

	for _, name := range slices.Sorted(maps.Keys(all)) {
		if !all[name].IsFullyKnown() {
			diags.AddError("Argument is unknown",
				name+" is unknown until apply, so the token cannot be verified.\n\nApply what it depends on first, in an earlier run.")
		}
	}

	return diags
}

// timeValue converts a time to an attribute value, nil to null.
func timeValue(t *time.Time) types.String {
	if t == nil {
		return types.StringNull()
	}

	return types.StringValue(verdict.Format(*t)) // The clients drop other years, see verdict.Writable.
}

// stringValue converts a string to an attribute value, "" to null.
func stringValue(s string) types.String {
	if s == "" {
		return types.StringNull()
	}

	return types.StringValue(s)
}

// setValue converts strings to an attribute value, nil to null.
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
