package token

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/tokencheck/terraform-provider-tokencheck/internal/verdict"
)

// Names are the names of one issuer's token sources.
type Names struct {
	// Argument is the argument for the token itself, in the check and in the
	// provider's block: "api_token".
	Argument string
	// Block is the issuer's block in the provider configuration: "cloudflare".
	Block string
	// Variable is the issuer's environment variable: "CLOUDFLARE_API_TOKEN".
	Variable string
	// Hints maps other environment variables to sentences for users who set one of
	// them and no token.
	Hints map[string]string
}

// ArgumentEnv returns the check's argument for the name of an environment variable.
func (n Names) ArgumentEnv() string { return n.Argument + "_env" }

// ArgumentFile returns the check's argument for the path of a file.
func (n Names) ArgumentFile() string { return n.Argument + "_file" }

// Provider returns the argument of the provider configuration:
// "cloudflare.api_token".
func (n Names) Provider() string { return n.Block + "." + n.Argument }

// Sources are the token sources of a check. A nil string is not set.
type Sources struct {
	Names

	// Value, Env and File are the check's own three arguments.
	Value, Env, File *string
	// FromProvider is the token in the provider configuration.
	FromProvider *string
	// LookupEnv looks up an environment variable as [os.LookupEnv] does.
	LookupEnv func(string) (string, bool)
}

// HasOwn reports whether the check sets its own token, so that the provider
// configuration does not matter.
func (s Sources) HasOwn() bool { return s.Value != nil || s.Env != nil || s.File != nil }

// Resolve returns the token from the first source that is set: the check's own
// arguments, the provider configuration, the issuer's environment variable. If that
// source contains no token, it returns an error and does not try the next one. The
// context limits how long reading a file may take. Every error is a
// [*verdict.Error] without an attribute path: the CLI would print that line of the
// configuration, and with it a token that was set there.
func (s Sources) Resolve(ctx context.Context) (Token, []verdict.Warning, error) {
	var (
		t   Token
		err error
	)

	switch {
	case s.Value != nil:
		t, err = parse(*s.Value, "argument", "The value of "+s.Argument)
	case s.Env != nil:
		t, err = s.fromEnv(*s.Env)
	case s.File != nil:
		t, err = s.fromFile(ctx, *s.File)
	case s.FromProvider != nil:
		t, err = parse(*s.FromProvider, "provider", "The value of "+s.Provider()+" in the provider configuration")
	default:
		t, err = s.fromIssuerVariable()
	}

	if err != nil || t.Source() != "env:"+s.Variable {
		return t, nil, err
	}

	return t, s.trimmed(t), nil
}

// fromIssuerVariable returns the token in the issuer's environment variable. Empty
// counts as unset, because CI systems set an empty variable for a missing secret.
func (s Sources) fromIssuerVariable() (Token, error) {
	value, _ := s.LookupEnv(s.Variable)
	if value == "" {
		return Token{}, s.noToken()
	}

	return parse(value, "env:"+s.Variable, "The value of the environment variable "+s.Variable)
}

// trimmed returns a warning if other providers cannot use the issuer's variable as
// it is.
func (s Sources) trimmed(t Token) []verdict.Warning {
	if value, _ := s.LookupEnv(s.Variable); value == t.Reveal() {
		return nil
	}

	return []verdict.Warning{{
		Summary: "Trailing newline in " + s.Variable,
		Detail: "The environment variable " + s.Variable + " ends with a newline. This provider ignores it, but other providers " +
			"may send it and fail. Remove the newline where the variable is set, for example with printf instead of echo.",
	}}
}

