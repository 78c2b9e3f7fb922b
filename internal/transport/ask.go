// Package transport sends the one HTTPS request of a check: it shares and retries
// the request, and explains why there is no response. It does not know what a
// response means.
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
	"os"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/tokencheck/terraform-provider-tokencheck/internal/token"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/verdict"
)

// Client sends requests about tokens to one issuer. A is what the issuer's package
// reads from a response. It keeps connections alive and is safe for concurrent use.
type Client[A any] struct {
	config        Config
	secure, plain *http.Transport
	vanguard      *vanguard
	shared        share[A]
}

// New returns a client, which shares no state with others. The error is a
// [*verdict.Error] about the trust bundle.
func New[A any](config Config) (*Client[A], error) {
	config.setDefaults()

	secure, plain, err := config.httpTransports()
	if err != nil {
		return nil, err
	}

	c := &Client[A]{config: config, secure: secure, plain: plain, shared: share[A]{now: config.Now}}
	if !config.LateClientAuth { // With HTTP/2, all checks share the first connection.
		c.vanguard = newVanguard()
	}

	return c, nil
}

// Ask sends the one request of a check, a GET of address with the bearer token, and
// calls read with the response.
//
// Checks of the same token at the same address are equal and share a request, as in
// [share]; a fresh one does not use an earlier response. Equal checks share the
// result of read, so it must depend on nothing else. If the error of read is
// [verdict.Error.Temporary], the request is retried. The error is read's, or a
// [*verdict.Error].
func (c *Client[A]) Ask(ctx context.Context, address *url.URL, bearer token.Token, fresh bool, read func(*Response) (A, error)) (A, error) {
	if bearer.InHost(address.Host) {
		var none A

		// Looking the name up would send the token to DNS servers.
		return none, &verdict.Error{Summary: "Token in the server URL", Happened: "The host in the server URL contains the token or a large part of it.", Remedy: c.config.checkURL() + " Check the token source as well.", Asked: true}
	}

	return c.shared.do(ctx, question{address.String(), bearer.Key()}, fresh, func(ctx context.Context) (A, error) {
		return c.retry(ctx, address, bearer, read)
	})
}

// retry sends the request until there is a response, a retry cannot help, or the
// check times out.
func (c *Client[A]) retry(ctx context.Context, address *url.URL, bearer token.Token, read func(*Response) (A, error)) (A, error) {
	ctx, cancel := context.WithTimeout(ctx, c.config.Timeout)
	defer cancel()

	var none A

	last := ""                        // The outcome of the last complete attempt.
	host := bearer.Show(address.Host) // The URL contains the token if the two arguments were swapped.

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

		c.config.Log(ctx, "token verification requested", map[string]any{"host": host, "attempt": attempt, "outcome": last})

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

// errConnecting stops an attempt that gets no connection, to leave time for another.
var errConnecting = &net.OpError{Op: "dial", Err: os.ErrDeadlineExceeded}

// errRepeated stops net/http from sending a request again.
var errRepeated = errors.New("the server abandoned a request that was sent")

// send makes one round trip and reads the whole body, up to one byte over the
// limit, so that a connection that breaks midway is a failed attempt like any
// other. It does not follow redirects: the new location would get the token.
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
		return nil, err //nolint:wrapcheck // Callers explain it to the user.
	}

	maps.Copy(request.Header, c.config.Header)
	request.Header.Set("Authorization", "Bearer "+bearer.Reveal())
	request.Header.Set("Cache-Control", "no-cache")
	request.Header.Set("User-Agent", c.config.UserAgent)

	// A proxy may accept a connection and not answer.
	connecting := time.AfterFunc(2*c.config.connect, func() { cancel(errConnecting) })
	defer connecting.Stop()

	var sent, answered atomic.Bool

	request = request.WithContext(httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GotConn: func(got httptrace.GotConnInfo) {
			connecting.Stop()
			leave()

			// Package net/http repeats abandoned requests, without a limit that could be
			// set. Only retry decides about repetitions.
			if sent.Load() {
				cancel(errRepeated)
			}

			// An HTTP/1.1 connection serves one token: excess data from a broken server
			// would be read as the response about the next one.
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
		if cause := context.Cause(ctx); errors.Is(cause, errRepeated) || errors.Is(cause, errConnecting) {
			err = cause
		}

		if sent.Load() {
			err = &sentError{err, answered.Load()}
		}

		return nil, err
	}

	// After a 101, the body is the raw connection, which no context closes.
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

// interrupted returns the error of a check that timed out. The error of a
// cancelled check is never shown. Last is the outcome of the last complete attempt, or "".
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

// cancelled returns the error of a check whose caller is gone, or that timed out
// before its request.
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
