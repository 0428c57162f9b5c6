package main

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// module writes a module of two packages whose tests pass, fail and skip.
func module(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	files["go.mod"] = "module example.test/m\n\ngo 1.26.0\n"
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

const testsOfA = `package a

import "testing"

func TestPasses(t *testing.T) { t.Run("sub", func(t *testing.T) {}) }

func TestSkips(t *testing.T) { t.Skip("needs a moon") }

func TestFails(t *testing.T) { t.Run("deep", func(t *testing.T) { t.Error("the sky fell") }) }
`

func runModule(t *testing.T, files map[string]string, allowed []exemption, requireAll bool) (outcome, string) {
	t.Helper()
	var out bytes.Buffer
	report := newReport(&out)
	dir := module(t, files)
	round := newPlan(nil, nil, []string{dir})[1][0]
	round.title = "m"
	if err := round.run(t.Context(), report, ""); err != nil {
		report.fail("m", err)
	}
	return report.finish(allowed, requireAll), out.String()
}

func TestCountsAndReasons(t *testing.T) {
	got, out := runModule(t, map[string]string{"a/a_test.go": testsOfA}, nil, false)
	if want := (outcome{passed: 2, failed: 2, skipped: 1}); got != want {
		t.Errorf("outcome %v, want %v\n%s", got, want, out)
	}
	for _, want := range []string{
		"the sky fell",
		"example.test/m/a TestSkips: a_test.go:7: needs a moon",
		"  example.test/m/a TestFails/deep\n",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("output lacks %q:\n%s", want, out)
		}
	}
	if !strings.HasSuffix(out, "\n2 passed, 2 failed, 1 skipped\n") {
		t.Errorf("last line is not the count:\n%s", out)
	}
}

func TestRequireAll(t *testing.T) {
	files := map[string]string{"a/a_test.go": "package a\n\nimport \"testing\"\n\nfunc TestSkips(t *testing.T) { t.Skip(\"needs a moon\") }\n"}
	got, out := runModule(t, files, nil, true)
	if want := (outcome{failed: 1}); got != want {
		t.Errorf("skip not in the list: outcome %v, want %v\n%s", got, want, out)
	}
	listed := []exemption{{pkg: "example.test/m/a", test: "Test*", reason: "moons are rare"}}
	got, out = runModule(t, files, listed, true)
	if want := (outcome{skipped: 1}); got != want {
		t.Errorf("skip in the list: outcome %v, want %v\n%s", got, want, out)
	}
	if !strings.Contains(out, "[allowed: moons are rare]") {
		t.Errorf("output does not say that the skip is allowed:\n%s", out)
	}
}

func TestWhatNoTestStandsFor(t *testing.T) {
	for name, text := range map[string]string{
		"does not compile":  "package a\n\nfunc broken() int { return \"\" }\n",
		"fails before main": "package a\n\nimport (\n\t\"os\"\n\t\"testing\"\n)\n\nfunc TestMain(*testing.M) { os.Exit(3) }\n\nfunc TestNever(*testing.T) {}\n",
		"no package at all": "",
	} {
		t.Run(name, func(t *testing.T) {
			got, out := runModule(t, map[string]string{"a/a_test.go": text}, nil, false)
			if got.failed != 1 || got.passed != 0 {
				t.Errorf("outcome %v, want 1 failed\n%s", got, out)
			}
		})
	}
}

// What a test printed that never ended is shown, wherever the end came from.
func TestDoesNotEnd(t *testing.T) {
	const text = `package a

import (
	"os"
	"testing"
)

func TestHangs(t *testing.T) { t.Run("deep", func(t *testing.T) { println("the sky falls"); os.Exit(2) }) }
`
	got, out := runModule(t, map[string]string{"a/a_test.go": text}, nil, false)
	if got.failed == 0 || got.passed != 0 || !strings.Contains(out, "the sky falls") {
		t.Errorf("outcome %v\n%s", got, out)
	}
}

