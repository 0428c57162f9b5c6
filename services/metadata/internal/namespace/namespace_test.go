package namespace_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/fieldmaskpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/holdfast-files/holdfast/internal/fault"
	errorsv1 "github.com/holdfast-files/holdfast/proto/holdfast/errors/v1"
	ledgerv1 "github.com/holdfast-files/holdfast/proto/holdfast/ledger/v1"
	metadatav1 "github.com/holdfast-files/holdfast/proto/holdfast/metadata/v1"
	storagev1 "github.com/holdfast-files/holdfast/proto/holdfast/storage/v1"
)

func TestUploadMakesFoldersAndRevisions(t *testing.T) {
	w := newWorld(t)
	first := w.put("/docs/2026/a.txt", "one")
	if got := w.must("/docs/2026/a.txt"); !proto.Equal(got, first) {
		t.Errorf("lookup = %v, want %v", got, first)
	}
	if first.GetContentType() != "text/plain; charset=utf-8" || first.GetSizeBytes() != 3 {
		t.Errorf("file = %v", first)
	}
	second := w.put("/docs/2026/a.txt", "two!")
	if second.GetName() != first.GetName() || second.GetEtag() == first.GetEtag() ||
		second.GetRevision() <= first.GetRevision() {
		t.Errorf("overwrite = %v, want a later revision of %v", second, first)
	}
	revisions, err := w.ListRevisions(w.ctx, &metadatav1.ListRevisionsRequest{Parent: first.GetName(), PageSize: 1})
	if err != nil || len(revisions.GetRevisions()) != 1 || revisions.GetNextPageToken() == "" {
		t.Fatalf("first page of revisions = %v, %v", revisions, err)
	}
	revisions, err = w.ListRevisions(w.ctx, &metadatav1.ListRevisionsRequest{
		Parent: first.GetName(), PageSize: 1, PageToken: revisions.GetNextPageToken(),
	})
	if err != nil || revisions.GetRevisions()[0].GetName() != first.GetRevision() || revisions.GetNextPageToken() != "" {
		t.Fatalf("second page of revisions = %v, %v", revisions, err)
	}
	w.audit()
}

func TestWriteConditions(t *testing.T) {
	w := newWorld(t)
	current := w.put("/a", "1")
	revision := current.GetRevision()[strings.LastIndex(current.GetRevision(), "/")+1:]
	for name, c := range map[string]struct {
		path      string
		condition *storagev1.WriteCondition
		fails     bool
	}{
		"absent, taken":          {"/a", &storagev1.WriteCondition{Absent: true}, true},
		"absent, free":           {"/b", &storagev1.WriteCondition{Absent: true}, false},
		"present, missing":       {"/c", &storagev1.WriteCondition{Present: true}, true},
		"present, there":         {"/a", &storagev1.WriteCondition{Present: true}, false},
		"revision, missing":      {"/d", &storagev1.WriteCondition{Revisions: []string{revision}}, true},
		"revision, other":        {"/a", &storagev1.WriteCondition{Revisions: []string{"x"}}, true},
		"not revision, other":    {"/a", &storagev1.WriteCondition{NotRevisions: []string{"x"}}, false},
		"unmodified, missing":    {"/e", &storagev1.WriteCondition{UnmodifiedSinceTime: timestamppb.Now()}, true},
		"unmodified, long since": {"/a", &storagev1.WriteCondition{UnmodifiedSinceTime: timestamppb.New(time.Unix(1, 0))}, true},
	} {
		spec := atPath(c.path)
		spec.Condition = c.condition
		_, err := w.upload(spec, "x")
		if errors.Is(err, fault.Precondition) != c.fails || (err != nil) != c.fails {
			t.Errorf("%s: %v, want failure %v", name, err, c.fails)
		}
	}
	w.audit()
}

