package provider_test

import (
	"crypto/tls"
	"errors"
	"maps"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-log/tflogtest"

	"github.com/tokencheck/terraform-provider-tokencheck/internal/issuertest"
)

// unreachable is a server that nothing must be sent to.
const unreachable = "https://127.0.0.1:1"

// Wrong arguments are errors before any request, with the attribute's path, but for
// token arguments, whose source line the CLI would print. No error repeats a value.
func TestWrongArguments(t *testing.T) {
	forEach(t, func(t *testing.T, f fake) {
		value, env, file := f.tokenArgument, f.tokenArgument+"_env", f.tokenArgument+"_file"
		secret := issuertest.Secret
		directory := t.TempDir()
		path := filepath.Join(directory, "token")
		must(os.WriteFile(path, []byte(secret), 0o600))
		type wrong struct {
			config map[string]any
			want   string
		}
		tests := map[string]wrong{
			"empty":                     {map[string]any{value: ""}, "error: Malformed token"},
			"only whitespace":           {map[string]any{value: " \n"}, "error: Malformed token"},
			"Bearer":                    {map[string]any{value: "Bearer " + secret}, "error: Malformed token"},
			"path as token":             {map[string]any{value: path}, "error: Malformed token"},
			"token and name":            {map[string]any{value: secret, env: "X"}, "error: Conflicting token arguments"},
			"token and path":            {map[string]any{value: secret, file: path}, "error: Conflicting token arguments"},
			"all three":                 {map[string]any{value: secret, env: secret, file: secret}, "error: Conflicting token arguments"},
			"empty name":                {map[string]any{env: ""}, "error: Invalid environment variable name"},
			"token as name, with $":     {map[string]any{env: "$" + secret}, "error: Invalid environment variable name"},
			"token as name":             {map[string]any{env: secret}, "error: Token variable is not set"},
			"name of an empty variable": {map[string]any{env: "EMPTY"}, "error: Token variable is not set"},
			"name of a bad token":       {map[string]any{env: "BAD"}, "error: Malformed token"},
			"empty path":                {map[string]any{file: ""}, "error: Token file cannot be read"},
			"token as path":             {map[string]any{file: secret}, "error: Token file cannot be read"},
			"directory":                 {map[string]any{file: directory}, "error: Token file cannot be read"},
			"days":                      {map[string]any{"min_remaining": "14d"}, "error at min_remaining: Invalid duration"},
			"half a day":                {map[string]any{"min_remaining": "0.5d"}, "error at min_remaining: Invalid duration"},
			"no unit":                   {map[string]any{"min_remaining": "72"}, "error at min_remaining: Invalid duration"},
			"negative":                  {map[string]any{"min_remaining": "-1ns"}, "error at min_remaining: Invalid duration"},
			"token as duration":         {map[string]any{"min_remaining": secret}, "error at min_remaining: Invalid duration"},
		}
		if f.invalid != nil {
			tests["the issuer's own"] = wrong{f.invalid, "error at "}
		}
		if f.invalid["required_scopes"] != nil {
			tests["null as scope"] = wrong{map[string]any{"required_scopes": []any{nil}}, "error at required_scopes: "}
		}
		for name, test := range tests {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				s := connected(t, host(map[string]string{"BAD": "two words", "EMPTY": ""}), f, unreachable, nil, map[string]any{f.tokenArgument: secret})
				_, read := s.read(f.kind(), test.config)
				_, opened := s.open(f.kind(), test.config)
				for _, all := range []diagnostics{read, opened} {
					if !all.one(test.want) || strings.Contains(all.String(), secret[:8]) || strings.Contains(all.String(), path) {
						t.Errorf("got %q, want %q", all, test.want)
					}
				}
			})
		}
	})
}

