package e2e_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/holdfast-files/holdfast/test/fleet"
)

// target is a running service.
type target struct {
	url               string
	metadata, storage string // gRPC doors
	key               string // credential of an administrator, empty in open mode
	programs          string // folder with the client
	services          []service
}

// service is one that can be killed and started again.
type service struct {
	name        string
	kill, start func() error
}

// each runs a test against every target. The environment can name one that
// runs already: HOLDFAST_E2E_URL, _METADATA, _STORAGE and _KEY say where and with
// what, and _CONTROL is a command that takes "kill" or "start" and a service.
func each(t *testing.T, test func(*testing.T, *target)) {
	programs, err := fleet.Build(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if url := os.Getenv("HOLDFAST_E2E_URL"); url != "" {
		t.Run("running", func(t *testing.T) { test(t, running(url, programs)) })
		return
	}
	for _, mode := range []fleet.Mode{fleet.One, fleet.Three} {
		t.Run(string(mode), func(t *testing.T) { test(t, started(t, mode, programs)) })
	}
}

func running(url, programs string) *target {
	g := &target{
		url: url, programs: programs, key: os.Getenv("HOLDFAST_E2E_KEY"),
		metadata: os.Getenv("HOLDFAST_E2E_METADATA"), storage: os.Getenv("HOLDFAST_E2E_STORAGE"),
	}
	control := strings.Fields(os.Getenv("HOLDFAST_E2E_CONTROL"))
	if len(control) == 0 {
		return g
	}
	for _, name := range []string{"storage", "metadata", "gateway"} {
		do := func(verb string) func() error {
			return func() error {
				out, err := exec.Command(control[0], append(control[1:], verb, name)...).CombinedOutput() //nolint:gosec,noctx // whoever runs the test says what to run
				if err != nil {
					return fmt.Errorf("%s %s: %w: %s", verb, name, err, out)
				}
				return nil
			}
		}
		g.services = append(g.services, service{name: name, kill: do("kill"), start: do("start")})
	}
	return g
}

func started(t *testing.T, mode fleet.Mode, programs string) *target {
	t.Helper()
	_, g := launched(t, fleet.Config{Mode: mode, Programs: programs, DataDir: filepath.Join(t.TempDir(), "data")})
	return g
}

// launched runs a fleet until the test ends.
func launched(t *testing.T, config fleet.Config) (*fleet.Fleet, *target) {
	t.Helper()
	f, err := fleet.Start(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := f.Stop(); err != nil {
			t.Error(err)
		}
	})
	g := &target{url: f.URL, metadata: f.Metadata, storage: f.Storage, programs: config.Programs}
	for _, p := range f.Programs() {
		g.services = append(g.services, service{name: p.Name, kill: p.Kill, start: p.Start})
	}
	return f, g
}

// holdfast runs the client and returns what it printed and its exit code.
func (g *target) holdfast(t *testing.T, args ...string) (string, int) {
	t.Helper()
	command := exec.CommandContext(t.Context(), filepath.Join(g.programs, "holdfast"), args...) //nolint:gosec // a program of ours
	command.Env = append(fleet.Environ(), "HOLDFAST_SERVER="+g.url)
	if g.key != "" {
		command.Env = append(command.Env, "HOLDFAST_KEY="+g.key)
	}
	out, err := command.CombinedOutput()
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		return string(out), exit.ExitCode()
	}
	if err != nil {
		t.Fatalf("holdfast %v: %v", args, err)
	}
	return string(out), 0
}
