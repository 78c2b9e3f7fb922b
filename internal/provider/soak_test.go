package provider_test

import (
	"context"
	"fmt"
	"net/http"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tokencheck/terraform-provider-tokencheck/internal/cli/clitest"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/cloudflare/cloudflaretest"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/issuertest"
)

// Thousands of checks of an issuer that fails a third of the time, in every retryable
// way, return the right verdicts, and leak nothing.
func TestSoak(t *testing.T) { //nolint:paralleltest // It counts goroutines and memory.
	const (
		checks  = 3000
		workers = 50
	)

	c := newCloudflare(t)
	for i := range checks {
		token := cloudflaretest.Token{ID: fmt.Sprint("id", i)}
		if i%2 == 1 {
			token.Status = "disabled"
		}

		c.Set(soakToken(i), token)
	}

	var asked atomic.Int64

	faults := []http.HandlerFunc{
		issuertest.Reply(http.StatusServiceUnavailable, "<html>"),
		issuertest.Reply(http.StatusTooManyRequests, ""),
		func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
		issuertest.Reply(http.StatusRequestTimeout, ""),
	}
	good := http.HandlerFunc(c.Verify)

	c.SetFault(func(w http.ResponseWriter, r *http.Request) {
		if n := asked.Add(1); n%3 == 0 {
			faults[n/3%int64(len(faults))](w, r)
		} else {
			good(w, r)
		}
	})

	s := newServer(t, host(nil))

	config := cloudflareProvider(c)
	config["max_retries"] = 30
	s.configure(config)

	check := func(i int) {
		got, all := s.read(cloudflareType, map[string]any{"api_token": soakToken(i)})
		if len(all) > 0 || got["valid"] != (i%2 == 0) || got["id"] != fmt.Sprint("id", i) {
			t.Errorf("check %d: %v %v", i, got, all)
		}
	}
	round := func(from, to int) {
		var wait sync.WaitGroup

		for w := range workers {
			wait.Go(func() {
				for i := from + w; i < to; i += workers {
					check(i)
				}
			})
		}

		wait.Wait()
	}

	round(0, checks/10) // Permanent allocations exist after this.

	goroutines, memory := measure()

	round(checks/10, checks)

	if after, used := measure(); after > goroutines+workers || used > memory+8<<20 {
		t.Errorf("goroutines %d, then %d; heap %d KiB, then %d KiB", goroutines, after, memory>>10, used>>10)
	}
}

func soakToken(i int) string { return fmt.Sprintf("soak-%012d", i*7919) }

func measure() (goroutines int, bytes uint64) {
	var stats runtime.MemStats

	runtime.GC()
	runtime.ReadMemStats(&stats)

	return runtime.NumGoroutine(), stats.HeapAlloc
}

// Ctrl-C stops a check at once, long before its timeout.
func TestBinaryInterrupt(t *testing.T) {
	t.Parallel()

	c := newCloudflare(t)
	w := clitest.Workspace(t, map[string]string{"main.tf": clitest.RequiredProviders + withIssuers(c, nil, atPlan)})

	ctx, interrupt := context.WithCancel(t.Context())
	defer interrupt()

	var interrupted atomic.Int64

	gone := make(chan struct{})

	c.SetFault(func(_ http.ResponseWriter, r *http.Request) {
		interrupted.Store(time.Now().UnixNano())
		interrupt()
		<-r.Context().Done() // The provider has exited, or cancelled the request.
		close(gone)
	})

	result := w.Run(ctx, []string{"CLOUDFLARE_API_TOKEN=" + secret}, "plan", "-no-color")
	took := time.Since(time.Unix(0, interrupted.Load()))

	<-gone

	if result.Err == nil || interrupted.Load() == 0 || took > 10*time.Second || !clitest.Says("Check cancelled").MatchString(result.Output) {
		t.Errorf("after %s: %v\n%s", took, result.Err, result.Output)
	}
}
