package namespace_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/holdfast-files/holdfast/internal/fault"
	errorsv1 "github.com/holdfast-files/holdfast/proto/holdfast/errors/v1"
	ledgerv1 "github.com/holdfast-files/holdfast/proto/holdfast/ledger/v1"
	metadatav1 "github.com/holdfast-files/holdfast/proto/holdfast/metadata/v1"
	"github.com/holdfast-files/holdfast/services/metadata/internal/record"
	"github.com/holdfast-files/holdfast/services/metadata/table"
)

// putLong writes a revision of several blobs of one byte each.
func (w *world) putLong(path string, blobs int) *metadatav1.File {
	w.t.Helper()
	l := w.beginLong(path, blobs)
	if err := l.commit(len(l.grants)-1, l.extents...); err != nil {
		w.t.Fatal(err)
	}
	return w.must(path)
}

// putShared writes revisions of several blobs each, and restores all of them, so
// that every one shares its blobs with another.
func (w *world) putShared(path string, revisions, blobs int) {
	w.t.Helper()
	var names []string
	for range revisions {
		names = append(names, w.putLong(path, blobs).GetRevision())
	}
	for _, name := range names {
		w.restore(name)
	}
}

func (w *world) restore(revision string) *metadatav1.File {
	w.t.Helper()
	restored, err := w.RestoreRevision(w.ctx, &metadatav1.RestoreRevisionRequest{Name: revision})
	if err != nil {
		w.t.Fatal(err)
	}
	return restored
}

// A file is removed with all of its revisions however many they are, however many
// blobs they have and however they share them, and nothing is left: not when it
// is purged, nor when its time in the trash ends, its folder or its space goes.
func TestPurgeSharedExtents(t *testing.T) {
	purgeFile := func(w *world) error { return w.purge(w.delete(w.must("/d/f"))) }
	for name, c := range map[string]struct {
		files, revisions, blobs int
		remove                  func(w *world) error
	}{
		"few":               {1, 12, 8, purgeFile},
		"many":              {1, 30, 8, purgeFile},
		"long":              {1, 12, 80, purgeFile},
		"time in the trash": {1, 12, 8, func(w *world) error { w.delete(w.must("/d/f")); return nil }},
		"folder":            {6, 12, 8, func(w *world) error { return w.purge(w.delete(w.must("/d"))) }},
		"space": {6, 12, 8, func(w *world) error {
			for i := range 6 {
				w.delete(w.must("/d/f" + "ghijk"[:i]))
			}
			_, err := w.DeleteSpace(w.ctx, &metadatav1.DeleteSpaceRequest{Name: parent, Force: true})
			return err
		}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.mkdir(root, "d")
			before := w.items()
			for i := range c.files {
				w.putShared("/d/f"+"ghijk"[:i], c.revisions, c.blobs)
			}
			w.audit()
			if err := c.remove(w); err != nil {
				t.Fatal(err)
			}
			w.audit()
			w.sweepAll()
			w.audit()
			if len(w.blobs) != 0 {
				t.Errorf("%d blobs left", len(w.blobs))
			}
			for key := range w.items() {
				if !before[key] {
					t.Errorf("left: %s", key)
				}
			}
			if name != "space" {
				w.wantUsage(0, 0)
			}
		})
	}
}

