package verdict_test

import (
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tokencheck/terraform-provider-tokencheck/internal/verdict"
)

// now is the issuer's time in these tests.
var now = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// words are an issuer's parts of a reason, each easy to recognize.
var words = verdict.Words{
	Token: "Example token", Endpoint: "Example's endpoint",
	Renew: "RENEW it.", Enable: "ENABLE it.", Refused: "REFUSED means this.", Scope: "SCOPE needs this.",
	ScopesUnknown: "Remove required_scopes from EXAMPLE.", EndUnknown: "Remove min_remaining from EXAMPLE.",
}

func contains(t *testing.T, text string, parts ...string) {
	t.Helper()

	for _, part := range parts {
		if !strings.Contains(text, part) {
			t.Errorf("%q lacks %q", text, part)
		}
	}
}

func TestDecide(t *testing.T) {
	t.Parallel()

	const source = "env:EXAMPLE_TOKEN"

	past, future := now.Add(-time.Hour), now.Add(time.Hour)

	tests := []struct {
		name     string
		facts    verdict.Facts
		min      *time.Duration
		want     verdict.Status
		reason   []string // parts of it, or of the error
		argument string   // of the error, if no status is wanted
	}{
		// One fact at a time.
		{name: "active without expiration", facts: verdict.Facts{Word: "active"}, want: verdict.Active, reason: []string{"is active", "does not expire"}},
		{name: "active with expiration", facts: verdict.Facts{Word: "active", ExpiresOn: &future}, want: verdict.Active, reason: []string{"is active and expires at 2026-03-01T13:00:00Z. "}},
		{name: "active, unknown expiration", facts: verdict.Facts{Word: "active", EndUnknown: true}, want: verdict.Active, reason: []string{"unknown"}},
		{name: "active, bounded expiration", facts: verdict.Facts{Word: "active", ExpiresOn: &future, EndUnknown: true}, want: verdict.Active, reason: []string{"is active and expires at 2026-03-01T13:00:00Z at the latest"}},
		{name: "issuer's own word rejected", facts: verdict.Facts{Word: "rejected"}, want: verdict.Rejected, reason: []string{`has the status "rejected"`}},
		{name: "rejected", facts: verdict.Facts{Refused: true}, want: verdict.Rejected, reason: []string{"rejected", words.Refused}},
		{name: "rejected, with the issuer's message", facts: verdict.Facts{Refused: true, Said: `"no such token"`}, want: verdict.Rejected, reason: []string{`"no such token"`, words.Refused}},
		{name: "disabled", facts: verdict.Facts{Word: "disabled"}, want: verdict.Disabled, reason: []string{"disabled", words.Enable}},
		{name: "word expired without a date", facts: verdict.Facts{Word: "expired"}, want: verdict.Expired, reason: []string{"has expired. ", words.Renew}},
		{name: "word expired with a date", facts: verdict.Facts{Word: "expired", ExpiresOn: &past}, want: verdict.Expired, reason: []string{"2026-03-01T11:00:00Z", words.Renew}},
		{name: "issuer's own word", facts: verdict.Facts{Word: "revoked (exposed)"}, want: "revoked (exposed)", reason: []string{"revoked (exposed)"}},
		{name: "word in different case", facts: verdict.Facts{Word: "Active"}, want: "Active", reason: []string{`"Active"`}},
		{name: "word with trailing space", facts: verdict.Facts{Word: "active "}, want: "active "},
		{name: "not yet valid", facts: verdict.Facts{Word: "active", NotBefore: &future}, want: verdict.NotYetValid, reason: []string{"2026-03-01T13:00:00Z"}},
		{name: "valid from now", facts: verdict.Facts{Word: "active", NotBefore: &now}, want: verdict.Active},
		{name: "valid since one nanosecond", facts: verdict.Facts{Word: "active", NotBefore: new(now.Add(-1))}, want: verdict.Active},
		{name: "valid in one nanosecond", facts: verdict.Facts{Word: "active", NotBefore: new(now.Add(1))}, want: verdict.NotYetValid},
		{name: "active with expiration in the past", facts: verdict.Facts{Word: "active", ExpiresOn: &past}, want: verdict.Expired, reason: []string{"2026-03-01T11:00:00Z", words.Renew}},
		{name: "expires now", facts: verdict.Facts{Word: "active", ExpiresOn: &now}, want: verdict.Expired},
		{name: "expires in one nanosecond", facts: verdict.Facts{Word: "active", ExpiresOn: new(now.Add(1))}, want: verdict.Active},
		{name: "expired in the year 1", facts: verdict.Facts{Word: "active", ExpiresOn: new(time.Time{})}, want: verdict.Expired, reason: []string{"0001-01-01"}},
		{name: "missing scope", facts: verdict.Facts{Word: "active", MissingScopes: []string{"a:x", "b"}}, want: verdict.MissingScope, reason: []string{"a:x", "b", words.Scope}},
		{name: "no scope missing", facts: verdict.Facts{Word: "active", MissingScopes: []string{}}, want: verdict.Active},
		{name: "expiring", facts: verdict.Facts{Word: "active", ExpiresOn: &future}, min: new(2 * time.Hour), want: verdict.Expiring, reason: []string{"2026-03-01T13:00:00Z", "2h", words.Renew}},
		{name: "exactly the minimum", facts: verdict.Facts{Word: "active", ExpiresOn: &future}, min: new(time.Hour), want: verdict.Active},
		{name: "one nanosecond short", facts: verdict.Facts{Word: "active", ExpiresOn: &future}, min: new(time.Hour + 1), want: verdict.Expiring},
		{name: "minimum of zero", facts: verdict.Facts{Word: "active", ExpiresOn: &future}, min: new(time.Duration(0)), want: verdict.Active},
		{name: "no expiration meets any minimum", facts: verdict.Facts{Word: "active"}, min: new(time.Duration(1 << 62)), want: verdict.Active},
		{name: "longest duration, year 9999", facts: verdict.Facts{Word: "active", ExpiresOn: new(time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC))}, min: new(time.Duration(1<<63 - 1)), want: verdict.Active},

		// Order of precedence: each fact with all that follow.
		{
			name: "rejected takes precedence over all",
			facts: verdict.Facts{
				Refused: true, Word: "disabled", NotBefore: &future, ExpiresOn: &past, MissingScopes: []string{"a"}, ScopesUnknown: true, EndUnknown: true,
			},
			min: new(time.Hour), want: verdict.Rejected,
		},
		{
			name: "word takes precedence over the rest",
			facts: verdict.Facts{
				Word: "disabled", NotBefore: &future, ExpiresOn: &past, MissingScopes: []string{"a"}, ScopesUnknown: true, EndUnknown: true,
			},
			min: new(time.Hour), want: verdict.Disabled,
		},
		{
			name:  "not yet valid takes precedence over the rest",
			facts: verdict.Facts{Word: "active", NotBefore: &future, ExpiresOn: &past, MissingScopes: []string{"a"}, ScopesUnknown: true, EndUnknown: true},
			min:   new(time.Hour), want: verdict.NotYetValid,
		},
		{
			name:  "expired takes precedence over the rest",
			facts: verdict.Facts{Word: "active", NotBefore: &past, ExpiresOn: &past, MissingScopes: []string{"a"}, ScopesUnknown: true, EndUnknown: true},
			min:   new(time.Hour), want: verdict.Expired,
		},
		{
			name:  "missing scope takes precedence over expiring",
			facts: verdict.Facts{Word: "active", ExpiresOn: &future, MissingScopes: []string{"a"}},
			min:   new(2 * time.Hour), want: verdict.MissingScope,
		},
		{
			name:  "missing scope takes precedence over unknown expiration",
			facts: verdict.Facts{Word: "active", EndUnknown: true, MissingScopes: []string{"a"}},
			min:   new(2 * time.Hour), want: verdict.MissingScope,
		},
		{
			name:  "too near a bound is expiring, even with unknown expiration",
			facts: verdict.Facts{Word: "active", ExpiresOn: &future, EndUnknown: true},
			min:   new(2 * time.Hour), want: verdict.Expiring,
		},

		// What cannot be decided does not pass.
		{name: "min_remaining, unknown expiration", facts: verdict.Facts{Word: "active", EndUnknown: true}, min: new(time.Hour), argument: "min_remaining"},
		{name: "min_remaining, bounded expiration", facts: verdict.Facts{Word: "active", ExpiresOn: new(now.Add(9 * time.Hour)), EndUnknown: true}, min: new(time.Hour), argument: "min_remaining"},
		{name: "min_remaining of zero, unknown expiration", facts: verdict.Facts{Word: "active", EndUnknown: true}, min: new(time.Duration(0)), argument: "min_remaining"},
		{name: "unknown scopes", facts: verdict.Facts{Word: "active", ScopesUnknown: true, MissingScopes: []string{"a"}}, argument: "required_scopes"},
		{name: "unknown scopes, expiring", facts: verdict.Facts{Word: "active", ScopesUnknown: true, ExpiresOn: &future}, min: new(2 * time.Hour), argument: "required_scopes"},
		{name: "no word", facts: verdict.Facts{}, reason: []string{
			"Unexpected response from the issuer: The status in the response is empty, ", "\n\nCompare the configured server URL",
		}},
		{name: "word of 65 characters", facts: verdict.Facts{Word: strings.Repeat("a", 65)}},
		{name: "word with newline", facts: verdict.Facts{Word: "act\nive"}},
		{name: "word with an invisible character", facts: verdict.Facts{Word: "active\u200b"}},
		{name: "word with invalid UTF-8", facts: verdict.Facts{Word: "active\xff"}},
	}

	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()

			test.facts.Now = now
			question := verdict.Question{TokenSource: source, MinRemaining: test.min}

			got, err := verdict.Decide(verdict.Answer{Facts: test.facts, Words: words}, question)

			if test.want == "" {
				var fault *verdict.Error
				if !errors.As(err, &fault) {
					t.Fatalf("Decide returned %+v, %v; want a *verdict.Error", got, err)
				}

				if fault.Summary == "" || fault.Happened == "" || fault.Remedy == "" {
					t.Errorf("error = %+v, want all texts", fault)
				}

				if test.argument != "" {
					contains(t, fault.Remedy, "Remove "+test.argument+" from EXAMPLE.")
				}

				contains(t, err.Error(), test.reason...)

				if got.Valid() || got != (verdict.Verdict{}) {
					t.Errorf("error with the verdict %+v", got)
				}

				return
			}

			if err != nil || got.Status != test.want {
				t.Fatalf("Decide returned %q, %v; want %q", got.Status, err, test.want)
			}

			if got.Valid() != (test.want == verdict.Active) {
				t.Errorf("Valid() = %v for %q", got.Valid(), got.Status)
			}

			contains(t, got.Reason, append(test.reason, words.Token, words.Endpoint, source)...)

			if again, _ := verdict.Decide(verdict.Answer{Facts: test.facts, Words: words}, question); again != got {
				t.Errorf("the same answer returned %+v, then %+v", got, again)
			}
		})
	}
}

