package provider_test

import (
	"fmt"
	"maps"
	"math/big"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/providerserver"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/tokencheck/terraform-provider-tokencheck/internal/cli/clitest"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/cloudflare/cloudflaretest"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/github/githubtest"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/gitlab/gitlabtest"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/issuertest"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/provider"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/transport"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/venafi/venafitest"
)

func TestMain(m *testing.M) { clitest.Main(wholeCatalogue{m}) }

// fake describes an issuer to the tests that run for every issuer.
type fake struct {
	// block is the issuer's block in the provider configuration; the names of its
	// arguments and environment variables follow.
	block                      string
	tokenArgument, urlArgument string
	tokenVariable, urlVariable string

	// basePath is the path in the usual value of urlArgument, and public the URL of a
	// verification by default, if there is one.
	basePath, public string
	// hints are variables of other tools that a message names.
	hints []string
	// start starts a server on which the given tokens are valid. It also returns the
	// value for urlArgument. The caller closes the server.
	start func(tokens []string) (s *issuertest.Server, url string)
	// corpus has the issuer's responses, and accepts is a second, simple reading of
	// them.
	corpus  map[string]issuertest.Case
	accepts func(response []byte, now time.Time) bool
	// invalid are arguments that only this issuer has, if any, with an invalid value each.
	invalid map[string]any
	// guarded is a resource of the provider that the issuer's tokens are for: the type,
	// an argument whose change forces replacement, and another one.
	guarded [3]string
}

// fakes returns all issuers that the provider knows.
func fakes() []fake {
	return []fake{
		{
			block: "cloudflare", tokenArgument: "api_token", urlArgument: "base_url",
			tokenVariable: "CLOUDFLARE_API_TOKEN", urlVariable: "CLOUDFLARE_BASE_URL", basePath: "/client/v4",
			public: "https://api.cloudflare.com/client/v4/user/tokens/verify", hints: []string{"CF_API_TOKEN", "CF_DNS_API_TOKEN", "CLOUDFLARE_API_KEY"},
			start: func(tokens []string) (*issuertest.Server, string) {
				s := cloudflaretest.NewServer()
				for _, token := range tokens {
					s.Set(token, cloudflaretest.Token{ID: cloudflaretest.AccountID})
				}
				return s.Server, s.BaseURL()
			},
			corpus: cloudflaretest.Corpus(), accepts: cloudflaretest.Accepts,
			invalid: map[string]any{"account_id": "my-account"},
			guarded: [3]string{"cloudflare_dns_record", "name", "content"},
		},
		{
			block: "venafi", tokenArgument: "access_token", urlArgument: "url",
			tokenVariable: "VENAFI_TOKEN", urlVariable: "VENAFI_URL",
			hints: []string{"VCERT_TOKEN", "VENAFI_ACCESS_TOKEN"},
			start: func(tokens []string) (*issuertest.Server, string) {
				s := venafitest.NewServer()
				for _, token := range tokens {
					s.Set(token, venafitest.Token{IssuedOn: time.Now(), ValidFor: 7776000, Application: "ci", Scope: "certificate:manage"})
				}
				return s.Server, s.URL
			},
			corpus: venafitest.Corpus(), accepts: venafitest.Accepts,
			invalid: map[string]any{"required_scopes": []any{"certificate:manage;ssh"}},
			guarded: [3]string{"venafi_certificate", "common_name", "nickname"},
		},
		{
			block: "github", tokenArgument: "token", urlArgument: "base_url",
			tokenVariable: "GITHUB_TOKEN", urlVariable: "GITHUB_BASE_URL",
			public: "https://api.github.com/user", hints: []string{"GH_TOKEN", "GITHUB_PAT", "GITHUB_APP_ID"},
			start: func(tokens []string) (*issuertest.Server, string) {
				s := githubtest.NewServer()
				for _, token := range tokens {
					s.Set(token, githubtest.Token{Login: "ci", Scopes: "repo"})
				}
				return s.Server, s.URL
			},
			corpus: githubtest.Corpus(), accepts: githubtest.Accepts,
			invalid: map[string]any{"required_scopes": []any{"repo, user"}},
			guarded: [3]string{"github_repository", "name", "description"},
		},
		{
			block: "gitlab", tokenArgument: "token", urlArgument: "base_url",
			tokenVariable: "GITLAB_TOKEN", urlVariable: "GITLAB_BASE_URL",
			public: "https://gitlab.com/api/v4/personal_access_tokens/self", hints: []string{"CI_JOB_TOKEN", "GL_TOKEN", "GITLAB_PRIVATE_TOKEN"},
			start: func(tokens []string) (*issuertest.Server, string) {
				s := gitlabtest.NewServer()
				for _, token := range tokens {
					s.Set(token, gitlabtest.Token{Name: "ci", Scopes: []string{"api"}})
				}
				return s.Server, s.URL
			},
			corpus: gitlabtest.Corpus(), accepts: gitlabtest.Accepts,
			invalid: map[string]any{"required_scopes": []any{""}},
			guarded: [3]string{"gitlab_project", "name", "description"},
		},
	}
}

