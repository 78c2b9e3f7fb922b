package provider_test

import (
	"context"
	"fmt"
	"maps"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/providerserver"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/tokencheck/terraform-provider-tokencheck/internal/issuertest"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/provider"
)

// unknown is a placeholder for an unknown value.
type unknown struct{}

// server speaks the plugin protocol with the provider in this process.
type server struct {
	t      *testing.T
	server tfprotov6.ProviderServer
	schema *tfprotov6.GetProviderSchemaResponse
}

// host is a machine with only the given environment.
func host(env map[string]string) provider.Host {
	return provider.Host{
		LookupEnv: func(name string) (string, bool) {
			value, ok := env[name]

			return value, ok
		},
		Backoff: time.Millisecond,
	}
}

func newServer(t *testing.T, h provider.Host) *server {
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

// value returns a value of a type; missing values are null.
func value(kind tftypes.Type, v any) tftypes.Value {
	switch v := v.(type) {
	case nil:
		return tftypes.NewValue(kind, nil)
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

func dynamic(kind tftypes.Type, v any) *tfprotov6.DynamicValue {
	d, err := tfprotov6.NewDynamicValue(kind, value(kind, v))
	if err != nil {
		panic(err)
	}

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

// diagnostics are the results of a call, one line each: "error: summary: detail".
type diagnostics []string

func (d diagnostics) String() string { return strings.Join(d, "\n") }

func (d diagnostics) errors() diagnostics {
	return slices.DeleteFunc(slices.Clone(d), func(line string) bool { return !strings.HasPrefix(line, "error") })
}

func collect(all []*tfprotov6.Diagnostic) diagnostics {
	lines := make(diagnostics, 0, len(all))

	for _, d := range all {
		line := strings.ToLower(d.Severity.String())
		if d.Attribute != nil && len(d.Attribute.Steps()) > 0 {
			line += " at " + d.Attribute.String()
		}

		line = strings.NewReplacer(`AttributeName("`, "", `")`, "").Replace(line)
		lines = append(lines, line+": "+d.Summary+": "+d.Detail)
	}

	return lines
}

// collect returns the diagnostics of a call, and records them in the catalogue.
func (s *server) collect(all []*tfprotov6.Diagnostic) diagnostics {
	s.t.Helper()

	lines := collect(all)
	inCatalogue(s.t, lines...)

	return lines
}

// configure validates and configures the provider.
func (s *server) configure(config map[string]any) diagnostics {
	s.t.Helper()

	kind := s.schema.Provider.ValueType()

	validated, err := s.server.ValidateProviderConfig(s.t.Context(), &tfprotov6.ValidateProviderConfigRequest{Config: dynamic(kind, config)})
	if err != nil {
		s.t.Fatal(err)
	}

	if all := s.collect(validated.Diagnostics); len(all.errors()) > 0 {
		return all
	}

	return s.configureOnly(config)
}

// configureOnly configures the provider without prior validation.
func (s *server) configureOnly(config map[string]any) diagnostics {
	s.t.Helper()

	configured, err := s.server.ConfigureProvider(s.t.Context(), &tfprotov6.ConfigureProviderRequest{Config: dynamic(s.schema.Provider.ValueType(), config)})
	if err != nil {
		s.t.Fatal(err)
	}

	return s.collect(configured.Diagnostics)
}

// read validates and reads a data source.
func (s *server) read(name string, config map[string]any) (map[string]any, diagnostics) {
	s.t.Helper()

	return s.readContext(s.t.Context(), name, config)
}

func (s *server) readContext(ctx context.Context, name string, config map[string]any) (map[string]any, diagnostics) {
	s.t.Helper()

	kind := s.schema.DataSourceSchemas[name].ValueType()

	validated, err := s.server.ValidateDataResourceConfig(ctx, &tfprotov6.ValidateDataResourceConfigRequest{TypeName: name, Config: dynamic(kind, config)})
	if err != nil {
		s.t.Fatal(err)
	}

	if all := s.collect(validated.Diagnostics); len(all.errors()) > 0 {
		return nil, all
	}

	read, err := s.server.ReadDataSource(ctx, &tfprotov6.ReadDataSourceRequest{TypeName: name, Config: dynamic(kind, config)})
	if err != nil {
		s.t.Fatal(err)
	}

	all := s.collect(read.Diagnostics)
	if len(all.errors()) > 0 {
		return nil, all
	}

	state, err := read.State.Unmarshal(kind)
	if err != nil {
		s.t.Fatal(err)
	}

	got := plain(state).(map[string]any)
	inCatalogue(s.t, "reason: "+got["reason"].(string))

	return got, all
}

// open validates and opens an ephemeral resource.
func (s *server) open(name string, config map[string]any) (map[string]any, diagnostics) {
	s.t.Helper()

	kind := s.schema.EphemeralResourceSchemas[name].ValueType()

	validated, err := s.server.ValidateEphemeralResourceConfig(s.t.Context(),
		&tfprotov6.ValidateEphemeralResourceConfigRequest{TypeName: name, Config: dynamic(kind, config)})
	if err != nil {
		s.t.Fatal(err)
	}

	if all := s.collect(validated.Diagnostics); len(all.errors()) > 0 {
		return nil, all
	}

	opened, err := s.server.OpenEphemeralResource(s.t.Context(), &tfprotov6.OpenEphemeralResourceRequest{TypeName: name, Config: dynamic(kind, config)})
	if err != nil {
		s.t.Fatal(err)
	}

	all := s.collect(opened.Diagnostics)
	if len(all.errors()) > 0 {
		return nil, all
	}

	result, err := opened.Result.Unmarshal(kind)
	if err != nil {
		s.t.Fatal(err)
	}

	got := plain(result).(map[string]any)
	inCatalogue(s.t, "reason: "+got["reason"].(string))

	return got, all
}

func wantAttributes(t *testing.T, got, want map[string]any) {
	t.Helper()

	for _, name := range slices.Sorted(maps.Keys(want)) {
		if g, w := fmt.Sprintf("%#v", got[name]), fmt.Sprintf("%#v", want[name]); g != w {
			t.Errorf("%s = %s, want %s", name, g, w)
		}
	}
}

// wantOneError wants one error that begins with start and contains each of the texts.
func wantOneError(t *testing.T, all diagnostics, start string, texts ...string) {
	t.Helper()

	got := all.errors()
	if len(got) != 1 || !strings.HasPrefix(got[0], start) {
		t.Errorf("got %d errors, want one that begins with %q:\n%s", len(got), start, got)

		return
	}

	for _, text := range texts {
		if !strings.Contains(got[0], text) {
			t.Errorf("the error does not contain %q:\n%s", text, got[0])
		}
	}
}

func file(t *testing.T, content string) string {
	t.Helper()

	path := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}

	return path
}

// No diagnostic about an argument has a path: the CLI would print the source line,
// and with it a token in the right or wrong argument.
func TestTokenDiagnosticsHaveNoPath(t *testing.T) {
	t.Parallel()

	for _, issuer := range fakes() {
		value, env, file := issuer.tokenArgument, issuer.tokenArgument+"_env", issuer.tokenArgument+"_file"

		for name, config := range map[string]map[string]any{
			"empty": {value: ""}, "quotes": {value: `"` + faultSecret + `"`}, "Bearer": {value: "Bearer " + faultSecret}, "curly quotes": {value: "“" + faultSecret + "”"},
			"control character": {value: faultSecret + "\x00"}, "two lines": {value: faultSecret + "\nx"}, "not interpolated": {value: "${" + faultSecret + "}"},
			"token and name": {value: faultSecret, env: "X"}, "token and path": {value: faultSecret, file: "x"}, "name and path": {env: faultSecret, file: faultSecret},
			"all three":  {value: faultSecret, env: faultSecret, file: faultSecret},
			"empty name": {env: ""}, "token as name": {env: faultSecret}, "token as name, with $": {env: "$" + faultSecret}, "token as name, with =": {env: faultSecret + "=="},
			"name of an unset variable": {env: "NOT_SET"}, "name of a bad token": {env: "BAD"},
			"empty path": {file: ""}, "token as path": {file: faultSecret}, "token as path, with /": {file: "/" + faultSecret}, "directory": {file: "."}, "path of a missing file": {file: "no/such/file"},
			"unknown": {value: unknown{}}, "unknown name": {env: unknown{}}, "unknown path": {file: unknown{}},
		} {
			t.Run(issuer.block+"/"+name, func(t *testing.T) {
				t.Parallel()

				canned := issuertest.StartCanned()
				t.Cleanup(canned.Close)

				s := newServer(t, host(map[string]string{"BAD": "two words", issuer.tokenVariable: "x" + faultSecret}))
				s.configure(map[string]any{issuer.block: map[string]any{issuer.urlArgument: canned.URL}})

				_, read := s.read(issuer.kind(), config)
				_, opened := s.open(issuer.kind(), config)

				for _, all := range []diagnostics{read, opened} {
					if len(all) == 0 || strings.Contains(all.String(), "error at ") || strings.Contains(strings.ToLower(all.String()), strings.ToLower(faultSecret)) {
						t.Errorf("diagnostics are %q", all)
					}
				}
			})
		}

		for _, arguments := range []map[string]any{issuer.own(faultSecret + ";"), {"min_remaining": faultSecret}} {
			if _, all := newServer(t, host(nil)).read(issuer.kind(), arguments); len(all) != 1 || strings.Contains(all.String(), "error at ") || strings.Contains(all.String(), faultSecret) {
				t.Errorf("%v: diagnostics are %q", arguments, all)
			}
		}

		// The provider configuration.
		for _, config := range []map[string]any{
			{issuer.tokenArgument: ""},
			{issuer.tokenArgument: "Bearer " + faultSecret},
			{issuer.tokenArgument: `"` + faultSecret},
			{issuer.tokenArgument: faultSecret + "\u00a0"},
			{issuer.urlArgument: "https://" + faultSecret + "=="},
			{issuer.urlArgument: faultSecret + "=="},
			{issuer.tokenArgument: "https://issuer.test"},
			{"trust_bundle": faultSecret},
		} {
			all := newServer(t, host(nil)).configure(map[string]any{issuer.block: config})
			if len(all) != 1 || strings.Contains(all.String(), "error at ") || strings.Contains(all.String(), faultSecret) {
				t.Errorf("%v: diagnostics are %q", config, all)
			}
		}

		// A token valid as another argument is found once it is known.
		own := map[string]any{"cloudflare": map[string]any{"account_id": account}, "venafi": map[string]any{"required_scopes": []any{account}}}[issuer.block]
		found := configured(t, map[string]string{issuer.tokenVariable: account}, map[string]any{issuer.block: map[string]any{issuer.urlArgument: "https://127.0.0.1:1"}})

		if _, all := found.open(issuer.kind(), own.(map[string]any)); len(all) != 1 || !strings.HasPrefix(all[0], "error: Token in another argument") || strings.Contains(all[0], account) {
			t.Errorf("diagnostics are %q", all)
		}

		// A token that could be a host name is looked up, but not shown.
		h := host(nil)
		resolver(t, 3)(&h)

		s := newServer(t, h)
		s.configure(map[string]any{"max_retries": 0, issuer.block: map[string]any{issuer.urlArgument: "https://" + faultSecret + ".invalid:1", issuer.tokenArgument: faultSecret}})

		if _, all := s.read(issuer.kind(), nil); len(all.errors()) != 1 || strings.Contains(strings.ToLower(all.String()), strings.ToLower(faultSecret)) {
			t.Errorf("diagnostics are %q", all)
		}
	}
}