func TestConditionHoldsAtCommit(t *testing.T) {
	w := newWorld(t)
	spec := atPath("/a")
	spec.Condition = &storagev1.WriteCondition{Absent: true}
	begun, err := w.Begin(w.ctx, &ledgerv1.BeginRequest{Spec: spec})
	if err != nil {
		t.Fatal(err)
	}
	w.put("/a", "other")
	if _, err := w.Commit(w.ctx, w.store(begun, "mine")); !errors.Is(err, fault.Precondition) {
		t.Fatalf("commit = %v, want PRECONDITION_FAILED", err)
	}
	w.audit()
}

func TestCommitIsIdempotent(t *testing.T) {
	w := newWorld(t)
	begun, err := w.Begin(w.ctx, &ledgerv1.BeginRequest{Spec: atPath("/deep/er/a")})
	if err != nil {
		t.Fatal(err)
	}
	commit := w.store(begun, "mine")
	first, err := w.Commit(w.ctx, commit)
	if err != nil || !first.GetCreated() {
		t.Fatalf("commit = %v, %v", first, err)
	}
	again, err := w.Commit(w.ctx, commit)
	if err != nil || !proto.Equal(first, again) {
		t.Fatalf("commit again = %v, %v; want %v", again, err, first)
	}
	w.put("/deep/er/a", "newer")
	again, err = w.Commit(w.ctx, commit)
	if err != nil || !again.GetCreated() || again.GetFile().GetName() != first.GetFile().GetName() {
		t.Fatalf("commit after an overwrite = %v, %v", again, err)
	}
	if _, err := w.Abandon(w.ctx, &ledgerv1.AbandonRequest{Grant: begun.GetGrant()}); err != nil {
		t.Fatal(err)
	}
	w.sweepAll()
	w.audit()
	w.must("/deep/er/a")
}

func TestForgedGrant(t *testing.T) {
	w := newWorld(t)
	begun, err := w.Begin(w.ctx, &ledgerv1.BeginRequest{Spec: atPath("/a")})
	if err != nil {
		t.Fatal(err)
	}
	commit := w.store(begun, "mine")
	commit.Grant[3] ^= 1
	if _, err := w.Commit(w.ctx, commit); fault.ReasonOf(err) != errorsv1.Reason_REASON_PERMISSION_DENIED {
		t.Errorf("commit = %v, want PERMISSION_DENIED", err)
	}
}

func TestAbandonedAndExpiredUploads(t *testing.T) {
	w := newWorld(t)
	for _, blobAbsent := range []bool{true, false} {
		begun, err := w.Begin(w.ctx, &ledgerv1.BeginRequest{Spec: atPath("/a")})
		if err != nil {
			t.Fatal(err)
		}
		commit := w.store(begun, "mine")
		if blobAbsent {
			delete(w.blobs, begun.GetBlobId())
		}
		if _, err := w.Abandon(w.ctx, &ledgerv1.AbandonRequest{Grant: begun.GetGrant(), BlobAbsent: blobAbsent}); err != nil {
			t.Fatal(err)
		}
		w.audit()
		if _, err := w.Commit(w.ctx, commit); fault.ReasonOf(err) != errorsv1.Reason_REASON_EXPIRED {
			t.Errorf("commit after abandon = %v, want EXPIRED", err)
		}
	}
	begun, err := w.Begin(w.ctx, &ledgerv1.BeginRequest{Spec: atPath("/a")})
	if err != nil {
		t.Fatal(err)
	}
	commit := w.store(begun, "mine")
	w.clock.Advance(25 * time.Hour)
	w.sweep()
	if _, err := w.Commit(w.ctx, commit); fault.ReasonOf(err) != errorsv1.Reason_REASON_EXPIRED {
		t.Errorf("commit after expiry = %v, want EXPIRED", err)
	}
	w.blobs[begun.GetBlobId()] = true // written late by an upload that was fenced off
	w.sweepAll()
	if len(w.blobs) != 0 {
		t.Errorf("blobs left: %v", w.blobs)
	}
	w.gone("/a")
	w.audit()
}

