// Package transport asks an issuer one question over HTTPS: it shares, sends and
// retries the one request of a check, and explains why there is no answer. What an
// answer means is not known here.
package transport

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/tokencheck/terraform-provider-tokencheck/internal/token"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/verdict"
)

// Client asks one issuer about tokens. A is what the issuer's package reads from
// an answer. It keeps its connections and is safe for concurrent use.
type Client[A any] struct {
	config        Config
	secure, plain *http.Transport
	vanguard      *vanguard
	shared        share[A]
}

// New makes a client. What it remembers belongs to this client only. The error is
// a [*verdict.Error] about the trust bundle.
func New[A any](config Config) (*Client[A], error) {
	config.setDefaults()

	secure, plain, err := config.httpTransports()
	if err != nil {
		return nil, err
	}

	c := &Client[A]{config: config, secure: secure, plain: plain, shared: share[A]{now: config.Now}}
	if !config.LateClientAuth { // With HTTP/2 all checks share a connection, once there is one.
		c.vanguard = newVanguard()
	}

	return c, nil
}

// Ask sends the one request of a check, a GET of address with the token as its
// bearer, and has its answer read.
//
// Checks of the same token at the same address are equal and share a request, as
// [share] says; a fresh one takes no answer that was there before it asked. As
// equal checks share what read returns, it must depend on nothing else that
// differs between them. An error of read that is [verdict.Error.Temporary] is
// retried. The error is read's, or a [*verdict.Error].
func (c *Client[A]) Ask(ctx context.Context, address *url.URL, bearer token.Token, fresh bool, read func(*Response) (A, error)) (A, error) {
	return c.shared.do(ctx, question{address.String(), bearer.Key()}, fresh, func(ctx context.Context) (A, error) {
		return c.retry(ctx, address, bearer, read)
	})
}

// retry sends the request until it is answered, no further attempt can help, or
// the check's time is up.
func (c *Client[A]) retry(ctx context.Context, address *url.URL, bearer token.Token, read func(*Response) (A, error)) (A, error) {
	ctx, cancel := context.WithTimeout(ctx, c.config.Timeout)
	defer cancel()

	var none A

	last := ""                        // What the last whole attempt came to.
	host := bearer.Show(address.Host) // Whoever swaps the two arguments has the token in the URL.

	for attempt := 1; ; attempt++ {
		resp, err := c.send(ctx, address, bearer)
		if ctx.Err() != nil {
			return none, c.config.interrupted(ctx.Err(), host, last)
		}

		var answer A

		if err != nil {
			last, _ = c.config.explain(err, host)
			err = c.config.failed(err, host, attempt)
		} else {
			last = "HTTP " + strconv.Itoa(resp.Status)
			resp.attempts = attempt

			if err = resp.usable(); err == nil {
				answer, err = read(resp)
			}
		}

		c.config.Log(ctx, "asked the issuer", map[string]any{"host": host, "attempt": attempt, "outcome": last})

		wait, again := c.config.next(ctx, attempt, resp, err)
		if !again {
			return answer, err
		}

		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return none, c.config.interrupted(ctx.Err(), host, last)
		}
	}
}

// errRepeated is for a request that net/http was about to send once more.
var errRepeated = errors.New("the server gave up a request that was sent")

// send makes one round trip and reads the body whole, up to one byte over the
// bound, so that a connection that breaks in the middle is a failed attempt like
// any other. It follows no redirect: whoever sends one would be handed the token.
func (c *Client[A]) send(ctx context.Context, address *url.URL, bearer token.Token) (*Response, error) {
	leave, err := c.vanguard.enter(ctx)
	if err != nil {
		return nil, err
	}
	defer leave()

	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)

	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address.String(), nil)
	if err != nil {
		return nil, err //nolint:wrapcheck // It is explained, not shown.
	}

	maps.Copy(request.Header, c.config.Header)
	request.Header.Set("Authorization", "Bearer "+bearer.Reveal())
	request.Header.Set("Cache-Control", "no-cache")
	request.Header.Set("User-Agent", c.config.UserAgent)

	var sent, answered atomic.Bool

	request = request.WithContext(httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GotConn: func(got httptrace.GotConnInfo) {
			leave()

			// The package repeats requests that a server gives up, with no bound that
			// could be set. What is retried, and how often, is for retry to say.
			if sent.Load() {
				cancel(errRepeated)
			}

			// Over HTTP/1.1 a connection serves one token: what a broken server sends
			// too much would be read as the answer about the next one.
			request.Close = !isHTTP2(got.Conn)
		},
		WroteHeaders:         func() { sent.Store(true) },
		GotFirstResponseByte: func() { answered.Store(true) },
	}))

	transport := c.secure
	if address.Scheme == schemeHTTP {
		transport = c.plain
	}

	raw, err := transport.RoundTrip(request)
	if err != nil {
		if errors.Is(context.Cause(ctx), errRepeated) {
			err = errRepeated
		}

		if sent.Load() {
			err = &sentError{err, answered.Load()}
		}

		return nil, err
	}

	// What follows a 101 is the bare connection, which no context ends.
	if raw.StatusCode == http.StatusSwitchingProtocols {
		_ = raw.Body.Close()
		raw.Body = http.NoBody
	}

	body, err := io.ReadAll(io.LimitReader(raw.Body, maxBody+1))
	_ = raw.Body.Close()

	if err != nil {
		return nil, &sentError{errBroken, true}
	}

	return newResponse(&c.config, raw, body, bearer), nil
}

func isHTTP2(conn net.Conn) bool {
	secure, ok := conn.(*tls.Conn)

	return ok && secure.ConnectionState().NegotiatedProtocol == "h2"
}

// interrupted is the error of a check whose time is up; nobody waits for that of one
// which was cancelled. Last is what the last whole attempt came to, "" if there was none.
func (c *Config) interrupted(err error, host, last string) *verdict.Error {
	happened := c.Issuer + " at " + host + " did not respond within the timeout of " + verdict.Brief(c.Timeout)
	if last != "" {
		happened += "; the previous attempt failed: " + last
	}

	return &verdict.Error{
		Summary: "Request timed out", Happened: happened + ".",
		Remedy: "Run again. If it happens again, increase the provider's timeout, or check the network and the proxy between this machine and the issuer. " + c.checkURL(),
		Asked:  true, Err: err,
	}
}

// cancelled is the error of a check whose caller has gone, or whose time was taken by
// what came before the request.
func cancelled(err error) *verdict.Error {
	if errors.Is(err, context.DeadlineExceeded) {
		return &verdict.Error{
			Summary: "Check timed out", Happened: "Reading and verifying the token took longer than the provider's timeout.",
			Remedy: "Increase the provider's timeout, or keep the token in a file that can be read faster.", Asked: true, Err: err,
		}
	}

	return &verdict.Error{
		Summary: "Check cancelled", Happened: "The run was cancelled before the issuer responded.", Remedy: "Run again.", Asked: true, Err: err,
	}
}
