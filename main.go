// The tokencheck provider asks the issuer of an API token whether the token
// still works.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"log"
	"os"

	"github.com/hashicorp/terraform-plugin-framework/providerserver"

	"github.com/tokencheck/terraform-provider-tokencheck/internal/provider"
)

// version is set by the linker in a release.
var version = "dev"

func main() {
	debug := flag.Bool("debug", false, "run the provider so that a debugger can be attached to it")
	showVersion := flag.Bool("version", false, "print the version and exit")

	flag.Parse()

	if *showVersion {
		fmt.Println("terraform-provider-tokencheck " + version) //nolint:forbidigo // The purpose of the flag.

		return
	}

	// Package net/http logs what it cannot use: the rest of an answer that was
	// longer than announced, and with GODEBUG=http2debug=2 all headers. Either can
	// hold the token, and Terraform writes a provider's standard error to its log.
	log.SetOutput(io.Discard)

	err := providerserver.Serve(context.Background(), provider.New(version, provider.Host{}), providerserver.ServeOpts{
		Address: "registry.terraform.io/tokencheck/tokencheck",
		Debug:   *debug,
	})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
