// Package tabletest is the contract of package table as a test suite. Every
// adapter passes it.
//
// The suite takes nothing for granted but the port: it works on a table that
// holds other items, and on one across a network, for which it keeps the
// number of calls moderate.
package tabletest

import (
	"context"
	"crypto/rand"
	"errors"
	"reflect"
	"testing"

	"github.com/holdfast-files/holdfast/services/metadata/table"
)

// Run runs the suite on the table that open returns. Run closes it.
func Run(t *testing.T, open func(t *testing.T) table.Table) {
	s := &suite{Table: open(t), run: rand.Text()}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	for _, part := range []struct {
		name string
		test func(t *testing.T, s *suite)
	}{
		{"Item", testItem},
		{"Put", testPut},
		{"Conditions", testConditions},
		{"Add", testAdd},
		{"Atomic", testAtomic},
		{"Limits", testLimits},
		{"Keys", testKeys},
		{"Query", testQuery},
		{"Pages", testPages},
		{"Scan", testScan},
		{"Concurrent", testConcurrent},
		{"Context", testContext},
		{"Expiry", testExpiry},
	} {
		t.Run(part.name, func(t *testing.T) { part.test(t, s) })
	}
}

// suite is the table under test with helpers around it.
type suite struct {
	table.Table
	run string
}

// partition returns the name of a partition that only this test uses.
func (s *suite) partition(t *testing.T) string { return t.Name() + " " + s.run }

func (s *suite) key(t *testing.T, sort string) table.Key {
	return table.Key{Partition: s.partition(t), Sort: sort}
}

func (s *suite) commit(t *testing.T, writes ...table.Write) {
	t.Helper()
	if err := s.Commit(t.Context(), writes); err != nil {
		t.Fatalf("Commit: %v", err)
	}
}

// refused commits and expects that the conditions of just these writes fail.
func (s *suite) refused(t *testing.T, failed []int, writes ...table.Write) {
	t.Helper()
	err := s.Commit(t.Context(), writes)
	refusal, ok := errors.AsType[*table.ConditionError](err)
	if !ok {
		t.Fatalf("Commit: got %v, want a condition error", err)
	}
	if len(refusal.Failed) == 0 {
		t.Fatal("condition error names no write")
	}
	want := &table.ConditionError{Failed: failed}
	for _, i := range refusal.Failed {
		if !want.FailedAt(i) {
			t.Errorf("condition error names write %d; only %v failed", i, failed)
		}
	}
}

// invalid commits and expects ErrInvalid.
func (s *suite) invalid(t *testing.T, writes ...table.Write) {
	t.Helper()
	if err := s.Commit(t.Context(), writes); !errors.Is(err, table.ErrInvalid) {
		t.Errorf("Commit: got %v, want ErrInvalid", err)
	}
}

func (s *suite) get(t *testing.T, key table.Key) table.Item {
	t.Helper()
	item, err := s.Get(t.Context(), key)
	if err != nil {
		t.Fatalf("Get(%q): %v", key, err)
	}
	return item
}

// has expects that the item is there just as given.
func (s *suite) has(t *testing.T, want table.Item) {
	t.Helper()
	same(t, s.get(t, want.Key), want)
}

func (s *suite) absent(t *testing.T, key table.Key) {
	t.Helper()
	if item, err := s.Get(t.Context(), key); !errors.Is(err, table.ErrNotFound) {
		t.Errorf("Get(%q): got %+v, %v, want ErrNotFound", key, item, err)
	}
}

// query returns the sort keys of a page.
func (s *suite) query(t *testing.T, q table.Query) ([]string, table.Page) {
	t.Helper()
	page, err := s.Query(t.Context(), q)
	if err != nil {
		t.Fatalf("Query(%+v): %v", q, err)
	}
	var sorts []string
	for _, i := range page.Items {
		if i.Key.Partition != q.Partition {
			t.Errorf("Query(%+v) returned an item of partition %q", q, i.Key.Partition)
		}
		sorts = append(sorts, i.Key.Sort)
	}
	return sorts, page
}

// fill commits items in as few commits as the limits allow.
func (s *suite) fill(t *testing.T, items []table.Item) {
	t.Helper()
	var writes []table.Write
	size := 0
	flush := func() {
		if len(writes) > 0 {
			s.commit(t, writes...)
		}
		writes, size = nil, 0
	}
	for _, i := range items {
		if len(writes) == table.MaxWrites || size+table.Size(i) > table.MaxCommitBytes {
			flush()
		}
		writes = append(writes, table.Put(i, table.Any))
		size += table.Size(i)
	}
	flush()
}

// same compares items as the port does: nil and empty are the same.
func same(t *testing.T, got, want table.Item) {
	t.Helper()
	if got.Key != want.Key || string(got.Value) != string(want.Value) || got.Tag != want.Tag ||
		!got.Expires.Equal(want.Expires) ||
		len(got.Numbers)+len(want.Numbers) > 0 && !reflect.DeepEqual(got.Numbers, want.Numbers) {
		t.Errorf("item is\n%+v, want\n%+v", brief(got), brief(want))
	}
}

// brief keeps a large value out of a message.
func brief(i table.Item) table.Item {
	if len(i.Value) > 64 {
		i.Value = i.Value[:64]
	}
	return i
}

// unwanted reports whether an error of a concurrent commit is not one that the
// port allows when conditions may fail.
func unwanted(err error) bool {
	_, refusal := errors.AsType[*table.ConditionError](err)
	return err != nil && !refusal && !errors.Is(err, context.Canceled)
}
