package venafi_test

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/tokencheck/terraform-provider-tokencheck/internal/issuertest/clienttest"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/venafi"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/verdict"
)

func TestParseScopes(t *testing.T) {
	t.Parallel()

	tests := map[string]venafi.Scopes{
		"":                          nil,
		" ":                         nil,
		";":                         nil,
		" ; ;":                      nil,
		"ssh":                       {"ssh": {}},
		"ssh;":                      {"ssh": {}},
		";ssh":                      {"ssh": {}},
		"certificate:manage":        {"certificate": {"manage"}},
		"certificate:revoke,manage": {"certificate": {"manage", "revoke"}},
		"certificate:manage,revoke;configuration;security:manage": {"certificate": {"manage", "revoke"}, "configuration": {}, "security": {"manage"}},
		" Certificate : Manage , REVOKE ; SSH ; ":                 {"certificate": {"manage", "revoke"}, "ssh": {}},
		"certificate:manage;certificate:revoke":                   {"certificate": {"manage", "revoke"}},
		"certificate;certificate:manage":                          {"certificate": {"manage"}},
		"certificate:manage;certificate":                          {"certificate": {"manage"}},
		"certificate:manage,manage,Manage":                        {"certificate": {"manage"}},
		"certificate:":                                            {"certificate": {}},
		"certificate:,":                                           {"certificate": {}},
		"certificate:manage,":                                     {"certificate": {"manage"}},
		"any":                                                     {"any": {}},
		"@AZ[:ÀK":                                                 {"@az[": {"Àk"}},
		"a-new.scope_1:x-y":                                       {"a-new.scope_1": {"x-y"}},
	}

	for scope, want := range tests {
		t.Run(scope, func(t *testing.T) {
			t.Parallel()

			if got := venafi.ParseScopes(scope); !reflect.DeepEqual(got, want) {
				t.Errorf("ParseScopes(%q) = %#v, want %#v", scope, got, want)
			}
		})
	}
}

func TestMissing(t *testing.T) {
	t.Parallel()

	tests := []struct {
		granted  string
		required []string
		want     []string
	}{
		{"ssh", nil, []string{}},
		{"ssh", []string{"ssh"}, []string{}},
		{"ssh", []string{"any"}, []string{}},
		{"ssh", []string{"ANY"}, []string{}},
		{"", []string{"any"}, []string{}},
		{"ssh", []string{"any", "agent"}, []string{"agent"}},
		{"any", []string{"ssh"}, []string{"ssh"}}, // No scope implies another.
		{"certificate:manage", []string{"certificate"}, []string{}},
		{"certificate", []string{"certificate:manage"}, []string{"certificate:manage"}},
		{"certificate:manage", []string{"certificate:manage"}, []string{}},
		{"certificate:manage", []string{"certificate:revoke"}, []string{"certificate:revoke"}},
		{"certificate:manage", []string{"certificate:delete", "certificate:discover", "certificate:approve"}, []string{"certificate:approve", "certificate:delete", "certificate:discover"}},
		{"certificate:manage", []string{"certificate:revoke,manage,delete"}, []string{"certificate:delete", "certificate:revoke"}},
		{"certificate:manage", []string{"Certificate:MANAGE"}, []string{}},
		{"CERTIFICATE:Manage", []string{"certificate:manage"}, []string{}},
		{"certificate:manage", []string{"ssh:manage"}, []string{"ssh:manage"}},
		{"certificate:manage", []string{"ssh:manage,approve"}, []string{"ssh:approve", "ssh:manage"}},
		{"admin", []string{"certificate"}, []string{"certificate"}}, // Not even admin.
		{"admin:delete,recyclebin", []string{"admin:delete"}, []string{}},
		{"certificates:manage", []string{"certificate:manage"}, []string{"certificate:manage"}},
		{"ssh", []string{"ssh", "ssh", "agent", "agent"}, []string{"agent"}},
		{"ssh", []string{"agent", "agent:x"}, []string{"agent:x"}},
		{"ssh", []string{"codesign", "agent", "admin"}, []string{"admin", "agent", "codesign"}},
		{"", []string{"ssh"}, []string{"ssh"}},
		{"codesignclient", []string{"codesign"}, []string{"codesign"}},
		{"a-new-scope", []string{"a-new-scope"}, []string{}},
	}

	for _, test := range tests {
		t.Run(test.granted+" for "+strings.Join(test.required, " "), func(t *testing.T) {
			t.Parallel()

			got := venafi.ParseScopes(test.granted).Missing(test.required)
			if !reflect.DeepEqual(got, test.want) {
				t.Errorf("Missing = %#v, want %#v", got, test.want)
			}

			// A set has no order.
			reversed := slices.Clone(test.required)
			slices.Reverse(reversed)

			if again := venafi.ParseScopes(test.granted).Missing(reversed); !reflect.DeepEqual(got, again) {
				t.Errorf("Missing = %v, and %v in reverse order", got, again)
			}
		})
	}
}

