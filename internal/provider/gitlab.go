package provider

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/tokencheck/terraform-provider-tokencheck/internal/gitlab"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/token"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/transport"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/verdict"
)

func gitlabIssuer() issuer {
	names := token.Names{
		Argument: "token", Block: "gitlab", Variable: "GITLAB_TOKEN",
		Hints: []token.Hint{
			{Variable: "CI_JOB_TOKEN", Sentence: "a job token cannot be verified, and few endpoints accept it; create a project access token and use GITLAB_TOKEN."},
			{Variable: "GL_TOKEN", Sentence: "neither this provider nor the GitLab provider reads it; use GITLAB_TOKEN."},
			{Variable: "GITLAB_PRIVATE_TOKEN", Sentence: "neither this provider nor the GitLab provider reads it; use GITLAB_TOKEN."},
		},
	}
	url := urlSource{argument: "base_url", variable: "GITLAB_BASE_URL", fallback: gitlab.DefaultBaseURL, parse: gitlab.ParseURL}

	return issuer{
		Issuer: gitlab.Issuer(), names: names, url: url,
		newBlockModel:      func() blockModel { return new(tokenBlock) },
		newDataSourceModel: func() model { return new(gitlabModel) },
		newEphemeralModel:  func() ephemeralModel { return new(gitlabEphemeralModel) },
		block: blockSchema("Connection settings for GitLab, version 15.5 or newer.", names, url,
			"URL of the instance, `"+url.fallback+"` if not set; may end in `/api/v4`.", nil),
		schema: dataSourceSchema(
			"Verifies a token with GitLab 15.5 or newer: a personal, project, group, or service account access token. "+
				"Does not check the permissions of the token's user.",
			names,
			"`active`, `expiring`, `disabled`, `rejected`, or `missing_scope`.",
			"This is 00:00 UTC of the date that GitLab reports, the first day on which the token is not valid. Null if the token does not expire, if GitLab does not report when it does, or if it was rejected.",
			map[string]schema.Attribute{
				"required_scopes": schema.SetAttribute{
					Optional: true, ElementType: types.StringType,
					MarkdownDescription: "Scopes that the token must have, such as `\"read_api\"`, itself or by a scope that includes it. " +
						"A token that lacks one has the status `missing_scope` and is not valid. An error for a token whose scopes GitLab does not report.",
				},
				"id":      schema.Int64Attribute{Computed: true, MarkdownDescription: "ID of the token. Null if not reported."},
				"name":    computed("Name of the token. Null if not reported."),
				"user_id": schema.Int64Attribute{Computed: true, MarkdownDescription: "ID of the token's user, a bot for a project or group access token. Null if not reported."},
				"scopes":  schema.SetAttribute{Computed: true, ElementType: types.StringType, MarkdownDescription: "Scopes of the token. Null if not reported."},
				"missing_scopes": schema.SetAttribute{
					Computed: true, ElementType: types.StringType,
					MarkdownDescription: "Scopes in `required_scopes` that the token lacks. Empty if none is missing; null if `required_scopes` is not set or the token was rejected.",
				},
			}),
	}
}

type gitlabModel struct {
	commonModel
	tokenModel

	RequiredScopes types.Set    `tfsdk:"required_scopes"`
	ID             types.Int64  `tfsdk:"id"`
	Name           types.String `tfsdk:"name"`
	UserID         types.Int64  `tfsdk:"user_id"`
	Scopes         types.Set    `tfsdk:"scopes"`
	MissingScopes  types.Set    `tfsdk:"missing_scopes"`
}

type gitlabEphemeralModel struct {
	gitlabModel
	gateModel
}

func (m *gitlabModel) validate(r *rules) {
	r.elements(path.Root("required_scopes"), m.RequiredScopes, "Invalid scope", verdict.CheckScope, `Set one element for each scope, such as "api" or "read_user".`)
}

func (m *gitlabModel) verify(ctx context.Context, client *transport.Client, t token.Token, fresh bool) (verdict.Facts, error) {
	var required []string
	_ = m.RequiredScopes.ElementsAs(ctx, &required, false) // They are valid.
	v, err := gitlab.Verify(ctx, client, t, required, fresh)
	if err != nil {
		return verdict.Facts{}, err
	}

	m.ID, m.Name, m.UserID = numberValue(v.ID), stringValue(v.Name), numberValue(v.UserID)
	m.Scopes, m.MissingScopes = setValue(ctx, t, v.Scopes), setValue(ctx, t, v.MissingScopes)
	return v.Facts, nil
}
