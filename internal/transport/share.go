package transport

import (
	"context"
	"net/url"
	"sync"
	"time"

	"github.com/tokencheck/terraform-provider-tokencheck/internal/token"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/verdict"
)

// Asker asks an issuer about tokens. Checks of the same token at the same address
// are equal, and share a request as [Share] says. A is the issuer's answer.
type Asker[A any] struct {
	client *Client
	shared Share[question, A]
}

// question is what makes two checks equal, besides the client's configuration.
type question struct{ address, secret string }

// NewAsker makes an asker. What it remembers is for the checks of this client only.
func NewAsker[A any](client *Client) *Asker[A] {
	return &Asker[A]{client: client, shared: Share[question, A]{Now: client.config.Now}}
}

// Ask sends one GET, as [Client.Get] does, and reads the answer. A fresh check
// takes no answer that was there before it asked. As equal checks share what read
// gives, it must depend on nothing else that differs between them. The error is
// read's, or a [*verdict.Error].
func (a *Asker[A]) Ask(ctx context.Context, address *url.URL, bearer token.Token, fresh bool, read func(*Response) (A, error)) (A, error) {
	return a.shared.Do(ctx, question{address.String(), bearer.Reveal()}, fresh, func(ctx context.Context) (A, error) {
		resp, err := a.client.Get(ctx, address, bearer)
		if err != nil {
			var none A

			return none, err
		}

		return read(resp)
	})
}

// maxKept is how long after its request was sent an answer may serve another check.
const maxKept = 10 * time.Second

// Share lets equal checks share one request. Its memory belongs to one client,
// and so to one configured provider. The zero value is ready for use.
//
// It is not x/sync/singleflight, which neither remembers an answer nor ends a
// request when the last caller that waits for it has gone.
type Share[K comparable, V any] struct {
	// Now is the local clock; [time.Now] if nil.
	Now func() time.Time

	mu    sync.Mutex
	calls map[K]*call[V]
	swept time.Time // when forget last looked at all calls
}

// call is a request that is running, or the answer that it brought.
type call[V any] struct {
	sent    time.Time
	done    chan struct{} // closed when answer and err are set
	answer  V
	err     error
	waiting int
	cancel  context.CancelFunc
}

// Do gives the answer to ask. Callers with the same key share the request that
// is running. A caller that is not fresh may also take an answer whose request
// was sent less than ten seconds ago. A failure is shared only while it runs.
//
// The request goes on as long as anybody waits for it. A caller that is
// cancelled gets a [*verdict.Error] at once, and the others their answer.
func (s *Share[K, V]) Do(ctx context.Context, key K, fresh bool, ask func(context.Context) (V, error)) (V, error) {
	c := s.join(ctx, key, fresh, ask)

	select {
	case <-c.done:
		return c.answer, c.err
	case <-ctx.Done():
		s.leave(key, c)

		var none V

		return none, cancelled(ctx.Err())
	}
}

// join gives the call to wait for, and makes it where there is none.
func (s *Share[K, V]) join(ctx context.Context, key K, fresh bool, ask func(context.Context) (V, error)) *call[V] {
	s.mu.Lock()
	defer s.mu.Unlock()

	now := time.Now
	if s.Now != nil {
		now = s.Now
	}

	s.forget(now())

	if c := s.calls[key]; c != nil && (c.running() || !fresh && !c.old(now())) {
		c.waiting++

		return c
	}

	// The request outlives the caller that began it, if another one waits.
	detached, cancel := context.WithCancel(context.WithoutCancel(ctx))
	c := &call[V]{sent: now(), done: make(chan struct{}), waiting: 1, cancel: cancel}

	if s.calls == nil {
		s.calls = make(map[K]*call[V])
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

// leave takes a caller off a call, and ends the request if nobody waits any more.
func (s *Share[K, V]) leave(key K, c *call[V]) {
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

// forget drops the answers that may serve nobody any more. It looks at all of
// them only now and then, so that many checks do not each look at many.
func (s *Share[K, V]) forget(now time.Time) {
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
// another check; or in the future, by a clock that was set back.
func (c *call[V]) old(now time.Time) bool {
	age := now.Sub(c.sent)

	return age >= maxKept || age < 0
}

func (c *call[V]) running() bool {
	select {
	case <-c.done:
		return false
	default:
		return true
	}
}

// cancelled is the error of a check whose caller has gone.
func cancelled(err error) *verdict.Error {
	return &verdict.Error{
		Summary: "The check was cancelled", Happened: "The run was cancelled before the issuer had answered.", Remedy: "Run again.", Asked: true, Err: err,
	}
}
