package provider_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/datasource"
	fwprovider "github.com/hashicorp/terraform-plugin-framework/provider"
	fwschema "github.com/hashicorp/terraform-plugin-framework/provider/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"

	"github.com/tokencheck/terraform-provider-tokencheck/internal/issuertest"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/provider"
)

func TestSchemas(t *testing.T) {
	t.Parallel()

	p := provider.New("test", provider.Host{})()

	var (
		metadata fwprovider.MetadataResponse
		schema   fwprovider.SchemaResponse
	)

	p.Metadata(t.Context(), fwprovider.MetadataRequest{}, &metadata)
	p.Schema(t.Context(), fwprovider.SchemaRequest{}, &schema)

	if metadata.Version != "test" {
		t.Errorf("the version is %q", metadata.Version)
	}

	for _, issuer := range fakes() {
		for name, attribute := range schema.Schema.Attributes[issuer.block].(fwschema.SingleNestedAttribute).Attributes {
			if want := name == issuer.tokenArgument || name == "client_key"; attribute.IsSensitive() != want {
				t.Errorf("%s.%s is sensitive: %t", issuer.block, name, !want)
			}

			wantDescribed(t, name, attribute)
		}
	}

	if diags := schema.Schema.ValidateImplementation(t.Context()); diags.HasError() {
		t.Error(diags)
	}

	for _, source := range p.DataSources(t.Context()) {
		var schema datasource.SchemaResponse

		source().Schema(t.Context(), datasource.SchemaRequest{}, &schema)

		if diags := schema.Schema.ValidateImplementation(t.Context()); diags.HasError() {
			t.Error(diags)
		}

		for name, attribute := range schema.Schema.Attributes {
			if attribute.GetMarkdownDescription() == "" {
				t.Error(name, "has no description")
			}

			wantDescribed(t, name, attribute)

			if want := slices.ContainsFunc(fakes(), func(f fake) bool { return f.tokenArgument == name }); attribute.IsSensitive() != want {
				t.Errorf("%s is sensitive: %t", name, !want)
			}
		}
	}
}

// wantDescribed wants every validator of an attribute to describe its requirement.
func wantDescribed(t *testing.T, name string, attribute any) {
	t.Helper()

	validated, ok := attribute.(interface{ StringValidators() []validator.String })
	if !ok {
		return
	}

	for _, v := range validated.StringValidators() {
		if text := v.Description(t.Context()); !strings.HasSuffix(text, ".") && !strings.HasPrefix(text, "Ensure") || v.MarkdownDescription(t.Context()) != text {
			t.Errorf("a validator of %s is described by %q", name, text)
		}
	}
}

// Each invalid provider configuration is found by validate, on the argument at fault.
func TestProviderValidation(t *testing.T) {
	t.Parallel()

	authority := issuertest.NewAuthority()
	certificate, _ := issuertest.PEM(authority.Issue(issuertest.Certificate{}))
	_, otherKey := issuertest.PEM(authority.Issue(issuertest.Certificate{}))
	block := func(name, argument string, v any) map[string]any {
		return map[string]any{name: map[string]any{argument: v}}
	}
	tests := map[string]struct {
		config map[string]any
		start  string
		texts  []string
	}{
		"timeout in days":            {map[string]any{"timeout": "1d"}, "error: Invalid timeout", []string{`"24h"`}},
		"timeout of zero":            {map[string]any{"timeout": "0s"}, "error: Invalid timeout", []string{"not positive"}},
		"timeout is empty":           {map[string]any{"timeout": ""}, "error: Invalid timeout", nil},
		"negative retries":           {map[string]any{"max_retries": -1}, "error at max_retries: ", []string{"between 0 and 100"}},
		"plain HTTP":                 {block("cloudflare", "base_url", "http://api.example.com"), "error: Invalid server URL", []string{"plain text"}},
		"URL without scheme":         {block("cloudflare", "base_url", "api.example.com"), "error: Invalid server URL", []string{"https://"}},
		"URL with query":             {block("cloudflare", "base_url", "https://api.example.com/?a=b"), "error: Invalid server URL", nil},
		"URL with password":          {block("venafi", "url", "https://me:secret@tpp.example.com"), "error: Invalid server URL", []string{"user name"}},
		"empty URL":                  {block("venafi", "url", ""), "error: Invalid server URL", []string{"is empty"}},
		"SaaS URL":                   {block("venafi", "url", "https://api.venafi.cloud"), "error: Invalid server URL", []string{"SaaS"}},
		"empty token":                {block("cloudflare", "api_token", ""), "error: Malformed token", nil},
		"token with space":           {block("venafi", "access_token", "secret words"), "error: Malformed token", []string{"contains whitespace"}},
		"unreadable bundle":          {block("cloudflare", "trust_bundle", "ca.pem"), "error: Invalid trust bundle", []string{`file("ca.pem")`}},
		"empty bundle":               {block("venafi", "trust_bundle", ""), "error: Invalid trust bundle", nil},
		"TLS 1.1":                    {block("venafi", "tls_max_version", "1.1"), "error: ", []string{"1.2"}},
		"key is empty":               {map[string]any{"venafi": map[string]any{"client_certificate": certificate, "client_key": ""}}, "error: Invalid client key", []string{"is empty"}},
		"key of another certificate": {map[string]any{"venafi": map[string]any{"client_certificate": certificate, "client_key": otherKey}}, "error: Invalid client key", []string{"openssl"}},
		"not a PEM certificate":      {map[string]any{"venafi": map[string]any{"client_certificate": "client.p12", "client_key": "key"}}, "error: Invalid client certificate", []string{"openssl"}},
		"key without certificate":    {block("venafi", "client_key", "key"), "error at venafi.client_key: Invalid Attribute Combination", []string{"client_certificate"}},
	}

	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			all := newServer(t, host(nil)).configure(test.config)
			wantOneError(t, all, test.start, test.texts...)

			if strings.Contains(all.String(), "secret") {
				t.Error("the value is in the message:", all)
			}
		})
	}
}