func TestRequestIDs(t *testing.T) {
	w := newWorld(t)
	create := &metadatav1.CreateFileRequest{
		Parent: parent, RequestId: "r1", File: &metadatav1.File{DisplayName: "f", Kind: metadatav1.File_FOLDER},
	}
	first, err := w.CreateFile(w.ctx, create)
	if err != nil {
		t.Fatal(err)
	}
	w.delete(first)
	again, err := w.CreateFile(w.ctx, create)
	if err != nil || !proto.Equal(first, again) {
		t.Errorf("repeated = %v, %v; want %v", again, err, first)
	}
	other := proto.CloneOf(create)
	other.File.DisplayName = "g"
	if _, err := w.CreateFile(w.ctx, other); fault.ReasonOf(err) != errorsv1.Reason_REASON_REQUEST_ID_REUSED {
		t.Errorf("other content = %v, want REQUEST_ID_REUSED", err)
	}
	w.clock.Advance(25 * time.Hour)
	if _, err := w.CreateFile(w.ctx, other); err != nil {
		t.Errorf("after a day = %v", err)
	}
	spec := atPath("/up")
	spec.RequestId = "r2"
	up, err := w.upload(spec, "content")
	if err != nil {
		t.Fatal(err)
	}
	w.put("/up", "overwritten")
	replay, err := w.upload(spec, "content")
	if err != nil || !proto.Equal(replay, up) {
		t.Errorf("replayed upload = %v, %v; want %v", replay, err, up)
	}
	w.audit()
}

func TestConcurrentUploadsWithOneRequestID(t *testing.T) {
	w := newWorld(t)
	spec := atPath("/up")
	spec.RequestId = "r"
	var commits []*ledgerv1.CommitRequest
	for _, content := range []string{"same", "same", "other"} {
		begun, err := w.Begin(w.ctx, &ledgerv1.BeginRequest{Spec: spec})
		if err != nil {
			t.Fatal(err)
		}
		commits = append(commits, w.store(begun, content))
	}
	first, err := w.Commit(w.ctx, commits[0])
	if err != nil {
		t.Fatal(err)
	}
	second, err := w.Commit(w.ctx, commits[1])
	if err != nil || !proto.Equal(first, second) {
		t.Errorf("second = %v, %v; want %v", second, err, first)
	}
	if _, err := w.Commit(w.ctx, commits[2]); fault.ReasonOf(err) != errorsv1.Reason_REASON_REQUEST_ID_REUSED {
		t.Errorf("other content = %v, want REQUEST_ID_REUSED", err)
	}
	w.sweepAll()
	w.audit()
	if len(w.blobs) != 1 {
		t.Errorf("%d blobs left, want 1", len(w.blobs))
	}
}

func TestMoves(t *testing.T) {
	w := newWorld(t)
	a := w.mkdir(root, "a")
	b := w.mkdir(a.GetName(), "b")
	c := w.mkdir(b.GetName(), "c")
	f := w.put("/a/b/c/f", "x")
	move := func(node, folder *metadatav1.File, name string) error {
		_, err := w.MoveFile(w.ctx, &metadatav1.MoveFileRequest{
			Name: node.GetName(), Folder: folder.GetName(), DisplayName: name,
		})
		return err
	}
	for _, below := range []*metadatav1.File{a, b, c} {
		if err := move(a, below, ""); !errors.Is(err, fault.Conflict) {
			t.Errorf("a into %s = %v, want CONFLICT", below.GetDisplayName(), err)
		}
	}
	if err := move(b, w.must("/"), "moved"); err != nil {
		t.Fatal(err)
	}
	w.gone("/a/b/c/f")
	if got := w.must("/moved/c/f"); got.GetName() != f.GetName() {
		t.Errorf("after the move: %v", got)
	}
	if err := move(f, a, "f2"); err != nil {
		t.Fatal(err)
	}
	w.must("/a/f2")
	w.put("/a/taken", "y")
	if err := move(f, a, "taken"); !errors.Is(err, fault.Exists) {
		t.Errorf("onto a name that is taken = %v, want ALREADY_EXISTS", err)
	}
	if err := move(f, c, "f"); err != nil {
		t.Fatal(err)
	}
	if err := move(f, f, "f"); !errors.Is(err, fault.NotFound) {
		t.Errorf("into a file = %v, want NOT_FOUND", err)
	}
	w.must("/moved/c/f")
	_, err := w.MoveFile(w.ctx, &metadatav1.MoveFileRequest{Name: c.GetName(), DisplayName: "x", Etag: `"stale"`})
	if !errors.Is(err, fault.Precondition) {
		t.Errorf("stale etag = %v, want PRECONDITION_FAILED", err)
	}
	w.audit()
}