// kind returns the name of the data source and of the ephemeral resource.
func (f fake) kind() string { return "tokencheck_" + f.block }

// rejected responds as the issuer does for an unknown token.
func (f fake) rejected() issuertest.Answer { return f.corpus["rejected"].Answer }

// forEach runs a test for every issuer, in parallel.
func forEach(t *testing.T, test func(t *testing.T, f fake)) {
	t.Helper()
	t.Parallel()

	for _, f := range fakes() {
		t.Run(f.block, func(t *testing.T) {
			t.Parallel()
			test(t, f)
		})
	}
}

// unknown is a placeholder for an unknown value.
type unknown struct{}

// server speaks the plugin protocol with the provider in this process.
type server struct {
	t      *testing.T
	server tfprotov6.ProviderServer
	schema *tfprotov6.GetProviderSchemaResponse
}

// host is a machine with only the given environment, at the corpora's time.
func host(env map[string]string) transport.Host {
	h := transport.ThisHost()
	h.LookupEnv = func(name string) (string, bool) {
		value, ok := env[name]
		return value, ok
	}
	h.Now, h.Backoff = issuertest.Clock, time.Millisecond

	return h
}

func newServer(t *testing.T, h transport.Host) *server {
	t.Helper()

	s, err := providerserver.NewProtocol6WithError(provider.New("test", h)())()
	if err != nil {
		t.Fatal(err)
	}

	schema, err := s.GetProviderSchema(t.Context(), &tfprotov6.GetProviderSchemaRequest{})
	if err != nil || len(schema.Diagnostics) > 0 {
		t.Fatalf("GetProviderSchema: %v %v", err, schema.Diagnostics)
	}

	return &server{t, s, schema}
}

// connected returns a provider that is configured with an issuer at a URL, and
// further arguments.
func connected(t *testing.T, h transport.Host, f fake, url string, config, block map[string]any) *server {
	t.Helper()

	all := map[string]any{f.urlArgument: url}
	maps.Copy(all, block)

	full := map[string]any{f.block: all}
	maps.Copy(full, config)

	s := newServer(t, h)
	if got := s.configure(full); len(got) > 0 {
		t.Fatal(got)
	}

	return s
}

// value returns a value of a type; missing values are null.
func value(kind tftypes.Type, v any) tftypes.Value {
	switch v := v.(type) {
	case unknown:
		return tftypes.NewValue(kind, tftypes.UnknownValue)
	case []any:
		var elements []tftypes.Value
		for _, element := range v {
			elements = append(elements, value(kind.(tftypes.Set).ElementType, element))
		}
		return tftypes.NewValue(kind, elements)
	case map[string]any:
		attributes := make(map[string]tftypes.Value)
		for name, attribute := range kind.(tftypes.Object).AttributeTypes {
			attributes[name] = value(attribute, v[name])
		}
		for name := range v {
			if _, ok := attributes[name]; !ok {
				panic("no such attribute: " + name)
			}
		}
		return tftypes.NewValue(kind, attributes)
	default:
		return tftypes.NewValue(kind, v)
	}
}

func dynamic(kind tftypes.Type, v map[string]any) *tfprotov6.DynamicValue {
	d, err := tfprotov6.NewDynamicValue(kind, value(kind, maps.Clone(v)))
	must(err)

	return &d
}

