package token

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// A file that never answers costs no more than the check's time.
func TestWithin(t *testing.T) {
	t.Parallel()

	release := make(chan struct{})
	defer close(release)

	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()

	content, err := within(ctx, func() ([]byte, error) {
		<-release

		return []byte("late"), nil
	})
	if !errors.Is(err, context.DeadlineExceeded) || content != nil {
		t.Errorf("read %q, %v", content, err)
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