func TestTrash(t *testing.T) {
	w := newWorld(t)
	f := w.put("/a/b/f", "x")
	a, b := w.must("/a"), w.must("/a/b")
	w.delete(a)
	for _, path := range []string{"/a", "/a/b", "/a/b/f"} {
		w.gone(path)
	}
	for _, hidden := range []*metadatav1.File{b, f} {
		if got, err := w.GetFile(w.ctx, &metadatav1.GetFileRequest{Name: hidden.GetName()}); !errors.Is(err, fault.NotFound) {
			t.Errorf("get %s in the trash = %v, %v", hidden.GetDisplayName(), got, err)
		}
		if _, err := w.DeleteFile(w.ctx, &metadatav1.DeleteFileRequest{Name: hidden.GetName()}); !errors.Is(err, fault.NotFound) {
			t.Errorf("delete %s in the trash = %v", hidden.GetDisplayName(), err)
		}
	}
	if got, err := w.GetFile(w.ctx, &metadatav1.GetFileRequest{Name: a.GetName()}); err != nil || got.GetPurgeTime() == nil {
		t.Errorf("get the root of the trash = %v, %v", got, err)
	}
	if _, err := w.Locate(w.ctx, &ledgerv1.LocateRequest{Source: &ledgerv1.LocateRequest_File{File: f.GetName()}}); !errors.Is(err, fault.NotFound) {
		t.Errorf("locate in the trash = %v", err)
	}
	if got := w.names(&metadatav1.ListFilesRequest{Trashed: true}); !slices.Equal(got, []string{"a"}) {
		t.Errorf("trash = %v", got)
	}
	w.put("/a/new", "y") // the name is free again
	undelete := func(name, folder, displayName string) error {
		_, err := w.UndeleteFile(w.ctx, &metadatav1.UndeleteFileRequest{Name: name, Folder: folder, DisplayName: displayName})
		return err
	}
	if err := undelete(a.GetName(), "", ""); !errors.Is(err, fault.Exists) {
		t.Errorf("undelete onto a taken name = %v", err)
	}
	if err := undelete(a.GetName(), "", "a2"); err != nil {
		t.Fatal(err)
	}
	w.must("/a2/b/f")
	w.delete(f)
	w.delete(w.must("/a2"))
	if err := undelete(f.GetName(), "", ""); !errors.Is(err, fault.Conflict) {
		t.Errorf("undelete into a folder that is gone = %v, want CONFLICT", err)
	}
	if err := undelete(f.GetName(), root, ""); err != nil {
		t.Errorf("undelete elsewhere = %v", err)
	}
	if err := undelete(f.GetName(), "", ""); !errors.Is(err, fault.Exists) {
		t.Errorf("undelete of a live file = %v, want ALREADY_EXISTS", err)
	}
	w.audit()
	w.clock.Advance(31 * 24 * time.Hour)
	if got := w.names(&metadatav1.ListFilesRequest{Trashed: true}); len(got) != 0 {
		t.Errorf("trash after the retention = %v", got)
	}
	w.sweepAll()
	w.audit()
	w.must("/f")
	if _, err := w.GetFile(w.ctx, &metadatav1.GetFileRequest{Name: b.GetName()}); !errors.Is(err, fault.NotFound) {
		t.Errorf("get after the purge = %v", err)
	}
}

