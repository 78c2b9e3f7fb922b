package token_test

import (
	"context"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/tokencheck/terraform-provider-tokencheck/internal/token"
)

// TestPipe asserts that a pipe is not opened: its reader still gets its content.
func TestPipe(t *testing.T) {
	t.Parallel()

	path := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	pipe, _ := os.OpenFile(path, os.O_RDWR, 0)
	defer pipe.Close()
	pipe.WriteString(secret)

	got, _, err := token.Sources{Names: names, File: &path, LookupEnv: env(nil)}.Resolve(t.Context())
	wantFault(t, got, err, "Token file cannot be read", "not a regular")

	content := make([]byte, len(secret))
	if _, err := pipe.Read(content); err != nil || string(content) != secret {
		t.Errorf("the pipe has %q, %v", content, err)
	}
}

// TestHang reads a file that cannot be opened for a long time, as on a network file
// system that does not respond: a write lease makes others wait until it is released.
func TestHang(t *testing.T) {
	t.Parallel()

	path := filepath.Join(t.TempDir(), "token")
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close() // Releases the lease.
	if _, _, errno := syscall.Syscall(syscall.SYS_FCNTL, file.Fd(), syscall.F_SETLEASE, syscall.F_WRLCK); errno != 0 {
		t.Skip("this file system has no leases: ", errno)
	}

	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	got, _, err := token.Sources{Names: names, File: &path, LookupEnv: env(nil)}.Resolve(ctx)
	wantFault(t, got, err, "Token file cannot be read", "in time")
}
