package provider

import (
	"bytes"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-log/tflog"
	"github.com/hashicorp/terraform-plugin-log/tflogtest"

	"github.com/tokencheck/terraform-provider-tokencheck/internal/token"
)

// Whatever is logged once the token is known, the token is masked in it.
func TestPrepareMasksTheToken(t *testing.T) {
	t.Parallel()

	const secret = "secret-0123456789"

	var log bytes.Buffer

	value := secret

	ctx, _, err := prepare(tflogtest.RootLogger(t.Context(), &log), Host{}, token.Sources{Names: cloudflareNames, Value: &value}, types.StringNull(), types.StringNull())
	if err != nil {
		t.Fatal(err)
	}

	tflog.Info(ctx, "in the message: "+secret)
	tflog.Info(ctx, "in a field", map[string]any{"field": "token " + secret})

	if strings.Contains(log.String(), secret) || !strings.Contains(log.String(), "in a field") {
		t.Errorf("the log is:\n%s", log.String())
	}
}
