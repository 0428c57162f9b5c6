package namespace_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
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

// Who begins an upload may have a clock that is ahead of that of who commits it: the
// commit is found again all the same, when its contents have been overwritten.
func TestCommitBeforeItBegan(t *testing.T) {
	w := newWorld(t)
	ahead := openWorld(t, w.table, &clock{now: w.clock.Now().Add(time.Second)})
	begun, err := ahead.Begin(w.ctx, &ledgerv1.BeginRequest{Spec: atPath("/f")})
	if err != nil {
		t.Fatal(err)
	}
	commit := w.store(begun, "first")
	first, err := w.Commit(w.ctx, commit)
	if err != nil {
		t.Fatal(err)
	}
	w.put("/f", "second")
	again, err := w.Commit(w.ctx, commit)
	if err != nil || !again.GetCreated() || again.GetFile().GetName() != first.GetFile().GetName() {
		t.Errorf("repeated: %v, %v; first %v", again, err, first)
	}
	w.audit()
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