// Checks report invalid configurations too: a caller may not have validated.
func TestNotValidated(t *testing.T) {
	t.Parallel()

	for name, test := range map[string]struct {
		kind  string
		block map[string]any
		start string
	}{
		"Cloudflare's bundle": {cloudflareType, map[string]any{"trust_bundle": "ca.pem"}, "error: Invalid trust bundle"},
		"Cloudflare's URL":    {cloudflareType, map[string]any{"base_url": "http://example.com"}, "error: Invalid server URL"},
		"Venafi's bundle":     {venafiType, map[string]any{"url": "issuer.test", "trust_bundle": "ca.pem"}, "error: Invalid trust bundle"},
		"Venafi's URL":        {venafiType, map[string]any{"url": "https://api.venafi.cloud"}, "error: Invalid server URL"},
		"client certificate":  {venafiType, map[string]any{"url": "issuer.test", "client_certificate": "cert", "client_key": "key"}, "error: Invalid client certificate"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			s := newServer(t, host(map[string]string{"CLOUDFLARE_API_TOKEN": "active-0123456789\n", "VENAFI_TOKEN": "active-0123456789\n"}))
			s.configureOnly(map[string]any{strings.TrimPrefix(test.kind, "tokencheck_"): test.block})

			_, all := s.read(test.kind, nil)
			wantOneError(t, all, test.start)

			// Warnings about the token are reported with the error.
			if len(all) != 2 || !strings.HasPrefix(all[0], "warning: Trailing newline") {
				t.Errorf("got %q, want a warning as well", all)
			}
		})
	}
}

// Unknown values are not configuration errors, and no check treats them as not set.
func TestProviderUnknown(t *testing.T) {
	t.Parallel()

	env := make(map[string]string)
	blocks, tokens, urls := make(map[string]any), make(map[string]any), make(map[string]any)

	for _, issuer := range fakes() {
		env[issuer.tokenVariable], env[issuer.urlVariable] = "env-0123456789", "https://127.0.0.1:1"
		blocks[issuer.block] = unknown{}
		tokens[issuer.block] = map[string]any{issuer.tokenArgument: unknown{}}
		urls[issuer.block] = map[string]any{issuer.urlArgument: unknown{}}
	}

	for name, config := range map[string]map[string]any{
		"blocks":  blocks,
		"tokens":  tokens,
		"URLs":    urls,
		"timeout": {"timeout": unknown{}},
		"retries": {"max_retries": unknown{}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			s := newServer(t, host(env))
			if all := s.configure(config); len(all) > 0 {
				t.Fatal(all)
			}

			for _, issuer := range fakes() {
				_, all := s.read(issuer.kind(), nil)
				wantOneError(t, all, "error: Provider configuration is unknown", "earlier run")
			}
		})
	}
}

// A token is sent to the server in the provider configuration, and only the issuer
// whose check runs needs to be configured.
func TestServers(t *testing.T) {
	t.Parallel()

	fake := newCloudflare(t)
	s := newServer(t, host(map[string]string{
		"CLOUDFLARE_API_TOKEN": "active-0123456789", "CLOUDFLARE_BASE_URL": "https://127.0.0.1:1", "VENAFI_TOKEN": "x",
	}))

	if all := s.configure(cloudflareProvider(fake)); len(all) > 0 {
		t.Fatal(all)
	}

	got, all := s.read(cloudflareType, nil)
	if len(all) > 0 {
		t.Fatal(all)
	}

	wantAttributes(t, got, map[string]any{"valid": true})

	requests := fake.Requests()
	if len(requests) != 1 || requests[0].Path != "/client/v4/user/tokens/verify" || requests[0].Header.Get("User-Agent") != "terraform-provider-tokencheck/test" {
		t.Errorf("got %+v", requests)
	}

	_, all = s.read(venafiType, nil)
	wantOneError(t, all, "error: Server URL is not set", "venafi.url", "VENAFI_URL")

	// With neither, Cloudflare's public API.
	h := host(map[string]string{"CLOUDFLARE_API_TOKEN": "active-0123456789"})
	resolver(t, 3)(&h)

	s = newServer(t, h)
	s.configure(map[string]any{"max_retries": 0})

	_, all = s.read(cloudflareType, nil)
	wantOneError(t, all, unreachable+"Cloudflare at api.cloudflare.com could not be reached: the host name does not exist")
}
