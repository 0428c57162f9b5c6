package quota_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/holdfast-files/holdfast/internal/fault"
	errorsv1 "github.com/holdfast-files/holdfast/proto/holdfast/errors/v1"
	recordv1 "github.com/holdfast-files/holdfast/proto/holdfast/record/v1"
	"github.com/holdfast-files/holdfast/services/metadata/internal/quota"
	"github.com/holdfast-files/holdfast/services/metadata/table"
	"github.com/holdfast-files/holdfast/services/metadata/table/pebbletable"
)

func newTable(t *testing.T) table.Table {
	t.Helper()
	store, err := pebbletable.Open(pebbletable.Config{Dir: "table", FS: vfs.NewMem(), Clock: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	return store
}

// change carries a change out as the namespace does: at any counter, and where
// there is room when that has none.
func change(ctx context.Context, t table.Table, q *recordv1.Quota, c quota.Change) error {
	writes := quota.Writes("s", c)
	for {
		err := t.Commit(ctx, writes)
		if conflict := (*table.ConditionError)(nil); !errors.As(err, &conflict) {
			return err
		}
		for {
			counters, err := quota.Read(ctx, t, "s")
			if err != nil {
				return err
			}
			writes, err = counters.Spread(q, c)
			if errors.Is(err, quota.ErrMoved) {
				continue
			}
			if err != nil {
				return err
			}
			break
		}
	}
}

// Uploads that are opened, settled and given up by many at once never take more
// than there is, and when all is over the counters are right.
func TestReservations(t *testing.T) {
	ctx, store := t.Context(), newTable(t)
	q := &recordv1.Quota{Bytes: 5000, Files: 70}
	if err := store.Commit(ctx, quota.Open("s", q)); err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	var held quota.Amount
	refused := 0
	var all sync.WaitGroup
	for seed := range uint64(16) {
		all.Go(func() {
			dice := rand.New(rand.NewPCG(seed, 1))
			for range 20 {
				reserved := quota.Amount{Bytes: dice.Int64N(200), Files: 1}
				err := change(ctx, store, q, quota.Reserve(reserved))
				if fault.ReasonOf(err) == errorsv1.Reason_REASON_QUOTA_EXCEEDED {
					mu.Lock()
					refused++
					mu.Unlock()
					continue
				}
				if err == nil && dice.IntN(2) == 0 {
					brought := quota.Amount{Bytes: dice.Int64N(reserved.Bytes + 1), Files: 1}
					err = change(ctx, store, q, quota.Settle(reserved, brought))
					mu.Lock()
					held.Bytes += brought.Bytes
					held.Files += brought.Files
					mu.Unlock()
				} else if err == nil {
					err = change(ctx, store, q, quota.Release(reserved))
				}
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	counters, err := quota.Read(ctx, store, "s")
	if err != nil {
		t.Fatal(err)
	}
	if got := counters.Counted(); got != (quota.Change{Held: held}) {
		t.Errorf("counted %+v, held %+v", got, held)
	}
	if held.Bytes > q.GetBytes() || held.Files > q.GetFiles() || refused == 0 {
		t.Errorf("held %+v under a quota of %d bytes and %d files; %d refused", held, q.GetBytes(), q.GetFiles(), refused)
	}
	room := counters.Room(q)
	if err := change(ctx, store, q, quota.Settle(quota.Amount{}, room)); err != nil {
		t.Errorf("what is left cannot be used: %v", err)
	}
	if err := change(ctx, store, q, quota.Reserve(quota.Amount{Bytes: 1})); fault.ReasonOf(err) != errorsv1.Reason_REASON_QUOTA_EXCEEDED {
		t.Errorf("a byte more than there is: %v", err)
	}
}

// A principal has as many uploads open as it may, by however many tasks it
// opens them, and no more.
func TestSlots(t *testing.T) {
	ctx, store := t.Context(), newTable(t)
	const most, tries = 21, 64
	taken := make([]int32, tries)
	var all sync.WaitGroup
	take := func(i int) {
		slot := quota.NewSlot("p", most)
		for {
			write, err := slot.Take()
			if err != nil {
				if fault.ReasonOf(err) != errorsv1.Reason_REASON_RATE_LIMITED {
					t.Error(err)
				}
				taken[i] = -1
				return
			}
			err = store.Commit(ctx, []table.Write{write})
			if conflict := (*table.ConditionError)(nil); errors.As(err, &conflict) {
				slot.Missed()
				continue
			}
			if err != nil {
				t.Error(err)
			}
			taken[i] = slot.Shard()
			return
		}
	}
	for i := range tries {
		all.Go(func() { take(i) })
	}
	all.Wait()
	open, some := 0, 0
	for i, shard := range taken {
		if shard >= 0 {
			open, some = open+1, i
		}
	}
	if open != most {
		t.Fatalf("%d uploads are open, want %d", open, most)
	}
	if err := store.Commit(ctx, []table.Write{quota.GiveSlot("p", taken[some])}); err != nil {
		t.Fatal(err)
	}
	if take(some); taken[some] < 0 {
		t.Error("a slot that was given back cannot be taken again")
	}
}

func TestTypes(t *testing.T) {
	q := &recordv1.Quota{ContentTypes: []string{"image/*", "application/pdf"}}
	for contentType, taken := range map[string]bool{
		"image/png": true, "IMAGE/PNG; q=1": true, "application/pdf": true, "Application/PDF ;x=y": true,
		"imagex/png": false, "application/pdfx": false, "text/html": false, "text/html; a=image/png": false, "": false,
	} {
		if err := quota.CheckType(q, contentType); (err == nil) != taken {
			t.Errorf("%q: %v", contentType, err)
		}
	}
	if err := quota.CheckType(nil, "text/html"); err != nil {
		t.Error(err)
	}
}
