package main

import (
	"fmt"
	"io"
	"path"
	"slices"
	"strings"

	"gotest.tools/gotestsum/testjson"
)

// A contract is what one adapter of a port made of the port's suite: a test of
// the adapter's package whose name begins with TestContract, and the cases
// below it.
type contract struct {
	adapter string // the package, below the port's
	test    string
	passed  []string
	other   []string // failed and skipped
}

const contractTest = "TestContract"

// contractsOf finds the contract tests of the adapters of ports. An adapter is
// a package right below its port's.
func contractsOf(execution *testjson.Execution, ports []string) map[string][]*contract {
	found := map[string][]*contract{}
	for _, name := range execution.Packages() {
		port := path.Dir(short(name))
		if !slices.Contains(ports, port) {
			continue
		}
		runs := map[string]*contract{}
		note := func(cases []testjson.TestCase, to func(*contract) *[]string) {
			for _, c := range cases {
				test, below := c.Test.Split()
				if !strings.HasPrefix(test, contractTest) {
					continue
				}
				if runs[test] == nil {
					runs[test] = &contract{adapter: path.Base(name), test: test}
				}
				if below != "" {
					list := to(runs[test])
					*list = append(*list, below)
				}
			}
		}
		pkg := execution.Package(name)
		note(pkg.Passed, func(c *contract) *[]string { return &c.passed })
		note(pkg.Failed, func(c *contract) *[]string { return &c.other })
		note(pkg.Skipped, func(c *contract) *[]string { return &c.other })
		for _, c := range runs {
			slices.Sort(c.passed)
			found[port] = append(found[port], c)
		}
	}
	return found
}

// compareContracts prints which cases each adapter of each port passed, and
// returns what is wrong: a port with fewer than two adapters, a case that one
// of them did not pass, or did not have.
func compareContracts(out io.Writer, ports []string, found map[string][]*contract) (wrong []string) {
	if len(ports) > 0 {
		fmt.Fprintln(out, "\n== contract suites")
	}
	for _, port := range ports {
		runs := found[port]
		slices.SortFunc(runs, func(a, b *contract) int { return strings.Compare(a.adapter+a.test, b.adapter+b.test) })
		var adapters []string
		for _, run := range runs {
			adapters = append(adapters, run.adapter)
			fmt.Fprintf(out, "  %s %s: %d cases\n%s", path.Join(port, run.adapter), run.test, len(run.passed), wrapped(run.passed))
			if len(run.other) > 0 {
				wrong = append(wrong, fmt.Sprintf("%s %s did not pass %s", run.adapter, run.test, strings.Join(run.other, ", ")))
			}
			for _, name := range difference(runs[0].passed, run.passed) {
				wrong = append(wrong, fmt.Sprintf("%s %s and %s %s differ in %s", runs[0].adapter, runs[0].test, run.adapter, run.test, name))
			}
		}
		if len(slices.Compact(adapters)) < 2 {
			wrong = append(wrong, fmt.Sprintf("%s: its suite was run by %v; a port has two adapters at least", port, adapters))
		}
	}
	return wrong
}

// difference lists what is in one of two lists only.
func difference(a, b []string) (only []string) {
	for _, pair := range [][2][]string{{a, b}, {b, a}} {
		for _, name := range pair[0] {
			if !slices.Contains(pair[1], name) {
				only = append(only, name)
			}
		}
	}
	return only
}

// wrapped is the names in indented lines of moderate length.
func wrapped(names []string) string {
	var b strings.Builder
	line := 0
	for _, name := range names {
		switch {
		case line == 0:
			b.WriteString("     ")
		case line+len(name) > 110:
			b.WriteString("\n     ")
			line = 0
		}
		b.WriteString(" " + name)
		line += 1 + len(name)
	}
	if line > 0 {
		b.WriteString("\n")
	}
	return b.String()
}
