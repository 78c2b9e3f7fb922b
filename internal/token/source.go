package token

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/tokencheck/terraform-provider-tokencheck/internal/verdict"
)

// maxFile is the size of the largest token file that is read, in bytes.
const maxFile = 64 << 10

// Names are what the places are called for one issuer.
type Names struct {
	// Argument is the check's argument for the token itself, and that of the
	// provider's block: "api_token".
	Argument string
	// Block is the issuer's block in the provider configuration: "cloudflare".
	Block string
	// Variable is the issuer's own environment variable: "CLOUDFLARE_API_TOKEN".
	Variable string
}

// ArgumentEnv is the check's argument for the name of an environment variable.
func (n Names) ArgumentEnv() string { return n.Argument + "_env" }

// ArgumentFile is the check's argument for the path of a file.
func (n Names) ArgumentFile() string { return n.Argument + "_file" }

// Provider is the argument of the provider configuration: "cloudflare.api_token".
func (n Names) Provider() string { return n.Block + "." + n.Argument }

// Sources are the places where a check can take its token from. A nil string is
// one that was not given.
type Sources struct {
	Names

	// Value, Env and File are the check's own three arguments.
	Value, Env, File *string
	// FromProvider is the token of the provider configuration.
	FromProvider *string
	// LookupEnv looks a variable up, as [os.LookupEnv] does.
	LookupEnv func(string) (string, bool)
}

// HasOwn reports whether the check itself gives its token, so that the provider
// configuration does not matter.
func (s Sources) HasOwn() bool { return s.Value != nil || s.Env != nil || s.File != nil }

// Resolve takes the token from the first place that was given: the check's own
// arguments, the provider configuration, the issuer's environment variable. A
// place that was given but holds no token is an error, never a reason to look
// further. Every error is a [*verdict.Error].
func (s Sources) Resolve() (Token, error) {
	switch {
	case s.Value != nil:
		return s.parse(*s.Value, "argument", s.Argument, "The value of "+s.Argument)
	case s.Env != nil:
		return s.fromEnv(*s.Env)
	case s.File != nil:
		return s.fromFile(*s.File)
	case s.FromProvider != nil:
		return s.parse(*s.FromProvider, "provider", "", "The value of "+s.Provider()+" in the provider configuration")
	}

	// An empty variable counts as not set, since that is how CI systems pass on
	// a secret that does not exist.
	if value, _ := s.LookupEnv(s.Variable); value != "" {
		return s.parse(value, "env:"+s.Variable, "", "The value of the environment variable "+s.Variable)
	}

	return Token{}, &verdict.Error{
		Summary:  "No token to verify",
		Happened: "No token was given to this check, to the provider, or in the environment.",
		Remedy: fmt.Sprintf("Give it in one of these ways: %[1]s, %[1]s_env (the name of an environment variable) or %[1]s_file (a path) "+
			"in this check, %[2]s in the provider configuration, or the environment variable %[3]s.",
			s.Argument, s.Provider(), s.Variable),
	}
}

func (s Sources) fromEnv(name string) (Token, error) {
	argument := s.ArgumentEnv()
	if err := CheckEnvName(name); err != nil {
		return Token{}, s.malformed(argument, "The value of "+argument, err)
	}

	if value, _ := s.LookupEnv(name); value != "" {
		return s.parse(value, "env:"+name, argument, "The value of the environment variable "+name)
	}

	// A name is repeated only if it looks like one: people put the token itself here.
	shown := "that it names"
	if strings.Trim(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") == "" {
		shown = name
	}

	return Token{}, &verdict.Error{
		Argument: argument,
		Summary:  "Token variable is not set",
		Happened: fmt.Sprintf("The environment variable %s is not set, or is empty, where Terraform runs.", shown),
		Remedy: fmt.Sprintf("Set the variable in the environment in which Terraform runs. %s takes the name of a variable, not the token itself.",
			argument),
	}
}

