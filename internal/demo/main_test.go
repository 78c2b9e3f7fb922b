package main

import (
	"context"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// The demo itself checks each of its commands.
func TestDemo(t *testing.T) {
	t.Parallel()

	for name, all := range map[string]bool{"scenes": false, "all statuses": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			var out strings.Builder
			if err := run(t.Context(), &out, all); err != nil {
				t.Fatalf("%v\n%s", err, out.String())
			}

			if lines := strings.Count(out.String(), "\n"); !all && lines >= 120 {
				t.Errorf("the demo prints %d lines, which is too long to read", lines)
			}
		})
	}
}

// The issuers listen at the printed addresses, and revoke the tokens entered.
func TestIssuers(t *testing.T) {
	t.Parallel()

	ctx, stop := context.WithCancel(t.Context())
	in, enter := io.Pipe()
	said, out := io.Pipe()
	done := make(chan struct{})

	go func() {
		defer close(done)

		serve(ctx, in, out)
	}()

	var text strings.Builder

	until := func(end string) {
		buffer := make([]byte, 1)
		for !strings.HasSuffix(text.String(), end) {
			n, _ := said.Read(buffer)
			text.Write(buffer[:n])
		}
	}
	until("stops both.\n")

	url := regexp.MustCompile(`export CLOUDFLARE_BASE_URL=(\S+)`).FindStringSubmatch(text.String())[1] + "/user/tokens/verify"
	status := func() int {
		request, _ := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		request.Header.Set("Authorization", "Bearer "+validCloudflare)
		request.Close = true

		answer, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}

		_ = answer.Body.Close()

		return answer.StatusCode
	}

	if got := status(); got != http.StatusOK {
		t.Errorf("the valid token got %d", got)
	}

	_, _ = io.WriteString(enter, validCloudflare+"\n")

	until("# Revoked.\n")

	if got := status(); got != http.StatusUnauthorized {
		t.Errorf("the revoked token got %d", got)
	}

	_ = enter.Close()

	stop()
	<-done
}