// A data source is always validated, an ephemeral resource only without a configured
// provider, as in terraform validate. With one, only Open reports errors, to which
// Terraform adds a location.
func TestEphemeralValidation(t *testing.T) {
	forEach(t, func(t *testing.T, f fake) {
		s := newServer(t, host(nil))
		config := dynamic(s.schema.EphemeralResourceSchemas[f.kind()].ValueType(), map[string]any{"min_remaining": "1d"})
		for want, wrong := range map[string]map[string]any{"error: Malformed token": {f.tokenArgument: ""}, "": {f.tokenArgument: unknown{}, f.tokenArgument + "_env": "X"}} {
			resp, err := s.server.ValidateDataResourceConfig(t.Context(), &tfprotov6.ValidateDataResourceConfigRequest{TypeName: f.kind(), Config: dynamic(s.schema.DataSourceSchemas[f.kind()].ValueType(), wrong)})
			must(err)
			if all := s.collect(resp.Diagnostics); len(all) > 0 != (want != "") || want != "" && !all.one(want) {
				t.Errorf("data source: %q", all)
			}
		}
		validate := func() diagnostics {
			resp, err := s.server.ValidateEphemeralResourceConfig(t.Context(), &tfprotov6.ValidateEphemeralResourceConfigRequest{TypeName: f.kind(), Config: config})
			must(err)
			return s.collect(resp.Diagnostics)
		}
		if all := validate(); !all.one("error at min_remaining: Invalid duration") {
			t.Errorf("before configuration: %q", all)
		}

		s.configure(nil)
		if all := validate(); len(all) > 0 {
			t.Errorf("after configuration: %q", all)
		}
	})
}

// The provider configuration is validated as a whole, and unknown values are left to
// the verifications that need them.
func TestWrongConfiguration(t *testing.T) {
	t.Parallel()

	authority := issuertest.NewAuthority()
	certificate, key := issuertest.PEM(authority.Issue(issuertest.Certificate{}))
	_, otherKey := issuertest.PEM(authority.Issue(issuertest.Certificate{}))

	type block = map[string]any
	for name, test := range map[string]struct {
		config map[string]any
		want   string
	}{
		"timeout zero":          {map[string]any{"timeout": "0s"}, "error at timeout: Invalid timeout"},
		"timeout in days":       {map[string]any{"timeout": "1d"}, "error at timeout: Invalid timeout"},
		"too many retries":      {map[string]any{"max_retries": 101}, "error at max_retries: Invalid number of retries"},
		"negative retries":      {map[string]any{"max_retries": -1}, "error at max_retries: Invalid number of retries"},
		"TLS version":           {block{"venafi": block{"tls_max_version": "1.1"}}, "error at venafi.tls_max_version: Invalid TLS version"},
		"certificate, no key":   {block{"venafi": block{"client_certificate": certificate}}, "error at venafi.client_certificate: Invalid client certificate"},
		"key, no certificate":   {block{"venafi": block{"client_key": key}}, "error at venafi.client_certificate: Invalid client certificate"},
		"key of another":        {block{"venafi": block{"client_certificate": certificate, "client_key": otherKey}}, "error at venafi.client_certificate: Invalid client certificate"},
		"the SaaS product":      {block{"venafi": block{"url": "https://api.venafi.cloud"}}, "error at venafi.url: Invalid server URL"},
		"certificate unknown":   {block{"venafi": block{"client_certificate": unknown{}, "client_key": key}}, ""},
		"key unknown":           {block{"venafi": block{"client_certificate": certificate, "client_key": unknown{}}}, ""},
		"newest TLS":            {block{"venafi": block{"tls_max_version": "1.3"}}, ""},
		"most retries":          {map[string]any{"max_retries": 100}, ""},
		"everything is unknown": {map[string]any{"timeout": unknown{}, "max_retries": unknown{}}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if all := newServer(t, host(nil)).configure(test.config); test.want == "" && len(all) > 0 || test.want != "" && !all.one(test.want) {
				t.Errorf("got %q, want %q", all, test.want)
			}
		})
	}
	for _, f := range fakes() {
		for argument, wrong := range map[string][]string{
			f.tokenArgument: {"", "Bearer " + issuertest.Secret, `"` + issuertest.Secret, "https://issuer.test"},
			f.urlArgument:   {"", "http://issuer.test", "https://user:password@issuer.test", "https://issuer.test?a=b"},
			"trust_bundle":  {"", "ca.pem", authority.PEM[:len(authority.PEM)/2]},
		} {
			for _, text := range wrong {
				want := "error at " + f.block + "." + argument
				if argument == f.tokenArgument {
					want = "error: Malformed token: The value of " + f.block + "." + argument
				}
				if all := newServer(t, host(nil)).configure(map[string]any{f.block: map[string]any{argument: text}}); !all.one(want) || strings.Contains(all.String(), "issuer.test") || strings.Contains(all.String(), issuertest.Secret[:8]) {
					t.Errorf("%s = %q: %q", argument, text, all)
				}
			}
		}
	}
}

