package namespace_test

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/holdfast-files/holdfast/internal/fault"
	errorsv1 "github.com/holdfast-files/holdfast/proto/holdfast/errors/v1"
	ledgerv1 "github.com/holdfast-files/holdfast/proto/holdfast/ledger/v1"
	metadatav1 "github.com/holdfast-files/holdfast/proto/holdfast/metadata/v1"
	storagev1 "github.com/holdfast-files/holdfast/proto/holdfast/storage/v1"
)

// openParts opens partial uploads; the first is complete with "first,".
func (w *world) openParts(count int) []string {
	w.t.Helper()
	var parts []string
	for range count {
		parts = append(parts, w.mustOpen(&storagev1.CreateUploadRequest{Partial: true}))
	}
	if _, err := w.resume(parts[0], "first,"); err != nil {
		w.t.Fatal(err)
	}
	return parts
}

// later lets hours pass, and has done what is due by then.
func (w *world) later(hours time.Duration) {
	w.t.Helper()
	w.clock.Advance(hours * time.Hour)
	w.sweep()
	w.audit()
}

// A part that is complete waits for the others, and so does the whole, as long as
// bytes come for one of them: before a day has passed in which none came, nothing
// of it is over, whatever was looked at when.
func TestPartsWaitForEachOther(t *testing.T) {
	for _, opened := range []time.Duration{0, 23} {
		for _, swept := range []bool{true, false} {
			t.Run(fmt.Sprintf("joined at hour %d, swept=%v", opened, swept), func(t *testing.T) {
				w := newWorld(t)
				later := func(hours time.Duration) {
					if swept {
						w.later(hours)
					} else {
						w.clock.Advance(hours * time.Hour)
					}
				}
				parts := w.openParts(3)
				later(opened)
				whole := w.mustOpen(toPath("/whole"), parts...)
				if err := w.appendOnce(parts[2], "third"); err != nil {
					t.Fatal(err)
				}
				for i := range 4 { // 80 hours more
					later(20)
					if err := w.appendOnce(parts[1], slices.Repeat([]string{"b"}, i+1)...); err != nil {
						t.Fatalf("append %d: %v", i, err)
					}
				}
				shown, err := w.GetUpload(w.ctx, &metadatav1.GetUploadRequest{Name: whole})
				if end := w.clock.Now().Add(24 * time.Hour); err != nil || !shown.GetExpireTime().AsTime().Equal(end) {
					t.Errorf("the whole: %v, %v; want it to wait until %v", shown, err, end)
				}
				later(20)
				for _, part := range parts[1:] {
					if err := w.continueOnce(part); err != nil {
						t.Fatal(err)
					}
				}
				if got := w.must("/whole").GetSizeBytes(); got != int64(len("first,bbbbthird")) {
					t.Errorf("the whole has %d bytes", got)
				}
				w.audit()
				w.sweepAll()
				w.audit()
				w.must("/whole")
			})
		}
	}
}

// A day after the last byte for any of them, all of them are over and go.
func TestPartsAreOverTogether(t *testing.T) {
	w := newWorld(t)
	parts := w.openParts(2)
	whole := w.mustOpen(toPath("/whole"), parts...)
	w.later(20)
	if err := w.appendOnce(parts[1], "second"); err != nil {
		t.Fatal(err)
	}
	w.later(23)
	w.clock.Advance(time.Hour)
	for _, name := range append(parts, whole) {
		_, err := w.GetUpload(w.ctx, &metadatav1.GetUploadRequest{Name: name})
		wantReason(t, name, err, errorsv1.Reason_REASON_EXPIRED)
	}
	w.sweep()
	w.audit()
	for _, name := range append(parts, whole) {
		_, err := w.GetUpload(w.ctx, &metadatav1.GetUploadRequest{Name: name})
		wantReason(t, name, err, errorsv1.Reason_REASON_NOT_FOUND)
	}
	w.wantReserved(0, 0)
	w.sweepAll()
	if len(w.blobs) != 0 {
		t.Errorf("%d blobs are left", len(w.blobs))
	}
}

