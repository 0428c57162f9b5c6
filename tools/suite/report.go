package main

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"gotest.tools/gotestsum/testjson"
)

const prefix = "github.com/holdfast-files/holdfast/"

// short is the import path without the part that all of ours share.
func short(pkg string) string { return strings.TrimPrefix(pkg, prefix) }

// outcome is what the last line counts. Subtests count as tests.
type outcome struct {
	passed, failed, skipped int
}

func (o outcome) String() string {
	return fmt.Sprintf("%d passed, %d failed, %d skipped", o.passed, o.failed, o.skipped)
}

// A report prints results as they come and keeps what the end needs. It is a
// testjson.EventHandler. Rounds may report at the same time.
type report struct {
	mu      sync.Mutex
	out     io.Writer
	started time.Time
	outcome outcome
	failed  []string
	skips   []skip

	ports     []string
	contracts map[string][]*contract // by port
}

// newReport reports on tests, and on the suites of ports when they have any.
func newReport(out io.Writer, ports ...string) *report {
	return &report{out: out, started: time.Now(), ports: ports, contracts: map[string][]*contract{}}
}

func (r *report) title(text string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	fmt.Fprintf(r.out, "\n== go test: %s\n", text)
}

// Event prints one line for a package that is done, below it what its failed
// tests wrote.
func (r *report) Event(event testjson.TestEvent, execution *testjson.Execution) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if event.Action == testjson.ActionBuild {
		fmt.Fprint(r.out, event.Output)
	}
	pkg := execution.Package(event.Package)
	if event.Action == testjson.ActionFail && event.Test != "" && event.Elapsed < 0 {
		// Its package ended, by a panic or a signal, and it had not: testjson says
		// so when all is over.
		fmt.Fprintf(r.out, "\n%s %s did not end\n", short(event.Package), event.Test)
		r.printTest(pkg, pkg.LastFailedByName(event.Test))
		return nil
	}
	if !event.PackageEvent() || !event.Action.IsTerminal() {
		return nil
	}
	switch {
	case pkg.Result() == testjson.ActionFail:
		fmt.Fprintf(r.out, "FAIL  %-48s %8s\n", short(event.Package), seconds(pkg.Elapsed()))
		r.printFailures(event.Package, pkg)
	case pkg.IsEmpty():
	default:
		fmt.Fprintf(r.out, "ok    %-48s %8s  %d tests\n", short(event.Package), seconds(pkg.Elapsed()), pkg.Total)
	}
	return nil
}

// Err passes on what the go command itself has to say.
func (r *report) Err(text string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	_, err := fmt.Fprintln(r.out, text)
	return err
}

func (r *report) printFailures(name string, pkg *testjson.Package) {
	tests := testjson.FilterFailedUnique(append([]testjson.TestCase(nil), pkg.Failed...))
	if pkg.TestMainFailed() {
		tests = append(tests, testjson.TestCase{Package: name})
	}
	for _, test := range tests {
		r.printTest(pkg, test)
	}
}

func (r *report) printTest(pkg *testjson.Package, test testjson.TestCase) {
	for _, line := range pkg.OutputLines(test) {
		fmt.Fprint(r.out, "      ", line)
	}
}

// add takes over the counts of a round.
func (r *report) add(execution *testjson.Execution) {
	r.mu.Lock()
	defer r.mu.Unlock()
	failed := execution.Failed()
	whole := 0 // packages that failed outside any test
	for _, test := range failed {
		if test.Test == "" {
			whole++
		}
	}
	for _, test := range testjson.FilterFailedUnique(failed) {
		r.failed = append(r.failed, strings.TrimSpace(short(test.Package)+" "+test.Test.Name()))
	}
	skips := skipsOf(execution)
	r.skips = append(r.skips, skips...)
	r.outcome.failed += len(failed)
	r.outcome.skipped += len(skips)
	r.outcome.passed += execution.Total() + whole - len(failed) - len(skips)
	for port, runs := range contractsOf(execution, r.ports) {
		r.contracts[port] = append(r.contracts[port], runs...)
	}
}

// skip records a module that could not be run at all.
func (r *report) skip(module, reason string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.skips = append(r.skips, skip{pkg: module, reason: reason})
	r.outcome.skipped++
}

// fail records a failure that no test stands for.
func (r *report) fail(what string, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.failed = append(r.failed, fmt.Sprintf("%s: %v", what, err))
	r.outcome.failed++
}

// finish prints the end of the report, when no round runs any more. With requireAll a skip that no exemption
// covers counts as failed as well.
func (r *report) finish(allowed []exemption, requireAll bool) outcome {
	for _, wrong := range compareContracts(r.out, r.ports, r.contracts) {
		r.failed = append(r.failed, "contract suites: "+wrong)
		r.outcome.failed++
	}
	if len(r.skips) > 0 {
		fmt.Fprintln(r.out, "\n== skipped")
	}
	for _, skip := range r.skips {
		note := ""
		for _, exemption := range allowed {
			if exemption.covers(skip) {
				note = " [allowed: " + exemption.reason + "]"
			}
		}
		fmt.Fprintf(r.out, "  %s%s\n", skip, note)
		if note == "" && requireAll {
			r.failed = append(r.failed, "skipped, and not in the list of allowed skips: "+skip.String())
			r.outcome.failed++
			r.outcome.skipped--
		}
	}
	if len(r.failed) > 0 {
		fmt.Fprintln(r.out, "\n== failed")
	}
	for _, name := range r.failed {
		fmt.Fprintln(r.out, " ", name)
	}
	fmt.Fprintf(r.out, "\ntests took %s\n%s\n", seconds(time.Since(r.started)), r.outcome)
	return r.outcome
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.1fs", d.Seconds()) }
