package provider

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-log/tflog"
	"github.com/hashicorp/terraform-plugin-log/tflogtest"

	"github.com/tokencheck/terraform-provider-tokencheck/internal/token"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/verdict"
)

// careless is a client that logs the token, and claims to decide the verdict.
type careless struct{ answer verdict.Answer }

// verify implements [client].
func (c careless) verify(ctx context.Context, _ arguments, bearer token.Token, _ bool) (verdict.Answer, map[string]attr.Value, error) {
	tflog.Info(ctx, "in the message: "+bearer.Reveal())
	tflog.Info(ctx, "in a field", map[string]any{"field": "token " + bearer.Reveal()})

	return c.answer, map[string]attr.Value{"valid": types.BoolValue(true), "status": types.StringValue("active")}, nil
}

func carelessCheck(ctx context.Context, answer verdict.Answer, remaining types.String) (outcome, error) {
	i := cloudflareIssuer()
	c := &connection{issuer: i, client: func() (client, error) { return careless{answer}, nil }}

	return c.verify(ctx, arguments{
		i.names.Argument: types.StringValue("secret-0123456789"), i.names.ArgumentEnv(): types.StringNull(), i.names.ArgumentFile(): types.StringNull(),
		"min_remaining": remaining,
	}, false)
}

// The token is masked in whatever an issuer's client logs.
func TestVerifyMasksTheToken(t *testing.T) {
	t.Parallel()

	var log bytes.Buffer

	_, _ = carelessCheck(tflogtest.RootLogger(t.Context(), &log), verdict.Answer{Facts: verdict.Facts{Refused: true}}, types.StringNull())

	if strings.Contains(log.String(), "0123456789") {
		t.Errorf("the token is in the log:\n%s", log.String())
	}

	for _, text := range []string{"in a field", `"token verified"`, `"verdict":"rejected"`, `"source":"argument"`} {
		if !strings.Contains(log.String(), text) {
			t.Errorf("the log lacks %s:\n%s", text, log.String())
		}
	}
}

// An issuer's client cannot make a token valid: only the verdict does.
func TestVerifyDecides(t *testing.T) {
	t.Parallel()

	if got, err := carelessCheck(t.Context(), verdict.Answer{}, types.StringNull()); err == nil {
		t.Errorf("an answer without a status returned %+v", got)
	}

	refused := verdict.Answer{Facts: verdict.Facts{Refused: true}}

	if got, err := carelessCheck(t.Context(), refused, types.StringValue("soon")); err == nil {
		t.Errorf("an invalid duration returned %+v", got)
	}

	got, err := carelessCheck(t.Context(), refused, types.StringNull())
	if err != nil || got.attributes["valid"] != types.BoolValue(false) || got.attributes["status"] != types.StringValue("rejected") {
		t.Errorf("a rejection returned %+v, %v", got, err)
	}
}

// Internal errors ask for a bug report.
func TestInternalErrors(t *testing.T) {
	t.Parallel()

	_, handed := connectionOf(cloudflareIssuer(), 1)
	_, none := connectionOf(cloudflareIssuer(), map[string]*connection{})

	var failed diag.Diagnostics

	addError(&failed, errors.New("something happened"))

	for summary, all := range map[string]diag.Diagnostics{
		"Provider is not configured: The provider data has the type int.":                             handed,
		"Provider is not configured: The provider data has the type map[string]*provider.connection.": none,
		"Internal error: something happened":                                                          failed,
	} {
		if len(all) != 1 || !strings.HasPrefix(all[0].Summary()+": "+all[0].Detail(), summary) || !strings.HasSuffix(all[0].Detail(), "This is a bug in the provider; please report it.") {
			t.Errorf("got %v, want %q and a request to report it", all, summary)
		}
	}
}

// These defaults are documented.
func TestDefaults(t *testing.T) {
	t.Parallel()

	config, err := settings{host: Host{Backoff: time.Hour}}.config()
	if err != nil || config.Timeout != time.Minute || config.MaxRetries != 3 || config.Backoff != time.Hour {
		t.Errorf("got %+v, %v", config, err)
	}
}

func TestParseDuration(t *testing.T) {
	t.Parallel()

	for s, want := range map[string]string{
		"": "is empty", "90": "has no unit", "1.5": "has no unit", "soon": "is not a duration",
		"1d": `write "24h"`, "2d12h30m": `write "60h30m"`, "106751d": `write "2562024h"`,
		"106752d": "is not a duration", "768614336404564651d": "is not a duration",
		"-1d": "is not a duration", "1d-1h": "is not a duration", "d": "is not a duration", "xd": "is not a duration", "1day": "is not a duration",
	} {
		if d, err := parseDuration(s); d != 0 || err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("parseDuration(%q) = %v, %v; want 0 and %q", s, d, err, want)
		}
	}
}
