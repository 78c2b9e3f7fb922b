package main

import (
	"fmt"
	"net/http"
	"regexp"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/providerserver"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"go.uber.org/goleak"

	"github.com/tokencheck/terraform-provider-tokencheck/internal/issuertest"
)

func TestMain(m *testing.M) {
	// The connections of hashicorp/http, and so of its stand-in, stay open.
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("net/http.(*Transport).dialConn"))
}

func TestDataSources(t *testing.T) {
	t.Parallel()

	server := issuertest.Start(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = fmt.Fprint(w, r.Header.Get("Authorization"))
	}))
	t.Cleanup(server.Close)

	config := func(url string) string {
		return fmt.Sprintf(`
provider "bench" { round_trip = "1ms" }

data "bench_floor" "floor" { name = "T0" }

data "bench_http" "http" {
  url             = %q
  request_headers = { Authorization = "Bearer bench" }
  ca_cert_pem     = %q
}
`, url, server.TrustBundle)
	}

	resource.UnitTest(t, resource.TestCase{
		ProtoV6ProviderFactories: map[string]func() (tfprotov6.ProviderServer, error){"bench": providerserver.NewProtocol6WithError(newProvider())},
		Steps: []resource.TestStep{
			{
				Config: config(server.URL),
				Check: resource.ComposeTestCheckFunc(
					resource.TestCheckResourceAttr("data.bench_floor.floor", "id", "floor"),
					resource.TestCheckResourceAttr("data.bench_http.http", "response_body", "Bearer bench"),
					resource.TestCheckResourceAttr("data.bench_http.http", "status_code", "200"),
				),
			},
			{Config: config("https://127.0.0.1:1"), ExpectError: regexp.MustCompile("asking the server")},
		},
	})
}
