package proof

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/holdfast-files/holdfast/deploy/contract"
	"github.com/holdfast-files/holdfast/deploy/cost"
	"github.com/holdfast-files/holdfast/deploy/diagram"
)

// generated compares what README.md has between begin and end with what it
// should have, or writes it with -update.
func generated(t *testing.T, begin, end, want string) {
	t.Helper()
	const path = "../README.md"
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, found := strings.Cut(string(raw), begin)
	has, after, closed := strings.Cut(rest, end)
	if !found || !closed {
		t.Fatalf("README.md has nothing between %q and %q", begin, end)
	}
	if *update {
		if err := os.WriteFile(path, []byte(before+begin+want+end+after), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if line, now, was := differs(want, has); line > 0 {
		t.Errorf("line %d after %q in README.md is\n\t%s\nit should be\n\t%s\nRun with -update.", line, strings.TrimSpace(begin), was, now)
	}
}

// TestREADMEDiagram: the diagram is drawn from the production template.
func TestREADMEDiagram(t *testing.T) {
	generated(t, "```mermaid\n", "```\n", diagram.Mermaid(installations["prod"].world(t).Facts()))
}

// bill is what an installation costs while nobody calls.
func (in installation) bill(t *testing.T) []cost.Item {
	t.Helper()
	var all []cost.Resource
	// Sums of floats depend on their order.
	for _, stack := range slices.Sorted(maps.Keys(in.stacks)) {
		resources := in.stacks[stack].Resources
		for _, logical := range slices.Sorted(maps.Keys(resources)) {
			r := resources[logical]
			all = append(all, cost.Resource{ID: logical, Type: r.Type, Properties: r.Properties})
		}
	}
	// Each metric of each service is one to pay for.
	own := map[string]bool{}
	for _, metric := range dashboard(t, in) {
		if metric[0] == contract.Namespace {
			own[fmt.Sprint(metric[1:6]...)] = true
		}
	}
	return cost.Idle(all, len(own))
}

// TestREADMECosts: the tables follow from the templates and the prices.
func TestREADMECosts(t *testing.T) {
	dev, prod, issuer := installations["dev"], installations["prod"], installations["issuer"]
	names := []string{"dev", "prod", "prod, keys from the issuer"}
	idle := cost.IdleTable(names, [][]cost.Item{dev.bill(t), prod.bill(t), issuer.bill(t)})
	generated(t, "<!-- idle -->\n", "<!-- end -->\n", idle)
	generated(t, "<!-- calls -->\n", "<!-- end -->\n", cost.CallsTable(dev.cfg.TraceShare, prod.cfg.TraceShare))
}
