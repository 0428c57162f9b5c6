package namespace_test

import (
	"crypto/sha256"
	"encoding"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"slices"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/holdfast-files/holdfast/internal/fault"
	errorsv1 "github.com/holdfast-files/holdfast/proto/holdfast/errors/v1"
	ledgerv1 "github.com/holdfast-files/holdfast/proto/holdfast/ledger/v1"
	metadatav1 "github.com/holdfast-files/holdfast/proto/holdfast/metadata/v1"
	storagev1 "github.com/holdfast-files/holdfast/proto/holdfast/storage/v1"
	"github.com/holdfast-files/holdfast/services/metadata/internal/access"
)

// holder is a request that has a resumable upload in its hand, as storage is.
type holder struct {
	w      *world
	grant  []byte
	blob   string
	offset int64
	tail   []*ledgerv1.Extent
	sum    hash.Hash
}

func (w *world) open(spec *storagev1.CreateUploadRequest, parts ...string) (string, error) {
	spec.Parent = parent
	opened, err := w.OpenUpload(w.ctx, &ledgerv1.OpenUploadRequest{Upload: spec, Parts: parts})
	return opened.GetStatus().GetUpload().GetName(), err
}

func toPath(path string) *storagev1.CreateUploadRequest {
	return &storagev1.CreateUploadRequest{Target: &storagev1.CreateUploadRequest_Path{
		Path: &storagev1.PathTarget{Space: parent, Path: path},
	}}
}

// take takes an upload over to append at an offset, or to query for -1.
func (w *world) take(name string, offset int64) (*holder, error) {
	req := &ledgerv1.TakeUploadRequest{Name: name}
	if offset >= 0 {
		req.OffsetBytes = &offset
	}
	taken, err := w.TakeUpload(w.ctx, req)
	if err != nil {
		return nil, err
	}
	h := &holder{
		w: w, grant: taken.GetGrant(), blob: taken.GetBlobId(), tail: taken.GetTail(),
		offset: taken.GetStatus().GetUpload().GetOffsetBytes(), sum: sha256.New(),
	}
	if state := taken.GetSha256State(); len(state) > 0 {
		if err := h.sum.(encoding.BinaryUnmarshaler).UnmarshalBinary(state); err != nil {
			w.t.Fatal(err)
		}
	}
	return h, nil
}

// keep stores a blob with more bytes, those of the last joined extents before
// them, and has it kept.
func (h *holder) keep(content string, joined int, more bool) error {
	length := int64(len(content))
	for _, x := range h.tail[len(h.tail)-joined:] {
		length += x.GetLength()
	}
	_, _ = h.sum.Write([]byte(content))
	state, err := h.sum.(encoding.BinaryMarshaler).MarshalBinary()
	if err != nil {
		h.w.t.Fatal(err)
	}
	h.w.mu.Lock()
	h.w.blobs[h.blob], h.w.contents[h.blob] = true, content
	h.w.mu.Unlock()
	kept, err := h.w.KeepExtents(h.w.ctx, &ledgerv1.KeepExtentsRequest{
		Grant: h.grant, OffsetBytes: h.offset, ReplacedCount: int32(joined), Sha256State: state, More: more,
		Extents: []*ledgerv1.Extent{{BlobId: h.blob, Length: length}},
	})
	if err != nil {
		return err
	}
	h.blob, h.tail, h.offset = kept.GetBlobId(), kept.GetTail(), kept.GetStatus().GetUpload().GetOffsetBytes()
	return nil
}

func (h *holder) finish() (*storagev1.UploadStatus, error) {
	done, err := h.w.FinishUpload(h.w.ctx, &ledgerv1.FinishUploadRequest{Grant: h.grant, SizeBytes: h.offset})
	return done.GetStatus(), err
}

// resume uploads pieces, each by a request of its own, and completes the upload.
func (w *world) resume(name string, pieces ...string) (*storagev1.UploadStatus, error) {
	offset := int64(0)
	for _, piece := range pieces {
		h, err := w.take(name, offset)
		if err != nil {
			return nil, err
		}
		if err := h.keep(piece, 0, false); err != nil {
			return nil, err
		}
		offset = h.offset
	}
	h, err := w.take(name, -1)
	if err != nil {
		return nil, err
	}
	return h.finish()
}

func digestOf(content string) string {
	sum := sha256.Sum256([]byte(content))
	return hex.EncodeToString(sum[:])
}

func (w *world) extentsOf(path string) []*ledgerv1.Extent {
	w.t.Helper()
	located, err := w.Locate(w.ctx, &ledgerv1.LocateRequest{Source: &ledgerv1.LocateRequest_Path{
		Path: &storagev1.PathTarget{Space: parent, Path: path},
	}})
	if err != nil {
		w.t.Fatal(err)
	}
	return located.GetExtents()
}

