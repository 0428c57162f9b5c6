package inspect_test

import (
	"testing"

	ledgerv1 "github.com/holdfast-files/holdfast/proto/holdfast/ledger/v1"
)

// TestUsage tells counters that are wrong, and mends them when asked to.
func TestUsage(t *testing.T) {
	w := newWorld(t)
	w.upload("/a", 10)
	w.ledger.Held = &ledgerv1.Usage{Space: "s", Bytes: 10, Files: 1}
	w.ledger.Counted = &ledgerv1.Usage{Space: "s", Bytes: 10, Files: 1}
	if got, _ := w.inspect(&ledgerv1.InspectRequest{}); len(got) != 0 {
		t.Errorf("counters that are right: %v", got)
	}
	w.ledger.Counted = &ledgerv1.Usage{Space: "s", Bytes: 10, Files: 2}
	for _, step := range []struct {
		repair   bool
		findings int
	}{{false, 1}, {true, 1}, {false, 0}} {
		got, _ := w.inspect(&ledgerv1.InspectRequest{Repair: step.repair})
		if len(got) != step.findings {
			t.Fatalf("repair %v: %v, want %d findings", step.repair, got, step.findings)
		}
		for _, f := range got {
			if f.GetKind() != ledgerv1.Finding_USAGE_DRIFT || f.GetName() != "spaces/s" || f.GetRepaired() != step.repair {
				t.Errorf("repair %v: %v", step.repair, f)
			}
		}
	}
}

// TestUsageOfABusySpace tells nothing of counters that change while the records
// are walked.
func TestUsageOfABusySpace(t *testing.T) {
	w := newWorld(t)
	w.upload("/a", 10)
	w.upload("/b", 10)
	w.ledger.MaxPage = 1
	w.ledger.Held = &ledgerv1.Usage{Space: "s", Files: 1}
	w.ledger.Counted = &ledgerv1.Usage{Space: "s", Files: 2}
	w.ledger.BetweenPages = func() {
		w.ledger.Counted = &ledgerv1.Usage{Space: "s", Files: w.ledger.Counted.GetFiles() + 1}
	}
	if got, _ := w.inspect(&ledgerv1.InspectRequest{Repair: true}); len(got) != 0 {
		t.Errorf("counters of a busy space: %v", got)
	}
}
