package namespace_test

import (
	"context"
	"crypto/sha256"
	"encoding"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/holdfast-files/holdfast/internal/fault"
	ledgerv1 "github.com/holdfast-files/holdfast/proto/holdfast/ledger/v1"
	metadatav1 "github.com/holdfast-files/holdfast/proto/holdfast/metadata/v1"
	storagev1 "github.com/holdfast-files/holdfast/proto/holdfast/storage/v1"
	"github.com/holdfast-files/holdfast/services/metadata/internal/access"
	"github.com/holdfast-files/holdfast/services/metadata/internal/namespace"
	"github.com/holdfast-files/holdfast/services/metadata/internal/record"
	"github.com/holdfast-files/holdfast/services/metadata/table"
	"github.com/holdfast-files/holdfast/services/metadata/table/pebbletable"
)

const (
	testSpace = "default"
	parent    = "spaces/" + testSpace
	root      = parent + "/files/root"

	maxOpenUploads = 100
)

// clock is a clock that tests move.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// world is a namespace with a space, and the storage side of it in memory: the
// blobs that uploads made and jobs have not deleted.
type world struct {
	*namespace.Namespace
	t     *testing.T
	ctx   context.Context
	clock *clock
	table table.Table
	mu    *sync.Mutex // of the maps, which processes of a world share
	blobs map[string]bool
	// contents are those of the blobs of resumable uploads.
	contents map[string]string
	// joining has the last piece of an upload joined with all before.
	joining bool
}

func newWorld(t *testing.T) *world {
	t.Helper()
	c := &clock{now: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}
	store, err := pebbletable.Open(pebbletable.Config{Dir: "table", FS: vfs.NewMem(), Clock: c.Now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	return openWorld(t, store, c)
}

func openWorld(t *testing.T, store table.Table, c *clock) *world {
	t.Helper()
	return openBootstrapped(t, store, c, nil)
}

// openBootstrapped opens a world with the hash of a bootstrap key.
func openBootstrapped(t *testing.T, store table.Table, c *clock, bootstrap []byte) *world {
	t.Helper()
	return openConfigured(t, store, c, func(config *namespace.Config) { config.BootstrapHash = bootstrap })
}

// openConfigured opens a world whose configuration differs from that of others.
func openConfigured(t *testing.T, store table.Table, c *clock, differ func(*namespace.Config)) *world {
	t.Helper()
	ctx := access.With(t.Context(), access.Anonymous)
	n := openNamespace(t, store, c, differ)
	_, err := n.CreateSpace(ctx, &metadatav1.CreateSpaceRequest{SpaceId: testSpace})
	if err != nil && !errors.Is(err, fault.Exists) {
		t.Fatal(err)
	}
	return &world{Namespace: n, t: t, ctx: ctx, clock: c, table: store, mu: new(sync.Mutex), blobs: map[string]bool{}, contents: map[string]string{}}
}

// openNamespace opens a process, whatever spaces there are.
func openNamespace(t *testing.T, store table.Table, c *clock, differ func(*namespace.Config)) *namespace.Namespace {
	t.Helper()
	config := namespace.Config{
		Table: store, Now: c.Now, Logger: slog.New(slog.DiscardHandler),
		TrashRetention: 30 * 24 * time.Hour, UploadLifetime: 24 * time.Hour, UploadExpiry: 24 * time.Hour,
		BlobRetention: 24 * time.Hour, Grace: 10 * time.Minute, MaxOpenUploads: maxOpenUploads,
	}
	differ(&config)
	n, err := namespace.New(config)
	if err := errors.Join(err, n.Load(access.With(t.Context(), access.Anonymous))); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if changed := n.ChangedHeads(); len(changed) > 0 {
			t.Errorf("somebody changed the heads of %v, which all calls have together", changed)
		}
	})
	return n
}

// upload carries an upload out as storage does.
func (w *world) upload(spec *storagev1.UploadSpec, content string) (*ledgerv1.CommitResponse, error) {
	begun, err := w.Begin(w.ctx, &ledgerv1.BeginRequest{Spec: spec})
	if err != nil {
		return nil, err
	}
	if begun.GetReplay() != nil {
		r := begun.GetReplay().GetResponse()
		return &ledgerv1.CommitResponse{File: r.GetFile(), Created: r.GetCreated()}, nil
	}
	return w.Commit(w.ctx, w.store(begun, content))
}

// store keeps the blob of an upload and returns its commit.
func (w *world) store(begun *ledgerv1.BeginResponse, content string) *ledgerv1.CommitRequest {
	sum := sha256.Sum256([]byte(content))
	commit := &ledgerv1.CommitRequest{Grant: begun.GetGrant(), SizeBytes: int64(len(content)), Sha256: sum[:]}
	if content != "" {
		w.mu.Lock()
		w.blobs[begun.GetBlobId()] = true
		w.mu.Unlock()
		commit.Extents = []*ledgerv1.Extent{{BlobId: begun.GetBlobId(), Length: int64(len(content))}}
	}
	return commit
}

func atPath(path string) *storagev1.UploadSpec {
	return &storagev1.UploadSpec{Target: &storagev1.UploadSpec_Path{
		Path: &storagev1.PathTarget{Space: parent, Path: path},
	}}
}

func (w *world) put(path, content string) *metadatav1.File {
	w.t.Helper()
	response, err := w.upload(atPath(path), content)
	if err != nil {
		w.t.Fatalf("put %s: %v", path, err)
	}
	return response.GetFile()
}

