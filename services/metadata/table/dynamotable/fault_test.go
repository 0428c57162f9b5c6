package dynamotable_test

import (
	"errors"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/holdfast-files/holdfast/internal/fault"
	"github.com/holdfast-files/holdfast/services/internal/standin"
	"github.com/holdfast-files/holdfast/services/metadata/table"
	"github.com/holdfast-files/holdfast/services/metadata/table/dynamotable"
)

// faults are all of them, with what each leaves unknown.
var faults = map[string]standin.Fault{
	"refused": standin.Refused, "throttled": standin.Throttled, "failed": standin.Failed,
	"lost": standin.Lost, "failed late": standin.FailedLate, "cut": standin.Cut,
}

func late(f standin.Fault) bool {
	return f == standin.Lost || f == standin.FailedLate || f == standin.Cut
}

// faulty returns a table whose first requests go wrong, and one that is well.
func faulty(t *testing.T, server standin.Server, f standin.Fault, times int32) (ill, well *dynamotable.Table) {
	t.Helper()
	// No answer that is only slow counts as one that is lost.
	c := dynamotable.Config{Table: "records", Endpoint: server.DynamoDB, AnswerTimeout: time.Minute}
	well = open(t, c)
	left := atomic.Int32{}
	left.Store(times)
	c.Transport = &standin.Wire{Fault: func(*http.Request) standin.Fault {
		if left.Add(-1) >= 0 {
			return f
		}
		return standin.Fine
	}}
	ill, err := dynamotable.Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	return ill, well
}

// TestFaultsAroundACommit: whatever happens to the first requests, a commit
// takes effect once, and says so.
func TestFaultsAroundACommit(t *testing.T) {
	server := standin.Start(t)
	n := 0
	for name, f := range faults {
		for what, commit := range map[string]struct {
			writes func(k table.Key) []table.Write
			tag    string // afterwards; of none when empty
			count  int64
			vague  bool // may end UNAVAILABLE when the answer was lost
		}{
			"put if absent": {func(k table.Key) []table.Write {
				return []table.Write{table.Put(table.Item{Key: table.Key{Partition: k.Partition, Sort: "new"}, Tag: "2"}, table.IfAbsent)}
			}, "1", 1, false},
			"put by tag": {func(k table.Key) []table.Write {
				return []table.Write{table.Put(table.Item{Key: k, Tag: "2"}, table.IfTag("1"))}
			}, "2", 0, false},
			"delete by tag": {func(k table.Key) []table.Write {
				return []table.Write{table.Delete(k, table.IfTag("1"))}
			}, "", 0, true},
			"put": {func(k table.Key) []table.Write {
				return []table.Write{table.Put(table.Item{Key: k, Tag: "2"}, table.Any)}
			}, "2", 0, false},
			"add": {func(k table.Key) []table.Write {
				return []table.Write{table.Increase(k, table.Add{Name: "n", Delta: 1})}
			}, "1", 2, false},
			"transaction": {func(k table.Key) []table.Write {
				return []table.Write{
					table.Increase(k, table.Add{Name: "n", Delta: 5}),
					table.Delete(table.Key{Partition: k.Partition, Sort: "intent"}, table.IfTag("open")),
					table.Put(table.Item{Key: table.Key{Partition: k.Partition, Sort: "node"}}, table.IfAbsent),
				}
			}, "1", 6, false},
			"deletes only": {func(k table.Key) []table.Write {
				return []table.Write{
					table.Delete(k, table.IfTag("1")),
					table.Delete(table.Key{Partition: k.Partition, Sort: "intent"}, table.IfTag("open")),
				}
			}, "", 0, false},
		} {
			for _, times := range []int32{1, 2} {
				t.Run(fmt.Sprintf("%s %s %d", name, what, times), func(t *testing.T) {
					ill, well := faulty(t, server, f, times)
					n++
					k := table.Key{Partition: fmt.Sprintf("p%d", n), Sort: "item"}
					must(t, well.Commit(t.Context(), []table.Write{
						table.Put(table.Item{Key: k, Tag: "1", Numbers: map[string]int64{"n": 1}}, table.IfAbsent),
						table.Put(table.Item{Key: table.Key{Partition: k.Partition, Sort: "intent"}, Tag: "open"}, table.IfAbsent),
					}))
					err := ill.Commit(t.Context(), commit.writes(k))
					if err != nil && (!commit.vague || !late(f) || !errors.Is(err, fault.Unavailable)) {
						t.Errorf("Commit: %v", err)
					}
					item, err := well.Get(t.Context(), k)
					switch {
					case commit.tag == "" && errors.Is(err, table.ErrNotFound):
					case err != nil:
						t.Error(err)
					case item.Tag != commit.tag || item.Numbers["n"] != commit.count:
						t.Errorf("item is %+v", item)
					}
				})
			}
		}
	}
}