// What a part has waited for others it keeps when the whole is given up, and
// another whole may take it; without one it is over after its own day.
func TestPartsOfAWholeThatIsGivenUp(t *testing.T) {
	w := newWorld(t)
	parts := w.openParts(2)
	whole := w.mustOpen(toPath("/never"), parts...)
	w.later(20)
	if err := w.appendOnce(parts[1], "second"); err != nil {
		t.Fatal(err)
	}
	w.later(10)
	w.drop(whole)
	w.audit()
	again := w.mustOpen(toPath("/whole"), parts...)
	w.drop(again)
	w.later(20)
	for _, part := range parts {
		_, err := w.GetUpload(w.ctx, &metadatav1.GetUploadRequest{Name: part})
		wantReason(t, part, err, errorsv1.Reason_REASON_NOT_FOUND)
	}
	w.audit()
}

// TestPartsExpireMeanwhile interrupts the sweeper, which finds a whole and its
// parts to be over, before each of its calls: by a process whose clock is behind
// and for which they are not. Whoever is told that something was done has it.
func TestPartsExpireMeanwhile(t *testing.T) {
	rows := 0
	for name, late := range map[string]func(*testing.T, *world, []string, string) func(*testing.T, *world){
		"bytes": func(_ *testing.T, behind *world, parts []string, whole string) func(*testing.T, *world) {
			here := func(w *world, name string) error {
				_, err := w.GetUpload(w.ctx, &metadatav1.GetUploadRequest{Name: name})
				return err
			}
			together := cmp.Or(here(behind, whole), here(behind, parts[0]), here(behind, parts[1])) == nil
			if err := behind.appendOnce(parts[1], "second"); err != nil {
				return nil
			}
			return func(t *testing.T, w *world) {
				shown, err := w.GetUpload(w.ctx, &metadatav1.GetUploadRequest{Name: parts[1]})
				if err != nil || shown.GetOffsetBytes() != int64(len("second")) {
					t.Errorf("bytes that were kept: %v, %v", shown, err)
				}
				if err := here(w, parts[0]); together && err != nil {
					t.Errorf("the part beside the one that bytes were kept for: %v", err)
				}
			}
		},
		"completion": func(t *testing.T, behind *world, parts []string, whole string) func(*testing.T, *world) {
			err := behind.continueOnce(parts[1], "second")
			if shown, _ := behind.GetUpload(behind.ctx, &metadatav1.GetUploadRequest{Name: whole}); err != nil || shown.GetFile() == "" {
				return nil
			}
			return func(_ *testing.T, w *world) { w.must("/whole") }
		},
		"giving up": func(t *testing.T, behind *world, _ []string, whole string) func(*testing.T, *world) {
			_, err := behind.DropUpload(behind.ctx, &ledgerv1.DropUploadRequest{Name: whole})
			if err != nil && !errors.Is(err, fault.NotFound) { // the sweeper may have been first
				t.Error(err)
			}
			return nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			for at := 1; ; at++ {
				w := newWorld(t)
				parts := w.openParts(2)
				whole := w.mustOpen(toPath("/whole"), parts...)
				behind := openWorld(t, w.table, &clock{now: w.clock.Now()})
				behind.ctx, behind.mu, behind.blobs, behind.contents = w.ctx, w.mu, w.blobs, w.contents
				w.clock.Advance(24 * time.Hour)
				behind.clock.Advance(24*time.Hour - time.Second)
				struck, check := false, func(*testing.T, *world) {}
				paused := &pausedTable{Table: w.table, then: func() {
					struck = true
					if is := late(t, behind, parts, whole); is != nil {
						check = is
					}
				}}
				sweeper := w.beside(w.ctx, paused)
				paused.calls.Store(0)
				paused.at = at
				for range 4 { // a claim passes over what it finds changed
					_, err := sweeper.ClaimJobs(w.ctx, &ledgerv1.ClaimJobsRequest{Limit: 1, LeaseDuration: durationpb.New(time.Minute)})
					if err != nil {
						t.Fatal(err)
					}
				}
				if !struck {
					break
				}
				rows++
				check(t, w)
				w.audit()
				w.sweepAll()
				w.audit()
				if t.Failed() {
					t.Fatalf("at call %d", at)
				}
			}
		})
	}
	t.Logf("%d rows", rows)
}