// TestReasonIsStable decides at different times with the same status: the text must
// not change, or each plan shows a change.
func TestReasonIsStable(t *testing.T) {
	t.Parallel()

	tests := map[string]struct {
		facts verdict.Facts
		min   *time.Duration
	}{
		"active":        {verdict.Facts{Word: "active", ExpiresOn: new(now.AddDate(1, 0, 0))}, nil},
		"rejected":      {verdict.Facts{Refused: true, Said: "no"}, nil},
		"expired":       {verdict.Facts{Word: "active", ExpiresOn: new(now.AddDate(-1, 0, 0))}, nil},
		"expiring":      {verdict.Facts{Word: "active", ExpiresOn: new(now.AddDate(0, 1, 0))}, new(9000 * time.Hour)},
		"not_yet_valid": {verdict.Facts{Word: "active", NotBefore: new(now.AddDate(0, 1, 0))}, nil},
		"missing_scope": {verdict.Facts{Word: "active", MissingScopes: []string{"a"}}, nil},
		"other":         {verdict.Facts{Word: "paused"}, nil},
	}

	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			var all []verdict.Verdict

			for _, at := range []time.Time{now, now.Add(time.Hour), now.Add(72*time.Hour + 5*time.Second)} {
				test.facts.Now = at

				v, err := verdict.Decide(verdict.Answer{Facts: test.facts, Words: words}, verdict.Question{TokenSource: "argument", MinRemaining: test.min})
				if err != nil {
					t.Fatal(err)
				}

				all = append(all, v)
			}

			if len(slices.Compact(all)) != 1 {
				t.Errorf("the same answer returned several verdicts: %+v", all)
			}
		})
	}
}

