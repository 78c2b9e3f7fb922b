// Package venafitest is a fake of the Authorize/Verify operation of a Venafi Trust
// Protection Platform server for tests and the demo, modeled on net/http/httptest.
// It responds as the vendor documents.
package venafitest

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
	// IssuedOn is when the access token was issued, and ValidFor its lifetime in
	// seconds.
	IssuedOn time.Time
	ValidFor int64
	// GrantIssuedOn and GrantExpiresOn bound the grant; a zero GrantExpiresOn does
	// not.
	GrantIssuedOn, GrantExpiresOn time.Time

	Application, Identity, Scope string
}

// Server is a fake platform server.
type Server struct {
	*issuertest.Server
	issuertest.Tokens[Token]
}

// NewServer starts a fake that knows no token. The caller must close it.
func NewServer(options ...issuertest.Option) *Server {
	s := new(Server)
	s.Server = issuertest.Start(http.HandlerFunc(s.verify), options...)

	return s
}

// The bodies of error responses.
const (
	BodyInvalid = `{"error":"invalid_token","error_description":"The access token provided is expired, revoked, malformed, or invalid for other reasons"}`
	BodyGrant   = `{"error":"invalid_grant","error_description":"Grant has expired"}`
	BodyMissing = `{"error":"invalid_request","error_description":"Missing Authorization header"}`
	notFound    = "<html><body><h2>404 - File or directory not found.</h2></body></html>" // from IIS
)

func (s *Server) verify(w http.ResponseWriter, r *http.Request) {
	secret, bearer := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")

	t, known := s.Token(secret)

	switch now := s.Now(); {
	case !strings.EqualFold(r.URL.Path, "/vedauth/authorize/verify") || r.Method != http.MethodGet:
		issuertest.Reply(http.StatusNotFound, notFound, "Content-Type", "text/html")(w, r)
	case !bearer:
		issuertest.Reply(http.StatusUnauthorized, BodyMissing)(w, r)
	case !known || t.ValidFor > 0 && !now.Before(t.IssuedOn.Add(time.Duration(t.ValidFor)*time.Second)):
		issuertest.Reply(http.StatusUnauthorized, BodyInvalid)(w, r)
	case !t.GrantExpiresOn.IsZero() && !now.Before(t.GrantExpiresOn):
		issuertest.Reply(http.StatusBadRequest, BodyGrant)(w, r)
	default:
		// The real server writes "200 Token is valid", which net/http cannot do on a
		// connection that stays open. It decides nothing.
		issuertest.Reply(http.StatusOK, Body(t))(w, r)
	}
}

// Body returns the body of a 200 for a token, with every documented field.
func Body(t Token) string {
	fields := map[string]any{"valid_for": t.ValidFor, "application": t.Application, "identity": t.Identity, "scope": t.Scope}

	for name, moment := range map[string]time.Time{"access_issued_on": t.IssuedOn, "grant_issued_on": t.GrantIssuedOn, "expires": t.GrantExpiresOn} {
		fields[name], fields[name+"_ISO8601"], fields[name+"_unix_time"] = nil, nil, 0

		if !moment.IsZero() {
			fields[name] = fmt.Sprintf("/Date(%d)/", moment.UnixMilli())
			fields[name+"_ISO8601"] = moment.UTC().Format("2006-01-02T15:04:05Z")
			fields[name+"_unix_time"] = moment.Unix()
		}
	}

	text, err := json.Marshal(fields, json.Deterministic(true))
	if err != nil {
		panic(err) // A map of strings and numbers always marshals.
	}

	return string(text)
}
