package ledgertest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding"
	"strconv"
	"time"

	"github.com/google/uuid"
	"github.com/holdfast-files/holdfast/internal/fault"
	errorsv1 "github.com/holdfast-files/holdfast/proto/holdfast/errors/v1"
	ledgerv1 "github.com/holdfast-files/holdfast/proto/holdfast/ledger/v1"
	metadatav1 "github.com/holdfast-files/holdfast/proto/holdfast/metadata/v1"
	storagev1 "github.com/holdfast-files/holdfast/proto/holdfast/storage/v1"
	"github.com/holdfast-files/holdfast/services/storage/blob"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// maxKept is how many extents are kept at once.
const maxKept = 2000

// Resumable uploads. Of targets there are paths only, and no concatenation.

type upload struct {
	status  *storagev1.UploadStatus
	spec    *storagev1.UploadSpec
	epoch   int64
	extents []*ledgerv1.Extent
	state   []byte
	pending []string
	expire  time.Time
	held    bool
}

// OpenUpload opens an upload.
func (l *Ledger) OpenUpload(ctx context.Context, req *ledgerv1.OpenUploadRequest) (*ledgerv1.OpenUploadResponse, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	asked := req.GetUpload()
	u := &upload{
		spec:   &storagev1.UploadSpec{Target: &storagev1.UploadSpec_Path{Path: asked.GetPath()}, Condition: asked.GetCondition()},
		expire: l.now().Add(intentLife), held: asked.GetHoldOpen(),
	}
	u.status = &storagev1.UploadStatus{Upload: &metadatav1.Upload{
		Name: "spaces/s/uploads/" + newID(), State: metadatav1.Upload_OPEN, SizeBytes: asked.SizeBytes,
		Partial: asked.GetPartial(), ExpireTime: timestamppb.New(u.expire),
	}}
	l.uploads[u.status.GetUpload().GetName()] = u
	return &ledgerv1.OpenUploadResponse{Status: proto.CloneOf(u.status)}, nil
}

// TakeUpload raises the epoch of an upload.
func (l *Ledger) TakeUpload(ctx context.Context, req *ledgerv1.TakeUploadRequest) (*ledgerv1.TakeUploadResponse, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	u, err := l.upload(req.GetName())
	if err != nil {
		return nil, err
	}
	if req.GetPeek() {
		return &ledgerv1.TakeUploadResponse{Status: proto.CloneOf(u.status)}, nil
	}
	shown := u.status.GetUpload()
	if req.OffsetBytes != nil && req.GetOffsetBytes() != shown.GetOffsetBytes() {
		e := fault.New(errorsv1.Reason_REASON_OFFSET_MISMATCH, "refused by the ledger")
		e.Metadata = map[string]string{"expected_offset": strconv.FormatInt(shown.GetOffsetBytes(), 10)}
		return nil, e
	}
	if shown.GetState() == metadatav1.Upload_COMPLETE {
		return &ledgerv1.TakeUploadResponse{Status: proto.CloneOf(u.status)}, nil
	}
	if req.SizeBytes != nil {
		if shown.SizeBytes != nil && shown.GetSizeBytes() != req.GetSizeBytes() {
			return nil, refused(errorsv1.Reason_REASON_INVALID_ARGUMENT)
		}
		shown.SizeBytes = req.SizeBytes
	}
	if req.OffsetBytes != nil {
		u.held = req.GetHoldOpen()
	}
	u.epoch++
	l.fence(u)
	resp := &ledgerv1.TakeUploadResponse{
		Status: proto.CloneOf(u.status), Epoch: u.epoch, Sha256State: u.state, Tail: u.extents, HeldOpen: u.held,
		Grant: []byte(shown.GetName() + "@" + strconv.FormatInt(u.epoch, 10)),
	}
	if req.OffsetBytes != nil {
		resp.BlobId = u.reserve()
	}
	return resp, nil
}

// KeepExtents makes blobs a part of an upload.
func (l *Ledger) KeepExtents(ctx context.Context, req *ledgerv1.KeepExtentsRequest) (*ledgerv1.KeepExtentsResponse, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	u, err := l.held(req.GetGrant())
	if err != nil {
		return nil, err
	}
	added := req.GetExtents()
	if len(added) > maxKept {
		return nil, refused(errorsv1.Reason_REASON_INVALID_ARGUMENT)
	}
	if n := len(added); n == 0 || len(u.extents) == 0 || u.extents[len(u.extents)-1].GetBlobId() != added[n-1].GetBlobId() {
		if err := l.extend(u, req); err != nil {
			return nil, err
		}
	}
	resp := &ledgerv1.KeepExtentsResponse{Status: proto.CloneOf(u.status), Tail: u.extents}
	if req.GetMore() {
		resp.BlobId = u.reserve()
	}
	return resp, nil
}

