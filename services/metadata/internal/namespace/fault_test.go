package namespace_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/holdfast-files/holdfast/internal/fault"
	errorsv1 "github.com/holdfast-files/holdfast/proto/holdfast/errors/v1"
	"github.com/holdfast-files/holdfast/services/metadata/table"
)

// A row of the fault table is a call to the table, the how-manieth of an
// operation, and what goes wrong there.
type misfortune int

const (
	lost          misfortune = iota // did not happen, and an error comes back
	happened                        // happened, and an error comes back
	cancelled                       // the caller went away before it happened
	cancelledLate                   // the caller went away after it happened
	killed                          // did not happen, and the process died
	killedLate                      // happened, and the process died
	misfortunes
)

func (m misfortune) String() string {
	return [...]string{"lost", "happened", "cancelled", "cancelled late", "killed", "killed late"}[m]
}

// faultyTable is a table that fails at one call.
type faultyTable struct {
	table.Table
	how    misfortune
	at     int // 0 for never
	calls  int
	struck bool
	cancel context.CancelFunc
}

func (f *faultyTable) strike(ctx context.Context, happen func() error) error {
	f.calls++
	if f.calls != f.at {
		return happen()
	}
	f.struck = true
	if f.how == happened || f.how == cancelledLate || f.how == killedLate {
		if err := happen(); err != nil {
			return err
		}
	}
	if f.how == cancelled || f.how == cancelledLate {
		f.cancel()
		return ctx.Err()
	}
	return fault.New(errorsv1.Reason_REASON_UNAVAILABLE, "struck")
}

func (f *faultyTable) Get(ctx context.Context, key table.Key) (item table.Item, err error) {
	if strings.HasPrefix(key.Partition, "Q#") && !strings.HasSuffix(key.Partition, "#0") { // one of the many counters will do
		return f.Table.Get(ctx, key)
	}
	err = f.strike(ctx, func() (err error) { item, err = f.Table.Get(ctx, key); return err })
	return item, err
}

func (f *faultyTable) Query(ctx context.Context, q table.Query) (page table.Page, err error) {
	if strings.HasPrefix(q.Partition, "W#") { // of the many shards of jobs, most are empty
		return f.Table.Query(ctx, q)
	}
	err = f.strike(ctx, func() (err error) { page, err = f.Table.Query(ctx, q); return err })
	return page, err
}

func (f *faultyTable) Commit(ctx context.Context, writes []table.Write) error {
	return f.strike(ctx, func() error { return f.Table.Commit(ctx, writes) })
}

// TestFaultTable lets every call to the table of every operation go wrong in
// every way. After each row the records agree with each other and with the
// blobs, and the same request made again has the outcome of one request.
func TestFaultTable(t *testing.T) {
	p := plant(t)
	rows := map[string]int{}
	for _, name := range slices.Sorted(maps.Keys(operations)) {
		t.Run(name, func(t *testing.T) {
			clean := p.world(t)
			if err := operations[name](clean, p.tree, "r"); err != nil {
				t.Fatal(err)
			}
			want := dump(clean)
			for how := range misfortunes {
				for at := 1; strikeOnce(t, p, operations[name], how, at, want); at++ {
					rows[how.String()]++
				}
			}
		})
	}
	total := 0
	for _, n := range rows {
		total += n
	}
	t.Logf("fault table: %d operations, %d rows: %v", len(operations), total, rows)
}

// strikeOnce is one row; it returns false when the operation makes no such call.
func strikeOnce(t *testing.T, p plot, operate operation, how misfortune, at int, want string) bool {
	t.Helper()
	w := p.world(t)
	row := fmt.Sprintf("%v at call %d", how, at)

	ctx, cancel := context.WithCancel(w.ctx)
	defer cancel()
	faulty := &faultyTable{Table: w.table, how: how, cancel: cancel}
	struck := w.beside(ctx, faulty)
	faulty.calls, faulty.at = 0, at
	err := operate(struck, p.tree, "r")
	if !faulty.struck {
		if err != nil {
			t.Errorf("%s: without a fault: %v", row, err)
		}
		return false
	}
	if err != nil && !errors.Is(err, fault.Unavailable) && !errors.Is(err, context.Canceled) {
		t.Errorf("%s: %v", row, err)
	}
	w.audit()

	again := w // a killed process comes back without what it remembered
	if how != killed && how != killedLate {
		again = struck
		again.ctx = w.ctx
	}
	if err := operate(again, p.tree, "r"); err != nil {
		t.Errorf("%s: again: %v", row, err)
	}
	if got := dump(w); got != want {
		t.Errorf("%s: after the retry:\n%s\nwant:\n%s", row, got, want)
	}
	w.audit()
	w.sweepAll()
	w.audit()
	return true
}
