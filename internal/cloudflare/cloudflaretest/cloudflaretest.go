// Package cloudflaretest is a fake of Cloudflare's token verification for tests and
// the demo, modeled on net/http/httptest. It responds as the real API was observed,
// or is documented, to respond.
package cloudflaretest

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/tokencheck/terraform-provider-tokencheck/internal/issuertest"
)

// Token is a token that the fake knows.
type Token struct {
	ID string
	// Status is the status word. If empty, it is "expired" once ExpiresOn has passed,
	// else "active".
	Status string
	// Account is the ID of the account that owns the token; "" for a user-owned one.
	Account string
	// NotBefore and ExpiresOn are omitted from the response if zero.
	NotBefore, ExpiresOn time.Time
}

// Server is a fake Cloudflare.
type Server struct {
	*issuertest.Server
	issuertest.Tokens[Token]
}

// active is the status word of a valid token.
const active = "active"

// NewServer starts a fake that knows no token. The caller must close it.
func NewServer(options ...issuertest.Option) *Server {
	s := new(Server)
	s.Server = issuertest.Start(http.HandlerFunc(s.Verify), options...)

	return s
}

// BaseURL returns the URL of the API.
func (s *Server) BaseURL() string { return s.URL + "/client/v4" }

// Bodies of error responses, as captured from the real API.
const (
	BodyInvalid = `{"success":false,"errors":[{"code":1000,"message":"Invalid API Token"}],"messages":[],"result":null}`
	BodyFormat  = `{"success":false,"errors":[{"code":6003,"message":"Invalid request headers","error_chain":` +
		`[{"code":6111,"message":"Invalid format for Authorization header"}]}],"messages":[],"result":null}`
	BodyNoHeader = `{"success":false,"errors":[{"code":1001,"message":"Missing \"Authorization\" header"}],"messages":[],"result":null}`
	// BodyLockOut is returned with 429, for minutes, after too many failed
	// authentications.
	BodyLockOut = `{"success":false,"errors":[{"code":10502,"message":"Too many authentication failures. Please try again later."}],"messages":[],"result":null}`
	BodyNoRoute = `{"success":false,"errors":[{"code":7003,"message":"Could not route to the requested path, perhaps your object identifier is invalid?"},` +
		`{"code":7000,"message":"No route for that URI"}],"messages":[],"result":null}`
)

var (
	route = regexp.MustCompile(`^/client/v4/(?:user|accounts/([0-9a-fA-F]{32}))/tokens/verify$`)
	// Invalid characters, too short, or like a Global API key.
	malformed = regexp.MustCompile(`[^A-Za-z0-9._~+/=-]|^.{0,11}$|^[0-9a-f]{32}$`)
)

// Verify responds as Cloudflare does. Intermittent faults in tests call it.
func (s *Server) Verify(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cf-Ray", "8f2b6c1d0e3a4975-AMS")

	path := route.FindStringSubmatch(r.URL.Path)
	authorization := r.Header.Get("Authorization")
	secret, bearer := strings.CutPrefix(authorization, "Bearer ")

	t, known := s.Token(secret)

	switch {
	case path == nil || r.Method != http.MethodGet:
		issuertest.Reply(http.StatusNotFound, BodyNoRoute)(w, r)
	case authorization == "":
		issuertest.Reply(http.StatusBadRequest, BodyNoHeader)(w, r)
	case !bearer || !known && malformed.MatchString(secret):
		issuertest.Reply(http.StatusBadRequest, BodyFormat)(w, r)
	case !known || t.Account != path[1]:
		issuertest.Reply(http.StatusUnauthorized, BodyInvalid)(w, r)
	default:
		issuertest.Reply(http.StatusOK, Body(t, s.Now()))(w, r)
	}
}

// Body returns the body of a 200 for a token at the given time.
func Body(t Token, now time.Time) string {
	if t.Status == "" {
		t.Status = active

		if !t.ExpiresOn.IsZero() && !t.ExpiresOn.After(now) {
			t.Status = "expired"
		}
	}

	result := map[string]string{"id": t.ID, "status": t.Status}
	if !t.NotBefore.IsZero() {
		result["not_before"] = t.NotBefore.UTC().Format(time.RFC3339)
	}

	if !t.ExpiresOn.IsZero() {
		result["expires_on"] = t.ExpiresOn.UTC().Format(time.RFC3339)
	}

	text, err := json.Marshal(result, json.Deterministic(true))
	if err != nil {
		panic(err) // A map of strings always marshals.
	}

	messages := ""
	if t.Status == active {
		messages = `{"code":10000,"message":"This API Token is valid and active","type":null}`
	}

	return fmt.Sprintf(`{"result":%s,"success":true,"errors":[],"messages":[%s]}`, text, messages)
}
