package namespace_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"google.golang.org/protobuf/types/known/fieldmaskpb"

	"github.com/holdfast-files/holdfast/internal/fault"
	errorsv1 "github.com/holdfast-files/holdfast/proto/holdfast/errors/v1"
	ledgerv1 "github.com/holdfast-files/holdfast/proto/holdfast/ledger/v1"
	metadatav1 "github.com/holdfast-files/holdfast/proto/holdfast/metadata/v1"
	"github.com/holdfast-files/holdfast/services/metadata/internal/access"
	"github.com/holdfast-files/holdfast/services/metadata/internal/record"
	"github.com/holdfast-files/holdfast/services/metadata/table"
)

// recordingTable remembers which keys each commit wrote that took effect.
type recordingTable struct {
	table.Table
	mu      sync.Mutex
	commits []map[table.Key]bool
}

func (r *recordingTable) Commit(ctx context.Context, writes []table.Write) error {
	err := r.Table.Commit(ctx, writes)
	if err == nil {
		keys := map[table.Key]bool{}
		for _, w := range writes {
			if w.Op != table.OpCheck {
				keys[w.Item.Key] = true
			}
		}
		r.mu.Lock()
		r.commits = append(r.commits, keys)
		r.mu.Unlock()
	}
	return err
}

// shared returns how many commits wrote the item that most of them wrote.
func (r *recordingTable) shared() int {
	counts, most := map[table.Key]int{}, 0
	for _, keys := range r.commits {
		for key := range keys {
			counts[key]++
			most = max(most, counts[key])
		}
	}
	return most
}

// countingTable counts point reads.
type countingTable struct {
	table.Table
	reads atomic.Int64
}

func (c *countingTable) Get(ctx context.Context, key table.Key) (table.Item, error) {
	c.reads.Add(1)
	return c.Table.Get(ctx, key)
}

func (w *world) setQuota(q *metadatav1.SpaceQuota) {
	w.t.Helper()
	_, err := w.UpdateSpace(w.ctx, &metadatav1.UpdateSpaceRequest{
		Space:      &metadatav1.Space{Name: parent, Quota: q},
		UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"quota"}},
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) wantUsage(bytes, files int64) {
	w.t.Helper()
	s, err := w.GetSpace(w.ctx, &metadatav1.GetSpaceRequest{Name: parent})
	if err != nil {
		w.t.Fatal(err)
	}
	if s.GetUsedBytes() != bytes || s.GetFileCount() != files || s.GetReservedBytes() != 0 {
		w.t.Errorf("usage is %d bytes, %d files, %d reserved; want %d, %d, 0",
			s.GetUsedBytes(), s.GetFileCount(), s.GetReservedBytes(), bytes, files)
	}
}

func (w *world) wantRefused(path, content string, reason errorsv1.Reason) {
	w.t.Helper()
	if _, err := w.upload(atPath(path), content); fault.ReasonOf(err) != reason {
		w.t.Errorf("put of %d bytes to %s: %v, want %v", len(content), path, err, reason)
	}
}

// Sixty-four writers at once fill a space to the last byte and not beyond it,
// whether its quota is in bytes or in files, and share no item.
func TestQuotaHoldsUnderConcurrentWriters(t *testing.T) {
	const writers, each = 64, 1000
	for name, test := range map[string]struct {
		quota *metadatav1.SpaceQuota
		room  int
	}{
		"room for all":      {&metadatav1.SpaceQuota{MaxBytes: 1 << 30}, writers},
		"bytes for some":    {&metadatav1.SpaceQuota{MaxBytes: 40*each + each - 1}, 40},
		"files for some":    {&metadatav1.SpaceQuota{MaxFileCount: 23}, 23},
		"bytes for one":     {&metadatav1.SpaceQuota{MaxBytes: each}, 1},
		"bytes for nothing": {&metadatav1.SpaceQuota{MaxBytes: each - 1}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.setQuota(test.quota)
			// All begin before one commits, so that only the commit can tell.
			recorded := &recordingTable{Table: w.table}
			others := openWorld(t, recorded, w.clock)
			recorded.commits = nil
			commits := make([]*ledgerv1.CommitRequest, writers)
			refused := 0
			for i := range commits {
				begun, err := w.Begin(w.ctx, &ledgerv1.BeginRequest{Spec: atPath(fmt.Sprintf("/f%d", i))})
				if err != nil {
					refused++
					continue
				}
				commits[i] = w.store(begun, strings.Repeat("x", each))
			}
			errs := make([]error, writers)
			var all sync.WaitGroup
			for i, commit := range commits {
				if commit == nil {
					continue
				}
				all.Go(func() { _, errs[i] = others.Commit(others.ctx, commit) })
			}
			all.Wait()
			stored := 0
			for i, err := range errs {
				switch {
				case commits[i] == nil:
				case err == nil:
					stored++
				case fault.ReasonOf(err) != errorsv1.Reason_REASON_QUOTA_EXCEEDED:
					t.Errorf("commit: %v", err)
				}
			}
			if stored != test.room {
				t.Errorf("%d of %d uploads were stored (%d refused at the beginning), want %d", stored, writers, refused, test.room)
			}
			w.wantUsage(int64(stored*each), int64(stored))
			if stored > 8 && recorded.shared() > stored*3/4 {
				t.Errorf("an item was written by %d of %d commits", recorded.shared(), stored)
			}
			w.auditUsage()
		})
	}
}

