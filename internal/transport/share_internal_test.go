package transport

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tokencheck/terraform-provider-tokencheck/internal/verdict"
)

// asker counts its requests, and returns the count.
type asker struct {
	asked atomic.Int32
	err   error
}

func (a *asker) ask(context.Context) (int, error) { return int(a.asked.Add(1)), a.err }

// TestShareKept covers consecutive checks: when an earlier answer is reused.
func TestShareKept(t *testing.T) {
	t.Parallel()

	tests := []struct {
		name  string
		later time.Duration // between the two checks
		fresh bool          // the second one
		key   string
		err   error
		want  int32
	}{
		{name: "at once", want: 1},
		{name: "just under ten seconds later", later: 10*time.Second - 1, want: 1},
		{name: "ten seconds later", later: 10 * time.Second, want: 2},
		{name: "an hour later", later: time.Hour, want: 2},
		{name: "clock goes back", later: -time.Second, want: 2},
		{name: "fresh", fresh: true, want: 2},
		{name: "another key", key: "other", want: 2},
		{name: "after a failure", err: errors.New("failed"), want: 2},
	}

	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()

			at := time.Now()
			s := share[int]{now: func() time.Time { return at }}
			a := &asker{err: test.err}

			_, _ = s.do(context.Background(), question{}, true, a.ask)
			at = at.Add(test.later)
			got, err := s.do(context.Background(), question{address: test.key}, test.fresh, a.ask)

			if a.asked.Load() != test.want || got != int(test.want) || !errors.Is(err, test.err) {
				t.Errorf("%d requests, got %d, %v; want %d", a.asked.Load(), got, err, test.want)
			}
		})
	}
}

// TestShareForgets covers many keys: answers that are too old to reuse are dropped
// while the provider runs, a request in progress is not.
func TestShareForgets(t *testing.T) {
	t.Parallel()

	at := time.Now()
	s := share[int]{now: func() time.Time { return at }}
	b := newBlocked()

	go func() { _, _ = s.do(context.Background(), question{}, false, b.ask) }()

	<-b.began

	for i := range 95 {
		at = at.Add(time.Second)
		_, _ = s.do(context.Background(), question{address: strconv.Itoa(i)}, false, (&asker{}).ask)
	}

	s.mu.Lock()
	if n := len(s.calls); n != 16 || s.calls[question{}] == nil {
		t.Errorf("%d answers are kept, want those of the last fifteen seconds and the pending one, kept: %v", n, s.calls[question{}] != nil)
	}
	s.mu.Unlock()

	close(b.release)
	<-b.ended
}

// TestShareAgeCountsFromTheRequest covers a slow answer.
func TestShareAgeCountsFromTheRequest(t *testing.T) {
	t.Parallel()

	at := time.Now()
	s := share[int]{now: func() time.Time { return at }}
	a := &asker{}

	_, _ = s.do(context.Background(), question{}, false, func(ctx context.Context) (int, error) {
		at = at.Add(9 * time.Second)

		return a.ask(ctx)
	})

	at = at.Add(2 * time.Second)

	if got, _ := s.do(context.Background(), question{}, false, a.ask); got != 2 {
		t.Errorf("got answer %d, whose request was sent eleven seconds ago", got)
	}
}

// blocked is an asker that returns when the test releases it.
type blocked struct {
	asker

	began   chan struct{}
	release chan struct{}
	ended   chan error // the error of the request's context when it returned
}

func newBlocked() *blocked {
	return &blocked{began: make(chan struct{}, 10), release: make(chan struct{}), ended: make(chan error, 10)}
}

func (b *blocked) ask(ctx context.Context) (int, error) {
	n := b.asked.Add(1)
	b.began <- struct{}{}

	select {
	case <-b.release:
	case <-ctx.Done():
	}

	b.ended <- ctx.Err()

	if ctx.Err() != nil {
		return 0, ctx.Err()
	}

	return int(n), b.err
}

// await returns when n callers wait for the empty key.
func await(s *share[int], n int) {
	waiting := func() int {
		s.mu.Lock()
		defer s.mu.Unlock()

		if c := s.calls[question{}]; c != nil {
			return c.waiting
		}

		return 0
	}

	for waiting() < n {
		time.Sleep(time.Millisecond)
	}
}

// TestShareRunning covers concurrent checks: they share one request, fresh ones too.
func TestShareRunning(t *testing.T) {
	t.Parallel()

	for name, failure := range map[string]error{"answered": nil, "failed": errors.New("failed")} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			var (
				s     = share[int]{now: time.Now}
				group sync.WaitGroup
			)

			b := newBlocked()
			b.err = failure

			for i := range 20 {
				group.Go(func() {
					if got, err := s.do(context.Background(), question{}, i%2 == 0, b.ask); !errors.Is(err, failure) || got != 1 {
						t.Errorf("got %d, %v", got, err)
					}
				})
			}

			await(&s, 20)
			close(b.release)
			group.Wait()

			if n := b.asked.Load(); n != 1 {
				t.Errorf("%d requests, want 1", n)
			}
		})
	}
}

