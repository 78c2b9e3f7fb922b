package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/tokencheck/terraform-provider-tokencheck/internal/cli"
)

// own is what a provider costs by itself, before it is asked for anything: the
// tokencheck provider's part first, then the empty one's.
type own struct {
	start, schema [2]time.Duration
	memory, size  [2]int64
}

// own measures the tokencheck provider and the empty one in turn.
func (b *bench) own(ctx context.Context) (own, error) {
	var (
		o             own
		names         = [2]string{tokencheck, "empty"}
		start, schema [2][]time.Duration
		memory        [2][]int64
	)

	for round := range b.starts + 1 {
		// A start that follows another program's takes longer than one that follows
		// its own, so that each goes first in half of the rounds.
		for _, i := range turns(len(names), round) {
			took, peak, err := handshake(ctx, b.binaries[names[i]])
			if err != nil {
				return o, err
			}

			if round > 0 { // The first one reads the file.
				start[i], memory[i] = append(start[i], took), append(memory[i], peak)
			}
		}
	}

	var workspaces [2]*cli.Workspace

	for i, name := range names {
		info, err := os.Stat(b.binaries[name])
		if err != nil {
			return o, err
		}

		o.size[i] = info.Size()

		workspaces[i], err = cli.NewWorkspace(ctx, b.cli, b.mirror, filepath.Join(b.dir, "schema-"+name), map[string]string{
			"main.tf": fmt.Sprintf("terraform {\n  required_providers {\n    %s = { source = \"tokencheck/%s\" }\n  }\n}\n", name, name),
		})
		if err != nil {
			return o, err
		}
	}

	for round := range b.schemas {
		for _, i := range turns(len(names), round) {
			began := time.Now()

			if result := workspaces[i].Run(ctx, nil, "providers", "schema", "-json"); result.Err != nil {
				return o, fmt.Errorf("providers schema: %w\n%s", result.Err, result.Output)
			}

			schema[i] = append(schema[i], time.Since(began))
		}
	}

	for i := range names {
		o.start[i], o.schema[i], o.memory[i] = middle(start[i]), middle(schema[i]), middle(memory[i])
	}

	return o, nil
}

// handshake starts a provider as the CLI does, and gives the time until it says
// where it listens, and its peak memory at that moment, zero where there is no way
// to know.
func handshake(ctx context.Context, binary string) (took time.Duration, peak int64, err error) {
	const cookie = "TF_PLUGIN_MAGIC_COOKIE=d602bf8f470bc67ca7faa0386276bbdd4330efaf76d1a219cb4d6991ca9872b2"

	command := exec.CommandContext(ctx, binary)

	command.Env = append(os.Environ(), cookie, "PLUGIN_PROTOCOL_VERSIONS=6")

	stdout, err := command.StdoutPipe()
	if err != nil {
		return 0, 0, err
	}

	began := time.Now()

	if err := command.Start(); err != nil {
		return 0, 0, err
	}

	line, err := bufio.NewReader(stdout).ReadString('\n')
	took = time.Since(began)
	peak = peakMemory(strconv.Itoa(command.Process.Pid))

	_ = command.Process.Kill()
	_ = command.Wait()

	if err != nil || !strings.Contains(line, "|grpc") {
		return 0, 0, fmt.Errorf("%s does not say where it listens: %q %w", filepath.Base(binary), line, err)
	}

	return took, peak, nil
}

// peakMemory is the most that a process has had in memory, in bytes, or zero
// where there is no /proc. Rusage would not do: on Linux it counts the parent's
// memory, which a process shares until it begins to run its own program.
func peakMemory(pid string) int64 {
	status, err := os.ReadFile("/proc/" + pid + "/status")
	if err != nil {
		return 0
	}

	_, rest, _ := strings.Cut(string(status), "VmHWM:")
	number, _, _ := strings.Cut(strings.TrimSpace(rest), " ")
	kilobytes, _ := strconv.ParseInt(number, 10, 64)

	return kilobytes << 10
}

// watch follows the processes that run a binary until it is stopped, and then
// gives the most that one of them has had in memory, zero where there is no /proc.
func watch(binary string) (stop func() int64) {
	end, result := make(chan struct{}), make(chan int64)

	go func() {
		var peak int64

		want, _ := os.Stat(binary)
		tick := time.NewTicker(10 * time.Millisecond)

		defer tick.Stop()

		for {
			select {
			case <-end:
				result <- peak

				return
			case <-tick.C:
			}

			processes, _ := filepath.Glob("/proc/[0-9]*/exe")
			for _, process := range processes {
				// The CLI runs the binary by another of its names.
				if info, err := os.Stat(process); err == nil && os.SameFile(info, want) {
					peak = max(peak, peakMemory(filepath.Base(filepath.Dir(process))))
				}
			}
		}
	}()

	return func() int64 {
		close(end)

		return <-result
	}
}

// print prints the ratios to the empty provider.
func (o own) print(out io.Writer) {
	fmt.Fprintf(out, `
A provider by itself, as a multiple of an empty one's:
  start-up to the handshake     %s
  peak memory at the handshake  %s
  %-28s  %s
  size of the binary            %s
`, show(ratio(o.start)), show(ratio(o.memory)), "providers schema -json", show(ratio(o.schema)), show(ratio(o.size)))
}