func TestPurgeLeavesNothing(t *testing.T) {
	w := newWorld(t)
	empty := w.items()
	for i := range 60 {
		w.put(fmt.Sprintf("/top/d%d/f", i%7), strings.Repeat("x", i+1))
		w.put(fmt.Sprintf("/top/f%d", i), "y")
	}
	if err := w.purge(w.must("/top")); !errors.Is(err, fault.Conflict) {
		t.Errorf("purge of a live folder = %v, want CONFLICT", err)
	}
	top := w.delete(w.must("/top"))
	if err := w.purge(top); err != nil {
		t.Fatal(err)
	}
	w.audit()
	w.sweepAll()
	if len(w.blobs) != 0 {
		t.Errorf("%d blobs left", len(w.blobs))
	}
	for key := range w.items() {
		if !empty[key] {
			t.Errorf("left: %s", key)
		}
	}
	space, err := w.GetSpace(w.ctx, &metadatav1.GetSpaceRequest{Name: parent})
	if err != nil || space.GetUsedBytes() != 0 || space.GetFileCount() != 0 {
		t.Errorf("usage after = %v, %v", space, err)
	}
}

func (w *world) purge(f *metadatav1.File) error {
	_, err := w.PurgeFile(w.ctx, &metadatav1.PurgeFileRequest{Name: f.GetName()})
	return err
}

func TestRevisionsShareBlobs(t *testing.T) {
	w := newWorld(t)
	first := w.put("/f", "one")
	w.put("/f", "two")
	restore := func(name string) *metadatav1.File {
		t.Helper()
		f, err := w.RestoreRevision(w.ctx, &metadatav1.RestoreRevisionRequest{Name: name})
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	drop := func(name string) error {
		_, err := w.DeleteRevision(w.ctx, &metadatav1.DeleteRevisionRequest{Name: name})
		return err
	}
	restored := restore(first.GetRevision())
	if restored.GetSha256() != first.GetSha256() || restored.GetRevision() == first.GetRevision() {
		t.Errorf("restored = %v", restored)
	}
	if err := drop(restored.GetRevision()); !errors.Is(err, fault.Conflict) {
		t.Errorf("delete of the current revision = %v, want CONFLICT", err)
	}
	if err := drop(first.GetRevision()); err != nil {
		t.Fatal(err)
	}
	w.sweepAll()
	w.audit() // the blob is still there for the restored revision
	w.put("/f", "three")
	if err := drop(restored.GetRevision()); err != nil {
		t.Fatal(err)
	}
	if err := drop(restored.GetRevision()); !errors.Is(err, fault.NotFound) {
		t.Errorf("delete again = %v", err)
	}
	w.sweepAll()
	w.audit()
	if len(w.blobs) != 2 {
		t.Errorf("%d blobs, want those of two and three", len(w.blobs))
	}
}

func TestManyRevisions(t *testing.T) {
	w := newWorld(t)
	empty := w.items()
	for i := range 70 {
		w.put("/f", fmt.Sprint(i))
	}
	if err := w.purge(w.delete(w.must("/f"))); err != nil {
		t.Fatal(err)
	}
	w.sweepAll()
	if left := w.items(); len(left) != len(empty) || len(w.blobs) != 0 {
		t.Errorf("left: %v, %d blobs", left, len(w.blobs))
	}
}

func TestExpiry(t *testing.T) {
	w := newWorld(t)
	f := w.put("/d/e/f", "x")
	d := w.must("/d")
	soon := timestamppb.New(w.clock.Now().Add(time.Hour))
	update := func(node *metadatav1.File, at *timestamppb.Timestamp) error {
		_, err := w.UpdateFile(w.ctx, &metadatav1.UpdateFileRequest{
			File:       &metadatav1.File{Name: node.GetName(), ExpireTime: at},
			UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"expire_time"}},
		})
		return err
	}
	if err := update(d, timestamppb.New(w.clock.Now())); !errors.Is(err, fault.Invalid) {
		t.Errorf("expiry in the past = %v", err)
	}
	if err := update(d, soon); err != nil {
		t.Fatal(err)
	}
	w.must("/d/e/f")
	w.clock.Advance(time.Hour)
	for _, path := range []string{"/d", "/d/e", "/d/e/f"} {
		w.gone(path)
	}
	if _, err := w.GetFile(w.ctx, &metadatav1.GetFileRequest{Name: f.GetName()}); !errors.Is(err, fault.NotFound) {
		t.Errorf("get in an expired folder = %v", err)
	}
	if got := w.names(&metadatav1.ListFilesRequest{}); len(got) != 0 {
		t.Errorf("listing = %v", got)
	}
	again := w.put("/d/e/f", "y") // the name is free
	if again.GetName() == f.GetName() {
		t.Error("the expired file came back")
	}
	w.audit()
	w.sweepAll()
	w.audit()
	w.must("/d/e/f")
	if len(w.blobs) != 1 {
		t.Errorf("%d blobs, want 1", len(w.blobs))
	}
	if err := update(again, timestamppb.New(w.clock.Now().Add(time.Hour))); err != nil {
		t.Fatal(err)
	}
	if err := update(again, nil); err != nil {
		t.Fatal(err)
	}
	w.clock.Advance(2 * time.Hour)
	w.sweep()
	w.must("/d/e/f")
}

