package namespace_test

import (
	"slices"
	"testing"
	"time"

	"github.com/holdfast-files/holdfast/internal/fault"
	metadatav1 "github.com/holdfast-files/holdfast/proto/holdfast/metadata/v1"
	recordv1 "github.com/holdfast-files/holdfast/proto/holdfast/record/v1"
	storagev1 "github.com/holdfast-files/holdfast/proto/holdfast/storage/v1"
	"github.com/holdfast-files/holdfast/services/metadata/internal/record"
)

// sharing is a space with share links of what will be gone for good, and with one of
// what will not.
type sharing struct {
	*world
	kept *metadatav1.Share
	file *metadatav1.File // what it is of
	gone []*metadatav1.File
}

func newSharing(t *testing.T) sharing {
	t.Helper()
	w := sharing{world: newWorld(t)}
	w.put("/folder/below", "x")
	w.gone = []*metadatav1.File{w.put("/gone", "x"), w.must("/folder")}
	for _, of := range append(slices.Clone(w.gone), w.must("/folder/below")) {
		made := w.share(&metadatav1.Share{File: of.GetName(), MaxDownloadCount: 5})
		if of.GetKind() == metadatav1.File_FOLDER {
			continue
		}
		if err := w.follow(&storagev1.SharedTarget{Token: made.GetToken()}); err != nil {
			t.Fatal(err)
		}
	}
	w.file = w.put("/kept", "x")
	w.kept = w.share(&metadatav1.Share{File: w.file.GetName()})
	return w
}

// purgeAll removes for good what is to be gone, and what lies in it.
func (w sharing) purgeAll() {
	w.t.Helper()
	for _, f := range w.gone {
		w.delete(f)
		if err := w.purge(f); err != nil {
			w.t.Fatal(err)
		}
	}
	w.sweep()
}

// wantRecords checks how many records there are of share links: of themselves, of
// what their tokens lead to, and of jobs.
func (w sharing) wantRecords(shares, links, jobs int) {
	w.t.Helper()
	var gotShares, gotLinks, gotJobs int
	for _, item := range w.all() {
		switch kind, _ := record.KindOf(item.Key); kind {
		case record.KindSpace:
			if of, _ := record.AccessOf(item.Key); of == record.AccessShare {
				gotShares++
			}
		case record.KindLink:
			gotLinks++
		case record.KindJob:
			job := new(recordv1.Job)
			if err := record.Decode(item, job); err != nil {
				w.t.Fatal(err)
			}
			if job.GetKind() == recordv1.Job_SHARE {
				gotJobs++
			}
		}
	}
	if gotShares != shares || gotLinks != links || gotJobs != jobs {
		w.t.Errorf("there are %d shares, %d links and counts, and %d jobs of shares; want %d, %d and %d",
			gotShares, gotLinks, gotJobs, shares, links, jobs)
	}
}

func (w sharing) list() []*metadatav1.Share {
	w.t.Helper()
	list, err := w.ListShares(w.ctx, &metadatav1.ListSharesRequest{Parent: parent})
	if err != nil {
		w.t.Fatal(err)
	}
	return list.GetShares()
}

// A share of what is gone for good is not listed; one of what is in the trash is, for
// that may come back.
func TestListHidesSharesOfWhatIsGone(t *testing.T) {
	w := newSharing(t)
	w.delete(w.file)
	w.wantRecords(4, 6, 4)
	if got := w.list(); len(got) != 4 {
		t.Errorf("before the purge: %v", got)
	}
	w.purgeAll()
	for range 2 {
		if got := w.list(); len(got) != 1 || got[0].GetName() != w.kept.GetName() {
			t.Errorf("after the purge: %v", got)
		}
		w.wantRecords(4, 6, 4) // which is left to their jobs
	}
	if _, err := w.UndeleteFile(w.ctx, &metadatav1.UndeleteFileRequest{Name: w.file.GetName()}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.openLink(w.kept.GetToken(), "", ""); err != nil {
		t.Errorf("a file that came back: %v", err)
	}
	w.audit()
}

// Nobody needs to list shares for those to go that are of what is gone for good: by
// and by each looks after itself. That changes nothing of one that stays.
func TestSharesOfWhatIsGoneGo(t *testing.T) {
	w := newSharing(t)
	w.purgeAll()
	for i := range 3 {
		w.clock.Advance(20 * 24 * time.Hour)
		if i == 1 {
			w.delete(w.file)
		}
		w.sweep()
		w.audit()
	}
	w.wantRecords(1, 1, 1)
	got, err := w.GetShare(w.ctx, &metadatav1.GetShareRequest{Name: w.kept.GetName()})
	if err != nil || got.GetEtag() != w.kept.GetEtag() || !got.GetUpdateTime().AsTime().Equal(w.kept.GetUpdateTime().AsTime()) {
		t.Errorf("one that stays: %v, %v; made as %v", got, err, w.kept)
	}
	w.sweepAll() // the trash is over
	w.wantRecords(0, 0, 0)
	if _, err := w.GetShare(w.ctx, &metadatav1.GetShareRequest{Name: w.kept.GetName()}); fault.ReasonOf(err) != fault.NotFound.Reason {
		t.Errorf("when its file is gone: %v", err)
	}
	w.audit()
}

// A share that is changed just when its job looks after it has one that will.
func TestShareChangedWhileLookedAfter(t *testing.T) {
	for at, met := 1, true; met; at++ {
		w := newSharing(t)
		met = false
		paused := &pausedTable{Table: w.table}
		changing := openWorld(t, paused, w.clock)
		paused.calls.Store(0)
		paused.at, paused.then = at, func() {
			met = true
			w.clock.Advance(31 * 24 * time.Hour)
			w.sweep()
		}
		_, err := changing.UpdateShare(w.ctx, &metadatav1.UpdateShareRequest{
			Share: &metadatav1.Share{Name: w.kept.GetName(), MaxDownloadCount: 7, Etag: w.kept.GetEtag()},
		})
		if err != nil {
			t.Errorf("call %d: %v", at, err)
		}
		w.audit()
		w.clock.Advance(31 * 24 * time.Hour)
		w.sweep()
		w.wantRecords(4, 6, 4)
		w.audit()
	}
}