// TestReasonInventsNothing covers words of an issuer that are also statuses of the
// provider: a reason must not show a date or scope that the answer does not contain.
func TestReasonInventsNothing(t *testing.T) {
	t.Parallel()

	tests := []struct {
		name  string
		facts verdict.Facts
		not   []string
	}{
		{"not_yet_valid without a date", verdict.Facts{Word: "not_yet_valid"}, []string{"0001-01-01"}},
		{"missing_scope without scopes", verdict.Facts{Word: "missing_scope"}, []string{"scope .", "scope  "}},
		{"expiring without a date", verdict.Facts{Word: "expiring"}, []string{"0001-01-01"}},
		{"expired without a date", verdict.Facts{Word: "expired"}, []string{"0001-01-01"}},
		{"active without dates", verdict.Facts{Word: "active"}, []string{"0001-01-01"}},
		{"expired with expiration in the future", verdict.Facts{Word: "expired", ExpiresOn: new(now.AddDate(5, 0, 0))}, []string{"expired at 2031"}},
	}

	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()

			test.facts.Now = now

			v, err := verdict.Decide(verdict.Answer{Facts: test.facts, Words: words}, verdict.Question{TokenSource: "argument"})
			if err != nil {
				t.Fatal(err)
			}

			if v.Status != verdict.Status(test.facts.Word) {
				t.Errorf("status = %q, want the issuer's word", v.Status)
			}

			for _, untruth := range test.not {
				if strings.Contains(v.Reason, untruth) {
					t.Errorf("reason %q mentions %q", v.Reason, untruth)
				}
			}
		})
	}
}

