package venafi_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/tokencheck/terraform-provider-tokencheck/internal/issuertest"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/token"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/transport"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/venafi"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/venafi/venafitest"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/verdict"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// secret is a token for tests: no word of a message holds a part of it.
const secret = "Zq8RtYw3LmN5pKj7HgFd2sXcVbA9eU4i=="

// now is the time of all clocks, unless a test sets one otherwise: four weeks
// after the token of the documented example was issued.
var now = time.Date(2020, 12, 7, 12, 0, 0, 0, time.UTC)

func clock() time.Time { return now }

// bearer makes a token.
func bearer(t *testing.T, secret string) token.Token {
	t.Helper()

	b, err := token.Sources{Names: token.Names{Argument: "access_token", Block: "venafi"}, Value: &secret}.Resolve()
	if err != nil {
		t.Fatal(err)
	}

	return b
}

// start starts a fake whose clock stands still.
func start(t *testing.T, options ...issuertest.Option) *venafitest.Server {
	t.Helper()

	s := venafitest.NewServer(options...)
	t.Cleanup(s.Close)
	s.SetClock(clock)

	return s
}

// connect makes a client of the server at address, as the provider does.
func connect(t *testing.T, address, trustBundle string, change func(*transport.Config)) *venafi.Client {
	t.Helper()

	config := transport.Config{
		Issuer: "The Venafi server", Block: "venafi", URLArgument: "url", LateClientAuth: true,
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

	base, err := venafi.ParseURL(address)
	if err != nil {
		t.Fatal(err)
	}

	return venafi.NewClient(base, client)
}

// verify makes one check against a fake that answers by handler.
func verify(t *testing.T, handler http.HandlerFunc) (*venafitest.Server, token.Token, *venafi.Answer, error) {
	t.Helper()

	s := start(t)
	s.SetFault(handler)

	b := bearer(t, secret)
	answer, err := connect(t, s.URL, s.TrustBundle, nil).Verify(context.Background(), b, true)

	if err != nil && answer != nil {
		t.Errorf("the error %v comes with the answer %+v", err, answer)
	}

	return s, b, answer, err
}

// decide makes a verdict of facts, as the provider does.
func decide(b token.Token, facts verdict.Facts, minRemaining *time.Duration) (verdict.Verdict, error) {
	return verdict.Decide(facts, verdict.Question{TokenSource: b.Source(), MinRemaining: minRemaining}, venafi.Words)
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

// written gives a time as the provider writes it, "" for none.
func written(t *time.Time) string {
	if t == nil {
		return ""
	}

	return verdict.Format(*t)
}
