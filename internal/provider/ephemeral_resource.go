package provider

import (
	"context"
	"fmt"

	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/ephemeral"
	ephemeralschema "github.com/hashicorp/terraform-plugin-framework/ephemeral/schema"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"
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
	issuer     issuer
	connection *connection
}

// Metadata implements [ephemeral.EphemeralResource].
func (e *checkEphemeralResource) Metadata(_ context.Context, req ephemeral.MetadataRequest, resp *ephemeral.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_" + e.issuer.names.Block
}

// Schema implements [ephemeral.EphemeralResource]. It is that of the data source,
// and require_valid.
func (e *checkEphemeralResource) Schema(_ context.Context, _ ephemeral.SchemaRequest, resp *ephemeral.SchemaResponse) {
	attributes := make(map[string]ephemeralschema.Attribute)
	for name, attribute := range e.issuer.schema.Attributes {
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
		MarkdownDescription: e.issuer.schema.MarkdownDescription + " Terraform asks at plan, and again at apply.",
		Attributes:          attributes,
	}
}

// Configure implements [ephemeral.EphemeralResourceWithConfigure].
func (e *checkEphemeralResource) Configure(_ context.Context, req ephemeral.ConfigureRequest, resp *ephemeral.ConfigureResponse) {
	if req.ProviderData == nil { // Validation comes before the provider is configured.
		return
	}

	e.connection, resp.Diagnostics = connectionOf(e.issuer, req.ProviderData)
}

// Open implements [ephemeral.EphemeralResource].
func (e *checkEphemeralResource) Open(ctx context.Context, req ephemeral.OpenRequest, resp *ephemeral.OpenResponse) {
	var require types.Bool

	resp.Diagnostics.Append(req.Config.GetAttribute(ctx, path.Root(requireValid), &require)...)

	object, decided, diags := e.connection.run(ctx, req.Config, true)
	resp.Diagnostics.Append(diags...)

	switch {
	case resp.Diagnostics.HasError():
	case !decided.Valid() && (require.IsNull() || require.ValueBool()):
		resp.Diagnostics.AddError("Token is not valid", decided.Reason)
	default:
		resp.Diagnostics.Append(resp.Result.Set(ctx, object)...)
	}
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
