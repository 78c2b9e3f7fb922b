package provider

import (
	"context"
	"fmt"
	"maps"
	"net/url"
	"slices"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/tokencheck/terraform-provider-tokencheck/internal/verdict"
)

// block holds the arguments of an issuer's block by name.
type block map[string]types.String

// readBlock reads an issuer's block. A block that is null sets nothing; in one
// that is unknown as a whole, nothing is known, which is not the same.
func readBlock(ctx context.Context, object types.Object) block {
	values := make(block)

	for name := range object.AttributeTypes(ctx) {
		switch value, _ := object.Attributes()[name].(types.String); {
		case object.IsUnknown():
			values[name] = types.StringUnknown()
		case object.IsNull():
			values[name] = types.StringNull()
		default:
			values[name] = value
		}
	}

	return values
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
