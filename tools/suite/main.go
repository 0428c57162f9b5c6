// Command suite runs the tests of every module under the race detector and
// says at the end what failed, what was skipped, and why.
//
//	suite -workspace "proto internal" -uncached "test" -alone "deploy" -needs deploy=node
//
// Modules of the workspace share one go command. Modules whose tests look at
// more than the go command can see (built binaries, other modules' sources) are
// run again each time. A module outside go.work runs in its own dependency
// world, and without the race detector, beside the others. With -require-all a skip that the
// -allowed file does not list fails the run.
//
// Each -ports package has a suite that all of its adapters, the packages right
// below it, pass: the cases that each passed are printed, and must be the same.
// With -run, which leaves cases out, they are not looked at.
//
// The last line is always "N passed, N failed, N skipped".
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"sync"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	ok, err := run(ctx, os.Args[1:])
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "suite:", err)
		os.Exit(2)
	}
	if !ok {
		os.Exit(1)
	}
}

// run reports whether every test passed, and every skip was allowed.
func run(ctx context.Context, args []string) (bool, error) {
	flags := flag.NewFlagSet("suite", flag.ExitOnError)
	var (
		workspace  = flags.String("workspace", "", "`modules` of go.work, run together")
		uncached   = flags.String("uncached", "", "`modules` of go.work whose results are never reused")
		alone      = flags.String("alone", "", "`modules` outside go.work")
		first      = flags.String("first", "", "`packages` that take longest, and so begin first")
		needs      = flags.String("needs", "", "`module=program` pairs: without the program the module is skipped")
		ports      = flags.String("ports", "", "`packages` whose adapters pass the same suite")
		pattern    = flags.String("run", "", "run only tests that match this `regexp`")
		allowed    = flags.String("allowed", "", "`file` of the skips that -require-all lets pass")
		requireAll = flags.Bool("require-all", false, "fail when a test is skipped that is not in -allowed")
		tally      = flags.String("tally", "", "`file` to write the last line to as well")
	)
	if err := flags.Parse(args); err != nil {
		return false, err
	}
	list, err := readAllowed(*allowed)
	if err != nil {
		return false, err
	}

	report := newReport(os.Stdout, strings.Fields(*ports)...)
	if *pattern != "" {
		report.ports = nil
	}
	var lanes sync.WaitGroup
	for _, lane := range newPlan(strings.Fields(*workspace), strings.Fields(*uncached), strings.Fields(*alone)) {
		lanes.Go(func() {
			for _, round := range lane {
				if missing := round.missing(strings.Fields(*needs)); missing != "" {
					report.skip(round.modules[0], missing)
					continue
				}
				round.first = strings.Fields(*first)
				if err := round.run(ctx, report, *pattern); err != nil {
					report.fail(round.title, err)
				}
			}
		})
	}
	lanes.Wait()
	outcome := report.finish(list, *requireAll)
	if *tally != "" {
		if err := os.WriteFile(*tally, []byte(outcome.String()+"\n"), 0o644); err != nil {
			return false, err
		}
	}
	return outcome.failed == 0, nil
}
