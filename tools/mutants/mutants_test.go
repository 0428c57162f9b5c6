package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// tree is a module whose one test starts a go command of its own, as the
// harness of real processes does, and a list of mutants.
func tree(t *testing.T, mutants map[string]string) string {
	t.Helper()
	root := t.TempDir()
	files := map[string]string{
		"go.mod":      "module example.test/m\n\ngo 1.26.0\n",
		"sum/sum.go":  "package sum\n\nfunc Of(a, b int) int {\n\tif a == 0 {\n\t\treturn b\n\t}\n\treturn a + b\n}\n",
		"cmd/main.go": "package main\n\nimport (\n\t\"fmt\"\n\n\t\"example.test/m/sum\"\n)\n\nfunc main() { fmt.Print(sum.Of(1, 2)) }\n",
		"e2e/e2e_test.go": `package e2e

import (
	"os/exec"
	"testing"
)

func TestSum(t *testing.T) {
	out, err := exec.CommandContext(t.Context(), "go", "run", "../cmd").Output()
	if string(out) != "3" || err != nil {
		t.Fatalf("wrong sum %s, %v", out, err)
	}
}

func TestAlwaysFails(t *testing.T) { t.Error("as ever") }
`,
	}
	for name, text := range mutants {
		files["list/"+name+".txtar"] = text
	}
	for name, text := range files {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("GOWORK", "off")
	return root
}

const head = "Sums are used.\n\ndir: e2e\nrun: go test . -run TestSum\n"

func TestVerdicts(t *testing.T) {
	for name, c := range map[string]struct {
		mutant string
		want   string // a line of the output starts with this
		detail string
	}{
		"noticed":    {head + "sees: wrong sum 1\n-- sum/sum.go --\n\treturn a + b\n-- with --\n\treturn a\n", "killed", "--- FAIL: TestSum"},
		"not needed": {head + "-- sum/sum.go --\n\tif a == 0 {\n\t\treturn b\n\t}\n-- with --\n", "SURVIVED", "Sums are used."},
		"two edits":  {head + "-- sum/sum.go --\n\treturn a + b\n-- with --\n\treturn a\n-- sum/sum.go --\n\treturn a\n-- with --\n\treturn a - b\n", "killed", "FAIL"},
		"gone":       {head + "-- sum/sum.go --\n\treturn b + a\n-- with --\n", "BROKEN", "occurs 0 times"},
		"half line":  {head + "-- sum/sum.go --\na + b\n-- with --\n", "BROKEN", "occurs 0 times"},
		"no file":    {head + "-- sum/none.go --\nx\n-- with --\n", "BROKEN", "no such file"},
		"no build":   {head + "-- sum/sum.go --\n\treturn a + b\n-- with --\n\treturn\n", "BROKEN", "does not build"},
		"unsound": {
			strings.Replace(head, "TestSum", "TestAlwaysFails", 1) + "-- sum/sum.go --\n\treturn a + b\n-- with --\n\treturn a\n",
			"BROKEN", "fails on the unchanged source",
		},
		"wrong reason": {
			head + "sees: no match for this\n-- sum/sum.go --\n\treturn a + b\n-- with --\n\treturn a\n",
			"BROKEN", "does not match",
		},
	} {
		t.Run(name, func(t *testing.T) {
			root := tree(t, map[string]string{"it": c.mutant})
			var out bytes.Buffer
			ok, err := run(t.Context(), []string{"-root", root, "-list", "list"}, &out)
			if err != nil {
				t.Fatal(err)
			}
			if line := out.String(); !strings.HasPrefix(line, c.want) || !strings.Contains(line, c.detail) {
				t.Errorf("output\n%s\nwant %s … %s", line, c.want, c.detail)
			}
			if ok != (c.want == "killed") {
				t.Errorf("run reports %v for %s", ok, c.want)
			}
		})
	}
}

func TestTimeout(t *testing.T) {
	root := tree(t, map[string]string{"it": head + "-- sum/sum.go --\n\treturn a + b\n-- with --\n\treturn a\n"})
	var out bytes.Buffer
	ok, err := run(t.Context(), []string{"-root", root, "-list", "list", "-timeout", "1ms"}, &out)
	if err != nil || ok || !strings.Contains(out.String(), "did not end within 1ms") {
		t.Errorf("run = %v, %v\n%s", ok, err, out.String())
	}
}

func TestParseRefuses(t *testing.T) {
	for text, want := range map[string]string{
		"dir: a\nrun: b\n-- f --\nx\n-- with --\n":           "lacks a sentence",
		"Why.\nrun: b\n-- f --\nx\n-- with --\n":             "lacks dir:",
		"Why.\ndir: a\n-- f --\nx\n-- with --\n":             "lacks run:",
		"Why.\ndir: a\nrun: b\n":                             "lacks an edit",
		"Why.\ndir: a\nrun: b\n-- f --\nx\n":                 "must come -- with --",
		"Why.\ndir: a\nrun: b\nsees: (\n-- f --\n-- with --": "missing closing",
	} {
		if _, err := parse("name", []byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v, want %q", text, err, want)
		}
	}
}

// Every mutant in the list still says where it belongs: this is cheap, so it
// runs with the tests; make mutants runs the rest.
func TestListApplies(t *testing.T) {
	root := filepath.Join("..", "..")
	paths, err := filepath.Glob("list/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	lab := newLab(root, 0)
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		m, err := parse(path, text)
		if err != nil {
			t.Errorf("%s: %v", path, err)
			continue
		}
		if _, err := lab.overlay(m, t.TempDir()); err != nil {
			t.Errorf("%s: %v", path, err)
		}
	}
}
