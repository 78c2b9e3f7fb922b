package provider

import (
	"context"
	"fmt"
	"maps"

	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/ephemeral"
	ephemeralschema "github.com/hashicorp/terraform-plugin-framework/ephemeral/schema"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/tfsdk"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
)

// requireValid is the argument that only the ephemeral resource has.
const requireValid = "require_valid"

// Ensure that the ephemeral resource satisfies the framework's interfaces.
var (
	_ ephemeral.EphemeralResource              = (*checkEphemeralResource)(nil)
	_ ephemeral.EphemeralResourceWithConfigure = (*checkEphemeralResource)(nil)
)

// checkEphemeralResource is the ephemeral resource of any issuer. Terraform opens
// it at plan and again at apply.
type checkEphemeralResource struct {
	issuer   issuer
	verifier verifier
}

// Metadata implements [ephemeral.EphemeralResource].
func (e *checkEphemeralResource) Metadata(_ context.Context, req ephemeral.MetadataRequest, resp *ephemeral.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_" + e.issuer.names.Block
}

// Schema implements [ephemeral.EphemeralResource]. It is that of the data source,
// and require_valid.
func (e *checkEphemeralResource) Schema(_ context.Context, _ ephemeral.SchemaRequest, resp *ephemeral.SchemaResponse) {
	attributes := make(map[string]ephemeralschema.Attribute)
	for name, attribute := range e.issuer.check.Attributes {
		attributes[name] = ephemeralAttribute(attribute)
	}

	attributes[e.issuer.names.Argument] = ephemeralAttribute(tokenAttribute(e.issuer.names,
		"The token itself. It may be an ephemeral value, and is stored neither in state nor in plan. "))
	attributes[requireValid] = ephemeralschema.BoolAttribute{
		Optional: true,
		MarkdownDescription: "Whether a token that is not valid is an error, with `reason` as its text. With `false` the verdict is only reported, " +
			"for a precondition of a resource or a `check` block. A check that could not be decided is an error in both cases. Defaults to `true`.",
	}

	resp.Schema = ephemeralschema.Schema{
		MarkdownDescription: e.issuer.check.MarkdownDescription + " Terraform asks at plan, and again at apply.",
		Attributes:          attributes,
	}
}

// Configure implements [ephemeral.EphemeralResourceWithConfigure].
func (e *checkEphemeralResource) Configure(_ context.Context, req ephemeral.ConfigureRequest, resp *ephemeral.ConfigureResponse) {
	if req.ProviderData == nil { // Validation comes before the provider is configured.
		return
	}

	e.verifier, resp.Diagnostics = verifierOf(e.issuer, req.ProviderData)
}

// Open implements [ephemeral.EphemeralResource].
func (e *checkEphemeralResource) Open(ctx context.Context, req ephemeral.OpenRequest, resp *ephemeral.OpenResponse) {
	var require types.Bool

	resp.Diagnostics.Append(refuseUnknown(req.Config.Raw)...)
	resp.Diagnostics.Append(req.Config.GetAttribute(ctx, path.Root(requireValid), &require)...)

	if resp.Diagnostics.HasError() {
		return
	}

	// The verifier reads and writes a check as the data source has it.
	checkType := e.issuer.check.Type().TerraformType(ctx)
	config := tfsdk.Config{Schema: e.issuer.check, Raw: withAttribute(req.Config.Raw, checkType, requireValid, nil)}

	model, diags := e.verifier(ctx, config.Get, true)
	resp.Diagnostics.Append(diags...)

	if resp.Diagnostics.HasError() {
		return
	}

	if v := model.result(); (require.IsNull() || require.ValueBool()) && !v.Valid.ValueBool() {
		resp.Diagnostics.AddError("Token is not valid", v.Reason.ValueString())

		return
	}

	result := tfsdk.State{Schema: e.issuer.check, Raw: tftypes.NewValue(checkType, nil)}
	resp.Diagnostics.Append(result.Set(ctx, model)...)

	requireRaw := tftypes.NewValue(tftypes.Bool, require.ValueBoolPointer())
	resp.Result.Raw = withAttribute(result.Raw, req.Config.Schema.Type().TerraformType(ctx), requireValid, &requireRaw)
}

// withAttribute gives an object with one attribute set, or taken off if it is
// nil, as a value of kind.
func withAttribute(object tftypes.Value, kind tftypes.Type, name string, value *tftypes.Value) tftypes.Value {
	var attributes map[string]tftypes.Value
	if err := object.As(&attributes); err != nil {
		return tftypes.NewValue(kind, nil)
	}

	attributes = maps.Clone(attributes)
	delete(attributes, name)

	if value != nil {
		attributes[name] = *value
	}

	return tftypes.NewValue(kind, attributes)
}

// ephemeralAttribute turns an attribute of the data source into that of the
// ephemeral resource, which the framework keeps apart by type alone.
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
		panic(fmt.Sprintf("no ephemeral attribute for a %T", attribute)) // A schema's author sees it in the first test.
	}
}
