package namespace_test

import (
	"crypto/sha256"
	"errors"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/holdfast-files/holdfast/internal/fault"
	errorsv1 "github.com/holdfast-files/holdfast/proto/holdfast/errors/v1"
	ledgerv1 "github.com/holdfast-files/holdfast/proto/holdfast/ledger/v1"
)

// long is an upload in several blobs of one byte each.
type long struct {
	*world
	grants  [][]byte // of Begin, and of each Extend
	extents []*ledgerv1.Extent
}

func (w *world) beginLong(path string, blobs int) *long {
	w.t.Helper()
	begun, err := w.Begin(w.ctx, &ledgerv1.BeginRequest{Spec: atPath(path)})
	if err != nil {
		w.t.Fatal(err)
	}
	l := &long{world: w, grants: [][]byte{begun.GetGrant()}}
	l.stored(begun.GetBlobId())
	for range blobs - 1 {
		extended, err := l.extend(len(l.grants) - 1)
		if err != nil {
			w.t.Fatal(err)
		}
		l.grants = append(l.grants, extended.GetGrant())
		l.stored(extended.GetBlobId())
	}
	return l
}

func (l *long) stored(id string) {
	l.blobs[id] = true
	l.extents = append(l.extents, &ledgerv1.Extent{BlobId: id, Length: 1})
}

// extend extends by the grant of one of the calls before.
func (l *long) extend(by int) (*ledgerv1.ExtendResponse, error) {
	return l.Extend(l.ctx, &ledgerv1.ExtendRequest{Grant: l.grants[by]})
}

func (l *long) commit(by int, extents ...*ledgerv1.Extent) error {
	sum := sha256.Sum256(nil)
	_, err := l.Commit(l.ctx, &ledgerv1.CommitRequest{
		Grant: l.grants[by], Extents: extents, SizeBytes: int64(len(extents)), Sha256: sum[:],
	})
	return err
}

// TestExtend commits an upload of more blobs than a record has extents
// otherwise: all of them or none, by the last grant alone, and repeated calls
// come to what the first one did.
func TestExtend(t *testing.T) {
	w := newWorld(t)
	const blobs = 12
	l := w.beginLong("/long", blobs)
	last := len(l.grants) - 1
	for by := range last {
		again, err := l.extend(by)
		switch {
		case by == last-1 && (err != nil || again.GetBlobId() != l.extents[last].GetBlobId()):
			t.Errorf("the last Extend, repeated: %v, %v", again, err)
		case by < last-1 && fault.ReasonOf(err) != errorsv1.Reason_REASON_EXPIRED:
			t.Errorf("Extend %d, late: %v", by, err)
		}
	}
	for name, extents := range map[string][]*ledgerv1.Extent{
		"one left out": l.extents[:last], "none": nil, "another order": append([]*ledgerv1.Extent{l.extents[1], l.extents[0]}, l.extents[2:]...),
	} {
		if err := l.commit(last, extents...); !errors.Is(err, fault.Invalid) {
			t.Errorf("commit of %s: %v", name, err)
		}
	}
	if err := l.commit(last-1, l.extents[:last]...); fault.ReasonOf(err) != errorsv1.Reason_REASON_EXPIRED {
		t.Errorf("commit by an older grant: %v", err)
	}
	w.gone("/long")
	for range 2 { // its answer was lost
		if err := l.commit(last, l.extents...); err != nil {
			t.Fatal(err)
		}
	}
	if got := w.extentsOf("/long"); len(got) != blobs {
		t.Errorf("the file has %d extents", len(got))
	}
	if _, err := l.extend(last); fault.ReasonOf(err) != errorsv1.Reason_REASON_EXPIRED {
		t.Errorf("Extend after the commit: %v", err)
	}
	w.audit()
	if err := w.purge(w.delete(w.must("/long"))); err != nil {
		t.Fatal(err)
	}
	w.sweepAll()
	if len(w.blobs) != 0 {
		t.Errorf("%d blobs are left", len(w.blobs))
	}
}

// TestExtendedUploadsAreCollected: whether given up or forgotten, nothing of
// them stays, and what was claimed can't be extended.
func TestExtendedUploadsAreCollected(t *testing.T) {
	w := newWorld(t)
	given, forgotten := w.beginLong("/given", 3), w.beginLong("/forgotten", 3)
	if _, err := w.Abandon(w.ctx, &ledgerv1.AbandonRequest{Grant: given.grants[2]}); err != nil {
		t.Fatal(err)
	}
	if _, err := given.extend(2); fault.ReasonOf(err) != errorsv1.Reason_REASON_EXPIRED {
		t.Errorf("Extend of what was given up: %v", err)
	}
	w.clock.Advance(25 * time.Hour)
	if _, err := w.ClaimJobs(w.ctx, &ledgerv1.ClaimJobsRequest{Limit: 100, LeaseDuration: durationpb.New(time.Second)}); err != nil {
		t.Fatal(err)
	}
	if _, err := forgotten.extend(2); fault.ReasonOf(err) != errorsv1.Reason_REASON_EXPIRED {
		t.Errorf("Extend of what was claimed: %v", err)
	}
	w.sweepAll()
	if len(w.blobs) != 0 {
		t.Errorf("%d blobs are left", len(w.blobs))
	}
	w.audit()
}
