package transport

import (
	"context"
	"sync"
)

// vanguard lets one request go first until it has a connection or has failed.
// Concurrent checks would otherwise each open one before HTTP/2 can share it.
type vanguard struct {
	// turn holds one element until a request takes it, and is closed when no request
	// has to wait.
	turn chan struct{}
	once sync.Once
}

func newVanguard() *vanguard {
	v := &vanguard{turn: make(chan struct{}, 1)}
	v.turn <- struct{}{}

	return v
}

// enter waits until a request may be sent. The first request calls leave as soon as
// it has a connection, or when it has failed. On a nil vanguard, it returns at once.
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
		return nil, ctx.Err() //nolint:wrapcheck // The caller checks the context itself.
	}
}
