package venafi_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/tokencheck/terraform-provider-tokencheck/internal/issuertest"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/issuertest/clienttest"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/token"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/transport"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/venafi"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/venafi/venafitest"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/verdict"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// secret is a test token: no word of a message contains a part of it.
const secret = "Zq8RtYw3LmN5pKj7HgFd2sXcVbA9eU4i=="

// now is the time of all clocks, unless a test sets another: four weeks after the
// token of the documented example was issued.
var now = time.Date(2020, 12, 7, 12, 0, 0, 0, time.UTC)

func clock() time.Time { return now }

var issuer = clienttest.Issuer[*venafi.Client]{
	Config:   transport.Config{Block: "venafi", URLArgument: "url", Now: clock},
	ParseURL: venafi.ParseURL, NewClient: venafi.NewClient,
}

// start starts a fake with a fixed clock.
func start(t *testing.T, options ...issuertest.Option) *venafitest.Server {
	t.Helper()

	s := venafitest.NewServer(options...)
	t.Cleanup(s.Close)
	s.SetClock(clock)

	return s
}

// verify runs one check against a fake that responds with handler.
func verify(t *testing.T, handler http.HandlerFunc) (*venafitest.Server, token.Token, *venafi.Answer, error) {
	t.Helper()

	s := start(t)
	s.SetFault(handler)

	b := clienttest.Bearer(t, secret)
	answer, err := issuer.Connect(t, s.URL, s.TrustBundle, nil).Verify(context.Background(), b, true)

	if err != nil && answer != nil {
		t.Errorf("error %v with answer %+v", err, answer)
	}

	return s, b, answer, err
}

// decide returns the verdict on an answer, as the provider does.
func decide(b token.Token, answer verdict.Answer, minRemaining *time.Duration) (verdict.Verdict, error) {
	return verdict.Decide(answer, verdict.Question{TokenSource: b.Source(), MinRemaining: minRemaining})
}
