package token

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// Reading a file that blocks takes no longer than the check's timeout.
func TestWithin(t *testing.T) {
	t.Parallel()

	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()

		content, err := within(ctx, func() ([]byte, error) {
			time.Sleep(time.Hour)

			return []byte("late"), nil
		})
		if !errors.Is(err, context.DeadlineExceeded) || content != nil {
			t.Errorf("read %q, %v", content, err)
		}

		time.Sleep(2 * time.Hour) // The bubble fails if the reader is still running.
	})
}

// Only parts of a missing path that cannot be a token are shown.
func TestShown(t *testing.T) {
	t.Parallel()

	dir := t.TempDir()

	for path, want := range map[string]string{
		"a.txt": ", a.txt,", "a.token": ", a.token,", "a.env": ", a.env,", "a.key": ", a.key,", "a.secret": ", a.secret,", filepath.Join(dir, "a"): ", in " + dir + ",", "../token/a": ", in ../token,",
		"a": "", "./a": "", "a.b": "", "/a": "", "a/b": "", filepath.Join(dir, "a", "b"): "",
	} {
		if got := shown(path); got != want {
			t.Errorf("shown(%q) = %q, want %q", path, got, want)
		}
	}
}

// Opening a pipe or a socket does not block, and neither is read.
func TestReadRegular(t *testing.T) {
	t.Parallel()

	pipe := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}

	// A writer exists, and has written: only the type of the file matters.
	writer, err := os.OpenFile(pipe, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer writer.Close()

	if _, err := writer.WriteString("token"); err != nil {
		t.Fatal(err)
	}

	// Reading it would block forever.
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()

	if content, err := within(ctx, func() ([]byte, error) { return readRegular(pipe) }); !errors.Is(err, errNotRegular) || content != nil {
		t.Errorf("read %q, %v", content, err)
	}
}
