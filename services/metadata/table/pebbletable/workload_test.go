package pebbletable_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/holdfast-files/holdfast/services/metadata/table"
)

const (
	writers = 4
	members = 3 // items of a set, each in a partition of its own
	logged  = 4 // versions that a writer's log keeps
)

// workload drives a table with commits whose traces give away whatever is lost
// or partial. Each writer takes its set of items from version to version by
// compare and swap; the same commit adds the version to the writer's log,
// drops an old one, and counts in a number that all writers share.
type workload struct {
	attempted [writers]atomic.Int64 // newest version that a Commit was called for
	durable   [writers]atomic.Int64 // newest version that was acknowledged, or that a reader has seen

	steps   atomic.Int64
	waitFor atomic.Int64  // the step that arrived tells of
	arrived chan struct{} // has room for one
}

func newWorkload() *workload { return &workload{arrived: make(chan struct{}, 1)} }

// await waits until n more steps have begun, or the workload has ended.
func (w *workload) await(n int64, ended <-chan struct{}) {
	w.waitFor.Store(w.steps.Load() + n)
	select {
	case <-w.arrived:
	case <-ended:
	}
}

func member(writer, i int) table.Key {
	return table.Key{Partition: fmt.Sprintf("set %d", i), Sort: fmt.Sprintf("writer %d", writer)}
}

func entry(writer int, version int64) table.Key {
	return table.Key{Partition: fmt.Sprintf("log %d", writer), Sort: fmt.Sprintf("%019d", version)}
}

var total = table.Key{Partition: "total", Sort: "total"}

// step commits the next version of a writer.
func (w *workload) step(ctx context.Context, tbl table.Table, writer int, value []byte) error {
	from := w.attempted[writer].Load()
	next, condition := from+1, table.IfTag(strconv.FormatInt(from, 10))
	if from == 0 {
		condition = table.IfAbsent
	}
	writes := []table.Write{
		table.Increase(total, table.Add{Name: "n", Delta: 1}),
		table.Put(table.Item{Key: entry(writer, next), Value: value}, table.IfAbsent),
	}
	if old := next - logged; old > 0 {
		writes = append(writes, table.Delete(entry(writer, old), table.IfPresent))
	}
	for i := range members {
		item := table.Item{Key: member(writer, i), Tag: strconv.FormatInt(next, 10), Value: value}
		writes = append(writes, table.Put(item, condition))
	}
	w.attempted[writer].Store(next)
	if at := w.waitFor.Load(); w.steps.Add(1) >= at && at > 0 && w.waitFor.CompareAndSwap(at, 0) {
		w.arrived <- struct{}{}
	}
	if err := tbl.Commit(ctx, writes); err != nil {
		return err
	}
	w.saw(writer, next)
	return nil
}

// saw notes that a version must not be lost from now on.
func (w *workload) saw(writer int, version int64) {
	for {
		old := w.durable[writer].Load()
		if version <= old || w.durable[writer].CompareAndSwap(old, version) {
			return
		}
	}
}

// look reads a version in one of the ways there are and notes it.
func (w *workload) look(ctx context.Context, tbl table.Table, how int) error {
	writer := how % writers
	var item table.Item
	var err error
	switch how / writers % 3 {
	case 0:
		item, err = tbl.Get(ctx, member(writer, 0))
	case 1:
		var page table.Page
		page, err = tbl.Query(ctx, table.Query{Partition: entry(writer, 0).Partition, Reverse: true, Limit: 1})
		if len(page.Items) == 1 {
			item.Tag = page.Items[0].Key.Sort
		}
	case 2: // a condition that holds tells as much as a read
		tag := strconv.FormatInt(w.attempted[writer].Load(), 10)
		err = tbl.Commit(ctx, []table.Write{table.Check(member(writer, 0), table.IfTag(tag))})
		if _, refused := errors.AsType[*table.ConditionError](err); refused {
			return nil
		}
		item.Tag = tag
	}
	if errors.Is(err, table.ErrNotFound) || err == nil && item.Tag == "" {
		return nil
	}
	if err != nil {
		return err
	}
	version, err := strconv.ParseInt(item.Tag, 10, 64)
	w.saw(writer, version)
	return err
}