// Old revisions and the trash count until they are gone for good, and nothing
// that adds to a full space passes: no new file, revision or restored revision.
func TestQuotaCountsWhatIsHeld(t *testing.T) {
	w := newWorld(t)
	w.setQuota(&metadatav1.SpaceQuota{MaxBytes: 100})
	first := w.put("/a", strings.Repeat("a", 40))
	w.put("/a", strings.Repeat("b", 30))
	w.wantUsage(70, 1)
	w.wantRefused("/b", strings.Repeat("c", 31), errorsv1.Reason_REASON_QUOTA_EXCEEDED)
	w.put("/b", strings.Repeat("c", 30))
	w.put("/empty", "")
	w.wantRefused("/a", "d", errorsv1.Reason_REASON_QUOTA_EXCEEDED)
	_, err := w.RestoreRevision(w.ctx, &metadatav1.RestoreRevisionRequest{Name: first.GetRevision()})
	if fault.ReasonOf(err) != errorsv1.Reason_REASON_QUOTA_EXCEEDED {
		t.Errorf("restore in a full space: %v", err)
	}
	w.delete(w.must("/b"))
	w.wantUsage(100, 3)
	w.wantRefused("/c", "d", errorsv1.Reason_REASON_QUOTA_EXCEEDED)
	if _, err := w.DeleteRevision(w.ctx, &metadatav1.DeleteRevisionRequest{Name: first.GetRevision()}); err != nil {
		t.Fatal(err)
	}
	w.wantUsage(60, 3)
	w.put("/c", strings.Repeat("d", 40))
	w.sweepAll() // the trash is over
	w.wantUsage(70, 3)
	w.put("/d", strings.Repeat("e", 30))
	w.audit()
}

// A quota below what is held takes effect at once: what is given back is not
// given out again until the space is below its quota.
func TestQuotaLoweredBelowUsage(t *testing.T) {
	w := newWorld(t)
	const files = 50
	for i := range files {
		w.put(fmt.Sprintf("/f%d", i), strings.Repeat("x", 10))
	}
	w.setQuota(&metadatav1.SpaceQuota{MaxBytes: 300, MaxFileCount: 40})
	for i := range files - 31 {
		w.wantRefused("/new", "y", errorsv1.Reason_REASON_QUOTA_EXCEEDED)
		f := w.delete(w.must(fmt.Sprintf("/f%d", i)))
		if _, err := w.PurgeFile(w.ctx, &metadatav1.PurgeFileRequest{Name: f.GetName()}); err != nil {
			t.Fatal(err)
		}
	}
	w.wantUsage(310, 31)
	w.put("/empty", "") // adds no byte
	w.wantRefused("/new", "y", errorsv1.Reason_REASON_QUOTA_EXCEEDED)
	f := w.delete(w.must("/f40"))
	if _, err := w.PurgeFile(w.ctx, &metadatav1.PurgeFileRequest{Name: f.GetName()}); err != nil {
		t.Fatal(err)
	}
	w.wantRefused("/new", "y", errorsv1.Reason_REASON_QUOTA_EXCEEDED)
	w.setQuota(&metadatav1.SpaceQuota{MaxBytes: 333})
	w.wantRefused("/new", strings.Repeat("y", 34), errorsv1.Reason_REASON_QUOTA_EXCEEDED)
	w.put("/new", strings.Repeat("y", 33))
	w.setQuota(nil)
	w.put("/large", strings.Repeat("y", 1000))
	w.audit()
}