// TestOutcomeThatNobodyKnows: an answer is lost, and before the next try
// another takes the item away. That is neither success nor a conflict.
func TestOutcomeThatNobodyKnows(t *testing.T) {
	server := standin.Start(t)
	c := dynamotable.Config{Table: "records", Endpoint: server.DynamoDB}
	well := open(t, c)
	k := table.Key{Partition: "p", Sort: "s"}
	first := true
	c.Transport = &standin.Wire{Fault: func(*http.Request) standin.Fault {
		if first {
			first = false
			return standin.Lost
		}
		must(t, well.Commit(t.Context(), []table.Write{table.Put(table.Item{Key: k, Tag: "other"}, table.Any)}))
		return standin.Fine
	}}
	ill, err := dynamotable.Open(t.Context(), c)
	must(t, err)
	err = ill.Commit(t.Context(), []table.Write{table.Put(table.Item{Key: k, Tag: "ours"}, table.IfAbsent)})
	if !errors.Is(err, fault.Unavailable) {
		t.Errorf("Commit: %v, want UNAVAILABLE", err)
	}
}

// TestBusyForLong: what does not pass within the patience is UNAVAILABLE, and
// tells when to come back.
func TestBusyForLong(t *testing.T) {
	server := standin.Start(t)
	c := dynamotable.Config{Table: "records", Endpoint: server.DynamoDB, Patience: 200 * time.Millisecond}
	open(t, c)
	for name, f := range faults {
		c.Transport = &standin.Wire{Fault: func(*http.Request) standin.Fault { return f }}
		ill, err := dynamotable.Open(t.Context(), c)
		must(t, err)
		k := table.Key{Partition: name, Sort: "s"}
		calls := map[string]func() error{
			"Get":    func() error { _, err := ill.Get(t.Context(), k); return err },
			"Query":  func() error { _, err := ill.Query(t.Context(), table.Query{Partition: name, Limit: 1}); return err },
			"Scan":   func() error { _, err := ill.Scan(t.Context(), "", 1); return err },
			"Commit": func() error { return ill.Commit(t.Context(), []table.Write{table.Delete(k, table.Any)}) },
		}
		for call, do := range calls {
			err := do()
			e, ok := errors.AsType[*fault.Error](err)
			if !ok || !errors.Is(err, fault.Unavailable) || e.RetryAfter <= 0 {
				t.Errorf("%s, %s: %v", name, call, err)
			}
		}
	}
}

// TestThousandsOfFaultyCommits: of many commits at once over a wire that fails
// one request in six, none is lost and none happens twice.
func TestThousandsOfFaultyCommits(t *testing.T) {
	server := standin.Start(t, "-conflict-every=31")
	c := dynamotable.Config{Table: "records", Endpoint: server.DynamoDB, Patience: time.Minute}
	well := open(t, c)
	c.Transport = &standin.Wire{Fault: standin.Sometimes(1, 6)}
	ill, err := dynamotable.Open(t.Context(), c)
	must(t, err)
	const workers, each = 8, 150
	var all sync.WaitGroup
	for worker := range workers {
		all.Go(func() {
			for i := range each {
				shard := table.Key{Partition: fmt.Sprintf("shard %d", (worker+i)%4), Sort: "n"}
				own := table.Key{Partition: fmt.Sprintf("own %d", worker), Sort: fmt.Sprintf("%04d", i)}
				if err := ill.Commit(t.Context(), []table.Write{table.Put(table.Item{Key: own, Tag: "intent"}, table.IfAbsent)}); err != nil {
					t.Errorf("intent: %v", err)
				}
				if err := ill.Commit(t.Context(), []table.Write{
					table.Put(table.Item{Key: own, Tag: "done"}, table.IfTag("intent")),
					table.Increase(shard, table.Add{Name: "n", Delta: 1}),
				}); err != nil {
					t.Errorf("commit: %v", err)
				}
			}
		})
	}
	all.Wait()
	var sum int64
	for i := range 4 {
		item, err := well.Get(t.Context(), table.Key{Partition: fmt.Sprintf("shard %d", i), Sort: "n"})
		must(t, err)
		sum += item.Numbers["n"]
	}
	if sum != workers*each {
		t.Errorf("%d additions happened, want %d", sum, workers*each)
	}
	for worker := range workers {
		page, err := well.Query(t.Context(), table.Query{Partition: fmt.Sprintf("own %d", worker), Limit: each + 1})
		must(t, err)
		if len(page.Items) != each {
			t.Errorf("worker %d made %d items, want %d", worker, len(page.Items), each)
		}
		for _, item := range page.Items {
			if item.Tag != "done" {
				t.Errorf("%v is %q", item.Key, item.Tag)
			}
		}
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
