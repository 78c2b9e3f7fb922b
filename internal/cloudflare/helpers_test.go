package cloudflare_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/tokencheck/terraform-provider-tokencheck/internal/cloudflare"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/cloudflare/cloudflaretest"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/issuertest"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/issuertest/clienttest"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/token"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/transport"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/verdict"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	// secret is a test token: no word of a message contains a part of it.
	secret = "Zq8RtYw3LmN5pKj7HgFd2sXcVbA9eU4i"
	// tokenID is from the documented example.
	tokenID = "ed17574386854bf78a67040be0a770b0"
	account = "023e105f4ecef8ad9ca31a8372d0c353"
	ray     = "8f2b6c1d0e3a4975-AMS"
)

// now is the time of all clocks, unless a test sets another.
var now = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func clock() time.Time { return now }

var issuer = clienttest.Issuer[*cloudflare.Client]{
	Config:   transport.Config{Block: "cloudflare", URLArgument: "base_url", Now: clock},
	ParseURL: transport.ParseURL, NewClient: cloudflare.NewClient,
}

// start starts a fake with a fixed clock.
func start(t *testing.T, options ...issuertest.Option) *cloudflaretest.Server {
	t.Helper()

	s := cloudflaretest.NewServer(options...)
	t.Cleanup(s.Close)
	s.SetClock(clock)

	return s
}

// decide returns the verdict on an answer, as the provider does.
func decide(t *testing.T, b token.Token, answer *cloudflare.Answer, minRemaining *time.Duration) verdict.Verdict {
	t.Helper()

	v, err := verdict.Decide(answer.Answer, verdict.Question{TokenSource: b.Source(), MinRemaining: minRemaining})
	if err != nil {
		t.Fatalf("no decision: %v", err)
	}

	return v
}

// verify runs one check against a fake that responds with handler.
func verify(t *testing.T, handler http.HandlerFunc, accountID string) (*cloudflaretest.Server, token.Token, *cloudflare.Answer, error) {
	t.Helper()

	s := start(t)
	s.SetFault(handler)

	b := clienttest.Bearer(t, secret)
	answer, err := issuer.Connect(t, s.BaseURL(), s.TrustBundle, nil).Verify(context.Background(), b, accountID, true)

	if err != nil && answer != nil {
		t.Errorf("error %v with answer %+v", err, answer)
	}

	return s, b, answer, err
}
