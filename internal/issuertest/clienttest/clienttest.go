// Package clienttest contains what the tests of all issuers' clients share: how to
// create a client, and what holds for all its answers and errors.
package clienttest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/tokencheck/terraform-provider-tokencheck/internal/issuertest"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/token"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/transport"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/verdict"
)

// UserAgent is the User-Agent of the clients under test.
const UserAgent = "terraform-provider-tokencheck/test"

// Issuer creates clients of an issuer, as the provider does. C is the client.
type Issuer[C any] struct {
	// Config contains the issuer's own settings, and the local clock.
	Config    transport.Config
	ParseURL  func(string) (*url.URL, error)
	NewClient func(*url.URL, transport.Config) (C, error)
}

// Connect returns a client of the issuer at address, which retries twice with a
// short wait. Change, if not nil, may change its configuration.
func (i Issuer[C]) Connect(tb testing.TB, address, trustBundle string, change func(*transport.Config)) C {
	tb.Helper()

	base, err := i.ParseURL(address)
	if err != nil {
		tb.Fatal(err)
	}

	config := Impatient(i.Config, change)
	if config.TrustBundle == "" {
		config.TrustBundle = trustBundle
	}

	client, err := i.NewClient(base, config)
	if err != nil {
		tb.Fatal(err)
	}

	return client
}

// Impatient makes a configuration retry twice with a short wait, then calls change.
func Impatient(config transport.Config, change func(*transport.Config)) transport.Config {
	config.Timeout, config.MaxRetries, config.Backoff = 20*time.Second, 2, time.Millisecond
	config.UserAgent = UserAgent

	if change != nil {
		change(&config)
	}

	return config
}

// Bearer returns a token.
func Bearer(tb testing.TB, secret string) token.Token {
	tb.Helper()

	b, _, err := token.Sources{Names: token.Names{Argument: "token", Block: "issuer"}, Value: &secret}.Resolve(tb.Context())
	if err != nil {
		tb.Fatal(err)
	}

	return b
}

// WantFault asserts that err is a [verdict.Error] with all its texts, contains
// parts, and contains no part of the token. It returns the error.
func WantFault(tb testing.TB, b token.Token, err error, parts ...string) *verdict.Error {
	tb.Helper()

	var fault *verdict.Error
	if !errors.As(err, &fault) {
		tb.Fatalf("err = %v, want a *verdict.Error", err)
	}

	if fault.Summary == "" || fault.Happened == "" || fault.Remedy == "" {
		tb.Errorf("error %+v has an empty text", fault)
	}

	if b.In(err.Error()) {
		tb.Errorf("error %q contains part of the token", err)
	}

	for _, part := range parts {
		if !strings.Contains(err.Error(), part) {
			tb.Errorf("error %q lacks %q", err, part)
		}
	}

	return fault
}

// Written formats a time as the provider does, nil as "".
func Written(t *time.Time) string {
	if t == nil {
		return ""
	}

	return verdict.Format(*t)
}

// Answers returns HTTP/1.1 responses with each body and status line, as seeds for
// [Issuer.Fuzz].
func Answers(statuses, bodies []string) []string {
	all := make([]string, 0, len(statuses)*len(bodies))

	for _, body := range bodies {
		for _, status := range statuses {
			all = append(all, fmt.Sprintf("HTTP/1.1 %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", status, len(body), body))
		}
	}

	return all
}

// Fuzz sends any bytes as the response: no panic, no hang, no part of the token in
// the results, and no valid token except for the documented success, which accepts
// recognizes without the client's code. Verify runs a fresh check, so that it uses
// no earlier response, and decides it; its answer may be nil.
func (i Issuer[C]) Fuzz(
	f *testing.F, secret string, answers []string,
	verify func(ctx context.Context, client C, b token.Token) (answer any, v verdict.Verdict, err error),
	accepts func(answer []byte, now time.Time) bool,
) {
	f.Helper()
	log.SetOutput(io.Discard) // Package net/http logs excess data after a response.

	server := issuertest.StartCanned()
	f.Cleanup(server.Close)

	b := Bearer(f, secret)
	client := i.Connect(f, server.URL, "", func(c *transport.Config) {
		c.Timeout, c.MaxRetries, c.Backoff = 5*time.Second, 0, time.Microsecond
	})

	for _, answer := range answers {
		f.Add([]byte(answer))
	}

	f.Fuzz(func(t *testing.T, raw []byte) {
		server.Set(raw)
		before := server.Asked()

		answer, v, err := verify(t.Context(), client, b)
		if server.Asked() == before {
			t.Fatalf("no request was sent, perhaps because no port was free: %v", err)
		}

		if v.Valid() && !accepts(raw, i.Config.Now()) {
			t.Errorf("valid for %q", raw)
		}

		if all := fmt.Sprintf("%+v %+v %v", answer, v, err); b.In(all) {
			t.Errorf("%s contains part of the token", all)
		}
	})
}
