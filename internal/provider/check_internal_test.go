package provider

import (
	"bytes"
	"context"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-log/tflog"
	"github.com/hashicorp/terraform-plugin-log/tflogtest"

	"github.com/tokencheck/terraform-provider-tokencheck/internal/token"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/verdict"
)

// careless is a client that logs the token, and claims what only the verdict may say.
type careless struct{ answer verdict.Answer }

// verify implements [client].
func (c careless) verify(ctx context.Context, _ arguments, bearer token.Token, _ bool) (verdict.Answer, map[string]attr.Value, error) {
	tflog.Info(ctx, "in the message: "+bearer.Reveal())
	tflog.Info(ctx, "in a field", map[string]any{"field": "token " + bearer.Reveal()})

	return c.answer, map[string]attr.Value{"valid": types.BoolValue(true), "status": types.StringValue("active")}, nil
}

func carelessCheck(ctx context.Context, answer verdict.Answer) (outcome, error) {
	i := cloudflareIssuer()
	c := &connection{issuer: i, client: func() (client, error) { return careless{answer}, nil }}

	return c.verify(ctx, arguments{
		i.names.Argument: types.StringValue("secret-0123456789"), i.names.ArgumentEnv(): types.StringNull(), i.names.ArgumentFile(): types.StringNull(),
		"min_remaining": types.StringNull(),
	}, false)
}

// Whatever an issuer's client logs, the token is masked in it.
func TestVerifyMasksTheToken(t *testing.T) {
	t.Parallel()

	var log bytes.Buffer

	_, _ = carelessCheck(tflogtest.RootLogger(t.Context(), &log), verdict.Answer{})

	if strings.Contains(log.String(), "0123456789") || !strings.Contains(log.String(), "in a field") {
		t.Errorf("the log is:\n%s", log.String())
	}
}

// An issuer's client cannot make a token valid: only the verdict does.
func TestVerifyDecides(t *testing.T) {
	t.Parallel()

	if got, err := carelessCheck(t.Context(), verdict.Answer{}); err == nil {
		t.Errorf("an answer without a status gave %+v", got)
	}

	got, err := carelessCheck(t.Context(), verdict.Answer{Facts: verdict.Facts{Refused: true}})
	if err != nil || got.attributes["valid"] != types.BoolValue(false) || got.attributes["status"] != types.StringValue("rejected") {
		t.Errorf("a refusal gave %+v, %v", got, err)
	}
}
