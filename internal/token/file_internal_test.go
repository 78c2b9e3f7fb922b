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

// A file that never answers costs no more than the check's time.
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

		time.Sleep(2 * time.Hour) // The bubble fails if what read is still there.
	})
}

// A path that is not there is told only where it cannot be a token.
func TestLooksLikePath(t *testing.T) {
	t.Parallel()

	dir := t.TempDir()

	for path, want := range map[string]bool{
		"a.txt": true, "a.token": true, "a.env": true, "a.key": true, "a.secret": true, filepath.Join(dir, "a"): true, "../token/a": true,
		"a": false, "./a": false, "a.b": false, "/a": false, "a/b": false, filepath.Join(dir, "a", "b"): false,
	} {
		if got := looksLikePath(path); got != want {
			t.Errorf("looksLikePath(%q) = %v", path, got)
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

	// A writer is there, and has written: it is the kind of the file that counts.
	writer, err := os.OpenFile(pipe, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer writer.Close()

	if _, err := writer.WriteString("token"); err != nil {
		t.Fatal(err)
	}

	// Reading it would last for ever.
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()

	if content, err := within(ctx, func() ([]byte, error) { return readRegular(pipe) }); !errors.Is(err, errNotRegular) || content != nil {
		t.Errorf("read %q, %v", content, err)
	}
}
