package transport

import (
	"errors"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

const schemeHTTP = "http"

// ParseURL parses the URL of a server that may receive tokens: HTTPS, or plain HTTP
// to a literal loopback address or localhost, without user info, query or fragment.
// It removes trailing slashes. The error continues a sentence and repeats no part
// of the URL, which may contain a password.
func ParseURL(raw string) (*url.URL, error) {
	if raw == "" {
		return nil, errors.New("is empty")
	}

	if strings.TrimSpace(raw) != raw {
		return nil, errors.New("begins or ends with whitespace")
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
	case strings.ContainsFunc(parsed.Hostname(), notInHost): // For example a token instead of a URL, which would be looked up.
		return nil, errors.New("has an invalid host name")
	case !validPort(parsed.Port()):
		return nil, errors.New("has an invalid port")
	case strings.HasSuffix(parsed.Host, ":"): // For example https://https://host, whose host would be "https".
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

// notInHost reports whether a character cannot be part of a host name or address.
func notInHost(r rune) bool {
	return r <= '~' && !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("-._:%", r)
}

// validPort reports whether a port is empty or exists.
func validPort(port string) bool {
	n, err := strconv.ParseUint(port, 10, 16)

	return port == "" || err == nil && n > 0
}

func loopback(host string) bool {
	return net.ParseIP(host).IsLoopback() || strings.EqualFold(host, "localhost")
}
