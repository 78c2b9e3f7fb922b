// Package githubtest is a fake of GitHub's GET /user for tests and the demo, modeled
// on net/http/httptest. It responds as the real API was observed, or is documented, to
// respond.
package githubtest

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/tokencheck/terraform-provider-tokencheck/internal/issuertest"
)

// Token is a token that the fake knows.
type Token struct {
	// Login is the name of the token's user; "" for an installation token.
	Login string
	// Scopes are the scopes of a classic token, separated by commas; "-" for a token of
	// another kind.
	Scopes string
	// ExpiresOn is omitted from the response if zero.
	ExpiresOn time.Time
}

// Server is a fake GitHub, as an Enterprise Server.
type Server struct {
	*issuertest.Server
	issuertest.Tokens[Token]
}

// NewServer starts a fake that knows no token. The caller must close it.
func NewServer(options ...issuertest.Option) *Server {
	s := new(Server)
	s.Server = issuertest.Start(http.HandlerFunc(s.user), options...)
	return s
}

func (s *Server) user(w http.ResponseWriter, r *http.Request) {
	secret, bearer := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	t, known := s.Token(secret)
	if known && !t.ExpiresOn.IsZero() && !t.ExpiresOn.After(s.Now()) {
		known = false
	}

	w.Header().Set("X-GitHub-Request-Id", "C0FE:1A2B:3C4D5E:6F7A8B:693F0000")

	switch {
	case r.URL.Path != "/api/v3/user" || r.Method != http.MethodGet:
		issuertest.Reply(http.StatusNotFound, failure("Not Found"))(w, r)
	case !bearer:
		issuertest.Reply(http.StatusUnauthorized, failure("Requires authentication"))(w, r)
	case !known:
		issuertest.Reply(http.StatusUnauthorized, failure("Bad credentials"))(w, r)
	case t.Login == "":
		issuertest.Reply(http.StatusForbidden, failure("Resource not accessible by integration"))(w, r)
	default:
		if t.Scopes != "-" {
			w.Header().Set("X-OAuth-Scopes", t.Scopes)
		}
		if !t.ExpiresOn.IsZero() {
			w.Header().Set("GitHub-Authentication-Token-Expiration", t.ExpiresOn.UTC().Format("2006-01-02 15:04:05 UTC"))
		}
		issuertest.Reply(http.StatusOK, fmt.Sprintf(`{"login":%q,"id":1,"type":"User"}`, t.Login))(w, r)
	}
}

func failure(message string) string {
	return fmt.Sprintf(`{"message":%q,"documentation_url":"https://docs.github.com/rest","status":"0"}`, message)
}