// run writes and reads until ctx ends; it then returns once everybody is done.
func (w *workload) run(ctx context.Context, t *testing.T, tbl table.Table) {
	value := make([]byte, 300)
	var all sync.WaitGroup
	report := func(err error) bool {
		if err != nil && ctx.Err() == nil {
			t.Errorf("workload: %v", err)
		}
		return err == nil
	}
	for writer := range writers {
		all.Go(func() {
			for ctx.Err() == nil && report(w.step(ctx, tbl, writer, value[:rand.IntN(len(value))])) {
			}
		})
		all.Go(func() {
			for ctx.Err() == nil && report(w.look(ctx, tbl, rand.Int())) {
				runtime.Gosched() // leaves the processors to the writers
			}
		})
	}
	all.Wait()
}

// state is what a table holds of a workload.
type state struct {
	version [writers]int64
	total   int64
}

// read reads the state and checks that no commit is there in part.
func read(t *testing.T, tbl table.Table) (s state) {
	t.Helper()
	var sum int64
	for writer := range writers {
		for i := range members {
			item, err := tbl.Get(t.Context(), member(writer, i))
			if err != nil && !errors.Is(err, table.ErrNotFound) {
				t.Fatalf("Get: %v", err)
			}
			version, _ := strconv.ParseInt(item.Tag, 10, 64) // none is 0
			if i > 0 && version != s.version[writer] {
				t.Errorf("writer %d: items have versions %d and %d", writer, s.version[writer], version)
			}
			s.version[writer] = version
		}
		readLog(t, tbl, writer, s.version[writer])
		sum += s.version[writer]
	}
	item, err := tbl.Get(t.Context(), total)
	if err != nil && !errors.Is(err, table.ErrNotFound) {
		t.Fatalf("Get: %v", err)
	}
	if s.total = item.Numbers["n"]; s.total != sum {
		t.Errorf("total is %d, the versions sum up to %d", s.total, sum)
	}
	return s
}

func readLog(t *testing.T, tbl table.Table, writer int, newest int64) {
	t.Helper()
	page, err := tbl.Query(t.Context(), table.Query{Partition: entry(writer, 0).Partition, Limit: 100})
	if err != nil {
		t.Fatalf("Query: %v", err)
	}
	want := max(1, newest-logged+1)
	for _, i := range page.Items {
		if i.Key != entry(writer, want) {
			t.Errorf("writer %d at version %d: log has %q, want %q", writer, newest, i.Key.Sort, entry(writer, want).Sort)
		}
		want++
	}
	if want != newest+1 {
		t.Errorf("writer %d at version %d: log ends with %d", writer, newest, want-1)
	}
}

// bounds are the versions that a crash may leave, read before and after it.
type bounds struct{ least, most [writers]int64 }

func (w *workload) least(b *bounds) {
	for i := range writers {
		b.least[i] = w.durable[i].Load()
	}
}

func (w *workload) most(b *bounds) {
	for i := range writers {
		b.most[i] = w.attempted[i].Load()
	}
}

// holds checks that nothing is lost and nothing made up.
func (b *bounds) holds(t *testing.T, s state) {
	t.Helper()
	for writer, version := range s.version {
		if version < b.least[writer] {
			t.Errorf("writer %d: version %d was acknowledged or seen; %d is there", writer, b.least[writer], version)
		}
		if version > b.most[writer] {
			t.Errorf("writer %d: version %d is there; %d was the last tried", writer, version, b.most[writer])
		}
	}
}

// resume sets the workload to a state that it goes on from.
func (w *workload) resume(s state) {
	for i := range writers {
		w.attempted[i].Store(s.version[i])
		w.durable[i].Store(s.version[i])
	}
}
