package transport

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"time"
)

const (
	defaultBackoff = 500 * time.Millisecond
	maxBackoff     = 10 * time.Second
)

// attempts follows one request through its retries.
type attempts struct {
	client *Client
	host   string
	count  int
	wait   time.Duration
	last   string // what the last whole attempt came to, "" before that
}

// checkRetry decides whether a request is repeated. It does not begin a wait
// that the check's time limit would cut short: the caller then gets the fault
// itself, not a timeout.
func (a *attempts) checkRetry(ctx context.Context, resp *http.Response, err error) (bool, error) {
	// An attempt that was cut short is not counted, so that the one before it is
	// still there to be told.
	if ctx.Err() != nil {
		return false, ctx.Err() //nolint:wrapcheck // The caller asks for it by errors.Is.
	}

	a.count++

	if err == nil {
		a.last = "HTTP " + strconv.Itoa(resp.StatusCode)
	} else {
		a.last, _ = a.client.config.explain(err, a.host)
	}

	a.client.config.Log(ctx, "asked the issuer", map[string]any{"host": a.host, "attempt": a.count, "outcome": a.last})

	if err != nil && permanent(err) || err == nil && !temporary(resp.StatusCode) {
		return false, nil
	}

	a.wait = backoff(a.client.config.Backoff, a.count, rand.Float64()) //nolint:gosec // Jitter need not be secret.

	if resp != nil {
		if until, ok := retryAfter(resp.Header, a.client.config.Now()); ok {
			a.wait = until.Sub(a.client.config.Now())
		}
	}

	deadline, limited := ctx.Deadline()

	return !limited || time.Until(deadline) > a.wait, nil
}

func (a *attempts) backoff(_, _ time.Duration, _ int, _ *http.Response) time.Duration { return a.wait }

// temporary reports whether a status may be another one in a moment.
func temporary(status int) bool {
	return status == http.StatusRequestTimeout || status == http.StatusTooManyRequests || status >= 500
}

// backoff doubles the wait with each attempt up to maxBackoff, and takes a
// random part of up to half off it, so that the checks of many runs do not come
// back together.
func backoff(base time.Duration, attempt int, random float64) time.Duration {
	wait := maxBackoff
	if shift := attempt - 1; shift < 16 {
		wait = min(base<<shift, maxBackoff)
	}

	return wait - time.Duration(random*float64(wait)/2)
}

// retryAfter reads the Retry-After header in both forms, seconds and a date
// (RFC 9110, section 10.2.3). A time that has passed, or cannot be read, is none.
func retryAfter(header http.Header, now time.Time) (time.Time, bool) {
	value := strings.TrimSpace(header.Get("Retry-After"))

	if seconds, err := strconv.ParseUint(value, 10, 64); err == nil || errors.Is(err, strconv.ErrRange) {
		// A hundred years stand for every longer time: a Duration holds no more than 292.
		const most = 100 * 365 * 24 * 60 * 60

		return now.Add(time.Duration(min(seconds, most)) * time.Second), seconds > 0
	}

	date, err := http.ParseTime(value)

	return date, err == nil && date.After(now)
}
