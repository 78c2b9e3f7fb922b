package cloudflare_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/tokencheck/terraform-provider-tokencheck/internal/cloudflare"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/cloudflare/cloudflaretest"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/issuertest"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/token"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/transport"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/verdict"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	// secret is a token for tests: no word of a message holds a part of it.
	secret = "Zq8RtYw3LmN5pKj7HgFd2sXcVbA9eU4i"
	// tokenID is the identifier in the documented example.
	tokenID = "ed17574386854bf78a67040be0a770b0"
	account = "023e105f4ecef8ad9ca31a8372d0c353"
	ray     = "8f2b6c1d0e3a4975-AMS"
)

// now is the time of all clocks, unless a test sets one otherwise.
var now = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func clock() time.Time { return now }

// bearer makes a token.
func bearer(t *testing.T, secret string) token.Token {
	t.Helper()

	b, err := token.Sources{Names: token.Names{Argument: "api_token", Block: "cloudflare"}, Value: &secret}.Resolve()
	if err != nil {
		t.Fatal(err)
	}

	return b
}

// start starts a fake whose clock stands still.
func start(t *testing.T, options ...issuertest.Option) *cloudflaretest.Server {
	t.Helper()

	s := cloudflaretest.NewServer(options...)
	t.Cleanup(s.Close)
	s.SetClock(clock)

	return s
}

// connect makes a client of the API at address.
func connect(t *testing.T, address, trustBundle string, change func(*transport.Config)) *cloudflare.Client {
	t.Helper()

	config := transport.Config{
		Issuer: "Cloudflare", Block: "cloudflare", URLArgument: "base_url",
		Timeout: 20 * time.Second, MaxRetries: 2, Backoff: time.Millisecond,
		UserAgent: "terraform-provider-tokencheck/test", TrustBundle: trustBundle, Now: clock,
	}
	if change != nil {
		change(&config)
	}

	client, err := transport.New(config)
	if err != nil {
		t.Fatal(err)
	}

	t.Cleanup(client.CloseIdleConnections)

	base, err := transport.ParseURL(address)
	if err != nil {
		t.Fatal(err)
	}

	return cloudflare.NewClient(base, client)
}

// decide makes a verdict of an answer, as the provider does.
func decide(t *testing.T, b token.Token, answer *cloudflare.Answer, minRemaining *time.Duration) verdict.Verdict {
	t.Helper()

	v, err := verdict.Decide(answer.Facts, verdict.Question{TokenSource: b.Source(), MinRemaining: minRemaining}, answer.Words)
	if err != nil {
		t.Fatalf("the answer cannot be decided: %v", err)
	}

	return v
}

// wantFault asserts that err is an error with all texts, which holds parts and
// no part of the token, and gives it.
func wantFault(t *testing.T, b token.Token, err error, parts ...string) *verdict.Error {
	t.Helper()

	var fault *verdict.Error
	if !errors.As(err, &fault) {
		t.Fatalf("err = %v, want a *verdict.Error", err)
	}

	if fault.Summary == "" || fault.Happened == "" || fault.Remedy == "" {
		t.Errorf("error %+v lacks a text", fault)
	}

	if b.In(err.Error()) {
		t.Errorf("error %q holds a part of the token", err)
	}

	for _, part := range parts {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("error %q lacks %q", err, part)
		}
	}

	return fault
}

// verify makes one check against a fake that answers by handler.
func verify(t *testing.T, handler http.HandlerFunc, accountID string) (*cloudflaretest.Server, token.Token, *cloudflare.Answer, error) {
	t.Helper()

	s := start(t)
	s.SetFault(handler)

	b := bearer(t, secret)
	answer, err := connect(t, s.BaseURL(), s.TrustBundle, nil).Verify(context.Background(), b, accountID, true)

	if err != nil && answer != nil {
		t.Errorf("the error %v comes with the answer %+v", err, answer)
	}

	return s, b, answer, err
}

// written gives a time as the provider writes it, "" for none.
func written(t *time.Time) string {
	if t == nil {
		return ""
	}

	return verdict.Format(*t)
}
