package transport

import (
	"context"
	"crypto/tls"
	"errors"
	"math/rand/v2"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/tokencheck/terraform-provider-tokencheck/internal/verdict"
)

const (
	defaultBackoff = 500 * time.Millisecond
	maxBackoff     = 10 * time.Second
)

// next decides whether to retry after an attempt with this outcome, and how long to
// wait: as long as the response says, else longer each time. It does not start a
// wait that the check's time limit would cut short: the user then sees the fault
// itself, not a timeout.
func (c *Config) next(ctx context.Context, attempt int, resp *Response, err error) (wait time.Duration, again bool) {
	fault, ok := errors.AsType[*verdict.Error](err)
	if !ok || !fault.Temporary || attempt > c.MaxRetries {
		return 0, false
	}

	wait = backoff(c.Backoff, attempt, rand.Float64()) //nolint:gosec // Jitter need not be secret.

	if resp != nil {
		if until, ok := resp.retryAt(); ok {
			wait = until.Sub(c.Now())
		}
	}

	deadline, _ := ctx.Deadline() // Each check has one.

	return wait, time.Until(deadline) > wait
}

// temporary reports whether a status may be different on retry.
func temporary(status int) bool {
	return status == http.StatusRequestTimeout || status == http.StatusTooManyRequests || status >= 500
}

// permanent reports whether a retry is bound to fail too.
func permanent(err error) bool {
	var (
		dns       *net.DNSError
		untrusted *tls.CertificateVerificationError
		record    tls.RecordHeaderError
		op        *net.OpError
		proxy     *proxyError
	)

	switch {
	case errors.As(err, &dns):
		return dns.IsNotFound
	case errors.As(err, &proxy):
		return !temporary(proxy.status)
	case errors.As(err, &op) && (op.Op == "remote error" || op.Op == "local error"):
		return true
	default:
		return errors.As(err, &untrusted) || errors.As(err, &record) || errors.Is(err, http.ErrSchemeMismatch) || errors.Is(err, errNotLoopback) || errors.Is(err, errProxyURL)
	}
}

// backoff doubles the wait with each attempt, up to maxBackoff, and subtracts up to
// half of it at random, so that many runs do not retry together.
func backoff(base time.Duration, attempt int, random float64) time.Duration {
	wait := maxBackoff
	if shift := attempt - 1; shift < 16 {
		wait = min(base<<shift, maxBackoff)
	}

	return wait - time.Duration(random*float64(wait)/2)
}

// retryAt returns when the issuer says to retry, if it does.
func (r *Response) retryAt() (time.Time, bool) {
	now := r.config.Now()
	if r.until.After(now) {
		return r.until, true
	}

	// The date is by the issuer's clock, so it is compared with that clock.
	until, ok := retryAfter(r.Header, r.Now)

	return until.Add(now.Sub(r.Now)), ok
}

// retryAfter parses the Retry-After header in both forms, seconds and a date (RFC
// 9110, section 10.2.3). A past time or invalid value does not count.
func retryAfter(header http.Header, now time.Time) (time.Time, bool) {
	value := strings.TrimSpace(header.Get("Retry-After"))

	if seconds, err := strconv.ParseUint(value, 10, 64); err == nil || errors.Is(err, strconv.ErrRange) {
		// Cut to a hundred years: a Duration holds at most 292.
		const most = 100 * 365 * 24 * 60 * 60

		return now.Add(time.Duration(min(seconds, most)) * time.Second), seconds > 0
	}

	date, _ := http.ParseTime(value) // If invalid, the zero time, which is past.

	return date, date.After(now)
}
