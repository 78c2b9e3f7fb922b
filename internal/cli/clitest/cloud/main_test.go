package main

import (
	"net/http"
	"net/http/httptest"
	"regexp"
	"sync/atomic"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/providerserver"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
)

// Every operation fails once the token does not work.
func TestCloud(t *testing.T) {
	var revoked atomic.Bool

	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if revoked.Load() || r.Header.Get("Authorization") != "Bearer cloud" {
			w.WriteHeader(http.StatusUnauthorized)
		}
	}))
	t.Cleanup(server.Close)

	t.Setenv("CLOUD_URL", server.URL)
	t.Setenv("CLOUD_TOKEN", "cloud")

	revoke := func(is bool) func() { return func() { revoked.Store(is) } }

	const (
		zoneOnly = "data \"cloud_zone\" \"this\" {\n  name = \"example.com\"\n}\n"
		before   = "resource \"cloud_record\" \"this\" {\n  input = \"www\"\n}\n"
		after    = "resource \"cloud_record\" \"this\" {\n  input = \"mail\"\n}\n"
	)

	refused := func(operation string) *regexp.Regexp {
		return regexp.MustCompile(`401 Unauthorized\s+(?s:.*)The cloud refused to ` + operation)
	}

	resource.UnitTest(t, resource.TestCase{
		ProtoV6ProviderFactories: map[string]func() (tfprotov6.ProviderServer, error){"cloud": providerserver.NewProtocol6WithError(newProvider())},
		Steps: []resource.TestStep{
			{PreConfig: revoke(true), Config: zoneOnly, ExpectError: refused("list")},
			{Config: before, ExpectError: refused("create")},
			{PreConfig: revoke(false), Config: zoneOnly + before},
			{PreConfig: revoke(true), Config: before, ExpectError: refused("read")},
			{PreConfig: revoke(false), Config: after, Check: resource.TestCheckResourceAttr("cloud_record.this", "input", "mail")},
		},
	})
}
