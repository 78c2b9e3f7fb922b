package gitlab_test

import (
	"testing"

	"github.com/tokencheck/terraform-provider-tokencheck/internal/gitlab"
)

func TestParseURL(t *testing.T) {
	t.Parallel()

	for raw, want := range map[string]string{
		"https://gitlab.com":                         "https://gitlab.com",
		"https://gitlab.com/":                        "https://gitlab.com",
		"https://gitlab.com/api/v4/":                 "https://gitlab.com",
		"https://example.com/gitlab/":                "https://example.com/gitlab",
		"https://example.com/gitlab/api/v4":          "https://example.com/gitlab",
		"https://example.com:8443":                   "https://example.com:8443",
		"http://127.0.0.1:8080":                      "http://127.0.0.1:8080",
		"https://gitlab.example.com/api/v3":          "",
		"http://gitlab.example.com":                  "",
		"https://gitlab.example.com/?private_token=": "",
	} {
		got, err := gitlab.ParseURL(raw)
		if want == "" && err == nil || want != "" && (err != nil || got.String() != want) {
			t.Errorf("%s: %v, %v, want %q", raw, got, err, want)
		}
	}
}
