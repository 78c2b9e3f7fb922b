package transport

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/tokencheck/terraform-provider-tokencheck/internal/issuertest"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/token"
)

// TestLimits asserts the limits of each attempt, so that a hanging one leaves time
// for another, and a flood costs no memory.
func TestLimits(t *testing.T) {
	t.Parallel()

	config := &Config{}
	config.setDefaults()

	if config.Backoff != 500*time.Millisecond || maxBackoff != 10*time.Second || config.Proxy == nil || config.Now == nil || config.Log == nil {
		t.Errorf("defaults = %+v", config)
	}

	secure, plain, err := config.httpTransports()
	if err != nil {
		t.Fatal(err)
	}

	for _, h := range []*http.Transport{secure, plain} {
		if h.TLSHandshakeTimeout != 20*time.Second || h.HTTP2.SendPingTimeout != 5*time.Second || h.HTTP2.PingTimeout != 5*time.Second ||
			h.IdleConnTimeout != 90*time.Second || h.MaxResponseHeaderBytes != 64<<10 || !h.DisableCompression ||
			h.MaxIdleConns != 64 || h.MaxIdleConnsPerHost != 64 || h.TLSClientConfig.MinVersion != tls.VersionTLS12 || h.TLSClientConfig.Renegotiation != tls.RenegotiateNever {
			t.Errorf("limits = %+v", h)
		}
	}
}

// TestCertPool asserts that a bundle is added to the system trust store.
func TestCertPool(t *testing.T) {
	t.Parallel()

	bundle := issuertest.NewAuthority().PEM

	want, err := x509.SystemCertPool()
	if err != nil || !want.AppendCertsFromPEM([]byte(bundle)) {
		t.Skip("this machine has no root certificates: ", err)
	}

	if got, err := certPool(bundle); err != nil || !got.Equal(want) {
		t.Errorf("pool = %v, %v", got, err)
	}
}

// TestVanguard covers checks that begin together, the first of which hangs: the
// others wait no longer than their own timeout, and not at all once it has left.
func TestVanguard(t *testing.T) {
	t.Parallel()

	v := newVanguard()
	leave, first := v.enter(t.Context())

	over, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()

	if _, second := v.enter(over); first != nil || !errors.Is(second, context.DeadlineExceeded) {
		t.Errorf("the first one: %v, the second one: %v, want it to wait", first, second)
	}

	leave() // With a connection.
	leave() // After a failure.

	for range 2 {
		if _, err := v.enter(t.Context()); err != nil {
			t.Error(err)
		}
	}
}

// A check that waits for the first one's connection, which does not come, is told what
// any other is whose time is up.
func TestFirstConnectionHangs(t *testing.T) {
	t.Parallel()

	client, err := New[int](Config{Issuer: "Issuer", Timeout: 10 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}

	if _, err := client.vanguard.enter(t.Context()); err != nil {
		t.Fatal(err)
	}

	_, err = client.Ask(t.Context(), &url.URL{Scheme: "https", Host: "issuer.test"}, token.Token{}, true, nil)
	if err == nil || !strings.Contains(err.Error(), ": Issuer at issuer.test did not respond within the timeout of 10ms. ") {
		t.Errorf("err = %v", err)
	}
}

// TestConnectionHangs covers a proxy that accepts each connection and does not answer:
// there is time for another attempt.
func TestConnectionHangs(t *testing.T) {
	t.Parallel()

	proxy, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer proxy.Close()

	client, err := New[int](Config{
		Issuer: "Issuer", Timeout: time.Minute, MaxRetries: 1, Backoff: time.Millisecond, connect: 10 * time.Millisecond,
		Proxy: func(*http.Request) (*url.URL, error) {
			return &url.URL{Scheme: "http", Host: proxy.Addr().String()}, nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}

	_, err = client.Ask(t.Context(), &url.URL{Scheme: "https", Host: "issuer.test"}, token.Token{}, true, nil)
	if err == nil || !strings.Contains(err.Error(), "could not be reached (2 attempts): the connection timed out.") {
		t.Errorf("err = %v", err)
	}
}
