package transport

import (
	"context"
	"sync"
	"time"
	"unique"
)

// question identifies equal checks of one client.
type question struct {
	address string
	token   unique.Handle[string]
}

// maxKept is how long an answer may be reused after its request was sent.
const maxKept = 10 * time.Second

// share lets equal checks share one request. It belongs to one client, and so to
// one configured provider.
//
// x/sync/singleflight keeps no results and does not cancel a request when its last
// waiting caller is gone.
type share[A any] struct {
	now func() time.Time // the local clock

	mu    sync.Mutex
	calls map[question]*call[A]
	swept time.Time // when forget last visited all calls
}

// call is a running request, or its answer.
type call[A any] struct {
	sent    time.Time
	done    chan struct{} // closed when answer and err are set
	answer  A
	err     error
	waiting int
	cancel  context.CancelFunc
}

// do returns the answer of ask. Callers with the same key share a running request.
// A caller that is not fresh may also get an answer whose request was sent less
// than ten seconds ago. A failure is shared only while the request runs.
//
// The request runs as long as any caller waits for it. A cancelled caller gets a
// [*verdict.Error] at once; the others get the answer.
func (s *share[A]) do(ctx context.Context, key question, fresh bool, ask func(context.Context) (A, error)) (A, error) {
	var none A

	if ctx.Err() != nil {
		return none, cancelled(ctx.Err())
	}

	c := s.join(ctx, key, fresh, ask)

	select {
	case <-c.done:
		return c.answer, c.err
	case <-ctx.Done():
		s.leave(key, c)

		return none, cancelled(ctx.Err())
	}
}

// join returns the call to wait for, and starts one if there is none.
func (s *share[A]) join(ctx context.Context, key question, fresh bool, ask func(context.Context) (A, error)) *call[A] {
	s.mu.Lock()
	defer s.mu.Unlock()

	now := s.now()
	s.forget(now)

	if c := s.calls[key]; c != nil && (c.running() || !fresh && !c.old(now)) {
		c.waiting++

		return c
	}

	// If other callers wait, the request outlives the one that started it.
	detached, cancel := context.WithCancel(context.WithoutCancel(ctx))
	c := &call[A]{sent: now, done: make(chan struct{}), waiting: 1, cancel: cancel}

	if s.calls == nil {
		s.calls = make(map[question]*call[A])
	}

	s.calls[key] = c

	go func() {
		defer cancel()

		c.answer, c.err = ask(detached)

		s.mu.Lock()
		defer s.mu.Unlock()

		if c.err != nil && s.calls[key] == c {
			delete(s.calls, key)
		}

		close(c.done)
	}()

	return c
}

// leave removes a caller from a call, and cancels the request if none is left.
func (s *share[A]) leave(key question, c *call[A]) {
	s.mu.Lock()
	defer s.mu.Unlock()

	c.waiting--

	if c.waiting == 0 && c.running() {
		c.cancel()

		if s.calls[key] == c {
			delete(s.calls, key)
		}
	}
}

// forget removes expired answers. It visits all at most once every maxKept, so that
// many checks do not each visit many.
func (s *share[A]) forget(now time.Time) {
	if now.Sub(s.swept).Abs() < maxKept {
		return
	}

	s.swept = now

	for key, c := range s.calls {
		if !c.running() && c.old(now) {
			delete(s.calls, key)
		}
	}
}

// old reports whether the request was sent too long ago for its answer to serve
// another check, or in the future, because the clock was set back.
func (c *call[A]) old(now time.Time) bool {
	age := now.Sub(c.sent)

	return age >= maxKept || age < 0
}

func (c *call[A]) running() bool {
	select {
	case <-c.done:
		return false
	default:
		return true
	}
}