// What a purge gives back reaches the next upload, however the quota stands in
// its parts by then.
func TestQuotaOpensAgain(t *testing.T) {
	w := newWorld(t)
	f := w.put("/a", strings.Repeat("x", 90))
	w.setQuota(&metadatav1.SpaceQuota{MaxBytes: 80})
	w.wantRefused("/b", "y", errorsv1.Reason_REASON_QUOTA_EXCEEDED)
	w.delete(f)
	if _, err := w.PurgeFile(w.ctx, &metadatav1.PurgeFileRequest{Name: f.GetName()}); err != nil {
		t.Fatal(err)
	}
	w.wantUsage(0, 0)
	w.put("/deep/down/below", strings.Repeat("y", 80))
	w.wantRefused("/c", "z", errorsv1.Reason_REASON_QUOTA_EXCEEDED)
	w.audit()
}

func TestQuotaOfOneFile(t *testing.T) {
	w := newWorld(t)
	w.setQuota(&metadatav1.SpaceQuota{MaxFileSizeBytes: 10, ContentTypes: []string{"image/*", "application/pdf"}})
	w.wantRefused("/a.pdf", "12345678901", errorsv1.Reason_REASON_TOO_LARGE)
	w.wantRefused("/a.txt", "text", errorsv1.Reason_REASON_UNSUPPORTED_MEDIA)
	w.wantRefused("/a", "unknown", errorsv1.Reason_REASON_UNSUPPORTED_MEDIA)
	pdf := w.put("/a.pdf", "1234567890")
	w.put("/a.png", "png")
	_, err := w.UpdateFile(w.ctx, &metadatav1.UpdateFileRequest{
		File: &metadatav1.File{Name: pdf.GetName(), ContentType: "text/html"},
	})
	if fault.ReasonOf(err) != errorsv1.Reason_REASON_UNSUPPORTED_MEDIA {
		t.Errorf("a type that the space does not take, by an update: %v", err)
	}
	// The bounds when the upload is committed are those that count.
	begun, err := w.Begin(w.ctx, &ledgerv1.BeginRequest{Spec: atPath("/b.pdf")})
	if err != nil {
		t.Fatal(err)
	}
	if begun.GetMaxSizeBytes() != 10 || begun.GetMaxSizeReason() != errorsv1.Reason_REASON_TOO_LARGE {
		t.Errorf("storage is told a bound of %d bytes, %v", begun.GetMaxSizeBytes(), begun.GetMaxSizeReason())
	}
	w.setQuota(&metadatav1.SpaceQuota{ContentTypes: []string{"image/png"}})
	if _, err := w.Commit(w.ctx, w.store(begun, "x")); fault.ReasonOf(err) != errorsv1.Reason_REASON_UNSUPPORTED_MEDIA {
		t.Errorf("commit of a type that is not taken any more: %v", err)
	}
	owner := access.With(t.Context(), access.Principal{ID: "user:o", Kind: access.KindUser})
	_, err = w.UpdateSpace(owner, &metadatav1.UpdateSpaceRequest{
		Space: &metadatav1.Space{Name: parent}, UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"quota"}},
	})
	if fault.ReasonOf(err) != errorsv1.Reason_REASON_PERMISSION_DENIED {
		t.Errorf("an owner who lifts the quota: %v", err)
	}
	for _, bad := range []*metadatav1.SpaceQuota{
		{MaxBytes: -1}, {MaxFileCount: math.MaxInt64}, {ContentTypes: []string{"*/*"}}, {ContentTypes: []string{"image"}},
		{ContentTypes: make([]string, 101)},
	} {
		_, err := w.UpdateSpace(w.ctx, &metadatav1.UpdateSpaceRequest{Space: &metadatav1.Space{Name: parent, Quota: bad}})
		if !errors.Is(err, fault.Invalid) {
			t.Errorf("quota %v: %v, want INVALID_ARGUMENT", bad, err)
		}
	}
}