func wantReason(t *testing.T, what string, err error, want errorsv1.Reason) {
	t.Helper()
	if err == nil || fault.ReasonOf(err) != want {
		t.Errorf("%s: got %v, want %v", what, err, want)
	}
}

func TestResumableUpload(t *testing.T) {
	w := newWorld(t)
	spec := toPath("/made/on/the/way.txt")
	spec.ClientMetadata, spec.SizeBytes = "filename d2F5LnR4dA==", proto.Int64(9)
	name, err := w.open(spec)
	if err != nil {
		t.Fatal(err)
	}
	w.gone("/made")
	status, err := w.resume(name, "abc", "def", "ghi")
	if err != nil {
		t.Fatal(err)
	}
	file := w.must("/made/on/the/way.txt")
	if file.GetSha256() != digestOf("abcdefghi") || file.GetSizeBytes() != 9 || file.GetContentType() != "text/plain; charset=utf-8" {
		t.Errorf("file: %v", file)
	}
	upload := status.GetUpload()
	if !status.GetCreated() || status.GetFile().GetName() != file.GetName() || upload.GetFile() != file.GetName() ||
		upload.GetState() != metadatav1.Upload_COMPLETE || upload.GetOffsetBytes() != 9 || upload.GetClientMetadata() != spec.GetClientMetadata() {
		t.Errorf("status: %v", status)
	}
	w.audit()

	// The outcome stays for a while, and then the upload goes and the file stays.
	again, err := w.GetUpload(w.ctx, &metadatav1.GetUploadRequest{Name: name})
	if err != nil || !proto.Equal(again, upload) {
		t.Errorf("again: %v, %v", again, err)
	}
	w.clock.Advance(25 * time.Hour)
	_, err = w.GetUpload(w.ctx, &metadatav1.GetUploadRequest{Name: name})
	wantReason(t, "expired", err, errorsv1.Reason_REASON_EXPIRED)
	w.sweep()
	_, err = w.GetUpload(w.ctx, &metadatav1.GetUploadRequest{Name: name})
	wantReason(t, "swept", err, errorsv1.Reason_REASON_NOT_FOUND)
	w.must("/made/on/the/way.txt")
	w.audit()
}