// TestOnlyActiveIsValid asserts that of many words only "active" is valid.
func TestOnlyActiveIsValid(t *testing.T) {
	t.Parallel()

	for _, word := range []string{
		"", " ", "ACTIVE", "Active", "active\n", "\tactive", "activé", "actıve", "аctive", "true", "valid", "ok", "enabled", "inactive",
		"rejected", "expired", "disabled", "expiring", "missing_scope", "not_yet_valid", "active,disabled", "null",
	} {
		if v, err := verdict.Decide(verdict.Answer{Facts: verdict.Facts{Word: word, Now: now}, Words: words}, verdict.Question{}); v.Valid() || err == nil && v.Reason == "" {
			t.Errorf("word %q returned %+v", word, v)
		}
	}
}

func TestIsWord(t *testing.T) {
	t.Parallel()

	tests := map[string]bool{
		"a": true, "active": true, "revoked (exposed)": true, strings.Repeat("x", 64): true, strings.Repeat("é", 64): true,
		"": false, strings.Repeat("x", 65): false, strings.Repeat("é", 65): false, "a\x00": false, "a\x1b[31m": false, "a\r\n": false,
		"a\u202eb": false, "a\ufeff": false, "\xc3\x28": false, "a\ufffd": false, "a\u0085": false,
	}

	for word, want := range tests {
		if got := verdict.IsWord(word); got != want {
			t.Errorf("IsWord(%q) = %v, want %v", word, got, want)
		}
	}
}

func TestBrief(t *testing.T) {
	t.Parallel()

	for want, d := range map[string]time.Duration{
		"0s": 0, "1s": time.Second, "20s": 20 * time.Second, "10m": 10 * time.Minute, "1m30s": 90 * time.Second, "1h": time.Hour, "1h30m": 90 * time.Minute,
		"1h10m": 70 * time.Minute, "1h0m10s": time.Hour + 10*time.Second, "100h": 100 * time.Hour, "1.5s": 1500 * time.Millisecond, "-72h": -72 * time.Hour,
	} {
		if got := verdict.Brief(d); got != want {
			t.Errorf("Brief(%v) = %q, want %q", d, got, want)
		}
	}
}

func TestError(t *testing.T) {
	t.Parallel()

	err := &verdict.Error{Summary: "Summary", Happened: "Happened.", Remedy: "Remedy.", Err: io.EOF}
	if !errors.Is(err, io.EOF) {
		t.Error("the error does not wrap the cause")
	}

	if got, want := err.Detail(), "Happened.\n\nRemedy."; got != want {
		t.Errorf("Detail = %q, want %q", got, want)
	}

	if got := err.Error(); !strings.HasPrefix(got, "Summary: Happened.") || strings.Contains(got, "EOF") {
		t.Errorf("Error = %q, want the texts without the cause", got)
	}

	// Otherwise people rotate valid tokens in an outage.
	err.Asked = true
	if got := err.Detail(); !strings.Contains(got, "says nothing about whether it is valid") {
		t.Errorf("Detail = %q does not say that the token is not judged", got)
	}
}
