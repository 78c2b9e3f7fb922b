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

// asker counts how often it is asked, and answers with the count.
type asker struct {
	asked atomic.Int32
	err   error
}

func (a *asker) ask(context.Context) (int, error) { return int(a.asked.Add(1)), a.err }

// TestShareKept has checks one after the other: what an answer that is there
// already is good for.
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
		{name: "almost ten seconds later", later: 10*time.Second - 1, want: 1},
		{name: "ten seconds later", later: 10 * time.Second, want: 2},
		{name: "an hour later", later: time.Hour, want: 2},
		{name: "the clock goes back", later: -time.Second, want: 2},
		{name: "a fresh one", fresh: true, want: 2},
		{name: "another question", key: "other", want: 2},
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
				t.Errorf("asked %d times, got %d, %v; want %d", a.asked.Load(), got, err, test.want)
			}
		})
	}
}

// TestShareForgets has many questions: those that nobody can be answered any more
// are not kept for as long as the provider runs, and one that is running is.
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
		t.Errorf("%d answers are kept, want those of the last fifteen seconds and the awaited one, which is there: %v", n, s.calls[question{}] != nil)
	}
	s.mu.Unlock()

	close(b.release)
	<-b.ended
}

// TestShareAgeCountsFromTheRequest has an answer that took its time: what counts
// is when it was asked for.
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
		t.Errorf("got the answer number %d, whose request was sent eleven seconds ago", got)
	}
}

// blocked is a question that is answered when the test says so.
type blocked struct {
	asker

	began   chan struct{}
	release chan struct{}
	ended   chan error // what the request's context said at its end
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

// await returns when n callers wait for the answer to the empty question.
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

// TestShareRunning has many checks together: they share one request, the fresh
// ones too.
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
				t.Errorf("asked %d times, want 1", n)
			}
		})
	}
}

// TestShareCancelled has callers that go away: the request goes on for the
// others, and ends with the last one.
func TestShareCancelled(t *testing.T) {
	t.Parallel()

	t.Run("the one that began", func(t *testing.T) {
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
			t.Errorf("the other got the answer number %d, want that of the request that was running", got)
		}

		if err := <-b.ended; err != nil {
			t.Errorf("the request ended with %v", err)
		}
	})

	t.Run("the only one, whose request takes its time to end", func(t *testing.T) {
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

		// Neither does the next check wait for it, nor is its answer lost with it.
		a := &asker{}

		for _, before := range []func(){func() {}, func() { close(hold); <-slow.done }} {
			before()

			if got, err := s.do(second, question{}, false, a.ask); err != nil || got != 1 {
				t.Errorf("the next check got %d, %v", got, err)
			}
		}
	})

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

	t.Run("the only one", func(t *testing.T) {
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
			t.Errorf("the request ended with %v, want it cancelled", err)
		}

		// The next check does not get what was cancelled.
		close(b.release)

		if got, err := s.do(context.Background(), question{}, false, b.ask); err != nil || got != 2 {
			t.Errorf("the next check got %d, %v", got, err)
		}
	})
}

// A caller whose own time is up, part of which the token took, is not told of a
// cancelled run.
func TestShareDeadline(t *testing.T) {
	t.Parallel()

	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()

	s := &share[int]{now: time.Now}

	_, err := s.do(ctx, question{}, true, func(ctx context.Context) (int, error) {
		<-ctx.Done()

		return 0, ctx.Err()
	})

	const want = "The check took too long: Reading the token and asking the issuer took longer than the provider's timeout. " +
		"The token was not verified; this says nothing about whether it is valid.\n\nRaise the provider's timeout, or keep the token in a file that can be read at once."
	if !errors.Is(err, context.DeadlineExceeded) || err.Error() != want {
		t.Errorf("err = %v", err)
	}
}
