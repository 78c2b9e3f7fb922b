package token

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/tokencheck/terraform-provider-tokencheck/internal/verdict"
)

// Names are the names of one issuer's token sources.
type Names struct {
	Argument string // the argument for the token itself: "api_token"
	Block    string // the block in the provider configuration: "cloudflare"
	Variable string // the environment variable: "CLOUDFLARE_API_TOKEN"
	Hints    []Hint // for users who set another environment variable and no token
}

// Hint is a sentence for users who set an environment variable that is not read.
type Hint struct{ Variable, Sentence string }

// ArgumentEnv returns the argument for the name of an environment variable.
func (n Names) ArgumentEnv() string { return n.Argument + "_env" }

// ArgumentFile returns the argument for the path of a file.
func (n Names) ArgumentFile() string { return n.Argument + "_file" }

// Provider returns the argument of the provider configuration:
// "cloudflare.api_token".
func (n Names) Provider() string { return n.Block + "." + n.Argument }

// Sources are the sources of a token. A nil string is not set.
type Sources struct {
	Names

	Value, Env, File *string // the data source's or ephemeral resource's own arguments
	FromProvider     *string // the token in the provider configuration
	LookupEnv        func(string) (string, bool)
}

// Resolve returns the token from the first source that is set: an own argument, the
// provider configuration, the issuer's environment variable. If that source has no
// token, it returns an error and does not try the next one. The error is a
// [*verdict.Error].
func (s Sources) Resolve(ctx context.Context) (Token, []verdict.Warning, error) {
	variable, _ := s.LookupEnv(s.Variable)
	switch {
	case s.Value != nil:
		return s.parse(*s.Value, "argument", "The value of "+s.Argument)
	case s.Env != nil:
		return s.fromEnv(*s.Env)
	case s.File != nil:
		return s.fromFile(ctx, *s.File)
	case s.FromProvider != nil:
		return s.parse(*s.FromProvider, "provider", "The value of "+s.Provider()+" in the provider configuration")
	case variable != "": // CI systems set an empty variable for a missing secret.
		return s.fromEnv(s.Variable)
	default:
		return Token{}, nil, s.noToken()
	}
}

func (s Sources) noToken() error {
	remedy := fmt.Sprintf("Set the environment variable %s, %s (the name of another variable), %s (a path), or %s in the provider configuration. "+
		"You can also set %s itself, but a data source stores it in the state and plan.", s.Variable, s.ArgumentEnv(), s.ArgumentFile(), s.Provider(), s.Argument)
	for _, hint := range s.Hints {
		if value, _ := s.LookupEnv(hint.Variable); value != "" {
			remedy = fmt.Sprintf("%s %s is set: %s", remedy, hint.Variable, hint.Sentence)
		}
	}
	cause := "No token is set here, in the provider configuration, or in the environment."
	if _, ok := s.LookupEnv(s.Variable); ok {
		cause += " " + s.Variable + " is empty, as a missing or withheld secret is in CI."
	}
	return &verdict.Error{Title: "No token to verify", Cause: cause, Remedy: remedy}
}

func (s Sources) fromEnv(name string) (Token, []verdict.Warning, error) {
	value, _ := s.LookupEnv(name)
	if value == "" {
		// The message omits the name: users set the token itself here.
		return Token{}, nil, &verdict.Error{
			Title:  "Token variable is not set",
			Cause:  "The environment variable that " + s.ArgumentEnv() + " names is not set, or is empty.",
			Remedy: "Set the variable in the environment in which Terraform runs. " + s.ArgumentEnv() + " takes the name of a variable, not the token.",
		}
	}

	t, warnings, err := s.parse(value, "env:"+name, "The value of the environment variable "+name)
	if err == nil && name == s.Variable && value != t.Reveal() {
		warnings = append(warnings, verdict.Warning{
			Title: "Whitespace around the token in " + name,
			Detail: "The value of the environment variable " + name + " begins or ends with whitespace, such as a newline. This provider ignores it, but other providers " +
				"send it and fail. Remove it where the variable is set, for example with printf instead of echo.",
		})
	}
	return t, warnings, err
}

// maxFile is the maximum size of a token file in bytes.
const maxFile = 64 << 10

func (s Sources) fromFile(ctx context.Context, path string) (Token, []verdict.Warning, error) {
	var content []byte
	done := make(chan error, 1)
	go func() { // A network file system may not respond.
		var err error
		content, err = readFile(path)
		done <- err
	}()

	var err error
	select {
	case err = <-done:
	case <-ctx.Done():
		err = errors.New("it was not read in time")
	}
	if err == nil {
		return s.parse(string(content), "file:"+path, "The content of the file "+path)
	}

	// The message omits the path: users set the token itself here.
	if pathErr, ok := errors.AsType[*os.PathError](err); ok {
		err = pathErr.Err
	}
	return Token{}, nil, &verdict.Error{
		Title: "Token file cannot be read", Cause: "The file that " + s.ArgumentFile() + " names cannot be read: " + err.Error() + ".",
		Remedy: "Set " + s.ArgumentFile() + " to the path of a regular file of at most 64 KiB that contains only the token. " +
			"A relative path is resolved relative to the working directory; a leading ~ is not expanded (use pathexpand).",
	}
}

// readFile reads a regular file. It checks the type before it opens the file, because
// opening a pipe takes its content from the reader it is meant for.
func readFile(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err == nil && !info.Mode().IsRegular() {
		err = errors.New("it is not a regular file")
	}
	if err != nil {
		return nil, err
	}

	file, err := os.Open(path) //nolint:gosec // Reading a file that the user names is the purpose.
	if err != nil {
		return nil, err //nolint:wrapcheck // The caller explains it to the user.
	}
	defer func() { _ = file.Close() }()

	content, err := io.ReadAll(io.LimitReader(file, maxFile+1))
	if len(content) > maxFile {
		return nil, errors.New("it is larger than 64 KiB")
	}
	return content, err //nolint:wrapcheck // The caller explains it to the user.
}

func (s Sources) parse(raw, source, what string) (Token, []verdict.Warning, error) {
	secret, err := Clean(raw, s.ArgumentFile())
	if err != nil {
		return Token{}, nil, &verdict.Error{Title: "Malformed token", Cause: what + " " + err.Error() + ".", Remedy: Remedy}
	}
	return Token{&secret, source}, nil, nil
}

// CheckEnvName reports why name is not the name of an environment variable. The
// error continues a sentence that names the value, and does not repeat it.
func CheckEnvName(name string) error {
	switch {
	case name == "":
		return errors.New("is empty")
	case strings.HasPrefix(name, "$"):
		return errors.New("begins with $; set the name without it")
	case strings.ContainsAny(name, " \t\r\n=\x00"):
		return errors.New("contains whitespace or =, which is not allowed in the name of an environment variable")
	}
	return nil
}