func TestList(t *testing.T) {
	w := newWorld(t)
	var want []string
	for i := range 25 {
		name := fmt.Sprintf("n%02d", i)
		w.put("/dir/"+name, strings.Repeat("x", i))
		want = append(want, name)
	}
	dir := w.must("/dir")
	list := func(req *metadatav1.ListFilesRequest) []string {
		t.Helper()
		req.PageSize = 4
		return w.names(req)
	}
	if got := list(&metadatav1.ListFilesRequest{Folder: dir.GetName()}); !slices.Equal(got, want) {
		t.Errorf("by name = %v", got)
	}
	backwards := slices.Clone(want)
	slices.Reverse(backwards)
	if got := list(&metadatav1.ListFilesRequest{Path: "/dir", OrderBy: "display_name desc"}); !slices.Equal(got, backwards) {
		t.Errorf("backwards = %v", got)
	}
	if got := list(&metadatav1.ListFilesRequest{Path: "/dir", Filter: "size_bytes >= 20"}); !slices.Equal(got, want[20:]) {
		t.Errorf("filtered = %v", got)
	}
	for i := range 25 {
		if i%2 == 0 {
			w.delete(w.must("/dir/" + want[i]))
		}
	}
	var trashed []string
	for i := 0; i < 25; i += 2 {
		trashed = append(trashed, want[i])
	}
	if got := list(&metadatav1.ListFilesRequest{Trashed: true}); !slices.Equal(got, trashed) {
		t.Errorf("trash = %v", got)
	}
	slices.Reverse(trashed)
	if got := list(&metadatav1.ListFilesRequest{Trashed: true, OrderBy: "display_name desc"}); !slices.Equal(got, trashed) {
		t.Errorf("trash backwards = %v", got)
	}
	page, err := w.ListFiles(w.ctx, &metadatav1.ListFilesRequest{Parent: parent, Path: "/dir", PageSize: 1})
	if err != nil {
		t.Fatal(err)
	}
	for name, req := range map[string]*metadatav1.ListFilesRequest{
		"other folder":  {Parent: parent, PageToken: page.GetNextPageToken()},
		"other filter":  {Parent: parent, Path: "/dir", Filter: "kind = FILE", PageToken: page.GetNextPageToken()},
		"garbage":       {Parent: parent, Path: "/dir", PageToken: "garbage"},
		"negative size": {Parent: parent, PageSize: -1},
		"order":         {Parent: parent, OrderBy: "size_bytes"},
		"path of file":  {Parent: parent, Path: "/dir/n01"},
		"both":          {Parent: parent, Path: "/dir", Folder: dir.GetName()},
	} {
		if _, err := w.ListFiles(w.ctx, req); !errors.Is(err, fault.Invalid) {
			t.Errorf("%s = %v, want INVALID_ARGUMENT", name, err)
		}
	}
	if _, err := w.ListFiles(w.ctx, &metadatav1.ListFilesRequest{Parent: parent, Path: "/none"}); !errors.Is(err, fault.NotFound) {
		t.Errorf("missing folder = %v", err)
	}
}

