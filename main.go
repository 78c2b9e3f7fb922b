// The tokencheck provider verifies API tokens with their issuers.
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
	"github.com/tokencheck/terraform-provider-tokencheck/internal/transport"
)

// version is set by the linker in a release.
var version = "dev"

func main() {
	withDebugger := flag.Bool("debug", false, "run the provider with support for debuggers such as Delve")

	flag.Parse()
	if !*withDebugger {
		tuneLogAndHeap()
	}

	// If this variable is set, the plugin library writes every request to a file,
	// including the tokens in the configuration.
	_ = os.Unsetenv("TF_LOG_SDK_PROTO_DATA_DIR")

	// Package net/http logs data that it cannot use: the rest of a response that is
	// longer than announced and, with GODEBUG=http2debug=2, all headers. Either can
	// contain the token, and Terraform writes a provider's standard error to its log.
	log.SetOutput(io.Discard)

	err := providerserver.Serve(context.Background(), provider.New(version, transport.ThisHost()), providerserver.ServeOpts{
		Address: "registry.terraform.io/tokencheck/tokencheck",
		Debug:   *withDebugger,
	})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// tuneLogAndHeap skips work that nobody would notice: each run starts the provider
// several times and waits for it.
func tuneLogAndHeap() {
	// The plugin libraries log every step to standard error, even if the CLI's log is
	// off, and the CLI reads it all before it discards it.
	wanted := slices.ContainsFunc(os.Environ(), func(variable string) bool { return strings.HasPrefix(variable, "TF_LOG") })
	if !wanted {
		for _, part := range []string{"TF_LOG_SDK", "TF_LOG_SDK_PROTO", "TF_LOG_SDK_FRAMEWORK"} {
			_ = os.Setenv(part, "off") // At worst the log is written.
		}
	}

	// The heap is small, and collecting it often gains little.
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(400)
	}
}