func (s Sources) fromFile(path string) (Token, error) {
	argument := s.ArgumentFile()
	refuse := func(happened string, err error) error {
		remedy := argument + " takes the path of a regular file of at most 64 KiB that holds the token and nothing else. " +
			"A relative path is taken from the directory in which Terraform runs; a leading ~ is not expanded (use pathexpand)."

		return &verdict.Error{
			Argument: argument, Summary: "Token file cannot be read", Happened: happened, Remedy: remedy, Err: err,
		}
	}

	if path == "" {
		return Token{}, refuse("The path is empty.", nil)
	}

	// The file is looked at before it is opened, because opening a pipe waits
	// for whoever writes to it.
	info, err := os.Stat(path)

	switch {
	case errors.Is(err, fs.ErrNotExist) && !looksLikePath(path):
		// Not repeated: people put the token itself here.
		return Token{}, refuse("The file that it names does not exist.", err)
	case errors.Is(err, fs.ErrNotExist):
		return Token{}, refuse("The file "+path+" does not exist.", err)
	case err != nil:
		return Token{}, refuse("The file that it names cannot be read: "+cause(err)+".", err)
	case !info.Mode().IsRegular():
		return Token{}, refuse(path+" is not a regular file.", nil)
	}

	file, err := os.Open(path) //nolint:gosec // The user names the file; reading it is the purpose.
	if err != nil {
		return Token{}, refuse("The file "+path+" cannot be read: "+cause(err)+".", err)
	}
	defer func() { _ = file.Close() }()

	content, err := io.ReadAll(io.LimitReader(file, maxFile+1))

	switch {
	case err != nil:
		return Token{}, refuse("The file "+path+" cannot be read: "+cause(err)+".", err)
	case len(content) > maxFile:
		return Token{}, refuse("The file "+path+" is larger than 64 KiB.", nil)
	}

	return s.parse(string(content), "file:"+path, argument, "The content of the file "+path)
}

// looksLikePath reports whether path is one and not a token: it has an extension
// that such files have, or names a directory that exists.
func looksLikePath(path string) bool {
	if slices.Contains([]string{".txt", ".token", ".env", ".key", ".secret"}, filepath.Ext(path)) {
		return true
	}

	dir := filepath.Dir(path)
	if dir == "." || dir == filepath.Dir(dir) { // A token can begin with a slash.
		return false
	}

	info, err := os.Stat(dir)

	return err == nil && info.IsDir()
}

// cause is the system's own word for a file error, without the path.
func cause(err error) string {
	if pathErr, ok := errors.AsType[*fs.PathError](err); ok {
		return pathErr.Err.Error()
	}

	return "unknown cause"
}

func (s Sources) parse(raw, source, argument, what string) (Token, error) {
	secret, err := Clean(raw)
	if err != nil {
		return Token{}, s.malformed(argument, what, err)
	}

	return Token{secret: &secret, source: source}, nil
}

func (s Sources) malformed(argument, what string, err error) error {
	return &verdict.Error{
		Argument: argument,
		Summary:  "Not a token",
		Happened: what + " " + err.Error() + ".",
		Remedy:   "Give the bare token, exactly as its issuer showed it. Nothing was sent to the issuer.",
	}
}

// CheckEnvName reports why name cannot be the name of an environment variable.
// The error continues a sentence that names the value, and does not repeat it.
func CheckEnvName(name string) error {
	switch {
	case name == "":
		return errors.New("is empty")
	case strings.HasPrefix(name, "$"):
		return errors.New("begins with $; write the variable's name alone")
	case strings.ContainsFunc(name, func(r rune) bool { return r <= ' ' || r == '=' || r == 0x7f }):
		return errors.New("cannot be the name of an environment variable (no blanks, no =)")
	}

	return nil
}

// Clean removes one line end from the end of raw and reports what makes the
// rest impossible as a bearer token. Length and pattern are not judged, since
// issuers change them. The error continues a sentence that names the value, and
// does not repeat any of it.
func Clean(raw string) (string, error) {
	if line, found := strings.CutSuffix(raw, "\n"); found {
		raw = strings.TrimSuffix(line, "\r")
	}

	switch {
	case raw == "":
		return "", errors.New("is empty")
	case strings.HasPrefix(raw, "\ufeff"):
		return "", errors.New("begins with a byte order mark")
	case strings.ContainsAny(raw, "“”‘’«»"):
		return "", errors.New("holds typographic quotes")
	case strings.ContainsAny(raw[:1], "\"'`") || strings.ContainsAny(raw[len(raw)-1:], "\"'`"):
		return "", errors.New("has quotes around it")
	case len(raw) >= 7 && strings.EqualFold(raw[:7], "Bearer "):
		return "", errors.New(`begins with "Bearer ", which the provider adds itself`)
	case strings.Contains(raw, "${"):
		return "", errors.New("holds a ${…} that was not expanded")
	case strings.ContainsAny(raw, "\r\n"):
		return "", errors.New("holds a line break")
	case strings.ContainsAny(raw, " \t"):
		return "", errors.New("holds a blank")
	}

	for i := range len(raw) {
		if raw[i] <= ' ' || raw[i] > '~' {
			return "", errors.New("holds a character that is not printable ASCII")
		}
	}

	return raw, nil
}