// A verification that needs an unknown value refuses: the environment could have
// another one.
func TestUnknown(t *testing.T) {
	forEach(t, func(t *testing.T, f fake) {
		env := map[string]string{f.tokenVariable: issuertest.Secret, f.urlVariable: unreachable, "OTHER": issuertest.Secret}
		own := map[string]any{f.tokenArgument + "_env": "OTHER"}
		for name, test := range map[string]struct{ config, block, arguments map[string]any }{
			"timeout":      {map[string]any{"timeout": unknown{}}, nil, own},
			"retries":      {map[string]any{"max_retries": unknown{}}, nil, own},
			"URL":          {nil, map[string]any{f.urlArgument: unknown{}}, own},
			"trust bundle": {nil, map[string]any{"trust_bundle": unknown{}}, own},
			"token":        {nil, map[string]any{f.tokenArgument: unknown{}}, nil},
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				s := newServer(t, host(env))
				config := map[string]any{f.block: test.block}
				maps.Copy(config, test.config)
				if all := s.configure(config); len(all) > 0 {
					t.Fatal(all)
				}
				_, read := s.read(f.kind(), test.arguments)
				if _, opened := s.open(f.kind(), test.arguments); !read.one("error: Provider configuration is unknown") || !opened.one("error: Provider configuration is unknown") {
					t.Errorf("got %q and %q", read, opened)
				}
			})
		}
	})
}

// The first source that is set has the token, and the source is told.
func TestSources(t *testing.T) {
	forEach(t, func(t *testing.T, f fake) {
		const own, other, provider, variable = "own-0123456789", "other-0123456789", "provider-0123456789", "variable-0123456789"

		s, url := f.start([]string{own, other, provider, variable})
		t.Cleanup(s.Close)
		path := filepath.Join(t.TempDir(), "token")
		must(os.WriteFile(path, []byte("\r\n "+own+"\n"), 0o600))
		env := map[string]string{f.tokenVariable: variable + "\n", f.urlVariable: url, "OTHER": " " + other + " "}
		for _, test := range []struct {
			env              map[string]string
			block, arguments map[string]any
			source, token    string
			warning          bool
		}{
			{env, map[string]any{f.tokenArgument: provider}, map[string]any{f.tokenArgument: own + "\n"}, "argument", own, false},
			{env, map[string]any{f.tokenArgument: provider}, map[string]any{f.tokenArgument + "_env": "OTHER"}, "env:OTHER", other, false},
			{env, map[string]any{f.tokenArgument: provider}, map[string]any{f.tokenArgument + "_file": path}, "file:" + path, own, false},
			{env, map[string]any{f.tokenArgument: provider}, nil, "provider", provider, false},
			{env, map[string]any{f.tokenArgument: unknown{}}, map[string]any{f.tokenArgument + "_env": "OTHER"}, "env:OTHER", other, false},
			{env, map[string]any{f.tokenArgument: unknown{}}, map[string]any{f.tokenArgument: own}, "argument", own, false},
			{env, map[string]any{f.tokenArgument: unknown{}}, map[string]any{f.tokenArgument + "_file": path}, "file:" + path, own, false},
			{env, nil, nil, "env:" + f.tokenVariable, variable, true},
			{env, nil, map[string]any{f.tokenArgument + "_env": f.tokenVariable}, "env:" + f.tokenVariable, variable, true},
		} {
			p := newServer(t, host(test.env))
			block := map[string]any{"trust_bundle": s.TrustBundle}
			maps.Copy(block, test.block)
			p.configure(map[string]any{f.block: block})

			got, all := p.open(f.kind(), test.arguments)
			if got["token_source"] != test.source || got["verified_token"] != test.token || strings.Contains(all.String(), "Whitespace") != test.warning {
				t.Errorf("%v %v: token_source = %v, verified_token = %v: %v", test.block, test.arguments, got["token_source"], got["verified_token"], all)
			}
			if sent := s.Requests(); sent[len(sent)-1].Header.Get("Authorization") != "Bearer "+test.token {
				t.Errorf("%s was sent, want %s", sent[len(sent)-1].Header.Get("Authorization"), test.token)
			}
		}
		_, all := connected(t, host(map[string]string{f.tokenVariable: ""}), f, url, nil, nil).read(f.kind(), nil)
		if !all.one("error: No token to verify") {
			t.Error(all)
		}
	})
}

