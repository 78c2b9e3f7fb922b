package transport

import (
	"context"
	"sync"
	"time"
)

// shareKey identifies equal requests of one client.
type shareKey struct{ address, token string }

// maxKept is how long a response may be used after its request was sent.
const maxKept = 10 * time.Second

// share lets equal requests share one: a running one, or the response to one that
// was sent less than ten seconds ago. It belongs to one client, and so to one
// configured provider. A failure is shared only while the request runs.
type share struct {
	now func() time.Time

	mu    sync.Mutex
	calls map[shareKey]*call
}

// call is a running request, or its response.
type call struct {
	sent time.Time
	over bool          // guarded by the share's mutex
	done chan struct{} // closed when the fields below are set
	resp *Response
	err  error
	// abandoned reports whether there is no response because the caller that sent the
	// request was cancelled, or its time was up.
	abandoned bool
}

// do returns the response of send, or that of an equal request.
func (s *share) do(ctx context.Context, key shareKey, send func(context.Context) (*Response, error)) (*Response, error) {
	for {
		c, own := s.join(key)
		if own {
			c.resp, c.err = send(ctx)
			c.abandoned = c.err != nil && ctx.Err() != nil
			s.finish(key, c)
		}
		select {
		case <-c.done:
			if own || !c.abandoned {
				return c.resp, c.err
			}
		case <-ctx.Done():
			return nil, ctx.Err() //nolint:wrapcheck // The caller explains it to the user.
		}
	}
}

// join returns the call to wait for. If it is the caller's own, the caller must send
// the request and finish the call.
func (s *share) join(key shareKey) (c *call, own bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	for key, c := range s.calls {
		if c.over && now.Sub(c.sent) >= maxKept {
			delete(s.calls, key)
		}
	}
	if c := s.calls[key]; c != nil {
		return c, false
	}
	if s.calls == nil {
		s.calls = make(map[shareKey]*call)
	}

	c = &call{sent: now, done: make(chan struct{})}
	s.calls[key] = c
	return c, true
}

// finish publishes the result of a call, and forgets it if it must not be reused.
func (s *share) finish(key shareKey, c *call) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c.err != nil || c.resp.unsettled {
		delete(s.calls, key)
	}

	c.over = true
	close(c.done)
}
