package provider

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/schema/validator"

	"github.com/tokencheck/terraform-provider-tokencheck/internal/token"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/transport"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/verdict"
)

const (
	tokenRemedy = "Give the bare token, exactly as its issuer showed it, or remove the argument."
	urlRemedy   = "Give the URL of the server itself, such as https://host/path, without user name, query or fragment."
)

// stringRule is a validator made of a function that tells what is wrong with a
// string. Unlike those of the framework it never repeats the value, which may be
// a token that was put into the wrong argument.
type stringRule struct {
	summary string
	find    func(string) error
	remedy  string
}

// rule makes a validator. The error of find continues a sentence that begins
// with the argument's name; the remedy says what to write instead.
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
		if strings.HasSuffix(name.String(), "]") { // The path of a set's element holds its value.
			name = name.ParentPath()
		}

		resp.Diagnostics.AddAttributeError(name, v.summary, fmt.Sprintf("The value of %s %s.\n\n%s", name, err, v.remedy))
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

func readablePEM(s string) error {
	if s == "" {
		return errors.New("is empty")
	}

	return transport.CheckTrustBundle(s)
}

func positiveDuration(s string) error {
	d, err := parseDuration(s)
	if err == nil && d <= 0 {
		return errors.New("is not above zero")
	}

	return err
}

func durationNotNegative(s string) error {
	d, err := parseDuration(s)
	if err == nil && d < 0 {
		return errors.New("is negative")
	}

	return err
}

// parseDuration reads a Go duration, and tells who writes days how many hours
// they are.
func parseDuration(s string) (time.Duration, error) {
	d, err := time.ParseDuration(s)
	if err == nil {
		return d, nil
	}

	if s == "" {
		return 0, errors.New("is empty")
	}

	number, rest, found := strings.Cut(s, "d")
	if days, err := strconv.Atoi(number); found && err == nil && days > 0 && days < 100_000 {
		if _, err := time.ParseDuration("0h" + rest); err == nil {
			hours, _ := time.ParseDuration(fmt.Sprintf("%dh", days*24))
			more, _ := time.ParseDuration("0h" + rest)

			return 0, fmt.Errorf(`is in days, which are no unit of a Go duration: write %q`, verdict.Brief(hours+more))
		}
	}

	return 0, errors.New(`is not a duration`)
}

// errorOnly makes a parser fit for a rule.
func errorOnly(parse func(string) (*url.URL, error)) func(string) error {
	return func(s string) error {
		_, err := parse(s)

		return err
	}
}