// Variables of other tools are hints, and name what is in them.
func TestHints(t *testing.T) {
	forEach(t, func(t *testing.T, f fake) {
		for _, variable := range f.hints {
			s := newServer(t, host(map[string]string{variable: "x"}))
			s.configure(nil)
			if _, all := s.read(f.kind(), nil); !all.one("error: No token to verify") || !strings.Contains(all.String(), variable+" is set") {
				t.Errorf("%s: %v", variable, all)
			}
		}
	})
}

// The server is the configured one, else the variable's; without either, it is an error
// if the issuer has no public API. By default, there are four attempts.
func TestServerURL(t *testing.T) {
	t.Parallel()

	s := newServer(t, host(map[string]string{"VENAFI_TOKEN": "t"}))
	s.configure(nil)
	if _, all := s.read("tokencheck_venafi", nil); !all.one("error: Server URL is not set") {
		t.Error(all)
	}

	s = newServer(t, host(map[string]string{"VENAFI_TOKEN": "t", "VENAFI_URL": "http://tpp.example.com"}))
	s.configure(nil)
	if _, all := s.read("tokencheck_venafi", nil); !all.one("error: Invalid server URL") || strings.Contains(all.String(), "example") {
		t.Error(all)
	}

	canned := issuertest.StartCanned()
	t.Cleanup(canned.Close)
	s = newServer(t, host(map[string]string{"CLOUDFLARE_API_TOKEN": issuertest.Secret + "\n", "CLOUDFLARE_BASE_URL": canned.URL}))
	s.configure(nil)
	for _, answer := range []issuertest.Answer{issuertest.Respond(404, ""), issuertest.Respond(400, `{"errors":[{"code":7000}]}`), issuertest.Respond(400, `{"errors":[{"code":7003}]}`)} {
		canned.Set(answer.Wire())
		if _, all := s.open("tokencheck_cloudflare", nil); !all.one("error: Unexpected response") || !strings.Contains(all.String(), "/client/v4") || canned.Reset() != 1 {
			t.Error(all)
		}
	}
	canned.Set(issuertest.Respond(503, "").Wire())
	if _, all := s.read("tokencheck_cloudflare", nil); !all.one("error: Issuer returned a server error") || !strings.Contains(all.String(), "Whitespace") || canned.Reset() != 4 {
		t.Error(all)
	}
}

// By default, a token goes to the issuer's public API, for at most a minute.
func TestPublicURL(t *testing.T) {
	forEach(t, func(t *testing.T, f fake) {
		if f.public == "" {
			return
		}
		var asked *http.Request
		h := host(map[string]string{f.tokenVariable: issuertest.Secret})
		h.Proxy = func(r *http.Request) (*url.URL, error) { asked = r; return nil, errors.New("no proxy") }
		s := newServer(t, h)
		s.configure(map[string]any{"max_retries": 0})
		_, all := s.read(f.kind(), nil)
		deadline, _ := asked.Context().Deadline()
		if left := time.Until(deadline); !all.one("error: No response") || asked.URL.String() != f.public || left < 50*time.Second || left > 60*time.Second {
			t.Errorf("%v, %v left: %v", asked.URL, left, all)
		}
	})
}

