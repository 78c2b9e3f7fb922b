package main

import (
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/providerserver"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestEmpty(t *testing.T) {
	t.Parallel()

	server := providerserver.NewProtocol6(newProvider())()

	schema, err := server.GetProviderSchema(t.Context(), &tfprotov6.GetProviderSchemaRequest{})
	if err != nil || len(schema.Diagnostics)+len(schema.DataSourceSchemas)+len(schema.ResourceSchemas) > 0 {
		t.Errorf("got %+v: %v", schema, err)
	}
}