func TestRequire(t *testing.T) {
	t.Parallel()

	tests := []struct {
		name     string
		answer   venafi.Answer
		required []string
		missing  []string
		unknown  bool
	}{
		{"nothing required", venafi.Answer{Scopes: venafi.ParseScopes("ssh")}, nil, nil, false},
		{"empty set required", venafi.Answer{Scopes: venafi.ParseScopes("ssh")}, []string{}, nil, false},
		{"granted", venafi.Answer{Scopes: venafi.ParseScopes("ssh")}, []string{"ssh"}, []string{}, false},
		{"missing", venafi.Answer{Scopes: venafi.ParseScopes("ssh")}, []string{"agent"}, []string{"agent"}, false},
		{"unknown", venafi.Answer{}, []string{"agent"}, []string{"agent"}, true},
		{"unknown, nothing required", venafi.Answer{}, nil, nil, false},
		{"rejected", venafi.Answer{Answer: verdict.Answer{Facts: verdict.Facts{Refused: true}}}, []string{"agent"}, nil, false},
	}

	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()

			facts := test.answer.Require(test.required)

			if !reflect.DeepEqual(facts.MissingScopes, test.missing) || facts.ScopesUnknown != test.unknown {
				t.Errorf("missing = %#v, unknown = %v; want %#v, %v", facts.MissingScopes, facts.ScopesUnknown, test.missing, test.unknown)
			}

			// Other checks may share the answer.
			if test.answer.MissingScopes != nil || test.answer.ScopesUnknown {
				t.Errorf("the answer itself has changed: %+v", test.answer)
			}
		})
	}
}

func TestCheckScope(t *testing.T) {
	t.Parallel()

	tests := map[string]bool{
		"ssh": true, "certificate:manage": true, "certificate:manage,revoke": true, "any": true, "Certificate:Manage": true, "a-new.scope_1:x": true,
		"": false, " ": false, " ssh": false, "ssh ": false, "certificate: manage": false, "certificate:manage, revoke": false, "certificate:": false,
		"certificate:manage,": false, "certificate:,manage": false, "certificate:manage,,revoke": false, ":manage": false, "a:b:c": false, ",": false, "a,b": false,
		"ssh;agent": false, "ssh;": false, ";": false, "any:manage": false, "Any:x": false, "ssh\n": false,
	}

	for scope, want := range tests {
		t.Run(scope, func(t *testing.T) {
			t.Parallel()

			err := venafi.CheckScope(scope)
			if (err == nil) != want {
				t.Errorf("CheckScope(%q) = %v, want it accepted: %v", scope, err, want)
			}
		})
	}

	// Every accepted scope requires something, even with an invisible character.
	for r := range rune(0x3100) {
		for _, scope := range []string{string(r), "ssh" + string(r), string(r) + "ssh", "certificate:" + string(r), "certificate:manage," + string(r)} {
			if err := venafi.CheckScope(scope); err == nil && (r <= ' ' || r > '~' || len(venafi.Scopes{}.Missing([]string{scope})) == 0) {
				t.Errorf("CheckScope(%q) accepts a scope that requires nothing", scope)
			}
		}
	}

	if err := venafi.CheckScope("ssh;" + secret); err == nil || clienttest.Bearer(t, secret).In(err.Error()) {
		t.Errorf("CheckScope = %v", err)
	}
}

// FuzzParseScopes finds scopes that are not parsed consistently.
func FuzzParseScopes(f *testing.F) {
	for _, scope := range []string{"", "a:b,c;d", " A : B ;;", "::", ",;,:"} {
		f.Add(scope)
	}

	f.Fuzz(func(t *testing.T, scope string) {
		scopes := venafi.ParseScopes(scope)

		for name, restrictions := range scopes {
			if name == "" || restrictions == nil || !slices.IsSorted(restrictions) || slices.Contains(restrictions, "") {
				t.Errorf("ParseScopes(%q) = %#v", scope, scopes)
			}
		}

		if missing := scopes.Missing([]string{scope}); len(missing) > 0 {
			t.Errorf("%q lacks %q of its own", scope, missing)
		}
	})
}