// TestShareCancelled covers callers that leave: the request continues for the others,
// and ends with the last one.
func TestShareCancelled(t *testing.T) {
	t.Parallel()

	t.Run("the first caller", func(t *testing.T) {
		t.Parallel()

		s := share[int]{now: time.Now}

		b := newBlocked()
		first, cancel := context.WithCancel(context.Background())
		failed, answered := make(chan error, 1), make(chan int, 1)

		go func() {
			_, err := s.do(first, question{}, true, b.ask)
			failed <- err
		}()

		<-b.began

		go func() {
			got, err := s.do(context.Background(), question{}, true, b.ask)
			if err != nil {
				t.Error(err)
			}

			answered <- got
		}()

		await(&s, 2)
		cancel()

		var fault *verdict.Error
		if err := <-failed; !errors.As(err, &fault) || !errors.Is(err, context.Canceled) || !fault.Asked {
			t.Errorf("err = %v, want a *verdict.Error", err)
		}

		close(b.release)

		if got := <-answered; got != 1 {
			t.Errorf("the other caller got answer %d, want the one of the pending request", got)
		}

		if err := <-b.ended; err != nil {
			t.Errorf("the request returned %v", err)
		}
	})

	t.Run("the only caller, slow request", func(t *testing.T) {
		t.Parallel()

		s := share[int]{now: time.Now}
		first, cancel := context.WithCancel(context.Background())
		second, late := context.WithTimeout(context.Background(), 5*time.Second)

		defer late()

		hold := make(chan struct{})
		slow := s.join(first, question{}, false, func(ctx context.Context) (int, error) {
			<-hold

			return 0, ctx.Err()
		})

		cancel()
		s.leave(question{}, slow)

		// The next check does not wait for it, nor lose its own answer to it.
		a := &asker{}

		for _, before := range []func(){func() {}, func() { close(hold); <-slow.done }} {
			before()

			if got, err := s.do(second, question{}, false, a.ask); err != nil || got != 1 {
				t.Errorf("the next check got %d, %v", got, err)
			}
		}
	})

	t.Run("the only caller", func(t *testing.T) {
		t.Run("before it asks", func(t *testing.T) {
			t.Parallel()

			s := share[int]{now: time.Now}

			ctx, cancel := context.WithCancel(context.Background())
			cancel()

			if _, err := s.do(ctx, question{}, false, (&asker{}).ask); !errors.Is(err, context.Canceled) {
				t.Errorf("err = %v", err)
			}

			s.mu.Lock()
			defer s.mu.Unlock()

			if s.calls != nil {
				t.Error("a request was begun")
			}
		})

		t.Run("as the answer comes", func(t *testing.T) {
			t.Parallel()

			s, a := share[int]{now: time.Now}, &asker{}

			c := s.join(context.Background(), question{}, false, a.ask)
			<-c.done
			s.leave(question{}, c)

			if got, err := s.do(context.Background(), question{}, false, a.ask); err != nil || got != 1 {
				t.Errorf("the next check got %d, %v, want the answer that was there", got, err)
			}
		})

		t.Parallel()

		s := share[int]{now: time.Now}

		b := newBlocked()
		ctx, cancel := context.WithCancel(context.Background())

		go func() {
			<-b.began
			cancel()
		}()

		if _, err := s.do(ctx, question{}, false, b.ask); !errors.Is(err, context.Canceled) {
			t.Errorf("err = %v", err)
		}

		if err := <-b.ended; !errors.Is(err, context.Canceled) {
			t.Errorf("the request returned %v, want it cancelled", err)
		}

		// The next check does not get the cancelled result.
		close(b.release)

		if got, err := s.do(context.Background(), question{}, false, b.ask); err != nil || got != 2 {
			t.Errorf("the next check got %d, %v", got, err)
		}
	})
}

// A caller whose timeout passes, partly spent on the token source, does not get a
// cancellation error.
func TestShareDeadline(t *testing.T) {
	t.Parallel()

	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()

	s := &share[int]{now: time.Now}

	_, err := s.do(ctx, question{}, true, func(ctx context.Context) (int, error) {
		<-ctx.Done()

		return 0, ctx.Err()
	})

	const want = "Check timed out: Reading and verifying the token took longer than the provider's timeout. " +
		"The token was not verified; this says nothing about whether it is valid.\n\nIncrease the provider's timeout, or keep the token in a file that can be read faster."
	if !errors.Is(err, context.DeadlineExceeded) || err.Error() != want {
		t.Errorf("err = %v", err)
	}
}
