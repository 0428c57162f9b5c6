package proof

import (
	"os"
	"strings"
	"testing"

	"github.com/holdfast-files/holdfast/deploy/diagram"
)

// TestREADMEDiagram draws the production template and compares the drawing with
// the one in README.md.
func TestREADMEDiagram(t *testing.T) {
	const path, begin, end = "../README.md", "```mermaid\n", "```\n"
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, found := strings.Cut(string(raw), begin)
	drawn, after, closed := strings.Cut(rest, end)
	if !found || !closed {
		t.Fatal("README.md has no diagram")
	}
	got := diagram.Mermaid(installations["prod"].world(t).Facts())
	if *update {
		if err := os.WriteFile(path, []byte(before+begin+got+end+after), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if line, now, was := differs(got, drawn); line > 0 {
		t.Errorf("line %d of the diagram in README.md is\n\t%s\nthe template says\n\t%s\nRun with -update.", line, was, now)
	}
}
