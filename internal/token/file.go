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

// maxFile is the maximum size of a token file in bytes.
const maxFile = 64 << 10

func (s Sources) fromFile(ctx context.Context, path string) (Token, error) {
	refuse := func(happened string, err error) error {
		return &verdict.Error{
			Summary: "Token file cannot be read", Happened: happened,
			Remedy: "Set " + s.ArgumentFile() + " to the path to a regular file of at most 64 KiB that contains only the token. " +
				"A relative path is resolved relative to the working directory; a leading ~ is not expanded (use pathexpand).",
			Err: err,
		}
	}

	where := "" // The part of the path to show; users set the token itself here.

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

// within calls read, and waits for it only until the context is done: a file
// system, or a kernel file that counts as regular, may never respond.
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
		return nil, ctx.Err() //nolint:wrapcheck // Callers explain it to the user.
	}
}

// readRegular opens a file without blocking, because opening a pipe would block
// until something writes to it, and then checks its type.
func readRegular(path string) ([]byte, error) {
	file, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0) //nolint:gosec // Reading a file that the user names is the purpose.
	if err != nil {
		return nil, err //nolint:wrapcheck // Callers explain it to the user.
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

// shown returns the part of a nonexistent path that is safe to show: all of it if
// its extension is typical of token files, its directory if that exists, else
// nothing.
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

// cause returns the reason of a file error without the path.
func cause(err error) string {
	if pathErr, ok := errors.AsType[*fs.PathError](err); ok {
		return pathErr.Err.Error()
	}

	return err.Error()
}
