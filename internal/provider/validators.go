package provider

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/tokencheck/terraform-provider-tokencheck/internal/token"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/transport"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/verdict"
)

const (
	tokenRemedy = "Set the token alone, exactly as its issuer showed it, or remove the argument." //nolint:gosec // Text about tokens, not a token.
	urlRemedy   = "Set the URL of the server, such as https://host/path, without a user name, query, or fragment."
)

// stringRule is a validator for strings. Unlike the framework's, it does not repeat
// the value, which may be a token in the wrong argument, and its errors have no
// attribute path, because the CLI would print that line of the configuration.
// Only the framework's own diagnostics, about numbers, pairs, and read-only attributes, have a
// path.
type stringRule struct {
	summary string
	find    func(string) error
	remedy  string
}

// rule returns a validator. The error of find continues a sentence that begins with
// the argument's name; the remedy says what to set instead.
func rule(summary string, find func(string) error, remedy string) validator.String {
	return stringRule{summary, find, remedy}
}

// Description implements [validator.Describer].
func (v stringRule) Description(context.Context) string { return v.remedy }

// MarkdownDescription implements [validator.Describer].
func (v stringRule) MarkdownDescription(context.Context) string { return v.remedy }

// ValidateString implements [validator.String].
func (v stringRule) ValidateString(_ context.Context, req validator.StringRequest, resp *validator.StringResponse) {
	if req.ConfigValue.IsNull() || req.ConfigValue.IsUnknown() {
		return
	}

	if err := v.find(req.ConfigValue.ValueString()); err != nil {
		name := req.Path
		if strings.HasSuffix(name.String(), "]") { // The path of a set's element contains its value.
			name = name.ParentPath()
		}

		resp.Diagnostics.AddError(v.summary, fmt.Sprintf("The value of %s %s.\n\n%s", name, err, v.remedy))
	}
}

// conflicts is a validator for an argument that excludes others. Unlike the
// framework's, its errors have no attribute path, as in [stringRule].
type conflicts struct{ others []string }

// Description implements [validator.Describer].
func (v conflicts) Description(context.Context) string {
	return "Conflicts with " + strings.Join(v.others, " and ") + "."
}

// MarkdownDescription implements [validator.Describer].
func (v conflicts) MarkdownDescription(ctx context.Context) string { return v.Description(ctx) }

// ValidateString implements [validator.String].
func (v conflicts) ValidateString(ctx context.Context, req validator.StringRequest, resp *validator.StringResponse) {
	for _, other := range v.others {
		var value types.String

		resp.Diagnostics.Append(req.Config.GetAttribute(ctx, path.Root(other), &value)...)

		if !req.ConfigValue.IsNull() && !value.IsNull() && !value.IsUnknown() && !req.ConfigValue.IsUnknown() {
			resp.Diagnostics.AddError("Conflicting token arguments",
				fmt.Sprintf("%s and %s are both set, but a check verifies one token.\n\nRemove one of the two arguments.", other, req.Path))
		}
	}
}

// noNulls is a validator for a set of strings. Unlike the framework's it has no
// attribute path, as in [stringRule].
type noNulls struct{ summary, remedy string }

// Description implements [validator.Describer].
func (v noNulls) Description(context.Context) string { return v.remedy }

// MarkdownDescription implements [validator.Describer].
func (v noNulls) MarkdownDescription(context.Context) string { return v.remedy }

// ValidateSet implements [validator.Set].
func (v noNulls) ValidateSet(_ context.Context, req validator.SetRequest, resp *validator.SetResponse) {
	if slices.ContainsFunc(req.ConfigValue.Elements(), attr.Value.IsNull) {
		resp.Diagnostics.AddError(v.summary, fmt.Sprintf("The value of %s contains null.\n\n%s", req.Path, v.remedy))
	}
}

func notEmpty(s string) error {
	if s == "" {
		return errors.New("is empty")
	}

	return nil
}

func cleanToken(s string) error {
	_, err := token.Clean(s)

	return err
}

func tlsVersion(s string) error {
	if s != "1.2" && s != "1.3" {
		return errors.New("is not a supported TLS version")
	}

	return nil
}

func readablePEM(s string) error {
	if s == "" {
		return errors.New("is empty")
	}

	return transport.CheckTrustBundle(s)
}

func positiveDuration(s string) error {
	d, err := parseDuration(s)
	if err == nil && d <= 0 {
		return errors.New("is not positive")
	}

	return err
}

func durationNotNegative(s string) error {
	d, err := parseDuration(s)
	if d < 0 {
		return errors.New("is negative")
	}

	return err
}

// parseDuration parses a Go duration. If the value is in days, the error says how
// many hours they are. With an error, the duration is zero.
func parseDuration(s string) (time.Duration, error) {
	d, err := time.ParseDuration(s)
	if err == nil {
		return d, nil
	}

	if s == "" {
		return 0, errors.New("is empty")
	}

	number, rest, found := strings.Cut(s, "d")
	if days, err := strconv.ParseUint(number, 10, 32); found && err == nil {
		if d, err := time.ParseDuration(fmt.Sprintf("%dh%s", days*24, rest)); err == nil {
			return 0, fmt.Errorf(`is in days, which are not a unit of Go durations: write %q`, verdict.Brief(d))
		}
	}

	if _, err := strconv.ParseFloat(s, 64); err == nil {
		return 0, errors.New("has no unit: append one, such as h for hours")
	}

	return 0, errors.New("is not a duration, or is longer than 292 years")
}

// errorOnly adapts a parser to [rule].
func errorOnly(parse func(string) (*url.URL, error)) func(string) error {
	return func(s string) error {
		_, err := parse(s)

		return err
	}
}
