package provider

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/tokencheck/terraform-provider-tokencheck/internal/github"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/token"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/transport"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/verdict"
)

func githubIssuer() issuer {
	names := token.Names{
		Argument: "token", Block: "github", Variable: "GITHUB_TOKEN",
		Hints: []token.Hint{
			{Variable: "GH_TOKEN", Sentence: "the GitHub CLI reads it, but this provider does not; use GITHUB_TOKEN."},
			{Variable: "GITHUB_PAT", Sentence: "neither this provider nor the GitHub provider reads it; use GITHUB_TOKEN."},
			{Variable: "GITHUB_APP_ID", Sentence: "with it, the GitHub provider authenticates as an App, whatever its token; create an installation token and use GITHUB_TOKEN instead."},
		},
	}
	url := urlSource{argument: "base_url", variable: "GITHUB_BASE_URL", fallback: "https://api.github.com/", parse: github.ParseURL}

	return issuer{
		Issuer: github.Issuer(), names: names, url: url,
		newBlockModel:      func() blockModel { return new(tokenBlock) },
		newDataSourceModel: func() model { return new(githubModel) },
		newEphemeralModel:  func() ephemeralModel { return new(githubEphemeralModel) },
		block: blockSchema("Connection settings for GitHub.", names, url,
			"URL of GitHub, read as the GitHub provider reads it: `https://github.com/` if not set, `https://SUBDOMAIN.ghe.com/`, or the URL of an Enterprise Server.", nil),
		schema: dataSourceSchema(
			"Verifies a token with GitHub: a personal access token, an OAuth token, or a token of a GitHub App, such as the `GITHUB_TOKEN` of GitHub Actions. "+
				"Does not check the token's permissions, repositories, or organizations.",
			names,
			"`active`, `expiring`, `rejected`, or `missing_scope`.",
			"Null if the token does not expire, if GitHub does not report when it does, as for installation tokens, or if it was rejected.",
			map[string]schema.Attribute{
				"required_scopes": schema.SetAttribute{
					Optional: true, ElementType: types.StringType,
					MarkdownDescription: "Scopes that the token must have, such as `\"repo\"`, itself or by a scope that includes it. " +
						"A token that lacks one has the status `missing_scope` and is not valid. An error for a token without classic scopes.",
				},
				"login":   computed("Name of the token's user. Null for an installation token, or if the token was rejected."),
				"user_id": schema.Int64Attribute{Computed: true, MarkdownDescription: "ID of the token's user. Null for an installation token, or if the token was rejected."},
				"scopes": schema.SetAttribute{
					Computed: true, ElementType: types.StringType,
					MarkdownDescription: "Scopes of the token. Null for a token without classic scopes, or if the token was rejected.",
				},
				"missing_scopes": schema.SetAttribute{
					Computed: true, ElementType: types.StringType,
					MarkdownDescription: "Scopes in `required_scopes` that the token lacks. Empty if none is missing; null if `required_scopes` is not set or the token was rejected.",
				},
			}),
	}
}

type githubModel struct {
	commonModel
	tokenModel

	RequiredScopes types.Set    `tfsdk:"required_scopes"`
	Login          types.String `tfsdk:"login"`
	UserID         types.Int64  `tfsdk:"user_id"`
	Scopes         types.Set    `tfsdk:"scopes"`
	MissingScopes  types.Set    `tfsdk:"missing_scopes"`
}

type githubEphemeralModel struct {
	githubModel
	gateModel
}

func (m *githubModel) validate(r *rules) {
	r.elements(path.Root("required_scopes"), m.RequiredScopes, "Invalid scope", verdict.CheckScope, `Set one element for each scope, such as "repo" or "read:org".`)
}

func (m *githubModel) verify(ctx context.Context, client *transport.Client, t token.Token, fresh bool) (verdict.Facts, error) {
	var required []string
	_ = m.RequiredScopes.ElementsAs(ctx, &required, false) // They are valid.
	v, err := github.Verify(ctx, client, t, required, fresh)
	if err != nil {
		return verdict.Facts{}, err
	}

	m.Login, m.UserID = stringValue(v.Login), numberValue(v.UserID)
	m.Scopes, m.MissingScopes = setValue(ctx, t, v.Scopes), setValue(ctx, t, v.MissingScopes)
	return v.Facts, nil
}
