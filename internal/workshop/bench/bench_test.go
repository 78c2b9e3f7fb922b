// Package bench_test measures what a check costs in a real CLI: run make bench, and
// compare the providers with benchstat -col /provider.
package bench_test

import (
	"bufio"
	"crypto/tls"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/tokencheck/terraform-provider-tokencheck/internal/cli"
	"github.com/tokencheck/terraform-provider-tokencheck/internal/cloudflare/cloudflaretest"
)

const (
	// roundTrip is the simulated latency. A new connection takes two, for TCP and TLS 1.3.
	roundTrip = 50 * time.Millisecond
	// Benchmarks that the goals compare, up to the provider's name.
	different = "BenchmarkPlan/checks=500/tokens=different/provider="
	same      = "BenchmarkPlan/checks=500/tokens=same/provider="
	single    = "BenchmarkPlan/checks=1/tokens=same/provider="
	start     = "BenchmarkStart/provider="
)

// goals limit the cost of a check, with a parallelism of 10, as ratios of medians,
// since absolute values depend on the machine. A missed goal is not a failure.
var goals = []struct {
	name, unit, over, under, sense string
	limit                          float64
}{
	{"different tokens, time over the floor", "ns/op", different + "tokencheck", different + "floor", "at most", 1.10},
	{"different tokens, times faster than a connection for each read", "ns/op", different + "stand-in", different + "tokencheck", "at least", 2.5},
	{"different tokens, times faster than hashicorp/http", "ns/op", different + "http", different + "tokencheck", "at least", 2.7},
	{"one token, requests over those of a single check", "requests/op", same + "tokencheck", single + "tokencheck", "at most", 1},
	{"start-up, time over an empty provider", "ns/op", start + "tokencheck", start + "empty", "at most", 1.10},
	{"start-up, peak memory over an empty provider", "peak-bytes", start + "tokencheck", start + "empty", "at most", 1.10},
}

// configurations produce the same plan with each provider. The floor only waits for a
// round trip; the stand-in opens a connection per read, as hashicorp/http does.
var configurations = map[string]struct{ source, settings, data, arguments string }{
	"tokencheck": {"tokencheck/tokencheck", "provider \"tokencheck\" {\n  cloudflare { trust_bundle = file(\"ca.pem\") }\n}", "tokencheck_cloudflare", `api_token_env = var.different ? "T${count.index}" : null`},
	"floor":      {"tokencheck/bench", "", "bench_read", ""},
	"stand-in":   {"tokencheck/bench", "", "bench_read", get},
	"http":       {"hashicorp/http", "", "http", get},
}

const get = `url = var.url
  request_headers = { Authorization = var.different ? "Bearer bench-token-${count.index}" : "Bearer bench-token" }
  ca_cert_pem = file("ca.pem")`

const configuration = `terraform {
  required_providers { %s = { source = %q } }
}
variable "checks" { type = number }
variable "different" { type = bool }
variable "url" { type = string }
%s
data %q "check" {
  count = var.checks
  %s
}
`

var samples, dir = make(map[string][]float64), "" // Measurements by benchmark and unit; where the providers are built.

