package namespace_test

import (
	"context"
	"slices"
	"testing"
	"time"

	metadatav1 "github.com/holdfast-files/holdfast/proto/holdfast/metadata/v1"
	recordv1 "github.com/holdfast-files/holdfast/proto/holdfast/record/v1"
	"github.com/holdfast-files/holdfast/services/metadata/internal/namespace"
	"github.com/holdfast-files/holdfast/services/metadata/internal/record"
	"github.com/holdfast-files/holdfast/services/metadata/table"
)

// blindTable does not show one item to queries.
type blindTable struct {
	table.Table
	to table.Key
}

func (b blindTable) Query(ctx context.Context, q table.Query) (table.Page, error) {
	page, err := b.Table.Query(ctx, q)
	page.Items = slices.DeleteFunc(page.Items, func(item table.Item) bool { return item.Key == b.to })
	return page, err
}

// jobOf returns the key of the only job of a kind.
func (w *world) jobOf(kind recordv1.Job_Kind) table.Key {
	w.t.Helper()
	for item := range w.records() {
		job := new(recordv1.Job)
		if k, _ := record.KindOf(item.Key); k == record.KindJob && record.Decode(item, job) == nil && job.GetKind() == kind {
			return item.Key
		}
	}
	w.t.Fatalf("there is no job of kind %v", kind)
	return table.Key{}
}

// Nor does one that expires while another sweeper has the space go for good, with
// its counters, and somebody makes another of its id.
func TestUploadExpiresWhileItsSpaceGoes(t *testing.T) {
	for at := 1; ; at++ {
		w := newWorld(t)
		w.mustOpen(toPathOf("/f", 10))
		w.clock.Advance(24*time.Hour - 5*time.Minute)
		if _, err := w.DeleteSpace(w.ctx, &metadatav1.DeleteSpaceRequest{Name: parent, Force: true}); err != nil {
			t.Fatal(err)
		}
		w.sweep()
		w.clock.Advance(6 * time.Minute)              // the upload has expired, the grace of the space is not over
		process := func(through table.Table) *world { // opened as others are, it would make the space anew
			other := *w
			other.Namespace = openNamespace(t, through, w.clock, func(*namespace.Config) {})
			return &other
		}
		others := process(blindTable{w.table, w.jobOf(recordv1.Job_UPLOAD)})
		paused := &pausedTable{Table: w.table}
		sweeper := process(paused)
		struck := false
		paused.then = func() {
			struck = true
			w.clock.Advance(time.Hour)
			others.sweep()
			if _, err := w.CreateSpace(w.ctx, &metadatav1.CreateSpaceRequest{SpaceId: testSpace}); err != nil {
				t.Fatal(err)
			}
		}
		paused.calls.Store(0)
		paused.at = at
		sweeper.sweep()
		if !struck {
			break
		}
		w.clock.Advance(time.Hour)
		w.sweep()
		w.wantReserved(0, 0)
		w.audit()
		if t.Failed() {
			t.Fatalf("at call %d", at)
		}
	}
}
