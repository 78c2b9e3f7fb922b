package cloudflaretest

import (
	"fmt"
	"net/http"

	"github.com/tokencheck/terraform-provider-tokencheck/internal/issuertest"
)

// Recorded maps requests and faults to responses of the real API. Some are from
// other operations, because the same gateway sends them.
var Recorded = map[string]issuertest.Recorded{ //nolint:gochecknoglobals // Effectively a constant.
	"active":             issuertest.Record("active", http.StatusOK, success(`"id":"ed17574386854bf78a67040be0a770b0","status":"active"`)),
	"active, with dates": issuertest.Record("active", http.StatusOK, success(`"id":"ed17574386854bf78a67040be0a770b0","status":"active","not_before":"2024-01-01T00:00:00Z","expires_on":"2099-06-30T23:59:59Z"`)),
	"documentation example": issuertest.Record("expired", http.StatusOK,
		success(`"id":"ed17574386854bf78a67040be0a770b0","status":"active","expires_on":"2020-01-01T00:00:00Z","not_before":"2018-07-01T05:20:00Z"`)),
	"disabled":          issuertest.Record("disabled", http.StatusOK, success(`"id":"ed17574386854bf78a67040be0a770b0","status":"disabled"`)),
	"expired":           issuertest.Record("expired", http.StatusOK, success(`"id":"ed17574386854bf78a67040be0a770b0","status":"expired"`)),
	"revoked (exposed)": issuertest.Record("revoked (exposed)", http.StatusOK, success(`"id":"ed17574386854bf78a67040be0a770b0","status":"revoked (exposed)"`)),

	"unknown, 400":             issuertest.Record("rejected", http.StatusBadRequest, BodyInvalid),
	"unknown, 401":             issuertest.Record("rejected", http.StatusUnauthorized, BodyInvalid),
	"unknown, 403":             issuertest.Record("rejected", http.StatusForbidden, BodyInvalid),
	"authentication, 401":      issuertest.Record("rejected", http.StatusUnauthorized, failure(10000, "Authentication error")),
	"authentication, 403":      issuertest.Record("rejected", http.StatusForbidden, failure(10000, "Authentication error")),
	"malformed":                issuertest.Record("rejected", http.StatusBadRequest, BodyFormat),
	"malformed, without chain": issuertest.Record("", http.StatusBadRequest, failure(6003, "Invalid request headers")),

	"no header":                issuertest.Record("", http.StatusBadRequest, BodyNoHeader),
	"no account-owned tokens":  issuertest.Record("", http.StatusForbidden, failure(1001, "List accounts endpoint does not support account owned tokens")),
	"no route, no such object": issuertest.Record("", http.StatusNotFound, BodyNoRoute),
	"no route":                 issuertest.Record("", http.StatusNotFound, failure(7000, "No route for that URI")),
	"location":                 issuertest.Record("", http.StatusForbidden, failure(9109, "Cannot use the access token from location: 203.0.113.7")),
	"access token":             issuertest.Record("", http.StatusForbidden, failure(9109, "Invalid access token")),
	"unauthorized":             issuertest.Record("", http.StatusForbidden, failure(9109, "Unauthorized to access requested resource")),
	"user-level":               issuertest.Record("", http.StatusForbidden, failure(9109, "Valid user-level authentication not found")),
	"no errors":                issuertest.Record("", http.StatusForbidden, `{"success":false,"errors":[],"messages":[],"result":null}`),

	"lock-out":            issuertest.Record("", http.StatusTooManyRequests, BodyLockOut),
	"lock-out, 403":       issuertest.Record("", http.StatusForbidden, BodyLockOut),
	"rate limit":          issuertest.Record("", http.StatusTooManyRequests, failure(971, "Please wait and consider throttling your request speed"), "Retry-After", "300"),
	"rate limit, former":  issuertest.Record("", http.StatusTooManyRequests, failure(10100, "More than 1200 requests per 300 seconds reached. Please wait and consider throttling your request speed")),
	"edge block":          issuertest.Record("", http.StatusForbidden, "<!DOCTYPE html><title>Attention Required! | Cloudflare</title>", "Content-Type", "text/html; charset=UTF-8"),
	"edge fault, HTML":    issuertest.Record("", http.StatusBadGateway, "<html><head><title>502 Bad Gateway</title></head></html>", "Content-Type", "text/html"),
	"edge fault, text":    issuertest.Record("", 520, "error code: 520", "Content-Type", "text/plain; charset=UTF-8"),
	"edge fault, no body": issuertest.Record("", http.StatusServiceUnavailable, ""),
}

func success(result string) string {
	return `{"result":{` + result + `},"success":true,"errors":[],"messages":[{"code":10000,"message":"This API Token is valid and active","type":null}]}`
}

func failure(code int, message string) string {
	return fmt.Sprintf(`{"success":false,"errors":[{"code":%d,"message":%q}],"messages":[],"result":null}`, code, message)
}
