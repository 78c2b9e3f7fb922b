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

// Arguments and attributes that only the ephemeral resource has.
const (
	requireValid  = "require_valid"
	verifiedToken = "verified_token"
)

// notValid is the summary for a token that the issuer does not accept.
const notValid = "Token is not valid"

var (
	_ ephemeral.EphemeralResource              = (*checkEphemeralResource)(nil)
	_ ephemeral.EphemeralResourceWithConfigure = (*checkEphemeralResource)(nil)
)

// checkEphemeralResource is the ephemeral resource of one issuer. Terraform opens
// it during plan and again during apply.
type checkEphemeralResource struct {
	issuer     issuer
	connection *connection
}

// Metadata implements [ephemeral.EphemeralResource].
func (e *checkEphemeralResource) Metadata(_ context.Context, req ephemeral.MetadataRequest, resp *ephemeral.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_" + e.issuer.names.Block
}

// Schema implements [ephemeral.EphemeralResource]. It adds require_valid and
// verified_token to the data source's schema.
func (e *checkEphemeralResource) Schema(_ context.Context, _ ephemeral.SchemaRequest, resp *ephemeral.SchemaResponse) {
	attributes := make(map[string]ephemeralschema.Attribute)
	for name, attribute := range e.issuer.schema.Attributes {
		attributes[name] = ephemeralAttribute(attribute)
	}

	attributes[e.issuer.names.Argument] = ephemeralAttribute(tokenAttribute(e.issuer.names,
		"The token. Accepts ephemeral values; not stored in state or plan. "))
	attributes[requireValid] = ephemeralschema.BoolAttribute{
		Optional: true,
		MarkdownDescription: "Whether an invalid token causes an error with `reason` as its message. If `false`, it causes a warning. " +
			"A token that could not be verified always causes an error. Defaults to `true`.",
	}
	attributes[verifiedToken] = ephemeralschema.StringAttribute{
		Computed: true, Sensitive: true,
		MarkdownDescription: "The token, to pass to the provider that uses it. Null unless `valid` is `true`. " +
			"Not stored in state or plan.",
	}

	resp.Schema = ephemeralschema.Schema{
		MarkdownDescription: e.issuer.schema.MarkdownDescription + " Terraform verifies the token during plan, and again during apply.",
		Attributes:          attributes,
	}
}

// Configure implements [ephemeral.EphemeralResourceWithConfigure].
func (e *checkEphemeralResource) Configure(_ context.Context, req ephemeral.ConfigureRequest, resp *ephemeral.ConfigureResponse) {
	if req.ProviderData == nil { // Terraform validates before it configures the provider.
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
		resp.Diagnostics.AddError(notValid, decided.Reason)
	default:
		if !decided.Valid() { // A condition's message cannot show an ephemeral value.
			resp.Diagnostics.AddWarning(notValid, decided.Reason)
		}

		resp.Diagnostics.Append(resp.Result.Set(ctx, object)...)
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