// TestMain repeats the whole list of benchmarks, since -count repeats each in a row:
// other load on the machine then slows all providers alike.
func TestMain(m *testing.M) {
	flag.Parse()
	count := flag.Lookup("test.count").Value
	rounds, _ := strconv.Atoi(count.String())
	_ = count.Set("1")
	dir, _ = os.MkdirTemp("", "tokencheck-bench-")
	code := 0
	for range rounds {
		code = max(code, m.Run())
	}
	for _, goal := range goals {
		over, under := samples[goal.over+goal.unit], samples[goal.under+goal.unit]
		if len(over) > 0 && len(under) > 0 {
			ratio := median(over) / median(under)
			met := ratio == goal.limit || ratio > goal.limit == (goal.sense == "at least")
			fmt.Fprintf(os.Stdout, "%-6s  %s, %s %.2f: %.2f\n", map[bool]string{true: "Met", false: "Missed"}[met], goal.name, goal.sense, goal.limit, ratio)
		}
	}
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

func median(all []float64) float64 { return slices.Sorted(slices.Values(all))[(len(all)-1)/2] }

// record reports a measurement and keeps it for the goals.
func record(b *testing.B, value float64, unit string) {
	b.Helper()
	b.ReportMetric(value, unit)
	samples[b.Name()+unit] = append(samples[b.Name()+unit], value)
}

func check(b *testing.B, err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}

// compile builds a provider without symbols, as a release does.
func compile(b *testing.B, name, source string) string {
	b.Helper()
	binary, err := cli.Compile(b.Context(), dir, name, source)
	check(b, err)
	return binary
}

// BenchmarkPlan measures plans that contain only checks.
func BenchmarkPlan(b *testing.B) {
	terraform, err := cli.Find()
	check(b, err)
	mirror := b.TempDir()
	check(b, cli.Install(mirror, "tokencheck/tokencheck", compile(b, "tokencheck", ".")))
	check(b, cli.Install(mirror, "tokencheck/bench", compile(b, "bench", "./internal/workshop/bench/provider")))
	providers := []string{"tokencheck", "floor", "stand-in"}
	if binary := os.Getenv("BENCH_HTTP_PROVIDER"); binary == "" {
		fmt.Fprintln(os.Stdout, "BENCH_HTTP_PROVIDER is not set: measuring a stand-in for hashicorp/http.")
	} else {
		providers[2] = "http"
		check(b, cli.Install(mirror, "hashicorp/http", binary))
	}
	issuer := cloudflaretest.NewServer(func(config *tls.Config) {
		config.GetConfigForClient = func(*tls.ClientHelloInfo) (*tls.Config, error) {
			time.Sleep(2 * roundTrip)
			return nil, nil //nolint:nilnil // Nothing else changes.
		}
	})
	defer issuer.Close()
	issuer.SetFault(func(w http.ResponseWriter, r *http.Request) {
		time.Sleep(roundTrip)
		issuer.Verify(w, r)
	})
	issuer.Set("bench-token", cloudflaretest.Token{ID: "id"})
	env := []string{"CLOUDFLARE_API_TOKEN=bench-token", "CLOUDFLARE_BASE_URL=" + issuer.BaseURL(), "TF_VAR_url=" + issuer.BaseURL() + "/user/tokens/verify"}
	for i := range 500 {
		issuer.Set(fmt.Sprintf("bench-token-%d", i), cloudflaretest.Token{ID: "id"})
		env = append(env, fmt.Sprintf("T%d=bench-token-%d", i, i))
	}
	workspaces := make(map[string]*cli.Workspace)
	for _, provider := range providers {
		c := configurations[provider]
		workspaces[provider], err = cli.NewWorkspace(b.Context(), terraform, mirror, b.TempDir(), map[string]string{
			"main.tf": fmt.Sprintf(configuration, filepath.Base(c.source), c.source, c.settings, c.data, c.arguments), "ca.pem": issuer.TrustBundle,
		})
		check(b, err)
	}
	for _, plan := range []struct{ prefix, checks string }{{different, "500"}, {same, "500"}, {single, "1"}} {
		env := append(slices.Clone(env), "TF_VAR_checks="+plan.checks, fmt.Sprint("TF_VAR_different=", plan.prefix == different))
		for _, provider := range providers {
			b.Run(strings.TrimPrefix(plan.prefix, "BenchmarkPlan/")+provider, func(b *testing.B) {
				requests, connections := len(issuer.Requests()), issuer.Connections()
				for b.Loop() {
					result := workspaces[provider].Run(b.Context(), env, "plan", "-no-color", "-input=false", "-parallelism=10")
					// A plan that read nothing would be fast.
					if read := strconv.Itoa(strings.Count(result.Stdout, "Read complete after")); result.Err != nil || read != plan.checks {
						b.Fatalf("%s data sources read: %v\n%s", read, result.Err, result.Output)
					}
				}
				record(b, float64(b.Elapsed())/float64(b.N), "ns/op")
				record(b, float64(len(issuer.Requests())-requests)/float64(b.N), "requests/op")
				record(b, float64(issuer.Connections()-connections)/float64(b.N), "connections/op")
			})
		}
	}
}

// BenchmarkStart measures the time until a provider prints its address, and its peak
// memory by then on systems with /proc. The empty provider is the floor's.
func BenchmarkStart(b *testing.B) {
	for _, provider := range []struct{ name, binary string }{{"tokencheck", compile(b, "tokencheck", ".")}, {"empty", compile(b, "bench", "./internal/workshop/bench/provider")}} {
		b.Run("provider="+provider.name, func(b *testing.B) {
			var peak, kilobytes float64
			for b.Loop() {
				command := exec.CommandContext(b.Context(), provider.binary)
				command.Env = append(os.Environ(), "PLUGIN_PROTOCOL_VERSIONS=6", "TF_PLUGIN_MAGIC_COOKIE=d602bf8f470bc67ca7faa0386276bbdd4330efaf76d1a219cb4d6991ca9872b2")
				stdout, err := command.StdoutPipe()
				check(b, errors.Join(err, command.Start()))
				line, err := bufio.NewReader(stdout).ReadString('\n')
				b.StopTimer()
				// Not rusage, which counts the memory shared with the parent until exec.
				status, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", command.Process.Pid))
				_, rest, _ := strings.Cut(string(status), "VmHWM:")
				_, _ = fmt.Sscan(rest, &kilobytes)
				peak += kilobytes * 1024
				_ = command.Process.Kill()
				_ = command.Wait()
				if !strings.Contains(line, "|grpc") {
					b.Fatalf("no handshake: %q %v", line, err)
				}
				b.StartTimer()
			}
			record(b, float64(b.Elapsed())/float64(b.N), "ns/op")
			if peak > 0 {
				record(b, peak/float64(b.N), "peak-bytes")
			}
		})
	}
}
