package provider

import (
	"context"
	"time"

	"github.com/hashicorp/terraform-plugin-framework-timetypes/timetypes"
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-log/tflog"

	"github.com/tokencheck/terraform-provider-tokencheck/internal/token"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/verdict"
)

// request is the part of a check that every issuer has.
type request struct {
	token    token.Token
	question verdict.Question
}

// prepare finds the check's token, which is masked in the log from here on, and
// the question.
func prepare(ctx context.Context, host Host, sources token.Sources, provider types.String, minRemaining types.String) (context.Context, request, error) {
	if !sources.HasOwn() {
		if provider.IsUnknown() {
			return ctx, request{}, &verdict.Error{
				Summary:  "Provider configuration is not known yet",
				Happened: sources.Provider() + " in the provider configuration depends on something that this run has yet to create or read, so the token to verify is not known.",
				Remedy: "Give the token as the check's own argument, which Terraform puts off until it is known, or create what it depends on in an earlier run. " +
					"The environment is not looked at: it could hold another token.",
			}
		}

		sources.FromProvider = provider.ValueStringPointer()
	}

	sources.LookupEnv = host.LookupEnv

	bearer, err := sources.Resolve()
	if err != nil {
		return ctx, request{}, err
	}

	ctx = tflog.MaskAllFieldValuesStrings(ctx, bearer.Reveal())
	ctx = tflog.MaskMessageStrings(ctx, bearer.Reveal())

	r := request{token: bearer, question: verdict.Question{TokenSource: bearer.Source()}}

	if !minRemaining.IsNull() {
		d, err := parseDuration(minRemaining.ValueString())
		if err != nil {
			return ctx, request{}, err
		}

		r.question.MinRemaining = &d
	}

	return ctx, r, nil
}

// decide fills in the attributes that every check has.
func (m *verdictModel) decide(ctx context.Context, facts verdict.Facts, r request, words verdict.Words) error {
	v, err := verdict.Decide(facts, r.question, words)
	if err != nil {
		return err
	}

	tflog.Debug(ctx, "token verified", map[string]any{"status": string(v.Status), "token_source": r.token.Source()})

	m.Valid = types.BoolValue(v.Valid())
	m.Status = types.StringValue(string(v.Status))
	m.Reason = types.StringValue(v.Reason)
	m.ExpiresOn = timeValue(facts.ExpiresOn)
	m.TokenSource = types.StringValue(r.token.Source())

	return nil
}

// timeValue gives a time as an attribute, null for none.
func timeValue(t *time.Time) timetypes.RFC3339 {
	if t == nil {
		return timetypes.NewRFC3339Null()
	}

	return timetypes.NewRFC3339ValueMust(verdict.Format(*t)) // The clients refuse years that RFC 3339 cannot write.
}

// stringValue gives a string as an attribute, null for the empty one.
func stringValue(s string) types.String {
	if s == "" {
		return types.StringNull()
	}

	return types.StringValue(s)
}

// stringsOf gives the elements of a set of strings.
func stringsOf(set types.Set) []string {
	var all []string

	for _, element := range set.Elements() {
		if s, ok := element.(types.String); ok {
			all = append(all, s.ValueString())
		}
	}

	return all
}

// setOf makes a set of strings.
func setOf(all []string) types.Set {
	elements := make([]attr.Value, len(all))
	for i, s := range all {
		elements[i] = types.StringValue(s)
	}

	return types.SetValueMust(types.StringType, elements)
}
