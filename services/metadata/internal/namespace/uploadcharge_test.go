package namespace_test

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/holdfast-files/holdfast/internal/fault"
	errorsv1 "github.com/holdfast-files/holdfast/proto/holdfast/errors/v1"
	ledgerv1 "github.com/holdfast-files/holdfast/proto/holdfast/ledger/v1"
	metadatav1 "github.com/holdfast-files/holdfast/proto/holdfast/metadata/v1"
	recordv1 "github.com/holdfast-files/holdfast/proto/holdfast/record/v1"
	storagev1 "github.com/holdfast-files/holdfast/proto/holdfast/storage/v1"
	"github.com/holdfast-files/holdfast/services/metadata/internal/access"
	"github.com/holdfast-files/holdfast/services/metadata/internal/record"
	"github.com/holdfast-files/holdfast/services/metadata/table"
)

func toPathOf(path string, size int64) *storagev1.CreateUploadRequest {
	spec := toPath(path)
	spec.SizeBytes = proto.Int64(size)
	return spec
}

func (w *world) mustOpen(spec *storagev1.CreateUploadRequest, parts ...string) string {
	w.t.Helper()
	name, err := w.open(spec, parts...)
	if err != nil {
		w.t.Fatal(err)
	}
	return name
}

func (w *world) drop(name string) {
	w.t.Helper()
	if _, err := w.DropUpload(w.ctx, &ledgerv1.DropUploadRequest{Name: name}); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) wantReserved(bytes, used int64) {
	w.t.Helper()
	s, err := w.GetSpace(w.ctx, &metadatav1.GetSpaceRequest{Name: parent})
	if err != nil {
		w.t.Fatal(err)
	}
	if s.GetReservedBytes() != bytes || s.GetUsedBytes() != used {
		w.t.Errorf("%d bytes are reserved and %d used, want %d and %d", s.GetReservedBytes(), s.GetUsedBytes(), bytes, used)
	}
}

// slots returns how many slots of open uploads the counters and the uploads have.
func (w *world) slots() (counted, held int64) {
	w.t.Helper()
	for item := range w.records() {
		switch kind, _ := record.KindOf(item.Key); kind {
		case record.KindSlots:
			counted -= item.Numbers["open_uploads"]
		case record.KindUpload:
			u := new(recordv1.Upload)
			if err := record.Decode(item, u); err != nil {
				w.t.Fatal(err)
			}
			if u.Slot != nil {
				held++
			}
		}
	}
	return counted, held
}

// auditSlots checks that the slots that are taken are those that uploads have.
func (w *world) auditSlots() {
	w.t.Helper()
	if counted, held := w.slots(); counted != held {
		w.t.Errorf("audit: %d slots are taken, uploads have %d", counted, held)
	}
}

// An upload takes its room when it is opened, or declared, or grows beyond what
// was, and gives it back with its end, whatever that is.
func TestUploadReserves(t *testing.T) {
	w := newWorld(t)
	w.setQuota(&metadatav1.SpaceQuota{MaxBytes: 100, MaxFileCount: 3})

	declared := w.mustOpen(toPathOf("/a", 60))
	w.wantReserved(60, 0)
	_, err := w.open(toPathOf("/b", 41))
	wantReason(t, "open beyond the quota", err, errorsv1.Reason_REASON_QUOTA_EXCEEDED)
	w.wantRefused("/b", strings.Repeat("b", 41), errorsv1.Reason_REASON_QUOTA_EXCEEDED)

	later := w.mustOpen(toPath("/later"))
	w.wantReserved(60, 0)
	_, err = w.TakeUpload(w.ctx, &ledgerv1.TakeUploadRequest{Name: later, SizeBytes: proto.Int64(41)})
	wantReason(t, "declare beyond the quota", err, errorsv1.Reason_REASON_QUOTA_EXCEEDED)
	if _, err := w.TakeUpload(w.ctx, &ledgerv1.TakeUploadRequest{Name: later, SizeBytes: proto.Int64(30)}); err != nil {
		t.Fatal(err)
	}
	w.wantReserved(90, 0)

	growing := w.mustOpen(&storagev1.CreateUploadRequest{Target: &storagev1.CreateUploadRequest_Path{
		Path: &storagev1.PathTarget{Space: parent, Path: "/growing"},
	}})
	_, err = w.open(toPath("/fourth"))
	wantReason(t, "a file more than there may be", err, errorsv1.Reason_REASON_QUOTA_EXCEEDED)
	h, err := w.take(growing, 0)
	if err == nil {
		err = h.keep("1234567890", 0, true)
	}
	if err != nil {
		t.Fatal(err)
	}
	w.wantReserved(100, 0)
	wantReason(t, "grow beyond the quota", h.keep("1", 0, true), errorsv1.Reason_REASON_QUOTA_EXCEEDED)
	w.audit()

	w.drop(later)
	w.wantReserved(70, 0)
	if status, err := w.resume(declared, strings.Repeat("a", 20), strings.Repeat("a", 40)); err != nil || !status.GetCreated() {
		t.Fatalf("a reserved upload: %v, %v", status, err)
	}
	w.wantReserved(10, 60)
	w.audit()
	w.clock.Advance(25 * time.Hour)
	w.sweep()
	w.wantUsage(60, 1)
	w.audit()
}

