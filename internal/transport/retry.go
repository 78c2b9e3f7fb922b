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

// next decides whether a request is retried after an attempt with this outcome,
// and how long to wait before that: as long as the answer says, or else longer
// after each attempt. It does not begin a wait that the check's time limit would
// cut short: the user then gets the fault itself, not a timeout.
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

// temporary reports whether a status may be another one in a moment.
func temporary(status int) bool {
	return status == http.StatusRequestTimeout || status == http.StatusTooManyRequests || status >= 500
}

// permanent reports whether a retry is bound to fail as well.
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

// retryAt is until when the issuer asks to wait, if it does.
func (r *Response) retryAt() (time.Time, bool) {
	now := r.config.Now()
	if r.until.After(now) {
		return r.until, true
	}

	// The date is the issuer's, and so is the time that it is compared with.
	until, ok := retryAfter(r.Header, r.Now)

	return until.Add(now.Sub(r.Now)), ok
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

	date, _ := http.ParseTime(value) // The zero time, long past, if it cannot be read.

	return date, date.After(now)
}
