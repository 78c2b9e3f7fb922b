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
	"runtime/debug"
	"slices"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/providerserver"

	"github.com/tokencheck/terraform-provider-tokencheck/internal/provider"
)

// version is set by the linker in a release.
var version = "dev"

func main() {
	withDebugger := flag.Bool("debug", false, "run the provider so that a debugger can be attached to it")
	showVersion := flag.Bool("version", false, "print the version and exit")

	flag.Parse()

	if *showVersion {
		fmt.Println("terraform-provider-tokencheck " + version) //nolint:forbidigo // The purpose of the flag.

		return
	}

	if !*withDebugger {
		spareWork()
	}

	// With this variable the plugin library writes each request, and so the tokens of
	// a configuration, to files.
	_ = os.Unsetenv("TF_LOG_SDK_PROTO_DATA_DIR")

	// Package net/http logs what it cannot use: the rest of an answer that was
	// longer than announced, and with GODEBUG=http2debug=2 all headers. Either can
	// hold the token, and Terraform writes a provider's standard error to its log.
	log.SetOutput(io.Discard)

	err := providerserver.Serve(context.Background(), provider.New(version, provider.Host{}), providerserver.ServeOpts{
		Address: "registry.terraform.io/tokencheck/tokencheck",
		Debug:   *withDebugger,
	})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// spareWork leaves out what nobody would notice, since each run starts the
// provider several times and waits for it.
func spareWork() {
	// The plugin libraries write a log of every step to standard error, whether or
	// not the CLI was asked for one, and the CLI reads it all before it drops it.
	wanted := slices.ContainsFunc(os.Environ(), func(variable string) bool { return strings.HasPrefix(variable, "TF_LOG") })
	if !wanted {
		for _, part := range []string{"TF_LOG_SDK", "TF_LOG_SDK_PROTO", "TF_LOG_SDK_FRAMEWORK", "TF_LOG_PROVIDER"} {
			_ = os.Setenv(part, "off") // At worst the log is written.
		}
	}

	// The heap is small, and would be collected again and again for little.
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(400)
	}
}