// What one file may be is known before a byte of it comes.
func TestUploadOfOneFile(t *testing.T) {
	w := newWorld(t)
	w.setQuota(&metadatav1.SpaceQuota{MaxFileSizeBytes: 10, ContentTypes: []string{"image/*"}})
	_, err := w.open(toPathOf("/a.png", 11))
	wantReason(t, "too large", err, errorsv1.Reason_REASON_TOO_LARGE)
	_, err = w.open(toPathOf("/a.txt", 1))
	wantReason(t, "of another type", err, errorsv1.Reason_REASON_UNSUPPORTED_MEDIA)
	_, err = w.open(&storagev1.CreateUploadRequest{Partial: true, SizeBytes: proto.Int64(11)})
	wantReason(t, "a part that is too large", err, errorsv1.Reason_REASON_TOO_LARGE)
	name := w.mustOpen(toPath("/a.png"))
	_, err = w.TakeUpload(w.ctx, &ledgerv1.TakeUploadRequest{Name: name, SizeBytes: proto.Int64(11)})
	wantReason(t, "declared too large", err, errorsv1.Reason_REASON_TOO_LARGE)
	h, err := w.take(name, 0)
	if err != nil {
		t.Fatal(err)
	}
	wantReason(t, "grown too large", h.keep("12345678901", 0, false), errorsv1.Reason_REASON_TOO_LARGE)
	if _, err := w.resume(name, "1234567890"); err != nil {
		t.Error(err)
	}
	w.wantUsage(10, 1)
}

// Parts keep what they have reserved until the whole takes their bytes.
func TestPartsReserve(t *testing.T) {
	w := newWorld(t)
	w.setQuota(&metadatav1.SpaceQuota{MaxBytes: 30, MaxFileCount: 1})
	var parts []string
	for _, size := range []int64{10, 20} {
		parts = append(parts, w.mustOpen(&storagev1.CreateUploadRequest{Partial: true, SizeBytes: proto.Int64(size)}))
	}
	_, err := w.open(&storagev1.CreateUploadRequest{Partial: true, SizeBytes: proto.Int64(1)})
	wantReason(t, "a part beyond the quota", err, errorsv1.Reason_REASON_QUOTA_EXCEEDED)
	whole := w.mustOpen(toPath("/whole"), parts...)
	for i, part := range parts {
		w.wantReserved(30, 0)
		if _, err := w.resume(part, strings.Repeat("x", 10*(i+1))); err != nil {
			t.Fatal(err)
		}
	}
	if shown, err := w.GetUpload(w.ctx, &metadatav1.GetUploadRequest{Name: whole}); err != nil || shown.GetFile() == "" {
		t.Fatalf("the whole: %v, %v", shown, err)
	}
	w.wantUsage(30, 1)
	w.audit()

	lonely := w.mustOpen(&storagev1.CreateUploadRequest{Partial: true})
	if _, err := w.resume(lonely); err != nil {
		t.Fatal(err)
	}
	w.sweepAll()
	w.wantUsage(30, 1)
	w.audit()
}

// A principal has as many uploads open as it may; each end gives its slot back,
// and one that is complete has none.
func TestOpenUploadsAreBounded(t *testing.T) {
	w := newWorld(t)
	var names []string
	for range maxOpenUploads {
		names = append(names, w.mustOpen(toPath("/f")))
	}
	refused := func() {
		t.Helper()
		_, err := w.open(toPath("/f"))
		wantReason(t, "one more than there may be", err, errorsv1.Reason_REASON_RATE_LIMITED)
		if e := (*fault.Error)(nil); !errors.As(err, &e) || e.RetryAfter <= 0 {
			t.Errorf("no word of when to come again: %v", err)
		}
	}
	refused()
	mine := w.ctx
	w.ctx = access.With(t.Context(), access.Principal{ID: "user:other", Kind: access.KindUser})
	w.drop(w.mustOpen(toPath("/f")))
	w.ctx = mine

	w.drop(names[0])
	names[0] = w.mustOpen(toPath("/f"))
	refused()
	if _, err := w.resume(names[1], "x"); err != nil {
		t.Fatal(err)
	}
	part := w.mustOpen(&storagev1.CreateUploadRequest{Partial: true})
	refused()
	if _, err := w.resume(part, "x"); err != nil {
		t.Fatal(err)
	}
	w.mustOpen(toPath("/f"))
	refused()
	w.audit()
	w.clock.Advance(25 * time.Hour)
	w.sweep()
	if counted, held := w.slots(); counted != 0 || held != 0 {
		t.Errorf("%d slots are taken and %d held when all uploads have expired", counted, held)
	}
	w.audit()
}

