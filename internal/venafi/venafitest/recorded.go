package venafitest

import (
	"net/http"

	"github.com/tokencheck/terraform-provider-tokencheck/internal/issuertest"
)

// Recorded maps faults to responses of servers, and of gateways in front of them.
var Recorded = map[string]issuertest.Recorded{ //nolint:gochecknoglobals // Effectively a constant.
	"before 20.2.2": issuertest.Record("active", http.StatusOK, `{"application":"VenafiPS","scope":"certificate:manage;"}`),

	"invalid_token":            issuertest.Record("rejected", http.StatusUnauthorized, BodyInvalid),
	"invalid_token, the grant": issuertest.Record("rejected", http.StatusUnauthorized, `{"error":"invalid_token","error_description":"Grant not found"}`),
	"expired_token":            issuertest.Record("rejected", http.StatusUnauthorized, `{"error":"expired_token","error_description":"Access token expired"}`),
	"session_error":            issuertest.Record("rejected", http.StatusUnauthorized, `{"error":"session_error","error_description":"Invalid token format"}`),
	"invalid_grant":            issuertest.Record("rejected", http.StatusBadRequest, BodyGrant),
	"grant not found, line":    line("rejected", http.StatusUnauthorized, "Grant not found"),
	"grant revoked, line":      line("rejected", http.StatusUnauthorized, "Grant has been revoked, has expired, or the refresh token is invalid"),
	"token expired, line":      line("rejected", http.StatusUnauthorized, "The access token provided is expired, revoked, malformed, or invalid for other reasons"),

	"grant expired, line":   line("", http.StatusBadRequest, "Grant has been revoked, has expired, or the refresh token is invalid"),
	"invalid_request, 400":  issuertest.Record("", http.StatusBadRequest, `{"error":"invalid_request","error_description":"Missing or invalid request property"}`),
	"invalid_request, 401":  issuertest.Record("", http.StatusUnauthorized, BodyMissing),
	"insufficient_scope":    issuertest.Record("", http.StatusForbidden, `{"error":"insufficient_scope","error_description":"The request requires higher privileges than provided by the access token"}`),
	"access denied, line":   line("", http.StatusUnauthorized, "Access Denied"),
	"unauthorized, Basic":   issuertest.Record("", http.StatusUnauthorized, `{"error":"Unauthorized"}`, "WWW-Authenticate", `Basic realm="gateway"`),
	"Windows sign-in":       issuertest.Record("", http.StatusUnauthorized, "<html><h2>401 - Unauthorized</h2></html>", "Content-Type", "text/html", "WWW-Authenticate", "Negotiate, NTLM"),
	"login_required":        issuertest.Record("", http.StatusUnauthorized, `{"error":"login_required"}`),
	"server_error":          issuertest.Record("", http.StatusUnauthorized, `{"error":"server_error"}`),
	"unavailable":           issuertest.Record("", http.StatusUnauthorized, `{"error":"temporarily_unavailable"}`),
	"no client certificate": issuertest.Record("", http.StatusBadRequest, "<center><h1>400 Bad Request</h1></center><center>No required SSL certificate was sent</center>", "Content-Type", "text/html"),
	"no vedauth":            issuertest.Record("", http.StatusNotFound, notFound, "Content-Type", "text/html"),
	"IIS, TLS 1.3":          issuertest.Record("", http.StatusInternalServerError, "<html><h2>500 - Internal server error.</h2></html>", "Content-Type", "text/html"),
	"empty object":          issuertest.Record("", http.StatusOK, "{}"),
	"another program":       issuertest.Record("", http.StatusOK, `{"application":"Grafana"}`),
}

// line returns a response whose only text is in the status line.
func line(verdict string, status int, words string) issuertest.Recorded {
	return issuertest.Recorded{Answer: issuertest.Answer{Status: status, Words: words}, Verdict: verdict}
}
