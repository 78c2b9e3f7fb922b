package token

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"syscall"

	"github.com/tokencheck/terraform-provider-tokencheck/internal/verdict"
)

// maxFile is the size of the largest token file that is read, in bytes.
const maxFile = 64 << 10

func (s Sources) fromFile(ctx context.Context, path string) (Token, error) {
	refuse := func(happened string, err error) error {
		return &verdict.Error{
			Summary: "Token file cannot be read", Happened: happened,
			Remedy: s.ArgumentFile() + " takes the path of a regular file of at most 64 KiB that contains the token and nothing else. " +
				"A relative path is resolved relative to the working directory; a leading ~ is not expanded (use pathexpand).",
			Err: err,
		}
	}

	where := "" // What may be told of a path; people put the token itself here.

	content, err := within(ctx, func() ([]byte, error) {
		content, err := readRegular(path)
		if errors.Is(err, fs.ErrNotExist) {
			where = shown(path)
		}

		return content, err
	})

	switch {
	case path == "":
		return Token{}, refuse("The path in "+s.ArgumentFile()+" is empty.", nil)
	case err == nil:
		return parse(string(content), "file:"+path, "The content of the file "+path)
	case ctx.Err() != nil:
		return Token{}, refuse("The file was not read within the timeout, or the run was cancelled.", err)
	case errors.Is(err, fs.ErrNotExist):
		return Token{}, refuse("The file that "+s.ArgumentFile()+" names"+where+" does not exist.", err)
	default:
		return Token{}, refuse("The file that "+s.ArgumentFile()+" names cannot be read: "+cause(err)+".", err)
	}
}

var (
	errNotRegular = errors.New("it is not a regular file")
	errTooLarge   = errors.New("it is larger than 64 KiB")
)

// within calls read as long as the context lasts: a file system, or a file of the
// kernel that counts as regular, may never answer.
func within(ctx context.Context, read func() ([]byte, error)) ([]byte, error) {
	type result struct {
		content []byte
		err     error
	}

	done := make(chan result, 1)

	go func() {
		content, err := read()
		done <- result{content, err}
	}()

	select {
	case r := <-done:
		return r.content, r.err
	case <-ctx.Done():
		return nil, ctx.Err() //nolint:wrapcheck // It is explained, not shown.
	}
}

// readRegular opens a file without blocking, as a pipe would until somebody writes
// to it, and looks at what was opened.
func readRegular(path string) ([]byte, error) {
	file, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0) //nolint:gosec // The user names the file; reading it is the purpose.
	if err != nil {
		return nil, err //nolint:wrapcheck // It is explained, not shown.
	}
	defer func() { _ = file.Close() }()

	if info, err := file.Stat(); err != nil || !info.Mode().IsRegular() {
		return nil, errors.Join(err, errNotRegular)
	}

	content, err := io.ReadAll(io.LimitReader(file, maxFile+1))
	if len(content) > maxFile {
		err = errTooLarge
	}

	return content, err
}

// shown is what may be told of a path at which there is no file: all of it where it has
// an extension that such files have, its directory where there is that one, else nothing.
func shown(path string) string {
	if slices.Contains([]string{".txt", ".token", ".env", ".key", ".secret"}, filepath.Ext(path)) {
		return ", " + path + ","
	}

	dir := filepath.Dir(path)
	if dir == filepath.Dir(dir) { // "." or "/", with which a token can begin.
		return ""
	}

	if _, err := os.Stat(dir); err != nil {
		return ""
	}

	return ", in " + dir + ","
}

// cause is what went wrong with a file, without its path.
func cause(err error) string {
	if pathErr, ok := errors.AsType[*fs.PathError](err); ok {
		return pathErr.Err.Error()
	}

	return err.Error()
}