func (s Sources) noToken() error {
	var remedy strings.Builder

	fmt.Fprintf(&remedy, "Set the environment variable %[3]s. Or set %[1]s_env (the name of another variable) or %[1]s_file (a path) in this check, "+
		"or %[2]s in the provider configuration. You can also set %[1]s in the check, but a data source stores it in state and plan.",
		s.Argument, s.Provider(), s.Variable)

	for _, variable := range slices.Sorted(maps.Keys(s.Hints)) {
		if value, _ := s.LookupEnv(variable); value != "" {
			remedy.WriteString(" " + s.Hints[variable])
		}
	}

	return &verdict.Error{
		Summary:  "No token to verify",
		Happened: "No token is set in this check, in the provider configuration, or in the environment.",
		Remedy:   remedy.String(),
	}
}

func (s Sources) fromEnv(name string) (Token, error) {
	argument := s.ArgumentEnv()
	if err := CheckEnvName(name); err != nil {
		return Token{}, malformed("The value of "+argument, err)
	}

	if value, _ := s.LookupEnv(name); value != "" {
		return parse(value, "env:"+name, "The value of the environment variable "+name)
	}

	// The message omits the name: users set the token itself here.
	return Token{}, &verdict.Error{
		Summary:  "Token variable is not set",
		Happened: "The environment variable that " + argument + " names is not set, or is empty.",
		Remedy:   "Set the variable in the environment in which Terraform runs. " + argument + " takes the name of a variable, not the token.",
	}
}

func parse(raw, source, what string) (Token, error) {
	secret, err := Clean(raw)
	if err != nil {
		return Token{}, malformed(what, err)
	}

	return newToken(secret, source), nil
}

func malformed(what string, err error) error {
	return &verdict.Error{
		Summary:  "Malformed token",
		Happened: what + " " + err.Error() + ".",
		Remedy:   "Set the token alone, exactly as its issuer showed it. Nothing was sent to the issuer.",
	}
}

// CheckEnvName reports why name is not a valid name of an environment variable. The
// error continues a sentence that names the value, and does not repeat it.
func CheckEnvName(name string) error {
	switch {
	case name == "":
		return errors.New("is empty")
	case strings.HasPrefix(name, "$"):
		return errors.New("begins with $; set the name without it")
	case strings.ContainsFunc(name, func(r rune) bool { return r <= ' ' || r == '=' || r == 0x7f }):
		return errors.New("contains whitespace or =, which is not allowed in the name of an environment variable")
	}

	return nil
}

// Clean removes one trailing newline from raw and reports why the rest cannot be a
// bearer token. It does not check length or pattern, since issuers change them. The
// error continues a sentence that names the value, and repeats no part of it.
func Clean(raw string) (string, error) {
	if line, found := strings.CutSuffix(raw, "\n"); found {
		raw = strings.TrimSuffix(line, "\r")
	}

	switch {
	case raw == "":
		return "", errors.New("is empty")
	case strings.HasPrefix(raw, "\ufeff"), strings.HasPrefix(raw, "\xff\xfe"), strings.HasPrefix(raw, "\xfe\xff"):
		return "", errors.New("begins with a byte order mark")
	case strings.ContainsAny(raw, "“”‘’«»"):
		return "", errors.New("contains curly quotes")
	case strings.ContainsAny(raw[:1], "\"'`") || strings.ContainsAny(raw[len(raw)-1:], "\"'`"):
		return "", errors.New("has surrounding quotes")
	case len(raw) >= 7 && strings.EqualFold(raw[:7], "Bearer "):
		return "", errors.New(`begins with "Bearer ", which the provider adds itself`)
	case strings.Contains(raw, "://"):
		return "", errors.New("is a URL")
	case strings.Contains(raw, "${"):
		return "", errors.New("contains an unexpanded ${…}")
	case strings.ContainsAny(raw, "\r\n"):
		return "", errors.New("contains a newline")
	case strings.ContainsAny(raw, " \t"):
		return "", errors.New("contains whitespace")
	}

	for i := range len(raw) {
		if raw[i] <= ' ' || raw[i] > '~' {
			return "", errors.New("contains a character that is not printable ASCII")
		}
	}

	return raw, nil
}