func TestResumableFences(t *testing.T) {
	w := newWorld(t)
	name, err := w.open(toPath("/f"))
	if err != nil {
		t.Fatal(err)
	}
	old, err := w.take(name, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.take(name, 5); !errors.Is(err, fault.Conflict) && fault.ReasonOf(err) != errorsv1.Reason_REASON_OFFSET_MISMATCH {
		t.Errorf("wrong offset: %v", err)
	}
	if err := old.keep("one", 0, true); err != nil {
		t.Fatalf("after a wrong offset of another: %v", err)
	}
	if _, err := w.take(name, -1); err != nil { // HEAD
		t.Fatal(err)
	}
	wantReason(t, "fenced keep", old.keep("two", 0, true), errorsv1.Reason_REASON_UPLOAD_SUPERSEDED)
	_, err = old.finish()
	wantReason(t, "fenced finish", err, errorsv1.Reason_REASON_UPLOAD_SUPERSEDED)
	w.audit()
	if _, err := w.resume(name); err == nil {
		t.Log("completed at the declared end") // the length is what finish said
	}
	w.clock.Advance(time.Hour)
	w.sweep()
	w.audit()
	if got := len(w.blobs); got != 1 {
		t.Errorf("%d blobs are left, want the one that was kept", got)
	}
}

// What the last append said about the end is remembered for whoever asks next.
func TestHeldOpenIsRemembered(t *testing.T) {
	w := newWorld(t)
	name, err := w.open(toPath("/f"))
	if err != nil {
		t.Fatal(err)
	}
	for _, hold := range []bool{true, false} {
		if _, err := w.TakeUpload(w.ctx, &ledgerv1.TakeUploadRequest{Name: name, OffsetBytes: proto.Int64(0), HoldOpen: hold}); err != nil {
			t.Fatal(err)
		}
		asked, err := w.TakeUpload(w.ctx, &ledgerv1.TakeUploadRequest{Name: name})
		if err != nil || asked.GetHeldOpen() != hold {
			t.Errorf("held open: %v, %v; want %v", asked.GetHeldOpen(), err, hold)
		}
	}
	w.audit()
}

func TestResumableIsItsOwners(t *testing.T) {
	w := newWorld(t)
	name, err := w.open(toPath("/f"))
	if err != nil {
		t.Fatal(err)
	}
	w.ctx = access.With(t.Context(), access.Principal{ID: "user:other", Kind: access.KindUser})
	_, err = w.take(name, 0)
	wantReason(t, "take", err, errorsv1.Reason_REASON_NOT_FOUND)
	_, err = w.GetUpload(w.ctx, &metadatav1.GetUploadRequest{Name: name})
	wantReason(t, "get", err, errorsv1.Reason_REASON_NOT_FOUND)
	_, err = w.DropUpload(w.ctx, &ledgerv1.DropUploadRequest{Name: name})
	wantReason(t, "drop", err, errorsv1.Reason_REASON_NOT_FOUND)
	_, err = w.open(toPath("/g"), name)
	wantReason(t, "join", err, errorsv1.Reason_REASON_NOT_FOUND)
}

// TestManyExtents completes uploads of so many extents that they lie in lists,
// and follows the lists through revisions, restore and purge.
func TestManyExtents(t *testing.T) {
	w := newWorld(t)
	var content string
	upload := func() {
		name, err := w.open(toPath("/big"))
		if err != nil {
			t.Fatal(err)
		}
		h, err := w.take(name, 0)
		if err != nil {
			t.Fatal(err)
		}
		content = ""
		for i := range 300 {
			piece := fmt.Sprintf("piece %d;", i)
			content += piece
			if err := h.keep(piece, 0, i < 299); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := h.finish(); err != nil {
			t.Fatal(err)
		}
		w.audit()
	}
	upload()
	first := w.must("/big")
	if first.GetSha256() != digestOf(content) || len(w.extentsOf("/big")) != 300 {
		t.Errorf("%v, %d extents", first, len(w.extentsOf("/big")))
	}
	upload()
	restored, err := w.RestoreRevision(w.ctx, &metadatav1.RestoreRevisionRequest{Name: first.GetRevision()})
	if err != nil {
		t.Fatal(err)
	}
	w.audit()
	if _, err := w.DeleteRevision(w.ctx, &metadatav1.DeleteRevisionRequest{Name: first.GetRevision()}); err != nil {
		t.Fatal(err)
	}
	w.sweepAll()
	w.audit()
	if got := w.extentsOf("/big"); len(got) != 300 || len(w.blobs) != 600 {
		t.Errorf("after the deletion of a shared revision: %d extents, %d blobs", len(got), len(w.blobs))
	}
	w.delete(restored)
	if _, err := w.PurgeFile(w.ctx, &metadatav1.PurgeFileRequest{Name: restored.GetName()}); err != nil {
		t.Fatal(err)
	}
	w.audit()
	w.sweepAll()
	w.audit()
	if left := w.items(); len(left) != 1 || len(w.blobs) != 0 {
		t.Errorf("left after the purge: %d blobs, records %v", len(w.blobs), left)
	}
}

func TestResumableCondition(t *testing.T) {
	w := newWorld(t)
	spec := toPath("/f")
	spec.Condition = &storagev1.WriteCondition{Absent: true}
	name, err := w.open(spec)
	if err != nil {
		t.Fatal(err)
	}
	w.put("/f", "was faster")
	_, err = w.resume(name, "late")
	wantReason(t, "taken meanwhile", err, errorsv1.Reason_REASON_PRECONDITION_FAILED)
	w.audit()
	_, err = w.open(spec)
	wantReason(t, "taken before", err, errorsv1.Reason_REASON_PRECONDITION_FAILED)
	w.delete(w.must("/f"))
	if _, err := w.resume(name); err != nil {
		t.Errorf("when the name is free again: %v", err)
	}
	if got := w.must("/f").GetSha256(); got != digestOf("late") {
		t.Errorf("digest %s", got)
	}
}

func TestResumableJoinsExtents(t *testing.T) {
	w := newWorld(t)
	name, err := w.open(toPath("/f"))
	if err != nil {
		t.Fatal(err)
	}
	h, err := w.take(name, 0)
	if err != nil {
		t.Fatal(err)
	}
	for i, joined := range []int{0, 0, 2, 0, 2} {
		if err := h.keep("x", joined, i < 4); err != nil {
			t.Fatal(err)
		}
	}
	lengths := []int64{}
	for _, x := range h.tail {
		lengths = append(lengths, x.GetLength())
	}
	if !slices.Equal(lengths, []int64{5}) {
		t.Errorf("extents %v", lengths)
	}
	if _, err := h.finish(); err != nil {
		t.Fatal(err)
	}
	w.audit()
	w.sweepAll()
	if len(w.blobs) != 1 {
		t.Errorf("%d blobs are left of a file of one extent", len(w.blobs))
	}
}
