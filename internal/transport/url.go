package transport

import (
	"errors"
	"net"
	"net/url"
	"slices"
	"strings"
	"unicode"
)

// schemeHTTP is the scheme of plain HTTP.
const schemeHTTP = "http"

// ParseURL reads the URL of a server to which tokens may be sent: HTTPS, or
// plain HTTP where the host is a literal loopback address or localhost; without
// user info, query or fragment. Trailing slashes are dropped. The error is a
// sentence's end, and repeats nothing of the URL, which can hold a password.
func ParseURL(raw string) (*url.URL, error) {
	if raw == "" {
		return nil, errors.New("is empty")
	}

	parsed, err := url.Parse(raw)

	switch {
	case err != nil:
		return nil, errors.New("is not a URL")
	case parsed.User != nil:
		return nil, errors.New("contains a user name or password")
	case parsed.RawQuery != "" || parsed.ForceQuery:
		return nil, errors.New("contains a query (?…)")
	case strings.Contains(raw, "#"):
		return nil, errors.New("contains a fragment (#…)")
	case parsed.Scheme != "https" && parsed.Scheme != schemeHTTP:
		return nil, errors.New("does not begin with https://")
	case parsed.Opaque != "" || parsed.Hostname() == "":
		return nil, errors.New("has no host")
	case strings.ContainsFunc(parsed.Hostname(), notInHost): // Such as a token in the place of a URL: it would be looked up.
		return nil, errors.New("has an invalid host name")
	case strings.HasSuffix(parsed.Host, ":"): // As in https://https://host, where the host would be "https".
		return nil, errors.New("has a colon after the host but no port")
	case parsed.Scheme == schemeHTTP && !loopback(parsed.Hostname()):
		return nil, errors.New("begins with http://, which would send the token in plain text; plain HTTP is allowed for loopback addresses only")
	case slices.ContainsFunc(strings.Split(parsed.Path, "/"), func(s string) bool { return s == "." || s == ".." }):
		return nil, errors.New("contains . or .. in its path")
	}

	parsed.Path = strings.TrimRight(parsed.Path, "/")
	parsed.RawPath = strings.TrimRight(parsed.RawPath, "/")

	return parsed, nil
}

// notInHost reports whether no host name or address has a character.
func notInHost(r rune) bool {
	return r <= '~' && !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("-._:%", r)
}

func loopback(host string) bool {
	return net.ParseIP(host).IsLoopback() || strings.EqualFold(host, "localhost")
}
