// Package link puts the delay of a network between clients and a server on
// loopback. The delay is the connection's, not the request's: opening one costs a
// round trip, and every byte takes half of one in its direction, so that a TLS
// handshake costs what it costs on such a network. Nothing else is slowed down:
// any number of bytes can be on the way.
package link

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"sync"
	"time"
)

// ahead is how many segments can be on the way in one direction.
const ahead = 1024

// Link is an address that leads to a server.
type Link struct {
	listener  net.Listener
	server    string
	roundTrip time.Duration

	mu          sync.Mutex
	closed      bool
	open        map[net.Conn]struct{}
	connections int
	running     sync.WaitGroup
}

// Start makes a link to a server, by its host and port. The caller closes it.
func Start(ctx context.Context, server string, roundTrip time.Duration) (*Link, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("opening a link: %w", err)
	}

	l := &Link{listener: listener, server: server, roundTrip: roundTrip, open: make(map[net.Conn]struct{})}
	l.running.Go(func() { l.accept(ctx) })

	return l, nil
}

// Addr is where the link begins, as host and port.
func (l *Link) Addr() string { return l.listener.Addr().String() }

// Connections is how many connections have been opened so far.
func (l *Link) Connections() int {
	l.mu.Lock()
	defer l.mu.Unlock()

	return l.connections
}

// Close breaks all connections and waits until nothing is left of them.
func (l *Link) Close() {
	_ = l.listener.Close()

	l.mu.Lock()
	l.closed = true

	for conn := range l.open {
		_ = conn.Close()
	}
	l.mu.Unlock()

	l.running.Wait()
}

func (l *Link) accept(ctx context.Context) {
	for {
		client, err := l.listener.Accept()
		if err != nil {
			return // The link was closed.
		}

		l.running.Go(func() { l.join(ctx, client, time.Now()) })
	}
}

// join carries what a client and the server send each other until both are done.
func (l *Link) join(ctx context.Context, client net.Conn, opened time.Time) {
	defer l.forget(client)

	server, err := new(net.Dialer).DialContext(ctx, "tcp", l.server)
	if err != nil {
		_ = client.Close()

		return
	}
	defer l.forget(server)

	if !l.remember(client, server) {
		return
	}

	// The client's system has accepted the connection at once. What the client
	// sends begins its way only when it could have known of that.
	established := opened.Add(l.roundTrip)

	var both sync.WaitGroup

	both.Go(func() { l.carry(client, server, established) })
	both.Go(func() { l.carry(server, client, established) })
	both.Wait()
}

func (l *Link) remember(client, server net.Conn) bool {
	l.mu.Lock()
	defer l.mu.Unlock()

	if l.closed {
		return false
	}

	l.connections++
	l.open[client], l.open[server] = struct{}{}, struct{}{}

	return true
}

func (l *Link) forget(conn net.Conn) {
	_ = conn.Close()

	l.mu.Lock()
	defer l.mu.Unlock()

	delete(l.open, conn)
}

// segment is some bytes on their way, or the end if it has none.
type segment struct {
	due   time.Time
	bytes []byte
}

// carry takes bytes from one side to the other, each half a round trip after it
// came, and the end of them as well.
func (l *Link) carry(from, to net.Conn, established time.Time) {
	segments := make(chan segment, ahead)

	go func() {
		defer close(segments)

		buffer := make([]byte, 32<<10)

		for {
			n, err := from.Read(buffer)

			sent := time.Now()
			if sent.Before(established) {
				sent = established
			}

			segments <- segment{due: sent.Add(l.roundTrip / 2), bytes: bytes.Clone(buffer[:n])}

			if err != nil {
				return
			}
		}
	}()

	for s := range segments {
		time.Sleep(time.Until(s.due))

		// Where the other side is gone, what is still on the way is lost.
		_, _ = to.Write(s.bytes)
	}

	if half, ok := to.(interface{ CloseWrite() error }); ok {
		_ = half.CloseWrite()
	}
}