// A space that is deleted takes its counters along; its uploads, which expire
// later, give nothing back to them, nor to another space of its id.
func TestUploadsOfADeletedSpace(t *testing.T) {
	w := newWorld(t)
	w.mustOpen(toPathOf("/f", 10))
	if _, err := w.DeleteSpace(w.ctx, &metadatav1.DeleteSpaceRequest{Name: parent, Force: true}); err != nil {
		t.Fatal(err)
	}
	w.sweep()
	w.audit()
	w.clock.Advance(time.Hour) // the grace
	w.sweep()
	w.audit()
	if _, err := w.CreateSpace(w.ctx, &metadatav1.CreateSpaceRequest{SpaceId: testSpace}); err != nil {
		t.Fatal(err)
	}
	w.audit()
	w.clock.Advance(25 * time.Hour)
	w.sweep()
	w.wantUsage(0, 0)
	w.audit()
}

// A reservation without an upload is found, and mended.
func TestAuditOfReservations(t *testing.T) {
	w := newWorld(t)
	w.mustOpen(toPathOf("/f", 10))
	lost := table.Increase(record.Usage(testSpace, 3), table.Add{Name: "bytes_reserved", Delta: 7, Floor: math.MinInt64},
		table.Add{Name: "bytes_free", Delta: -7, Floor: math.MinInt64})
	if err := w.table.Commit(w.ctx, []table.Write{lost}); err != nil {
		t.Fatal(err)
	}
	held, counted := w.usages()
	if h, c := held[testSpace].GetReservedBytes(), counted[testSpace].GetReservedBytes(); h != 10 || c != 17 {
		t.Errorf("%d bytes are reserved by uploads and %d counted, want 10 and 17", h, c)
	}
	request := &ledgerv1.CorrectUsageRequest{Held: held[testSpace], Counted: counted[testSpace]}
	if _, err := w.CorrectUsage(w.ctx, request); err != nil {
		t.Fatal(err)
	}
	w.wantReserved(10, 0)
	w.audit()
}

// Sixty-four writers, half of them with resumable uploads which they complete,
// give up or forget, never hold more than there is, though each that has its
// room reserved is stored; the counters say what is held, and the sweeper leaves
// nothing reserved.
func TestQuotaHoldsForAllUploads(t *testing.T) {
	const writers, rounds, most = 64, 6, 3000
	w := newWorld(t)
	w.setQuota(&metadatav1.SpaceQuota{MaxBytes: most})
	var stored, refused atomic.Int64
	var all sync.WaitGroup
	for i := range writers {
		all.Go(func() {
			mine := w.beside(w.ctx, w.table)
			for round := range rounds {
				size := 10 + (i*7+round*13)%80
				path, content := fmt.Sprintf("/f%d-%d", i, round), strings.Repeat("x", size)
				done, err := mine.writeSomehow(i+round, path, content)
				switch {
				case err == nil && done:
					stored.Add(int64(size))
				case err == nil:
				case fault.ReasonOf(err) == errorsv1.Reason_REASON_QUOTA_EXCEEDED:
					refused.Add(1)
				default:
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	if stored.Load() > most || refused.Load() == 0 {
		t.Errorf("%d bytes are stored of %d, %d writes were refused", stored.Load(), most, refused.Load())
	}
	w.auditUsage()
	w.auditSlots()
	w.clock.Advance(25 * time.Hour)
	w.sweep()
	s, err := w.GetSpace(w.ctx, &metadatav1.GetSpaceRequest{Name: parent})
	if err != nil || s.GetUsedBytes() != stored.Load() || s.GetReservedBytes() != 0 {
		t.Errorf("%v, %v; want %d bytes used and none reserved", s, err, stored.Load())
	}
	if counted, held := w.slots(); counted != 0 || held != 0 {
		t.Errorf("%d slots are taken and %d held", counted, held)
	}
	w.auditUsage()
	t.Logf("%d bytes stored of %d, %d writes refused", stored.Load(), most, refused.Load())
}

// writeSomehow writes contents in one of the ways that there are, and reports
// whether they are a file then.
func (w *world) writeSomehow(way int, path, content string) (bool, error) {
	half := len(content) / 2
	switch way % 6 {
	case 0, 1, 2:
		_, err := w.upload(atPath(path), content)
		return err == nil, err
	case 3: // of a known length
		name, err := w.open(toPathOf(path, int64(len(content))))
		if err == nil {
			_, err = w.resume(name, content[:half], content[half:])
			if err != nil {
				return false, fmt.Errorf("an upload with its room reserved: %w", errors.New(err.Error()))
			}
		}
		return err == nil, err
	case 4: // of a length that nobody says
		name, err := w.open(toPath(path))
		if err == nil {
			_, err = w.resume(name, content[:half], content[half:])
		}
		return err == nil, err
	default: // given up, or forgotten
		name, err := w.open(toPathOf(path, int64(len(content))))
		if err == nil && half%2 == 0 {
			_, err = w.DropUpload(w.ctx, &ledgerv1.DropUploadRequest{Name: name})
		}
		return false, err
	}
}