func TestMissingProgram(t *testing.T) {
	plan := newPlan([]string{"a", "b"}, []string{"c"}, []string{"d"})
	if len(plan) != 2 || len(plan[0]) != 2 || len(plan[1]) != 1 {
		t.Fatalf("plan %v, want two lanes of two rounds and one", plan)
	}
	needs := []string{"d=no-such-program-anywhere", "c=go"}
	if got := plan[1][0].missing(needs); got != "no-such-program-anywhere is not installed" {
		t.Errorf("missing(d) = %q", got)
	}
	if got := plan[0][1].missing(needs); got != "" {
		t.Errorf("missing(c) = %q", got)
	}
}

func TestReadAllowed(t *testing.T) {
	for text, want := range map[string]string{
		"# why\n\npkg Test* no network here\n": "",
		"pkg Test\n":                           "want: package test reason",
		"pkg [ reason\n":                       "syntax error in pattern",
	} {
		name := filepath.Join(t.TempDir(), "allowed")
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		list, err := readAllowed(name)
		switch {
		case want == "" && (err != nil || len(list) != 1 || list[0].reason != "no network here"):
			t.Errorf("%q: %v, %v", text, list, err)
		case want != "" && (err == nil || !strings.Contains(err.Error(), want)):
			t.Errorf("%q: error %v, want %q", text, err, want)
		}
	}
}

// TestContracts runs a suite by two adapters of a port, of which one has a case
// more, and another port that has one adapter only.
func TestContracts(t *testing.T) {
	suite := func(cases string) string {
		return "package p\n\nimport \"testing\"\n\nfunc TestContract(t *testing.T) {\n\tfor _, name := range []string{" + cases +
			"} {\n\t\tt.Run(name, func(t *testing.T) { t.Run(\"deep\", func(t *testing.T) {}) })\n\t}\n}\n"
	}
	run := func(files map[string]string, ports ...string) (outcome, string) {
		var out bytes.Buffer
		report := newReport(&out, ports...)
		round := newPlan(nil, nil, []string{module(t, files)})[1][0]
		if err := round.run(t.Context(), report, ""); err != nil {
			t.Fatal(err)
		}
		return report.finish(nil, false), out.String()
	}
	const port = "example.test/m/port"
	both := map[string]string{"port/a/a_test.go": suite(`"One", "Two"`), "port/b/b_test.go": suite(`"One", "Two"`)}
	got, out := run(both, port)
	if got.failed != 0 || strings.Count(out, ": 4 cases\n      One One/deep Two Two/deep\n") != 2 {
		t.Errorf("the same cases: %v\n%s", got, out)
	}
	both["port/b/b_test.go"] = suite(`"One", "Two", "Three"`)
	if got, out = run(both, port); got.failed != 2 || !strings.Contains(out, "a TestContract and b TestContract differ in Three/deep") {
		t.Errorf("a case more: %v\n%s", got, out)
	}
	both["port/b/b_test.go"] = strings.Replace(suite(`"One", "Two"`), `t.Run("deep", func(t *testing.T) {})`, `if name == "Two" { t.Skip("not today") }`, 1)
	if got, out = run(both, port); got.failed == 0 || !strings.Contains(out, "b TestContract did not pass Two") {
		t.Errorf("a case skipped: %v\n%s", got, out)
	}
	delete(both, "port/b/b_test.go")
	if got, out = run(both, port); got.failed != 1 || !strings.Contains(out, "a port has two adapters at least") {
		t.Errorf("one adapter: %v\n%s", got, out)
	}
}

func TestPatterns(t *testing.T) {
	r := round{modules: []string{"services", "gateway"}, dir: ".", first: []string{"test/crash", "services/metadata/table", "servicesother/x"}}
	if got, want := r.patterns(), []string{"./services/metadata/table", "./services/...", "./gateway/..."}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	r = round{modules: []string{"deploy"}, dir: "deploy", first: []string{"deploy/proof"}}
	if got, want := r.patterns(), []string{"././..."}; !slices.Equal(got, want) {
		t.Errorf("alone: got %q, want %q", got, want)
	}
}
