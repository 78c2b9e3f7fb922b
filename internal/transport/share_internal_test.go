package transport

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tokencheck/terraform-provider-tokencheck/internal/issuertest"
)

// TestShare covers what shares a request: twenty verifications at the same time, and
// then another one.
func TestShare(t *testing.T) {
	t.Parallel()

	for _, test := range []struct {
		name         string
		handler      http.HandlerFunc
		apart        time.Duration // the verifications
		later        time.Duration // after the first response, which takes three seconds
		secret, path string        // of the last verification
		fresh        bool
		requests     int
	}{
		{name: "at once", handler: ok, requests: 1},
		{name: "running for more than ten seconds", handler: slowly(slowly(slowly(ok))), apart: 550 * time.Millisecond, requests: 2},
		{name: "sent almost ten seconds ago", handler: ok, later: 7*time.Second - 1, requests: 1},
		{name: "sent ten seconds ago", handler: ok, later: 7 * time.Second, requests: 2},
		{name: "fresh", handler: ok, fresh: true, requests: 2},
		{name: "another token", handler: ok, secret: "another", requests: 2},
		{name: "another address", handler: ok, path: "another", requests: 2},
		{name: "any response", handler: issuertest.Reply(http.StatusUnauthorized, ""), requests: 1},
		{name: "temporary response", handler: fault, requests: 2},
		{name: "cached response", handler: issuertest.Reply(http.StatusOK, "{}", "Age", "1"), requests: 2},
		{name: "failure", handler: broken, requests: 2},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				c, f := fake(t, func(_ *Issuer, c *Config) { c.MaxRetries = 0 }, slowly(test.handler))
				tok := bearer(t, secret)
				first, _ := c.Get(t.Context(), tok, true, "path") // Fresh: of no use to others.

				var group sync.WaitGroup
				for i := range 20 {
					group.Go(func() {
						time.Sleep(time.Duration(i) * test.apart)
						resp, err := c.Get(t.Context(), tok, false, "path")
						if (resp == nil) != (first == nil) || (resp == nil) != (err != nil) {
							t.Errorf("%+v, %v", resp, err)
						}
					})
				}
				group.Wait()
				running := len(f.sent)
				time.Sleep(test.later)
				_, _ = c.Get(t.Context(), bearer(t, secret+test.secret), test.fresh, "path"+test.path)
				if running != 2 || len(f.sent) != 1+test.requests {
					t.Errorf("%d requests at first, want one for a fresh verification and one for the others; %d in total, want %d", running, len(f.sent), 1+test.requests)
				}
			})
		})
	}
}

// TestShareCancelled cancels one of several verifications that share a request: the
// others get a response. Only if it was the one that sent the request, another one
// sends its own.
func TestShareCancelled(t *testing.T) {
	t.Parallel()

	for cancelled, requests := range []int{2, 1, 1} {
		synctest.Test(t, func(t *testing.T) {
			c, f := fake(t, nil, slowly(ok))
			var group sync.WaitGroup
			for i := range 3 {
				group.Go(func() {
					time.Sleep(time.Duration(i) * time.Millisecond) // The first one sends the request.
					ctx, cancel := context.WithCancel(t.Context())
					if i == cancelled {
						time.AfterFunc(time.Second, cancel)
					}
					defer cancel()
					if _, err := c.Get(ctx, bearer(t, secret), false); errors.Is(err, context.Canceled) != (i == cancelled) || err != nil && i != cancelled {
						t.Errorf("verification %d of which %d is cancelled: %v", i, cancelled, err)
					}
				})
			}
			group.Wait()
			if len(f.sent) != requests {
				t.Errorf("%d requests after cancelling %d, want %d", len(f.sent), cancelled, requests)
			}
		})
	}
}

// TestShareCancelledLate cancels a verification just after its response has arrived.
// The next one uses the response, or sends its own request, but does not wait.
func TestShareCancelledLate(t *testing.T) {
	t.Parallel()

	first, cancel := context.WithCancel(t.Context())
	c, _ := fake(t, func(_ *Issuer, c *Config) { c.Log = func(context.Context, string, map[string]any) { cancel() } }, ok)
	_, _ = c.Get(first, bearer(t, secret), false)

	second, cancel2 := context.WithTimeout(t.Context(), time.Second)
	defer cancel2()
	if resp, err := c.Get(second, bearer(t, secret), false); err != nil || resp.Status != http.StatusOK {
		t.Errorf("%+v, %v", resp, err)
	}
}
