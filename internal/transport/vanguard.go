package transport

import (
	"context"
	"net/http/httptrace"
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

// enter waits until the request may be sent with the context that it returns;
// leave is to be called when that is done. Nobody waits if v is nil.
func (v *vanguard) enter(ctx context.Context) (_ context.Context, leave func(), err error) {
	if v == nil {
		return ctx, func() {}, nil
	}

	select {
	case _, first := <-v.turn:
		if !first {
			return ctx, func() {}, nil
		}

		release := func() { v.once.Do(func() { close(v.turn) }) }
		trace := &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { release() }}

		return httptrace.WithClientTrace(ctx, trace), release, nil
	case <-ctx.Done():
		return ctx, nil, ctx.Err() //nolint:wrapcheck // The caller asks the context itself.
	}
}
