package verdict_test

import (
	"cmp"
	"errors"
	"io"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tokencheck/terraform-provider-tokencheck/internal/verdict"
)

var (
	now    = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	past   = now.Add(-time.Hour)
	future = now.Add(time.Hour)

	// Each remedy has the two sentences that it may have at most.
	advice = verdict.Advice{
		Token: "Example token", Rejected: "REJECTED. Now.", Renew: "RENEW. Now.", Enable: "ENABLE. Now.", Scope: "SCOPE. Now.",
		ScopesUnknown: "SCOPES-UNKNOWN.", ExpiryUnknown: "EXPIRY-UNKNOWN.",
	}
)

const source = "env:EXAMPLE_TOKEN"

func decide(f verdict.Facts, minRemaining *time.Duration) (verdict.Verdict, error) {
	f.Now, f.Advice = cmp.Or(f.Now, now), advice
	return verdict.Decide(f, verdict.Requirements{TokenSource: source, MinRemaining: minRemaining})
}

// TestOrder starts with a token that has every fault, and corrects one after the
// other, in the order in which they decide.
func TestOrder(t *testing.T) {
	t.Parallel()

	f := verdict.Facts{Rejected: true, IssuerStatus: "disabled", NotBefore: &future, ExpiresOn: &past, MissingScopes: []string{"a", "b"}}
	required := new(2 * time.Hour)

	for _, step := range []struct {
		want          verdict.Status
		title, reason string
		correct       func()
	}{
		{verdict.Rejected, "Token was rejected", advice.Rejected, func() { f.Rejected = false }},
		{verdict.Disabled, "Token is disabled", advice.Enable, func() { f.IssuerStatus = "paused" }},
		{"paused", "Token is not valid", `"paused"`, func() { f.IssuerStatus = "active" }},
		{verdict.NotYetValid, "Token is not valid yet", "2026-03-01T13:00:00Z", func() { f.NotBefore = &now }},
		{verdict.Expired, "Token has expired", "2026-03-01T11:00:00Z", func() { f.ExpiresOn = &future }},
		{verdict.MissingScope, "Token lacks a required scope", "a, b", func() { f.MissingScopes = nil }},
		{verdict.Expiring, "Token expires too soon", "2h", func() { *required = time.Hour }},
		{verdict.Active, "Token is not valid", "2026-03-01T13:00:00Z", func() {}},
	} {
		got, err := decide(f, required)
		if err != nil || got.Status != step.want || got.Title() != step.title || !strings.Contains(got.Reason, step.reason) {
			t.Errorf("%+v (%s), %v; want %+v", got, got.Title(), err, step)
		}
		step.correct()
	}
}

var sentenceEnd = regexp.MustCompile(`\.( |$)`)

func TestDecide(t *testing.T) {
	t.Parallel()

	for name, test := range map[string]struct {
		facts verdict.Facts
		min   *time.Duration
		want  verdict.Status
		part  string // of the reason
	}{
		"does not expire":                   {verdict.Facts{IssuerStatus: "active"}, new(time.Duration(1 << 62)), "active", "does not expire"},
		"unknown expiration":                {verdict.Facts{IssuerStatus: "active", ExpiryUnknown: true}, nil, "active", "unknown"},
		"expires now":                       {verdict.Facts{IssuerStatus: "active", ExpiresOn: &now}, nil, "expired", advice.Renew},
		"expires in a nanosecond":           {verdict.Facts{IssuerStatus: "active", ExpiresOn: new(now.Add(1))}, nil, "active", ""},
		"a nanosecond short":                {verdict.Facts{IssuerStatus: "active", ExpiresOn: &future}, new(time.Hour + 1), "expiring", advice.Renew},
		"longest duration":                  {verdict.Facts{IssuerStatus: "active", ExpiresOn: new(now.AddDate(7000, 0, 0))}, new(time.Duration(1<<63 - 1)), "active", ""},
		"message":                           {verdict.Facts{Rejected: true, Message: "no such token"}, nil, "rejected", "no such token. " + advice.Rejected},
		"rejected, unknown scopes":          {verdict.Facts{Rejected: true, ScopesUnknown: true, ExpiryUnknown: true}, new(time.Hour), "rejected", ""},
		"missing scope decides":             {verdict.Facts{IssuerStatus: "active", MissingScopes: []string{"a"}, ExpiryUnknown: true}, new(time.Hour), "missing_scope", advice.Scope},
		"reported: rejected":                {verdict.Facts{IssuerStatus: "rejected"}, nil, "rejected", `"rejected"`},
		"reported: expired, future date":    {verdict.Facts{IssuerStatus: "expired", ExpiresOn: &future}, nil, "expired", "has expired"},
		"reported: not_yet_valid":           {verdict.Facts{IssuerStatus: "not_yet_valid"}, nil, "not_yet_valid", `"not_yet_valid"`},
		"reported: missing_scope":           {verdict.Facts{IssuerStatus: "missing_scope"}, nil, "missing_scope", `"missing_scope"`},
		"reported: expiring":                {verdict.Facts{IssuerStatus: "expiring"}, nil, "expiring", `"expiring"`},
		"reported: active, but not exactly": {verdict.Facts{IssuerStatus: "Active "}, nil, "Active ", `"Active "`},
		"reported: 1 character":             {verdict.Facts{IssuerStatus: "-"}, nil, "-", `"-"`},
		"reported: 64 characters":           {verdict.Facts{IssuerStatus: strings.Repeat("é", 64)}, nil, verdict.Status(strings.Repeat("é", 64)), ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			got, err := decide(test.facts, test.min)
			if err != nil || got.Status != test.want || got.Valid() != (test.want == "active") {
				t.Fatalf("%+v, %v; want %q", got, err, test.want)
			}
			if !strings.HasPrefix(got.Reason, "The "+advice.Token+" (source: "+source+") ") || !strings.Contains(got.Reason, test.part) {
				t.Errorf("reason %q lacks the token, its source, or %q", got.Reason, test.part)
			}
			if n := len(sentenceEnd.FindAllString(got.Reason, -1)); n > 3 || !strings.HasSuffix(got.Reason, ".") {
				t.Errorf("reason %q has %d sentences", got.Reason, n)
			}
			if strings.Contains(got.Reason, "0001-01-01") {
				t.Errorf("reason %q has a date that was not reported", got.Reason)
			}
		})
	}
}

