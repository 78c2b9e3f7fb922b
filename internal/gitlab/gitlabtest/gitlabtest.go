// Package gitlabtest is a fake of GitLab's GET /personal_access_tokens/self for tests
// and the demo, modeled on net/http/httptest. It responds as GitLab's source and
// documentation say.
package gitlabtest

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/tokencheck/terraform-provider-tokencheck/internal/issuertest"
)

// Token is a token that the fake knows.
type Token struct {
	Name   string
	Scopes []string
	// ExpiresAt is the first day on which the token is not valid; it never expires if
	// zero.
	ExpiresAt time.Time
	// Revoked and Blocked are a revoked token, and one whose user is blocked.
	Revoked, Blocked bool
}

// Server is a fake GitLab.
type Server struct {
	*issuertest.Server
	issuertest.Tokens[Token]
}

// NewServer starts a fake that knows no token. The caller must close it.
func NewServer(options ...issuertest.Option) *Server {
	s := new(Server)
	s.Server = issuertest.Start(http.HandlerFunc(s.self), options...)
	return s
}

const challenge = `Bearer realm="Protected by OAuth 2.0", error="invalid_token"`

// Bodies of error responses, from GitLab's source.
const (
	BodyUnauthorized = `{"message":"401 Unauthorized"}`
	BodyExpired      = `{"error":"invalid_token","error_description":"Token is expired. You can either do re-authorization or token refresh."}`
	BodyRevoked      = `{"error":"invalid_token","error_description":"Token was revoked. You have to re-authorize from the user."}`
	BodyBlocked      = `{"message":"403 Forbidden - Your account has been blocked."}`
)

func (s *Server) self(w http.ResponseWriter, r *http.Request) {
	secret, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	t, known := s.Token(secret)

	switch now := s.Now(); {
	case r.URL.Path != "/api/v4/personal_access_tokens/self" || r.Method != http.MethodGet:
		issuertest.Reply(http.StatusNotFound, `{"error":"404 Not Found"}`)(w, r)
	case !known:
		issuertest.Reply(http.StatusUnauthorized, BodyUnauthorized)(w, r)
	case !t.ExpiresAt.IsZero() && !now.Before(t.ExpiresAt):
		issuertest.Reply(http.StatusUnauthorized, BodyExpired, "WWW-Authenticate", challenge)(w, r)
	case t.Revoked:
		issuertest.Reply(http.StatusUnauthorized, BodyRevoked, "WWW-Authenticate", challenge)(w, r)
	case t.Blocked:
		issuertest.Reply(http.StatusForbidden, BodyBlocked)(w, r)
	default:
		scopes, err := json.Marshal(t.Scopes)
		if err != nil {
			panic(err) // Strings always marshal.
		}

		expires := "null"
		if !t.ExpiresAt.IsZero() {
			expires = t.ExpiresAt.Format(`"2006-01-02"`)
		}
		issuertest.Reply(http.StatusOK, fmt.Sprintf(`{"id":4,"name":%q,"revoked":false,"active":true,"scopes":%s,"user_id":3,"created_at":"2020-07-23T14:31:47.729Z","last_used_at":null,"expires_at":%s}`,
			t.Name, scopes, expires))(w, r)
	}
}
