package provider_test

import (
	"fmt"
	"io"
	"log"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/providerserver"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"

	"github.com/tokencheck/terraform-provider-tokencheck/internal/issuertest"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/provider"
)

// FuzzResponse sends any bytes as the issuer's response: no panic, no hang, no part of
// the token in the output, and no valid token but for the documented success.
func FuzzResponse(f *testing.F) {
	log.SetOutput(io.Discard) // Package net/http logs surplus bytes after a response.

	canned := issuertest.StartCanned()
	f.Cleanup(canned.Close)

	p, err := providerserver.NewProtocol6WithError(provider.New("test", host(nil))())()
	must(err)

	schema, err := p.GetProviderSchema(f.Context(), &tfprotov6.GetProviderSchemaRequest{})
	must(err)

	all := fakes()
	config := map[string]any{"timeout": "5s", "max_retries": 0}

	for i, issuer := range all {
		config[issuer.block] = map[string]any{issuer.urlArgument: canned.URL + issuer.basePath, issuer.tokenArgument: issuertest.Secret}

		for _, c := range issuer.corpus {
			remaining, _ := c.Arguments["min_remaining"].(string)
			f.Add(c.Wire(), uint8(i), remaining)
		}
		f.Add([]byte(issuertest.Secret), uint8(i), issuertest.Secret)
	}

	configured, err := p.ConfigureProvider(f.Context(), &tfprotov6.ConfigureProviderRequest{Config: dynamic(schema.Provider.ValueType(), config)})
	if err != nil || len(configured.Diagnostics) > 0 {
		f.Fatal(err, configured.Diagnostics)
	}

	f.Fuzz(func(t *testing.T, raw []byte, index uint8, remaining string) {
		canned.Set(raw)
		canned.Reset()

		issuer := all[int(index)%len(all)]
		arguments := map[string]any{"require_valid": false}
		if remaining != "" {
			arguments["min_remaining"] = remaining
		}

		s := &server{t, p, schema}
		got, diags := s.open(issuer.kind(), arguments)

		if canned.Reset() == 0 && strings.Contains(diags.String(), "No response") {
			t.Fatal("no request was sent, such as for lack of ports:", diags)
		}

		valid := got["valid"] == true
		if (got["verified_token"] != nil) != valid || valid && !issuer.accepts(raw, issuertest.Clock()) {
			t.Errorf("valid = %t, verified_token = %v for %q", valid, got["verified_token"], raw)
		}

		delete(got, "verified_token")

		if out := fmt.Sprint(got, diags); strings.Contains(out, issuertest.Secret[:8]) {
			t.Errorf("the token is in %s", out)
		}

		if (got == nil) == (len(diags.errors()) == 0) {
			t.Errorf("got %v and %v", got, diags)
		}
	})
}