// A Venafi server that asks for a certificate receives the configured one, over TLS
// 1.2 where that is the maximum.
func TestClientCertificate(t *testing.T) {
	t.Parallel()

	f := fakes()[1]
	s, url := f.start([]string{issuertest.Secret})
	t.Cleanup(s.Close)
	s.TLS.ClientAuth = tls.RequestClientCert
	certificate, key := issuertest.PEM(issuertest.NewAuthority().Issue(issuertest.Certificate{}))
	p := connected(t, host(nil), f, url, nil, map[string]any{
		f.tokenArgument: issuertest.Secret, "trust_bundle": s.TrustBundle, "client_certificate": certificate, "client_key": key, "tls_max_version": "1.2",
	})
	if got, all := p.read(f.kind(), nil); got["valid"] != true || s.Requests()[0].TLS != tls.VersionTLS12 || !s.Requests()[0].ClientCertificate {
		t.Errorf("valid = %v, %+v: %v", got["valid"], s.Requests(), all)
	}
}

// Equal data sources share a request; an ephemeral resource always sends its own, and by
// default a rejected token is an error.
func TestRequests(t *testing.T) {
	forEach(t, func(t *testing.T, f fake) {
		s, url := f.start([]string{issuertest.Secret})
		t.Cleanup(s.Close)
		p := connected(t, host(nil), f, url, nil, map[string]any{f.tokenArgument: issuertest.Secret, "trust_bundle": s.TrustBundle})
		for range 3 {
			p.read(f.kind(), nil)
		}
		if n := len(s.Requests()); n != 1 || s.Requests()[0].Header.Get("User-Agent") != "terraform-provider-tokencheck/test" {
			t.Errorf("%d requests for equal data sources: %+v", n, s.Requests())
		}
		for range 2 {
			p.open(f.kind(), nil)
		}
		if n := len(s.Requests()); n != 3 {
			t.Errorf("%d requests after two ephemeral resources", n)
		}
		for _, require := range []any{nil, true} {
			if _, all := p.open(f.kind(), map[string]any{f.tokenArgument: "another-token", "require_valid": require}); !all.one("error: Token was rejected") {
				t.Errorf("require_valid = %v: %v", require, all)
			}
		}
	})
}

// The log does not contain the token, not even in the path of its file.
func TestSourcesInLog(t *testing.T) {
	t.Parallel()

	f := fakes()[0]
	s, url := f.start([]string{issuertest.Secret})
	t.Cleanup(s.Close)
	path := filepath.Join(t.TempDir(), issuertest.Secret)
	must(os.WriteFile(path, []byte(issuertest.Secret), 0o600))

	var log strings.Builder
	p := connected(t, host(nil), f, url, nil, map[string]any{"trust_bundle": s.TrustBundle})
	config := dynamic(p.schema.DataSourceSchemas[f.kind()].ValueType(), map[string]any{f.tokenArgument + "_file": path})
	_, err := p.server.ReadDataSource(tflogtest.RootLogger(t.Context(), &log), &tfprotov6.ReadDataSourceRequest{TypeName: f.kind(), Config: config})
	if err != nil || !strings.Contains(log.String(), "token verified") || strings.Contains(log.String(), issuertest.Secret) {
		t.Errorf("%v, %s", err, log.String())
	}
}

// All issuers have both types, described in Markdown. Only tokens and keys are sensitive.
func TestSchemas(t *testing.T) {
	t.Parallel()

	schema := newServer(t, host(nil)).schema
	if len(fakes()) != len(schema.DataSourceSchemas) || len(fakes()) != len(schema.EphemeralResourceSchemas) || len(fakes()) != len(schema.Provider.Block.BlockTypes) {
		t.Fatal("add the issuer to fakes() in harness_test.go")
	}

	var blocks []*tfprotov6.SchemaBlock
	for _, b := range schema.Provider.Block.BlockTypes {
		kind := "tokencheck_" + b.TypeName
		blocks = append(blocks, b.Block, schema.DataSourceSchemas[kind].Block, schema.EphemeralResourceSchemas[kind].Block)
	}
	for _, b := range blocks {
		for _, a := range b.Attributes {
			if a.Description == "" || a.DescriptionKind != tfprotov6.StringKindMarkdown || a.Required || a.Sensitive != (strings.HasSuffix(a.Name, "token") || a.Name == "client_key") {
				t.Errorf("%+v", a)
			}
		}
	}
}