// A job that cannot be done is put aside for as long as a lease, and keeps
// nobody from those that can.
func TestJobThatCannotBeDone(t *testing.T) {
	w := newWorld(t)
	const lost = 70 // more than one ClaimJobs tries
	for i := range lost {
		f := w.delete(w.put(fmt.Sprintf("/lost%d", i), "x"))
		w.force(table.Put(table.Item{Key: record.Node(testSpace, lastOf(f.GetName())), Value: []byte{0xff}}, table.Any))
	}
	w.force(table.Put(table.Item{Key: record.Job(w.clock.Now().UnixMicro(), record.NewID()), Value: []byte{0xff}}, table.Any))
	const good = 20
	for i := range good {
		if err := w.purge(w.delete(w.put(fmt.Sprintf("/good%d", i), "y"))); err != nil {
			t.Fatal(err)
		}
	}
	w.clock.Advance(31 * 24 * time.Hour)
	for range 3 {
		claimed, err := w.ClaimJobs(w.ctx, &ledgerv1.ClaimJobsRequest{Limit: 100, LeaseDuration: durationpb.New(time.Minute)})
		if err != nil {
			t.Fatal(err)
		}
		for _, job := range claimed.GetJobs() {
			for _, id := range job.GetBlobIds() {
				delete(w.blobs, id)
			}
			if _, err := w.FinishJob(w.ctx, &ledgerv1.FinishJobRequest{Id: job.GetId(), Lease: job.GetLease()}); err != nil {
				t.Fatal(err)
			}
		}
	}
	if len(w.blobs) != lost {
		t.Errorf("%d blobs are left, want those %d that are lost", len(w.blobs), lost)
	}
	claimed, err := w.ClaimJobs(w.ctx, &ledgerv1.ClaimJobsRequest{Limit: 100, LeaseDuration: durationpb.New(time.Minute)})
	if err != nil || claimed.GetStepsDone() != 0 || claimed.GetDueJobs() < lost {
		t.Errorf("claimed %v, %v; want the lost ones due and no step done", claimed, err)
	}
}

// goneTable is a table that answers no query any more once something is committed.
type goneTable struct {
	table.Table
	gone bool
}

func (g *goneTable) Query(ctx context.Context, q table.Query) (table.Page, error) {
	if g.gone {
		return table.Page{}, fault.New(errorsv1.Reason_REASON_UNAVAILABLE, "gone")
	}
	return g.Table.Query(ctx, q)
}

func (g *goneTable) Commit(ctx context.Context, writes []table.Write) error {
	err := g.Table.Commit(ctx, writes)
	g.gone = true
	return err
}

// Jobs that are leased are handed out, also when no more of them can be read.
func TestLeasedJobsAreHandedOut(t *testing.T) {
	w := newWorld(t)
	for i := range 10 {
		if err := w.purge(w.delete(w.put(fmt.Sprintf("/f%d", i), "x"))); err != nil {
			t.Fatal(err)
		}
	}
	w.clock.Advance(25 * time.Hour)
	gone := &goneTable{Table: w.table}
	other := w.beside(w.ctx, gone)
	claim := &ledgerv1.ClaimJobsRequest{Limit: 100, LeaseDuration: durationpb.New(time.Minute)}
	gone.gone = false
	claimed, err := other.ClaimJobs(w.ctx, claim)
	if err != nil || len(claimed.GetJobs()) == 0 {
		t.Errorf("claimed %v, %v", claimed, err)
	}
	if _, err := other.ClaimJobs(w.ctx, claim); !errors.Is(err, fault.Unavailable) {
		t.Errorf("nothing leased, nothing read: %v", err)
	}
}

// Of a file that is purged while one of its revisions is deleted, that revision is
// taken off the counters once, whoever is first.
func TestRevisionIsDeletedDuringPurge(t *testing.T) {
	purge := func(w *world, f *metadatav1.File) error { return w.purge(f) }
	remove := func(w *world, f *metadatav1.File) error { return w.deleteRevisionOnce(f.GetRevision(), "") }
	for name, c := range map[string]struct {
		first, second func(*world, *metadatav1.File) error
	}{
		"purge, meanwhile delete": {purge, remove}, "delete, meanwhile purge": {remove, purge},
	} {
		t.Run(name, func(t *testing.T) {
			for at := 1; ; at++ {
				w := newWorld(t)
				old := w.put("/f", "first")
				w.put("/f", "second")
				w.delete(old)
				paused := &pausedTable{Table: w.table}
				interrupted := w.beside(w.ctx, paused)
				struck := false
				paused.then = func() {
					struck = true
					if err := c.second(w, old); err != nil {
						t.Error(err)
					}
				}
				paused.calls.Store(0)
				paused.at = at
				if err := c.first(interrupted, old); err != nil && !errors.Is(err, fault.NotFound) {
					t.Error(err)
				}
				if !struck {
					break
				}
				w.audit()
				w.sweepAll()
				w.audit()
				if t.Failed() {
					t.Fatalf("at call %d", at)
				}
			}
		})
	}
}
