package venafi_test

import (
	"slices"
	"testing"

	"github.com/tokencheck/terraform-provider-tokencheck/internal/venafi"
)

func TestParseURL(t *testing.T) {
	t.Parallel()

	for raw, want := range map[string]string{
		"\ntpp.example.com":                                "https://tpp.example.com",
		"https://tpp.example.com//vedsdk":                  "https://tpp.example.com",
		"tpp.example.com":                                  "https://tpp.example.com",
		"https://tpp.example.com/vedsdk":                   "https://tpp.example.com",
		"https://tpp.example.com/VEDauth/":                 "https://tpp.example.com",
		"https://tpp.example.com/vedauth/Authorize/Verify": "https://tpp.example.com",
		"https://tpp.example.com/vedadmin/":                "https://tpp.example.com",
		"https://tpp.example.com/aperture":                 "https://tpp.example.com",
		"https://tpp.example.com:8443/prefix/vedsdk/":      "https://tpp.example.com:8443/prefix",
		"[2001:db8::1]:8443":                               "https://[2001:db8::1]:8443",
		"tpp":                                              "https://tpp",
		"http://127.0.0.1:8080":                            "http://127.0.0.1:8080",
		"":                                                 "",
		"http://tpp.example.com":                           "",
		"https://api.venafi.cloud":                         "",
		"venafi.eu":                                        "",
		"https://tpp.example.com/vedauth/authorize/verify?x=": "",
	} {
		got, err := venafi.ParseURL(raw)
		if want == "" && err == nil || want != "" && (err != nil || got.String() != want) {
			t.Errorf("%q: %v, %v, want %q", raw, got, err, want)
		}
	}
}

func TestCheckScope(t *testing.T) {
	t.Parallel()

	for scope, valid := range map[string]bool{
		"certificate": true, "certificate:manage": true, "certificate:manage,revoke": true, "any": true, "a-new_one.2:x": true, "a:s,s": true,
		"": false, "certificate:": false, ":manage": false, "certificate:manage,": false, "certificate;ssh": false, "certificate manage": false, "a:b:c": false, "a,b": false, "a:b c": false, "a:b,c d": false, "a:b,,c": false, "a:b,c:d": false, "a:b,c;d": false,
	} {
		if err := venafi.CheckScope(scope); (err == nil) != valid {
			t.Errorf("%q: %v", scope, err)
		}
	}
}

func TestMissing(t *testing.T) {
	t.Parallel()

	granted := venafi.ParseScopes(" Certificate:Manage, revoke ;; SSH;certificate:discover")
	for _, test := range []struct{ required, missing []string }{
		{nil, []string{}},
		{[]string{"any", "certificate", "ssh", "CERTIFICATE:discover,manage,revoke"}, []string{}},
		{[]string{"ssh:x,manage,x", "codesign", "certificate:manage,delete", "codesign:x"}, []string{"certificate:delete", "codesign:x", "ssh:manage", "ssh:x"}},
	} {
		if got := granted.Missing(test.required); !slices.Equal(got, test.missing) {
			t.Errorf("%q: %q, want %q", test.required, got, test.missing)
		}
	}
}
