package transport

import (
	"context"
	"sync"
)

// vanguard lets one request go ahead until it has a connection or has failed.
// Checks that begin together would otherwise open a connection each before HTTP/2
// knows that it can share one.
type vanguard struct {
	// turn holds one element until somebody takes it, and is closed when nobody
	// need wait any more.
	turn chan struct{}
	once sync.Once
}

func newVanguard() *vanguard {
	v := &vanguard{turn: make(chan struct{}, 1)}
	v.turn <- struct{}{}

	return v
}

// enter waits until a request may be sent. The one that goes ahead calls leave as
// soon as it has a connection, and at the latest when it has failed. Nobody waits
// if v is nil.
func (v *vanguard) enter(ctx context.Context) (leave func(), err error) {
	if v == nil {
		return func() {}, nil
	}

	select {
	case _, first := <-v.turn:
		if !first {
			return func() {}, nil
		}

		return func() { v.once.Do(func() { close(v.turn) }) }, nil
	case <-ctx.Done():
		return nil, ctx.Err() //nolint:wrapcheck // The caller asks the context itself.
	}
}