func (l *Ledger) extend(u *upload, req *ledgerv1.KeepExtentsRequest) error {
	shown := u.status.GetUpload()
	if req.GetOffsetBytes() != shown.GetOffsetBytes() {
		return refused(errorsv1.Reason_REASON_OFFSET_MISMATCH)
	}
	if len(req.GetExtents()) == 0 {
		return nil
	}
	staying := len(u.extents) - int(req.GetReplacedCount())
	for _, x := range u.extents[staying:] {
		l.drop(x.GetBlobId())
	}
	u.extents = append(u.extents[:staying:staying], req.GetExtents()...)
	sum, offset := sha256.New(), int64(0)
	for _, x := range u.extents {
		data, ok := l.store.Data(uuid.MustParse(x.GetBlobId()))
		if !ok || int64(len(data)) != x.GetLength() {
			l.tb.Errorf("ledgertest: extent %v kept before its blob has it", x)
		}
		_, _ = sum.Write(data)
		offset += x.GetLength()
	}
	state, err := sum.(encoding.BinaryMarshaler).MarshalBinary()
	if err != nil || !bytes.Equal(state, req.GetSha256State()) {
		l.tb.Errorf("ledgertest: the digest of %d bytes is not that of the bytes", offset)
	}
	for _, x := range req.GetExtents() {
		if !u.unreserve(x.GetBlobId()) {
			l.tb.Errorf("ledgertest: blob %s kept that was not given out", x.GetBlobId())
		}
	}
	if shown.SizeBytes != nil && offset > shown.GetSizeBytes() {
		return refused(errorsv1.Reason_REASON_INVALID_ARGUMENT)
	}
	u.state, shown.OffsetBytes = req.GetSha256State(), offset
	u.expire = l.now().Add(intentLife)
	return nil
}

// FinishUpload turns an upload into a revision.
func (l *Ledger) FinishUpload(ctx context.Context, req *ledgerv1.FinishUploadRequest) (*ledgerv1.FinishUploadResponse, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	u, err := l.held(req.GetGrant())
	if err != nil {
		return nil, err
	}
	shown := u.status.GetUpload()
	if shown.GetState() == metadatav1.Upload_OPEN {
		if req.GetSizeBytes() != shown.GetOffsetBytes() {
			return nil, refused(errorsv1.Reason_REASON_OFFSET_MISMATCH)
		}
		f, place, err := l.find(u.spec)
		if err != nil {
			return nil, err
		}
		if !holds(u.spec.GetCondition(), f) {
			return nil, refused(errorsv1.Reason_REASON_PRECONDITION_FAILED)
		}
		sum := sha256.New()
		for _, x := range u.extents {
			data, _ := l.store.Data(uuid.MustParse(x.GetBlobId()))
			_, _ = sum.Write(data)
		}
		outcome := l.apply(f, place, &ledgerv1.CommitRequest{
			Extents: u.extents, SizeBytes: shown.GetOffsetBytes(), Sha256: sum.Sum(nil),
		})
		u.status.File, u.status.Created = outcome.GetFile(), outcome.GetCreated()
		shown.State, shown.SizeBytes = metadatav1.Upload_COMPLETE, proto.Int64(shown.GetOffsetBytes())
		l.fence(u)
		u.extents = nil
	}
	return &ledgerv1.FinishUploadResponse{Status: proto.CloneOf(u.status)}, nil
}

// DropUpload gives an upload up.
func (l *Ledger) DropUpload(ctx context.Context, req *ledgerv1.DropUploadRequest) (*ledgerv1.DropUploadResponse, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	u, err := l.upload(req.GetName())
	if err != nil {
		return nil, err
	}
	l.remove(u)
	return &ledgerv1.DropUploadResponse{}, nil
}

func (l *Ledger) remove(u *upload) {
	delete(l.uploads, u.status.GetUpload().GetName())
	l.fence(u)
	for _, x := range u.extents {
		l.drop(x.GetBlobId())
	}
}

// fence drops the blobs that a request may still be writing. It does not know
// that it is late, so they are dropped once more much later.
func (l *Ledger) fence(u *upload) {
	l.dropPending(u.pending...)
	for _, id := range u.pending {
		l.fenced[id] = true
	}
	u.pending = nil
}

// expireUploads removes the uploads whose time is over.
func (l *Ledger) expireUploads() {
	for _, u := range l.uploads {
		if !l.now().Before(u.expire) {
			l.remove(u)
		}
	}
}

// drop makes jobs that delete blobs, due at once.
func (l *Ledger) drop(blobs ...string) {
	for _, id := range blobs {
		name := "work/" + id
		l.jobs[name] = &job{id: name, blobs: []string{id}, due: l.now()}
	}
}

func (l *Ledger) upload(name string) (*upload, error) {
	u := l.uploads[name]
	switch {
	case u == nil:
		return nil, refused(errorsv1.Reason_REASON_NOT_FOUND)
	case !l.now().Before(u.expire):
		return nil, refused(errorsv1.Reason_REASON_EXPIRED)
	}
	return u, nil
}

func (l *Ledger) held(grant []byte) (*upload, error) {
	name, epoch, _ := bytes.Cut(grant, []byte("@"))
	u, err := l.upload(string(name))
	if err == nil && strconv.FormatInt(u.epoch, 10) != string(epoch) {
		err = refused(errorsv1.Reason_REASON_UPLOAD_SUPERSEDED)
	}
	return u, err
}

func (u *upload) reserve() string {
	id := newID()
	u.pending = append(u.pending, id)
	return id
}

func (u *upload) unreserve(id string) bool {
	for i, pending := range u.pending {
		if pending == id {
			u.pending = append(u.pending[:i:i], u.pending[i+1:]...)
			return true
		}
	}
	return false
}

func (u *upload) mayCreate(id blob.ID) bool {
	for _, pending := range u.pending {
		if pending == id.String() {
			return true
		}
	}
	return false
}

// Extents returns the lengths of the extents of an upload, or of the file that
// it became.
func (l *Ledger) Extents(path string) []int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	var lengths []int64
	f := l.places["/"+path]
	for _, x := range f.revisions[len(f.revisions)-1].extents {
		lengths = append(lengths, x.GetLength())
	}
	return lengths
}
