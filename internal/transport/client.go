// Package transport sends the one HTTPS request of a verification: it shares and
// retries the request, and explains why there is no response. It does not know what
// a response means.
package transport

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/tokencheck/terraform-provider-tokencheck/internal/token"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/verdict"
)

// Client sends requests to one issuer. It is safe for concurrent use.
type Client struct {
	issuer    Issuer
	config    Config
	transport *http.Transport
	shared    share
}

// New returns a client, which shares no state with others. The error is a
// [*verdict.Error] about the configuration.
func New(issuer Issuer, config Config) (*Client, error) {
	c := &Client{issuer: issuer, config: config, shared: share{now: config.Now}}
	transport, err := c.httpTransport()
	if err != nil {
		return nil, &verdict.Error{
			Title: "Invalid trust bundle", Cause: "The value of " + issuer.Block + ".trust_bundle in the provider configuration " + err.Error() + ".",
			Remedy: TrustBundleRemedy, Err: err,
		}
	}

	c.transport = transport
	return c, nil
}

// Get sends a GET for a path, in elements, relative to the base URL, with the bearer
// token. It retries connection failures and temporary responses until there is
// another response, no retry is left, or a wait would not fit in the context's
// deadline.
//
// A request that is not fresh may be shared with equal ones, as in [share]. The
// error is a [*verdict.Error]: there was no usable response.
func (c *Client) Get(ctx context.Context, t token.Token, fresh bool, path ...string) (*Response, error) {
	address := c.config.URL.JoinPath(path...)
	send := func(ctx context.Context) (*Response, error) { return c.retry(ctx, address, t) }

	if fresh {
		return send(ctx)
	}

	resp, err := c.shared.do(ctx, shareKey{address.String(), t.Reveal()}, send)
	if ctx.Err() != nil {
		return nil, c.interrupted(ctx.Err(), t.Show(address.Host))
	}
	return resp, err
}

func (c *Client) retry(ctx context.Context, address *url.URL, t token.Token) (*Response, error) {
	for attempt, last := 1, 0; ; attempt++ {
		var (
			outcome   string
			wait      time.Duration
			temporary bool
		)
		resp, err := c.send(ctx, address, t)
		switch {
		case ctx.Err() != nil:
			return nil, c.interrupted(ctx.Err(), t.Show(address.Host))
		case err != nil:
			outcome = t.Show(describe(err))
			_, temporary = c.classify(err, "")
		default:
			resp.Attempt, resp.SameStatus, last = attempt, resp.Status == last, resp.Status
			wait, temporary = c.temporary(resp)
			outcome, resp.unsettled = "HTTP "+strconv.Itoa(resp.Status), temporary
		}
		c.config.Log(ctx, "token verification requested", map[string]any{"host": t.Show(address.Host), "attempt": attempt, "outcome": outcome})
		if wait == 0 {
			wait = c.backoff(attempt)
		}

		// Without time for the wait, the user sees the fault itself, not a timeout.
		if deadline, ok := ctx.Deadline(); !temporary || attempt > c.config.MaxRetries || ok && time.Until(deadline) <= wait {
			switch {
			case err != nil:
				return nil, c.failed(err, address, t, attempt)
			case resp.cached() && resp.Status/100 != 3 && resp.Status < http.StatusTooManyRequests:
				return nil, resp.Error("Cached response", "", "A cache on the way answered instead of the issuer.", "Exempt the issuer from caching in the proxy or gateway.")
			default:
				return resp, nil
			}
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return nil, c.interrupted(ctx.Err(), t.Show(address.Host))
		}
	}
}

// errAttempt ends an attempt, to leave time for another: a node behind a load
// balancer may be dead.
var errAttempt = errors.New("no response in time for another attempt")

// send makes one round trip and reads the whole body, so that a connection that
// breaks midway is a failed attempt like any other. [http.Transport.RoundTrip]
// follows no redirect: the new location would get the token.
func (c *Client) send(ctx context.Context, address *url.URL, t token.Token) (*Response, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, max(c.config.Timeout/time.Duration(1+min(c.config.MaxRetries, 1)), minAttempt), errAttempt)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address.String(), nil)
	if err != nil {
		return nil, err //nolint:wrapcheck // The caller explains it to the user.
	}

	request.Header.Set("Accept", "application/json")
	request.Header.Set("Accept-Encoding", "identity")
	request.Header.Set("Authorization", "Bearer "+t.Reveal())
	request.Header.Set("Cache-Control", "no-cache")
	request.Header.Set("User-Agent", c.config.UserAgent)

	var body []byte
	raw, err := c.transport.RoundTrip(request)
	if err == nil {
		body, err = io.ReadAll(io.LimitReader(raw.Body, maxBody))
		_ = raw.Body.Close()
	}
	if err != nil {
		if errors.Is(context.Cause(ctx), errAttempt) {
			err = errAttempt
		}
		return nil, err
	}
	return c.newResponse(raw, body, address, t), nil
}

// interrupted returns the error of a verification that was cancelled or timed out.
func (c *Client) interrupted(err error, host string) *verdict.Error {
	e := &verdict.Error{
		Title: "Verification cancelled", Cause: "The run was cancelled before the issuer responded.",
		Remedy: "Run again.", ValidityUnknown: true, Err: err,
	}
	if errors.Is(err, context.DeadlineExceeded) {
		e.Title = "No response from the issuer"
		e.Cause = c.issuer.Name + " at " + host + " returned no usable response within the provider's timeout of " + verdict.Brief(c.config.Timeout) + "."
		e.Remedy = "Run again. If the error persists, increase timeout in the provider configuration. " + c.networkRemedy()
	}
	return e
}