// TestReasonIsStable verifies again later: a plan must not show a change.
func TestReasonIsStable(t *testing.T) {
	t.Parallel()

	for _, f := range []verdict.Facts{
		{IssuerStatus: "active", ExpiresOn: new(now.AddDate(1, 0, 0))},
		{IssuerStatus: "active", ExpiresOn: &past},
		{IssuerStatus: "active", ExpiresOn: new(now.AddDate(0, 1, 0)), MissingScopes: []string{"a"}},
		{IssuerStatus: "active", NotBefore: new(now.AddDate(0, 1, 0))},
		{IssuerStatus: "active", ExpiresOn: new(now.AddDate(0, 0, 20))}, // expiring
		{IssuerStatus: "paused"},
		{Rejected: true, Message: "no"},
	} {
		first, _ := decide(f, new(30*24*time.Hour))
		f.Now = now.Add(72*time.Hour + 5*time.Second)
		if second, err := decide(f, new(30*24*time.Hour)); err != nil || second != first {
			t.Errorf("%+v, later %+v, %v", first, second, err)
		}
	}
}

// TestUndecided covers responses that do not decide what was required: an error, and
// never a pass.
func TestUndecided(t *testing.T) {
	t.Parallel()

	for name, test := range map[string]struct {
		facts    verdict.Facts
		argument string // of the error
		remedy   string
	}{
		"expiration":          {verdict.Facts{IssuerStatus: "active", ExpiryUnknown: true}, "min_remaining", advice.ExpiryUnknown},
		"scopes":              {verdict.Facts{IssuerStatus: "active", ScopesUnknown: true}, "required_scopes", advice.ScopesUnknown},
		"no status":           {verdict.Facts{}, "", ""},
		"65 characters":       {verdict.Facts{IssuerStatus: strings.Repeat("a", 65)}, "", ""},
		"invisible character": {verdict.Facts{IssuerStatus: "active\u200b"}, "", ""},
		"invalid UTF-8":       {verdict.Facts{IssuerStatus: "active\xff"}, "", ""},
	} {
		got, err := decide(test.facts, new(time.Duration(0)))
		fault, ok := errors.AsType[*verdict.Error](err)
		if !ok || got.Valid() || fault.Title == "" || fault.Argument != test.argument || !strings.Contains(fault.Remedy, test.remedy) {
			t.Errorf("%s: %+v, %+v; want an error about %q", name, got, err, test.argument)
		}
	}
}

func TestExpire(t *testing.T) {
	t.Parallel()

	for end, known := range map[time.Time]bool{now.Add(1): true, now: false, past: false} {
		f := verdict.Facts{Now: now, IssuerStatus: "active"}
		f.SetExpiration(end)
		if known != (f.ExpiresOn != nil && f.ExpiresOn.Equal(end)) || f.ExpiryUnknown == known || (len(f.Warnings) == 0) != known {
			t.Errorf("%v: %+v", end, f)
		}
		if v, err := decide(f, nil); err != nil || !v.Valid() {
			t.Errorf("%v: %+v, %v; want a valid token", end, v, err)
		}
	}
}

func TestScopes(t *testing.T) {
	t.Parallel()

	includes := func(granted, required string) bool { return strings.HasPrefix(required, granted+":") }
	if got := verdict.MissingScopes([]string{"z", "repo", "repo:status", "a"}, []string{"repo"}, includes); !slices.Equal(got, []string{"a", "z"}) {
		t.Errorf("missing = %v", got)
	}
	for scope, ok := range map[string]bool{"": false, "a b": false, "a,b": false, `"a"`: false, "'a": false, "a\t": false, "a\r": false, "a\n": false, "a;b": false, "read:org": true, "read_api": true} {
		if err := verdict.CheckScope(scope); (err == nil) != ok {
			t.Errorf("CheckScope(%q) = %v", scope, err)
		}
	}
}

// TestError asserts that only an error about a request says that the token's validity
// is unknown: people rotate tokens in an outage.
func TestError(t *testing.T) {
	t.Parallel()

	err := &verdict.Error{Title: "Title", Cause: "Cause.", Remedy: "Remedy.", Err: io.EOF}
	if !errors.Is(err, io.EOF) || err.Error() != "Title: Cause.\n\nRemedy." {
		t.Errorf("%v", err)
	}
	if err.ValidityUnknown = true; !strings.Contains(err.Detail(), "unknown") {
		t.Errorf("%v", err)
	}
}
