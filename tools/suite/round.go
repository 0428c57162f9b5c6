package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"

	"gotest.tools/gotestsum/testjson"
)

// A round is one go test command over one or more modules.
type round struct {
	title   string
	modules []string
	dir     string   // where the command runs
	env     []string // on top of ours
	flags   []string
	first   []string // packages that are started before the others
}

const race = "-race"

// newPlan puts the modules into as few rounds as their needs allow, and these
// into lanes: the rounds of one lane follow each other, lanes run side by side.
// The module outside the workspace mostly waits, for node and for servers, while
// the others keep the processors busy.
func newPlan(workspace, uncached, alone []string) [][]round {
	var inside, outside []round
	if len(workspace) > 0 {
		inside = append(inside, round{
			title:   strings.Join(workspace, " "),
			modules: workspace,
			dir:     ".",
			flags:   []string{race},
		})
	}
	if len(uncached) > 0 {
		inside = append(inside, round{
			title:   strings.Join(uncached, " "),
			modules: uncached,
			dir:     ".",
			flags:   []string{race, "-count=1"},
		})
	}
	// Outside is deploy. jsii, which it drives, races with itself when it closes,
	// and of its own it has no goroutines. It compares itself with binaries and
	// with files of other modules, so that no result of it is reused either.
	for _, module := range alone {
		outside = append(outside, round{
			title:   module,
			modules: []string{module},
			dir:     module,
			env:     []string{"GOWORK=off"},
			flags:   []string{"-count=1"},
		})
	}
	return [][]round{inside, outside}
}

// missing names the program that the round cannot do without and this machine
// does not have. Empty when there is none.
func (r round) missing(needs []string) string {
	for _, need := range needs {
		module, program, _ := strings.Cut(need, "=")
		if len(r.modules) != 1 || r.modules[0] != module {
			continue
		}
		if _, err := exec.LookPath(program); err != nil {
			return program + " is not installed"
		}
	}
	return ""
}

// patterns are what the go command runs, in its order: the packages that come first,
// then all of the modules.
func (r round) patterns() []string {
	var patterns []string
	for _, p := range r.first {
		for _, module := range r.modules {
			if strings.HasPrefix(p, module+"/") && r.dir != module {
				patterns = append(patterns, "./"+p)
			}
		}
	}
	for _, module := range r.modules {
		if r.dir == module {
			module = "."
		}
		patterns = append(patterns, "./"+module+"/...")
	}
	return patterns
}

// run streams the results into the report. It returns an error only when the
// go command failed and no test can be blamed.
func (r round) run(ctx context.Context, report *report, pattern string) error {
	args := append([]string{"test", "-json", "-vet=off", "-timeout=20m"}, r.flags...)
	if pattern != "" {
		args = append(args, "-run="+pattern)
	}
	args = append(args, r.patterns()...)
	command := exec.CommandContext(ctx, "go", args...)
	command.Dir = r.dir
	command.Env = append(os.Environ(), r.env...)
	command.Cancel = func() error { return command.Process.Signal(os.Interrupt) }
	command.WaitDelay = 20 * time.Second

	stdout, err := command.StdoutPipe()
	if err != nil {
		return err
	}
	stderr, err := command.StderrPipe()
	if err != nil {
		return err
	}
	report.title(r.title)
	if err := command.Start(); err != nil {
		return err
	}
	execution, scanErr := testjson.ScanTestOutput(testjson.ScanConfig{
		Stdout:                   stdout,
		Stderr:                   stderr,
		Handler:                  report,
		IgnoreNonJSONOutputLines: true,
	})
	report.add(execution)
	var exit *exec.ExitError
	switch err := command.Wait(); {
	case scanErr != nil:
		return scanErr
	case errors.As(err, &exit) && len(execution.Failed()) > 0:
		return nil
	case err != nil:
		return fmt.Errorf("go test: %w: %s", err, strings.Join(execution.Errors(), "\n"))
	}
	return nil
}