func (w *world) mkdir(folder, name string) *metadatav1.File {
	w.t.Helper()
	made, err := w.CreateFile(w.ctx, &metadatav1.CreateFileRequest{
		Parent: parent, File: &metadatav1.File{DisplayName: name, Kind: metadatav1.File_FOLDER, Folder: folder},
	})
	if err != nil {
		w.t.Fatalf("mkdir %s in %s: %v", name, folder, err)
	}
	return made
}

func (w *world) look(path string) (*metadatav1.File, error) {
	return w.LookupFile(w.ctx, &metadatav1.LookupFileRequest{Parent: parent, Path: path})
}

func (w *world) must(path string) *metadatav1.File {
	w.t.Helper()
	found, err := w.look(path)
	if err != nil {
		w.t.Fatalf("lookup %s: %v", path, err)
	}
	return found
}

func (w *world) gone(path string) {
	w.t.Helper()
	if found, err := w.look(path); !errors.Is(err, fault.NotFound) {
		w.t.Fatalf("lookup %s = %v, %v; want NOT_FOUND", path, found, err)
	}
}

func (w *world) names(req *metadatav1.ListFilesRequest) []string {
	w.t.Helper()
	req.Parent = parent
	var names []string
	for {
		page, err := w.ListFiles(w.ctx, req)
		if err != nil {
			w.t.Fatal(err)
		}
		for _, f := range page.GetFiles() {
			names = append(names, f.GetDisplayName())
		}
		if page.GetNextPageToken() == "" {
			return names
		}
		req.PageToken = page.GetNextPageToken()
	}
}

func (w *world) delete(f *metadatav1.File) *metadatav1.File {
	w.t.Helper()
	trashed, err := w.DeleteFile(w.ctx, &metadatav1.DeleteFileRequest{Name: f.GetName()})
	if err != nil {
		w.t.Fatal(err)
	}
	return trashed
}

// sweep carries out all jobs that are due, as storage does.
func (w *world) sweep() {
	w.t.Helper()
	for {
		claimed, err := w.ClaimJobs(w.ctx, &ledgerv1.ClaimJobsRequest{
			Limit: 100, LeaseDuration: durationpb.New(time.Minute),
		})
		if err != nil {
			w.t.Fatal(err)
		}
		for _, job := range claimed.GetJobs() {
			for _, id := range job.GetBlobIds() {
				delete(w.blobs, id)
			}
			finish := &ledgerv1.FinishJobRequest{Id: job.GetId(), Lease: job.GetLease()}
			w.digest(job, finish)
			if _, err := w.FinishJob(w.ctx, finish); err != nil {
				w.t.Fatal(err)
			}
		}
		if len(claimed.GetJobs()) == 0 && claimed.GetStepsDone() == 0 {
			return
		}
	}
}

// digest carries out a digestion, an extent at a time.
func (w *world) digest(job *ledgerv1.Job, finish *ledgerv1.FinishJobRequest) {
	w.t.Helper()
	work := job.GetDigestion()
	if work == nil {
		return
	}
	sum := sha256.New()
	if state := work.GetSha256State(); len(state) > 0 {
		if err := sum.(encoding.BinaryUnmarshaler).UnmarshalBinary(state); err != nil {
			w.t.Fatal(err)
		}
	}
	offset := int64(0)
	for _, x := range work.GetExtents() {
		if offset == work.GetDoneBytes() {
			_, _ = sum.Write([]byte(w.contents[x.GetBlobId()]))
			finish.DoneBytes = offset + x.GetLength()
		}
		offset += x.GetLength()
	}
	if finish.GetDoneBytes() == work.GetSizeBytes() {
		finish.Sha256 = sum.Sum(nil)
		return
	}
	state, err := sum.(encoding.BinaryMarshaler).MarshalBinary()
	if err != nil {
		w.t.Fatal(err)
	}
	finish.Sha256State = state
}

// sweepAll lets all retentions pass, and sweeps until nothing is left to do.
func (w *world) sweepAll() {
	w.t.Helper()
	for range 4 {
		w.clock.Advance(40 * 24 * time.Hour)
		w.sweep()
		if !w.hasJobs() {
			return
		}
	}
}

// hasJobs reports whether there is a job, due or not.
func (w *world) hasJobs() bool {
	w.t.Helper()
	for item := range w.records() {
		if kind, _ := record.KindOf(item.Key); kind == record.KindJob {
			return true
		}
	}
	return false
}

// audit checks the records, and that the blobs are those they refer to.
func (w *world) audit() {
	w.t.Helper()
	live, pending := map[string]bool{}, map[string]bool{}
	held, counted := usage{}, usage{}
	for page := range w.auditPages(new(ledgerv1.AuditRequest)) {
		held.add(page.GetHeld())
		counted.add(page.GetCounted())
		for _, finding := range page.GetFindings() {
			w.t.Errorf("audit: %v", finding)
		}
		for _, ref := range page.GetReferences() {
			for _, e := range ref.GetExtents() {
				if ref.GetPending() {
					pending[e.GetBlobId()] = true
				} else {
					live[e.GetBlobId()] = true
				}
			}
		}
	}
	w.agree(held, counted)
	w.auditSlots()
	for id := range live {
		if !w.blobs[id] {
			w.t.Errorf("audit: blob %s is missing", id)
		}
	}
	for id := range w.blobs {
		if !live[id] && !pending[id] {
			w.t.Errorf("audit: blob %s is an orphan", id)
		}
	}
}

// items returns all records of the table but those that stay for ever.
func (w *world) items() map[string]bool {
	w.t.Helper()
	found := map[string]bool{}
	for item := range w.records() {
		if !strings.ContainsAny(item.Key.Partition[:1], "MASQOI") {
			found[item.Key.Partition+"|"+item.Key.Sort] = true
		}
	}
	return found
}
