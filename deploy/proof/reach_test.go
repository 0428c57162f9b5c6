package proof

import (
	"slices"
	"strings"
	"testing"

	"github.com/holdfast-files/holdfast/deploy/reach"
)

// TestReach compares who reaches what with the tables in testdata/reach. A line
// that is new is a path that was opened; it is named.
func TestReach(t *testing.T) {
	for _, name := range []string{"dev", "prod", "issuer"} {
		t.Run(name, func(t *testing.T) {
			w := installations[name].world(t)
			table(t, "reach/"+name+".txt", w.Facts())
			table(t, "reach/"+name+".policies.txt", w.Policies())
		})
	}
}

// TestIssuerOpensOnePath shows what fetching the issuer's keys costs: one
// connection, of metadata alone, and the route for it.
func TestIssuerOpensOnePath(t *testing.T) {
	_, extra := reach.Diff(installations["prod"].world(t).Facts(), installations["issuer"].world(t).Facts())
	want := []string{
		"connect metadata -> 198.51.100.0/24 :443",
		"route Isolated/eu-central-1a: 198.51.100.0/24 via nat",
		"route Isolated/eu-central-1b: 198.51.100.0/24 via nat",
	}
	if !slices.Equal(extra, want) {
		t.Errorf("opened:\n%s\nwant:\n%s", strings.Join(extra, "\n"), strings.Join(want, "\n"))
	}
}

// survivors are mutants that change nothing that matters, and why.
var survivors = map[string]string{}

// TestMutants changes each rule, route, statement, listener and placement and
// expects the tables to notice.
func TestMutants(t *testing.T) {
	for _, name := range []string{"prod", "dev"} {
		t.Run(name, func(t *testing.T) {
			w := installations[name].world(t)
			facts, policies := w.Facts(), w.Policies()
			mutants := w.Mutants()
			if len(mutants) < 500 {
				t.Fatalf("only %d mutants", len(mutants))
			}
			survived := map[string]bool{}
			for _, m := range mutants {
				if slices.Equal(m.World.Facts(), facts) && slices.Equal(m.World.Policies(), policies) {
					survived[m.Name] = true
					if survivors[m.Name] == "" {
						t.Errorf("survives: %s", m.Name)
					}
				}
			}
			for mutant, why := range survivors {
				if !survived[mutant] {
					t.Errorf("no longer survives: %s (%s)", mutant, why)
				}
			}
			t.Logf("%d mutants, %d survive, each explained", len(mutants), len(survived))
		})
	}
}