func TestDeepTree(t *testing.T) {
	w := newWorld(t)
	path := strings.Repeat("/d", 1000)
	f := w.put(path+"/f", "x")
	w.must(path + "/f")
	top := w.must("/d")
	if _, err := w.MoveFile(w.ctx, &metadatav1.MoveFileRequest{Name: top.GetName(), DisplayName: "e"}); err != nil {
		t.Fatal(err)
	}
	moved := "/e" + path[2:]
	if got := w.must(moved + "/f"); got.GetName() != f.GetName() {
		t.Errorf("after the rename: %v", got)
	}
	if _, err := w.MoveFile(w.ctx, &metadatav1.MoveFileRequest{Name: top.GetName(), Folder: w.must(moved).GetName()}); !errors.Is(err, fault.Conflict) {
		t.Errorf("into the depth = %v, want CONFLICT", err)
	}
	if err := w.purge(w.delete(w.must("/e"))); err != nil {
		t.Fatal(err)
	}
	for range 12 {
		w.sweepAll()
	}
	w.audit()
	if len(w.blobs) != 0 {
		t.Errorf("%d blobs left", len(w.blobs))
	}
}

func TestPathsThroughFiles(t *testing.T) {
	w := newWorld(t)
	w.put("/f", "x")
	if _, err := w.upload(atPath("/f/g"), "y"); !errors.Is(err, fault.Conflict) {
		t.Errorf("upload through a file = %v, want CONFLICT", err)
	}
	w.gone("/f/g")
	w.mkdir(root, "d")
	if _, err := w.upload(atPath("/d"), "y"); !errors.Is(err, fault.Exists) {
		t.Errorf("upload onto a folder = %v, want ALREADY_EXISTS", err)
	}
	for _, path := range []string{"", "x", "/", "//", "/a//b", "/a/", "/.", "/../a", "/a\x00", "/a\nb", "/\xff", "/" + strings.Repeat("n", 256)} {
		if _, err := w.upload(atPath(path), "y"); !errors.Is(err, fault.Invalid) {
			t.Errorf("upload to %q = %v, want INVALID_ARGUMENT", path, err)
		}
	}
}

func TestSpaces(t *testing.T) {
	w := newWorld(t)
	create := func(id string) error {
		_, err := w.CreateSpace(w.ctx, &metadatav1.CreateSpaceRequest{SpaceId: id})
		return err
	}
	for _, bad := range []string{"", "ab", "Abc", "1abc", "a_b", strings.Repeat("a", 64)} {
		if err := create(bad); !errors.Is(err, fault.Invalid) {
			t.Errorf("create %q = %v", bad, err)
		}
	}
	if err := create("other"); err != nil {
		t.Fatal(err)
	}
	if err := create("other"); !errors.Is(err, fault.Exists) {
		t.Errorf("create twice = %v", err)
	}
	w.put("/d/f", "x")
	remove := func(force bool) error {
		_, err := w.DeleteSpace(w.ctx, &metadatav1.DeleteSpaceRequest{Name: parent, Force: force})
		return err
	}
	if err := remove(false); !errors.Is(err, fault.Conflict) {
		t.Errorf("delete with contents = %v, want CONFLICT", err)
	}
	w.delete(w.must("/d"))
	if err := remove(false); !errors.Is(err, fault.Conflict) {
		t.Errorf("delete with trash = %v, want CONFLICT", err)
	}
	w.put("/e/f", "y")
	if err := remove(true); err != nil {
		t.Fatal(err)
	}
	w.gone("/e/f")
	if _, err := w.upload(atPath("/x"), "z"); !errors.Is(err, fault.NotFound) {
		t.Errorf("upload into a deleted space = %v", err)
	}
	page, err := w.ListSpaces(w.ctx, &metadatav1.ListSpacesRequest{})
	if err != nil || len(page.GetSpaces()) != 1 {
		t.Errorf("spaces = %v, %v", page, err)
	}
	if err := create(testSpace); !errors.Is(err, fault.Exists) {
		t.Errorf("create before it is collected = %v", err)
	}
	w.sweepAll()
	w.audit()
	if len(w.blobs) != 0 {
		t.Errorf("%d blobs left", len(w.blobs))
	}
	if err := create(testSpace); err != nil {
		t.Errorf("create after it was collected = %v", err)
	}
	w.gone("/e")
	w.put("/e/f", "new")
	w.audit()
}
