package issuertest

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// Canned is a plain HTTP server on loopback that sends the same bytes in response
// to each request and closes the connection. The fuzz tests use it.
type Canned struct {
	URL string

	listener net.Listener
	wait     sync.WaitGroup
	mu       sync.Mutex
	answer   []byte
	asked    int
}

// StartCanned starts a server. The caller must close it.
func StartCanned() *Canned {
	listener := must(new(net.ListenConfig).Listen(context.Background(), "tcp", "127.0.0.1:0"))
	c := &Canned{URL: "http://" + listener.Addr().String(), listener: listener}

	c.wait.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}

			c.wait.Go(func() {
				defer func() { _ = conn.Close() }()

				if _, err := http.ReadRequest(bufio.NewReader(conn)); err == nil {
					c.mu.Lock()
					answer := c.answer
					c.asked++
					c.mu.Unlock()

					_, _ = conn.Write(answer)
				}
			})
		}
	})

	return c
}

// Set sets the response from now on.
func (c *Canned) Set(answer []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()

	c.answer = bytes.Clone(answer)
}

// Reset returns the number of requests since the last call.
func (c *Canned) Reset() int {
	c.mu.Lock()
	defer c.mu.Unlock()

	asked := c.asked
	c.asked = 0

	return asked
}

// Close stops the server.
func (c *Canned) Close() {
	_ = c.listener.Close()
	c.wait.Wait()
}

// Document parses response as simply as possible, without the code under test. It
// returns the object in the body of a 200 that is not from a cache, and the time, by
// its date or else now; ok is false for any other response.
func Document(response []byte, now time.Time) (document map[string]any, at time.Time, ok bool) {
	reader := bufio.NewReader(bytes.NewReader(response))

	for {
		resp, err := http.ReadResponse(reader, &http.Request{Method: http.MethodGet})
		if err != nil {
			return nil, now, false
		}
		if resp.StatusCode >= 100 && resp.StatusCode < 200 && resp.StatusCode != http.StatusSwitchingProtocols {
			continue
		}
		defer func() { _ = resp.Body.Close() }()

		if date, err := http.ParseTime(resp.Header.Get("Date")); err == nil {
			now = date
		}
		age, err := strconv.Atoi(cmp.Or(resp.Header.Get("Age"), "0"))
		cached := err == nil && age > 0 || errors.Is(err, strconv.ErrRange)

		decoder := json.NewDecoder(resp.Body)
		decoder.UseNumber() // One that does not concern the client may be of any size.

		return document, now, decoder.Decode(&document) == nil && resp.StatusCode == http.StatusOK && !cached
	}
}
