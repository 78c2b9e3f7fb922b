package provider

import (
	"context"
	"errors"

	"github.com/hashicorp/terraform-plugin-framework-timetypes/timetypes"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	providerschema "github.com/hashicorp/terraform-plugin-framework/provider/schema"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/tokencheck/terraform-provider-tokencheck/internal/token"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/verdict"
)

// issuer describes an issuer to Terraform.
type issuer struct {
	// names are what the sources of a token are called. The block's name is also
	// what follows "tokencheck_" in the names of the types.
	names token.Names
	// urlVariable is the environment variable with the URL of the issuer's server.
	urlVariable string
	// block is the issuer's part of the provider configuration.
	block providerschema.SingleNestedAttribute
	// check describes a check's arguments and attributes.
	check schema.Schema
	// connect makes the verifier of one provider configuration.
	connect func(ctx context.Context, conn connection, block types.Object) verifier
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