// A space without a quota pays nothing for quotas; one with a quota reads one
// counter more when an upload begins.
func TestQuotaCost(t *testing.T) {
	w := newWorld(t)
	w.put("/warm", "x")
	counted := &countingTable{Table: w.table}
	v := openWorld(t, counted, w.clock)
	v.blobs = w.blobs
	v.put("/warm", "x")
	for _, test := range []struct {
		quota *metadatav1.SpaceQuota
		reads int
	}{{nil, 3}, {&metadatav1.SpaceQuota{MaxBytes: 1 << 30}, 4}} {
		w.setQuota(test.quota)
		counted.reads.Store(0)
		size := int64(1)
		spec := atPath(fmt.Sprintf("/new%d", test.reads))
		spec.SizeBytes = &size
		if _, err := v.upload(spec, "x"); err != nil {
			t.Fatal(err)
		}
		if got := int(counted.reads.Load()); got != test.reads {
			t.Errorf("a small create with quota %v took %d reads, want %d", test.quota, got, test.reads)
		}
	}
}

// Counters that do not count what the space holds are found, and mended without
// anybody having to stop.
func TestAuditOfUsage(t *testing.T) {
	w := newWorld(t)
	w.setQuota(&metadatav1.SpaceQuota{MaxBytes: 1000})
	w.put("/a", strings.Repeat("x", 100))
	drift := table.Increase(record.Usage(testSpace, 5), table.Add{Name: "bytes_free", Delta: 10, Floor: math.MinInt64},
		table.Add{Name: "files_free", Delta: -3, Floor: math.MinInt64})
	if err := w.table.Commit(w.ctx, []table.Write{drift}); err != nil {
		t.Fatal(err)
	}
	w.wantUsage(90, 4)
	held, counted := w.usages()
	request := &ledgerv1.CorrectUsageRequest{Held: held[testSpace], Counted: counted[testSpace]}
	w.put("/b", "x")
	if _, err := w.CorrectUsage(w.ctx, request); !errors.Is(err, fault.Conflict) {
		t.Errorf("a correction of what has changed: %v, want CONFLICT", err)
	}
	held, counted = w.usages()
	request = &ledgerv1.CorrectUsageRequest{Held: held[testSpace], Counted: counted[testSpace]}
	if _, err := w.CorrectUsage(w.ctx, request); err != nil {
		t.Fatal(err)
	}
	w.wantUsage(101, 2)
	w.wantRefused("/c", strings.Repeat("x", 900), errorsv1.Reason_REASON_QUOTA_EXCEEDED)
	w.put("/c", strings.Repeat("x", 899))
	w.audit()
}

// usage is what spaces use.
type usage map[string]*ledgerv1.Usage

// add adds what pages of the audit tell.
func (u usage) add(more []*ledgerv1.Usage) {
	for _, m := range more {
		if u[m.GetSpace()] == nil {
			u[m.GetSpace()] = &ledgerv1.Usage{Space: m.GetSpace()}
		}
		sum := u[m.GetSpace()]
		sum.Bytes += m.GetBytes()
		sum.Files += m.GetFiles()
		sum.ReservedBytes += m.GetReservedBytes()
		sum.ReservedFiles += m.GetReservedFiles()
	}
}

// usages returns what the records hold and the counters count.
func (w *world) usages() (held, counted usage) {
	w.t.Helper()
	held, counted = usage{}, usage{}
	for page := range w.auditPages(new(ledgerv1.AuditRequest)) {
		held.add(page.GetHeld())
		counted.add(page.GetCounted())
	}
	return held, counted
}

// auditUsage checks that the counters count what the records hold.
func (w *world) auditUsage() {
	w.t.Helper()
	w.agree(w.usages())
}

func (w *world) agree(held, counted usage) {
	w.t.Helper()
	for space := range counted {
		h, c := held[space], counted[space]
		if h.GetBytes() != c.GetBytes() || h.GetFiles() != c.GetFiles() ||
			h.GetReservedBytes() != c.GetReservedBytes() || h.GetReservedFiles() != c.GetReservedFiles() {
			w.t.Errorf("audit: space %s holds %v, its counters say %v", space, h, c)
		}
	}
}