// plain converts a value back to Go's: maps, sets as sorted slices, strings, numbers.
func plain(v tftypes.Value) any {
	if v.IsNull() {
		return nil
	}

	switch kind := v.Type(); {
	case kind.Is(tftypes.String):
		var s string
		must(v.As(&s))
		return s
	case kind.Is(tftypes.Bool):
		var b bool
		must(v.As(&b))
		return b
	case kind.Is(tftypes.Number):
		var n big.Float
		must(v.As(&n))
		i, _ := n.Int64()
		return int(i)
	case kind.Is(tftypes.Set{}):
		var elements []tftypes.Value
		must(v.As(&elements))
		texts := []string{}
		for _, element := range elements {
			texts = append(texts, plain(element).(string))
		}
		slices.Sort(texts)
		return texts
	default:
		var members map[string]tftypes.Value
		must(v.As(&members))
		all := make(map[string]any)
		for name, member := range members {
			all[name] = plain(member)
		}
		return all
	}
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

// diagnostics are the results of a call, one line each: "error at PATH: title: detail".
type diagnostics []string

func (d diagnostics) String() string { return strings.Join(d, "\n") }

func (d diagnostics) errors() diagnostics {
	return slices.DeleteFunc(slices.Clone(d), func(line string) bool { return !strings.HasPrefix(line, "error") })
}

// one reports whether there is one error, that begins with start.
func (d diagnostics) one(start string) bool {
	errs := d.errors()
	return len(errs) == 1 && strings.HasPrefix(errs[0], start)
}

// collect returns the diagnostics of a call, and records them in the catalogue.
func (s *server) collect(all []*tfprotov6.Diagnostic) diagnostics {
	lines := make(diagnostics, 0, len(all))

	for _, d := range all {
		line := strings.ToLower(d.Severity.String())
		if d.Attribute != nil && len(d.Attribute.Steps()) > 0 {
			line += " at " + d.Attribute.String()
		}
		line = strings.NewReplacer(`AttributeName("`, "", `")`, "").Replace(line)
		lines = append(lines, line+": "+d.Summary+": "+d.Detail)
		inCatalogue(s.t, d.Summary, d.Detail)
	}

	return lines
}

// configure validates and configures the provider.
func (s *server) configure(config map[string]any) diagnostics {
	s.t.Helper()

	kind := s.schema.Provider.ValueType()

	validated, err := s.server.ValidateProviderConfig(s.t.Context(), &tfprotov6.ValidateProviderConfigRequest{Config: dynamic(kind, config)})
	must(err)

	if all := s.collect(validated.Diagnostics); len(all.errors()) > 0 {
		return all
	}

	configured, err := s.server.ConfigureProvider(s.t.Context(), &tfprotov6.ConfigureProviderRequest{Config: dynamic(kind, config)})
	must(err)

	return s.collect(configured.Diagnostics)
}

// read validates and reads a data source.
func (s *server) read(name string, config map[string]any) (map[string]any, diagnostics) {
	s.t.Helper()

	kind := s.schema.DataSourceSchemas[name].ValueType()

	validated, err := s.server.ValidateDataResourceConfig(s.t.Context(), &tfprotov6.ValidateDataResourceConfigRequest{TypeName: name, Config: dynamic(kind, config)})
	must(err)

	if all := s.collect(validated.Diagnostics); len(all.errors()) > 0 {
		return nil, all
	}

	read, err := s.server.ReadDataSource(s.t.Context(), &tfprotov6.ReadDataSourceRequest{TypeName: name, Config: dynamic(kind, config)})
	must(err)

	return s.result(kind, read.State, read.Diagnostics)
}

// open validates and opens an ephemeral resource.
func (s *server) open(name string, config map[string]any) (map[string]any, diagnostics) {
	s.t.Helper()

	kind := s.schema.EphemeralResourceSchemas[name].ValueType()

	validated, err := s.server.ValidateEphemeralResourceConfig(s.t.Context(),
		&tfprotov6.ValidateEphemeralResourceConfigRequest{TypeName: name, Config: dynamic(kind, config)})
	must(err)

	if all := s.collect(validated.Diagnostics); len(all.errors()) > 0 {
		return nil, all
	}

	opened, err := s.server.OpenEphemeralResource(s.t.Context(), &tfprotov6.OpenEphemeralResourceRequest{TypeName: name, Config: dynamic(kind, config)})
	must(err)

	return s.result(kind, opened.Result, opened.Diagnostics)
}

func (s *server) result(kind tftypes.Type, result *tfprotov6.DynamicValue, diags []*tfprotov6.Diagnostic) (map[string]any, diagnostics) {
	all := s.collect(diags)
	if len(all.errors()) > 0 {
		return nil, all
	}

	values, err := result.Unmarshal(kind)
	must(err)

	got := plain(values).(map[string]any)
	// The corpora's dates do not change, and other reasons are the ephemeral resource's messages.
	if got["valid"] == true && strings.HasPrefix(s.t.Name(), "TestConformance") {
		inCatalogue(s.t, "reason", got["reason"].(string))
	}

	return got, all
}

func wantAttributes(t *testing.T, got, want map[string]any) {
	t.Helper()

	for name := range want {
		if g, w := fmt.Sprintf("%#v", got[name]), fmt.Sprintf("%#v", want[name]); g != w {
			t.Errorf("%s = %s, want %s", name, g, w)
		}
	}
}
