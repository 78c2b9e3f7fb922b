package transport_test

import (
	"strings"
	"testing"

	"github.com/tokencheck/terraform-provider-tokencheck/internal/issuertest/clienttest"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/transport"
)

func TestParseURL(t *testing.T) {
	t.Parallel()

	tests := []struct{ raw, want, fault string }{
		{raw: "https://api.example.com/client/v4", want: "https://api.example.com/client/v4"},
		{raw: "https://api.example.com", want: "https://api.example.com"},
		{raw: "https://api.example.com/", want: "https://api.example.com"},
		{raw: "https://api.example.com/client/v4///", want: "https://api.example.com/client/v4"},
		{raw: "HTTPS://API.example.com/Client", want: "https://API.example.com/Client"},
		{raw: "https://api.example.com:8443/v4", want: "https://api.example.com:8443/v4"},
		{raw: "https://192.0.2.1", want: "https://192.0.2.1"},
		{raw: "https://[2001:db8::1]:8443/v4/", want: "https://[2001:db8::1]:8443/v4"},
		{raw: "https://[2001:db8::1]", want: "https://[2001:db8::1]"},
		{raw: "https://host/a%2Fb/", want: "https://host/a%2Fb"},
		{raw: "https://host/a%20b", want: "https://host/a%20b"},
		{raw: "https://host/.well-known/...", want: "https://host/.well-known/..."},
		{raw: "https://host/a..b", want: "https://host/a..b"},
		{raw: "https://host/a@b:c", want: "https://host/a@b:c"},
		{raw: "https://host", want: "https://host"},
		{raw: "https://हिन्दी.example.com", want: "https://%E0%A4%B9%E0%A4%BF%E0%A4%A8%E0%A5%8D%E0%A4%A6%E0%A5%80.example.com"}, // Not all of these are letters.
		{raw: "https://host_1.example.com", want: "https://host_1.example.com"},

		// Plain HTTP is for loopback addresses and localhost.
		{raw: "http://127.0.0.1:8080/v4/", want: "http://127.0.0.1:8080/v4"},
		{raw: "http://127.255.255.254", want: "http://127.255.255.254"},
		{raw: "http://[::1]:8080", want: "http://[::1]:8080"},
		{raw: "http://localhost", want: "http://localhost"},
		{raw: "http://LocalHost:1", want: "http://LocalHost:1"},
		{raw: "http://api.example.com", fault: "http://"},
		{raw: "HTTP://api.example.com", fault: "http://"},
		{raw: "http://192.168.0.1", fault: "http://"},
		{raw: "http://10.0.0.1", fault: "http://"},
		{raw: "http://0.0.0.0", fault: "http://"},
		{raw: "http://[::]", fault: "http://"},
		{raw: "http://128.0.0.1", fault: "http://"},
		{raw: "http://127.0.0.1.example.com", fault: "http://"},
		{raw: "http://localhost.example.com", fault: "http://"},
		{raw: "http://notlocalhost", fault: "http://"},
		{raw: "http://127.1", fault: "http://"},
		{raw: "http://2130706433", fault: "http://"},
		{raw: "http://0x7f.0.0.1", fault: "http://"},
		{raw: "http://[fe80::1]", fault: "http://"},

		{raw: "", fault: "empty"},
		{raw: " "},
		{raw: " https://host"},
		{raw: "host"},
		{raw: "host:443"},
		{raw: "host/path"},
		{raw: "//evil.example.com"},
		{raw: "/client/v4"},
		{raw: "https:host"},
		{raw: "https:/host"},
		{raw: "https:"},
		{raw: "https://"},
		{raw: "https:///client/v4"},
		{raw: "https://:443/v4", fault: "has no host"},
		{raw: "ftp://host"},
		{raw: "file:///etc/passwd"},
		{raw: "javascript:alert(1)"},
		{raw: "unix:///run/socket"},
		{raw: "https+unix://host"},
		{raw: "https://user@host", fault: "user"},
		{raw: "https://user:" + secret + "@host", fault: "user"},
		{raw: "https://:" + secret + "@host", fault: "user"},
		{raw: "https://@host", fault: "user"},
		{raw: "https://api.example.com@evil.example.com", fault: "user"},
		{raw: "https://host?", fault: "query"},
		{raw: "https://host/?token=" + secret, fault: "query"},
		{raw: "https://host#", fault: "fragment"},
		{raw: "https://host/#" + secret, fault: "fragment"},
		{raw: "https://evil.example.com/#/client/v4", fault: "fragment"},
		{raw: "https://host/..", fault: ".."},
		{raw: "https://host/../v4"},
		{raw: "https://host/a/../v4"},
		{raw: "https://host/./v4"},
		{raw: "https://host/v4/."},
		{raw: "https://host/%2e%2e/v4"},
		{raw: "https://host/%2E./v4"},
		{raw: "https://host/a%2f..%2fb"},
		{raw: "https://host/%zz"},
		{raw: "https://host:port"},
		{raw: "https://host:65536", fault: "has an invalid port"},
		{raw: "https://host:0", fault: "has an invalid port"},
		{raw: "https://host:-1"},
		{raw: "https://[::1", fault: "is not a URL"},
		{raw: "https://::1"},
		{raw: "https://ho st"},
		{raw: "https://ho+st", fault: "has an invalid host name"},
		{raw: "https://host~", fault: "has an invalid host name"},
		{raw: "https://host\\@evil.example.com"},
		{raw: "https://host\n"},
		{raw: "https://host\r\nX: y"},
		{raw: "https://host/\x00"},
		{raw: "https://host/\x7f"},
		{raw: "https://${HOST}"},
		{raw: "https://https://host", fault: "has a colon after the host but no port"},
	}

	b := clienttest.Bearer(t, secret)

	for _, test := range tests {
		t.Run(test.raw, func(t *testing.T) {
			t.Parallel()

			got, err := transport.ParseURL(test.raw)
			if test.want != "" {
				if err != nil || got.String() != test.want {
					t.Fatalf("ParseURL returned %v, %v; want %q", got, err, test.want)
				}

				return
			}

			if err == nil {
				t.Fatalf("ParseURL returned %v, want a fault: a token would be sent to %s", got, got.Host)
			}

			if !strings.Contains(err.Error(), test.fault) || b.In(err.Error()) {
				t.Errorf("fault = %q, want it to name %q and to repeat nothing", err, test.fault)
			}
		})
	}
}

// FuzzParseURL finds accepted URLs that the contract forbids.
func FuzzParseURL(f *testing.F) {
	for _, raw := range []string{"https://host/a", "http://localhost", "https://u:p@h/?q#f", "//h", "https://h/%2e%2e", "http://h"} {
		f.Add(raw)
	}

	f.Fuzz(func(t *testing.T, raw string) {
		got, err := transport.ParseURL(raw)
		if err != nil {
			return
		}

		switch {
		case got.Scheme != "https" && got.Scheme != "http", got.Hostname() == "", got.User != nil, got.RawQuery != "", got.Fragment != "",
			strings.HasSuffix(got.Path, "/"), strings.Contains(got.String(), "#"), strings.Contains(got.String(), "?"):
			t.Errorf("ParseURL(%q) = %q", raw, got)
		}

		if joined := got.JoinPath("user", "verify"); joined.Host != got.Host || !strings.HasSuffix(joined.String(), "/user/verify") {
			t.Errorf("ParseURL(%q), with a path: %q", raw, joined)
		}
	})
}
