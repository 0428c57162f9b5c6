package main

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"path"
	"strings"

	"gotest.tools/gotestsum/testjson"
)

// An exemption is a line of the allowed-skips file: package below the module
// prefix, test (with * as in path.Match), and the reason to the end of line.
type exemption struct {
	pkg, test, reason string
}

// readAllowed reads the file of exemptions; an empty name means none.
func readAllowed(name string) ([]exemption, error) {
	if name == "" {
		return nil, nil
	}
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	var list []exemption
	lines := bufio.NewScanner(bytes.NewReader(text))
	for number := 1; lines.Scan(); number++ {
		line := strings.TrimSpace(lines.Text())
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		fields := strings.Fields(line)
		if len(fields) < 3 {
			return nil, fmt.Errorf("%s:%d: want: package test reason", name, number)
		}
		if _, err := path.Match(fields[1], ""); err != nil {
			return nil, fmt.Errorf("%s:%d: test %q: %w", name, number, fields[1], err)
		}
		list = append(list, exemption{fields[0], fields[1], strings.Join(fields[2:], " ")})
	}
	return list, lines.Err()
}

func (e exemption) covers(s skip) bool {
	matched, err := path.Match(e.test, s.test)
	return err == nil && matched && e.pkg == s.pkg
}

// A skip is one test, or a whole module (then test is empty), that did not run.
type skip struct {
	pkg, test, reason string
}

func (s skip) String() string {
	return strings.TrimSpace(s.pkg+" "+s.test) + ": " + s.reason
}

// reason is what the test said when it skipped itself: its output without the
// framing of the testing package.
func reason(lines []string) string {
	var said []string
	for _, line := range lines {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "=== ") || strings.HasPrefix(line, "--- ") {
			continue
		}
		said = append(said, line)
	}
	if len(said) == 0 {
		return "no reason given"
	}
	return strings.Join(said, " ")
}

// skipsOf lists the skipped tests of an execution.
func skipsOf(execution *testjson.Execution) []skip {
	var skips []skip
	for _, test := range execution.Skipped() {
		skips = append(skips, skip{
			pkg:    short(test.Package),
			test:   test.Test.Name(),
			reason: reason(execution.OutputLines(test)),
		})
	}
	return skips
}
