package transport

import (
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// maxBackoff limits the wait between two attempts, but for jitter.
const maxBackoff = 10 * time.Second

// temporary decides whether to send a request again after a response, and after how
// long, zero for the usual wait.
func (c *Client) temporary(resp *Response) (wait time.Duration, again bool) {
	if c.issuer.Retry != nil {
		if wait, again, ok := c.issuer.Retry(resp); ok {
			return max(wait, resp.retryAfter()), again
		}
	}
	return resp.retryAfter(), resp.Outage() || resp.Status == http.StatusTooManyRequests
}

// backoff doubles the wait with each attempt, up to maxBackoff, and adds up to half
// of it at random, so that many runs do not retry together.
func (c *Client) backoff(attempt int) time.Duration {
	wait := min(c.config.Backoff<<min(attempt-1, 16), maxBackoff)
	return wait + rand.N(wait/2+1) //nolint:gosec // Jitter need not be secret.
}

// retryAfter returns how long the Retry-After header says to wait, in either form
// (RFC 9110, section 10.2.3). A date is by the issuer's clock. It is zero without a
// header, and for a time that has passed.
func (r *Response) retryAfter() time.Duration {
	value := strings.TrimSpace(r.Header.Get("Retry-After"))
	if seconds, err := strconv.ParseUint(value, 10, 31); err == nil {
		return time.Duration(seconds) * time.Second
	}

	date, err := http.ParseTime(value)
	if err != nil {
		return 0
	}
	return max(date.Sub(r.Now), 0)
}
