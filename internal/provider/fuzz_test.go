package provider_test

import (
	"fmt"
	"io"
	"log"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/providerserver"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"

	"github.com/tokencheck/terraform-provider-tokencheck/internal/issuertest"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/provider"
)

// FuzzCheck sends any arguments over the protocol, and any bytes as the issuer's
// response: no panic, no hang, no part of the provider's token in the output, and no
// valid token but for the documented success. Values that Terraform cannot store,
// such as invalid dates, fail in the framework, and so here.
func FuzzCheck(f *testing.F) {
	log.SetOutput(io.Discard) // Package net/http logs surplus bytes after a response.

	canned := issuertest.StartCanned()
	f.Cleanup(canned.Close)

	h := host(map[string]string{"OTHER": "other-0123456789"})
	h.Now = func() time.Time { return clock } // The same time for the provider and the simple decoder.

	p, err := providerserver.NewProtocol6WithError(provider.New("test", h)())()
	if err != nil {
		f.Fatal(err)
	}

	schema, err := p.GetProviderSchema(f.Context(), &tfprotov6.GetProviderSchemaRequest{})
	if err != nil {
		f.Fatal(err)
	}

	all := fakes()
	config := map[string]any{"timeout": "5s", "max_retries": 0}

	for _, issuer := range all {
		config[issuer.block] = map[string]any{issuer.urlArgument: canned.URL, issuer.tokenArgument: faultSecret}
	}

	configured, err := p.ConfigureProvider(f.Context(), &tfprotov6.ConfigureProviderRequest{Config: dynamic(schema.Provider.ValueType(), config)})
	if err != nil || len(configured.Diagnostics) > 0 {
		f.Fatal(err, collect(configured.Diagnostics))
	}

	for i, issuer := range all {
		f.Add(issuer.valid(tokenID, clock).Wire(), uint8(i), "", "", "")
		f.Add(issuer.valid(tokenID, clock).Wire(), uint8(i), "", "72h", issuer.ownText)
		f.Add(issuer.refusal.Wire(), uint8(i), "", "1h", issuer.ownText)
		f.Add([]byte("HTTP/1.1 401 Grant not found\r\nContent-Length: 0\r\n\r\n"), uint8(i), "OTHER", "30d", "any")
		f.Add(issuer.valid(faultSecret, clock).Wire(), uint8(i), "", "", "")
		if issuer.ended != nil {
			f.Add(issuer.ended(clock).Wire(), uint8(i), "", "", "")
		}

		f.Add([]byte(faultSecret), uint8(i), "$OTHER", "-1s", ";")
	}

	f.Fuzz(func(t *testing.T, raw []byte, index uint8, variable, remaining, own string) {
		canned.Set(raw)
		before := canned.Asked()

		issuer := all[int(index)%len(all)]
		arguments := map[string]any{"require_valid": false}

		if variable != "" {
			arguments[issuer.tokenArgument+"_env"] = variable
		}

		if remaining != "" {
			arguments["min_remaining"] = remaining
		}

		if own != "" && issuer.own != nil {
			maps.Copy(arguments, issuer.own(own))
		}

		s := &server{t, p, schema} // Opened, not read: no cached response is used.
		got, all := s.open(issuer.kind(), arguments)

		if canned.Asked() == before && strings.Contains(all.String(), "The issuer could not be reached") {
			t.Fatal("no request was sent, such as for lack of ports:", all)
		}

		token := any(nil)
		if got["valid"] == true {
			token = faultSecret
			if variable != "" {
				token = "other-0123456789"
			}
		}

		if verified := got["verified_token"]; verified != token {
			t.Errorf("valid = %v, verified_token = %v", got["valid"], verified)
		}

		delete(got, "verified_token")

		if got["valid"] == true && !issuer.accepts(raw, clock) {
			t.Errorf("valid for %q with %v", raw, arguments)
		}

		if out := strings.ToLower(fmt.Sprint(got, all)); strings.Contains(out, strings.ToLower(faultSecret)) {
			t.Errorf("the token is in %s", out)
		}

		if (got == nil) == (len(all.errors()) == 0) {
			t.Errorf("got %v and %v", got, all)
		}
	})
}
