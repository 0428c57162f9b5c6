package rest_test

import (
	"bytes"
	"context"
	"crypto/sha1"
	"crypto/sha256"
	"fmt"
	"hash/crc32"
	"io"
	"strconv"
	"strings"

	"github.com/holdfast-files/holdfast/gateway/content"
	"github.com/holdfast-files/holdfast/internal/fault"
	errorsv1 "github.com/holdfast-files/holdfast/proto/holdfast/errors/v1"
	metadatav1 "github.com/holdfast-files/holdfast/proto/holdfast/metadata/v1"
	storagev1 "github.com/holdfast-files/holdfast/proto/holdfast/storage/v1"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// uploading is a resumable upload in a world.
type uploading struct {
	req      *storagev1.CreateUploadRequest
	upload   *metadatav1.Upload
	bytes    []byte
	requests int    // a newer one takes over
	stop     func() // interrupts the body of the last one
	outcome  *storagev1.UploadStatus
	held     bool
}

var _ content.Resumable = (*world)(nil)

func (w *world) CreateUpload(ctx context.Context, req *storagev1.CreateUploadRequest) (*storagev1.UploadStatus, error) {
	if err := w.note(ctx, req); err != nil {
		return nil, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	key := req.GetRequestId()
	if earlier := w.requests[key]; key != "" && earlier != nil {
		status := earlier.status()
		earlier.keep(w.late)
		w.late = nil
		return status, nil
	}
	if req.GetCondition().GetAbsent() && w.files[w.place(req, "")] != nil {
		return nil, reason(errorsv1.Reason_REASON_PRECONDITION_FAILED, "it is there")
	}
	u := w.open(req)
	w.requests[key] = u
	if u.upload.SizeBytes != nil && u.upload.GetSizeBytes() == 0 && !req.GetHoldOpen() {
		w.complete(u)
	}
	return u.status(), nil
}

func (w *world) open(req *storagev1.CreateUploadRequest) *uploading {
	w.serial++
	u := &uploading{req: req, stop: func() {}, upload: &metadatav1.Upload{
		Name:           fmt.Sprintf("%s/uploads/u%d", req.GetParent(), w.serial),
		State:          metadatav1.Upload_OPEN,
		SizeBytes:      req.SizeBytes,
		ContentType:    req.GetContentType(),
		ClientMetadata: req.GetClientMetadata(),
		Partial:        req.GetPartial(),
		CreateTime:     timestamppb.New(epoch),
		ExpireTime:     timestamppb.New(expiry),
	}}
	w.uploads[u.upload.GetName()] = u
	return u
}

func (u *uploading) status() *storagev1.UploadStatus {
	if u.outcome != nil {
		return proto.CloneOf(u.outcome)
	}
	return &storagev1.UploadStatus{Upload: proto.CloneOf(u.upload)}
}

// take begins a request for an upload and stops the one before.
func (w *world) take(name string, stop func()) (*uploading, int, error) {
	u := w.uploads[name]
	if u == nil {
		return nil, 0, notFound(name)
	}
	u.requests++
	u.stop()
	u.stop = stop
	return u, u.requests, nil
}

func (w *world) AppendUpload(ctx context.Context, spec *storagev1.AppendSpec, body io.Reader, progress func(int64)) (*storagev1.UploadStatus, error) {
	if err := w.note(ctx, spec); err != nil {
		return nil, err
	}
	w.mu.Lock()
	u, request, err := w.take(spec.GetName(), func() {
		if body, ok := body.(content.Interrupter); ok {
			body.Interrupt()
		}
	})
	if err == nil {
		err = u.check(spec)
	}
	w.mu.Unlock()
	if err != nil {
		return nil, err
	}
	w.started <- struct{}{}
	var came bytes.Buffer
	for buf := make([]byte, 64<<10); err == nil; {
		var n int
		n, err = body.Read(buf)
		came.Write(buf[:n])
		w.mu.Lock()
		if u.requests != request {
			w.mu.Unlock()
			return nil, reason(errorsv1.Reason_REASON_UPLOAD_SUPERSEDED, "a newer request took over")
		}
		if spec.GetChecksum() == nil {
			u.keep(buf[:n])
			if progress != nil && n > 0 && err == nil {
				progress(u.upload.GetOffsetBytes())
			}
		}
		w.mu.Unlock()
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if err != io.EOF { //nolint:errorlint // as io.Reader has it
		w.bodies <- err
		return nil, err
	}
	if sum := spec.GetChecksum(); sum != nil {
		if !bytes.Equal(sum.GetValue(), sums[sum.GetAlgorithm()](came.Bytes())) {
			return nil, reason(errorsv1.Reason_REASON_DIGEST_MISMATCH, "not the announced bytes")
		}
		u.keep(came.Bytes())
	}
	if err := w.end(u, spec); err != nil {
		return nil, err
	}
	return u.status(), nil
}

var sums = map[storagev1.Checksum_Algorithm]func([]byte) []byte{
	storagev1.Checksum_SHA1:   func(b []byte) []byte { s := sha1.Sum(b); return s[:] },
	storagev1.Checksum_SHA256: func(b []byte) []byte { s := sha256.Sum256(b); return s[:] },
	storagev1.Checksum_CRC32C: func(b []byte) []byte {
		s := crc32.Checksum(b, crc32.MakeTable(crc32.Castagnoli))
		return []byte{byte(s >> 24), byte(s >> 16), byte(s >> 8), byte(s)}
	},
}

// check judges an append as storage does.
func (u *uploading) check(spec *storagev1.AppendSpec) error {
	switch at := u.upload.GetOffsetBytes(); {
	case len(u.upload.GetParts()) > 0:
		e := fault.New(errorsv1.Reason_REASON_CONFLICT, "it is made of others")
		e.Metadata = map[string]string{"joins": "true"}
		return e
	case spec.GetOffsetBytes() != at:
		e := fault.New(errorsv1.Reason_REASON_OFFSET_MISMATCH, "it has %d bytes", at)
		e.Metadata = map[string]string{"expected_offset": strconv.FormatInt(at, 10)}
		if u.outcome != nil {
			e.Metadata["complete"] = "true"
		}
		return e
	case spec.SizeBytes == nil:
	case u.upload.SizeBytes != nil && u.upload.GetSizeBytes() != spec.GetSizeBytes():
		return fault.Invalidf("size_bytes", "it was declared to be %d", u.upload.GetSizeBytes())
	default:
		u.upload.SizeBytes = spec.SizeBytes
	}
	if u.upload.SizeBytes != nil && spec.GetOffsetBytes()+spec.GetContentBytes() > u.upload.GetSizeBytes() {
		return fault.Invalidf("size_bytes", "more bytes than declared")
	}
	return nil
}

func (u *uploading) keep(b []byte) {
	u.bytes = append(u.bytes, b...)
	u.upload.OffsetBytes = int64(len(u.bytes))
}

// end completes what has all of its bytes, and returns why not.
func (w *world) end(u *uploading, spec *storagev1.AppendSpec) error {
	u.held = spec.GetHoldOpen() && !spec.GetComplete()
	if !spec.GetComplete() && (spec.GetHoldOpen() || u.upload.SizeBytes == nil || u.upload.GetOffsetBytes() < u.upload.GetSizeBytes()) {
		return nil
	}
	if want := u.req.GetSha256(); want != nil && !bytes.Equal(want, sums[storagev1.Checksum_SHA256](u.bytes)) {
		return reason(errorsv1.Reason_REASON_DIGEST_MISMATCH, "not the announced contents")
	}
	u.upload.SizeBytes = proto.Int64(int64(len(u.bytes)))
	w.complete(u)
	return nil
}

func (w *world) complete(u *uploading) {
	u.upload.State = metadatav1.Upload_COMPLETE
	u.outcome = &storagev1.UploadStatus{Upload: u.upload}
	if u.req.GetPartial() {
		return
	}
	f, created := w.write(w.place(u.req, lastSegment(u.upload.GetName())), u.req.GetContentType(), u.bytes)
	u.upload.File = f.file.GetName()
	u.outcome.File, u.outcome.Created = proto.CloneOf(f.file), created
}

// place returns the path that an upload goes to.
func (w *world) place(req *storagev1.CreateUploadRequest, id string) string {
	switch {
	case req.GetPath() != nil:
		return req.GetPath().GetPath()
	case req.GetChild().GetDisplayName() != "":
		return "/" + req.GetChild().GetDisplayName()
	case req.GetFile() != "":
		for path, f := range w.files {
			if f.file.GetName() == req.GetFile() {
				return path
			}
		}
	}
	return "/" + id
}

func (w *world) QueryUpload(ctx context.Context, req *storagev1.QueryUploadRequest) (*storagev1.UploadStatus, error) {
	if err := w.note(ctx, req); err != nil {
		return nil, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	u, _, err := w.take(req.GetName(), func() {})
	if err != nil {
		return nil, err
	}
	if u.outcome == nil && len(u.upload.GetParts()) > 0 {
		w.join(u)
	}
	if u.held && !req.GetHoldOpen() && u.outcome == nil {
		err := w.end(u, new(storagev1.AppendSpec))
		return u.status(), err
	}
	return u.status(), nil
}

func (w *world) CancelUpload(ctx context.Context, req *storagev1.CancelUploadRequest) error {
	if err := w.note(ctx, req); err != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	_, _, err := w.take(req.GetName(), func() {})
	delete(w.uploads, req.GetName())
	return err
}

func (w *world) ConcatenateUploads(ctx context.Context, req *storagev1.ConcatenateUploadsRequest) (*storagev1.UploadStatus, error) {
	if err := w.note(ctx, req); err != nil {
		return nil, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, part := range req.GetParts() {
		if p := w.uploads[part]; p == nil || !p.upload.GetPartial() {
			return nil, notFound(part)
		}
	}
	u := w.open(req.GetUpload())
	u.upload.Parts = req.GetParts()
	w.join(u)
	return u.status(), nil
}

// join completes an upload when its parts are.
func (w *world) join(u *uploading) {
	var all []byte
	for _, part := range u.upload.GetParts() {
		p := w.uploads[part]
		if p == nil || p.outcome == nil {
			return
		}
		all = append(all, p.bytes...)
	}
	u.keep(all)
	u.upload.SizeBytes = proto.Int64(int64(len(all)))
	w.complete(u)
}

func (w *world) GetUpload(ctx context.Context, req *metadatav1.GetUploadRequest) (*metadatav1.Upload, error) {
	if err := w.note(ctx, req); err != nil {
		return nil, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	u := w.uploads[req.GetName()]
	if u == nil {
		return nil, notFound(req.GetName())
	}
	return proto.CloneOf(u.upload), nil
}

// upload returns an upload by the URL of its Location.
func (w *world) uploadAt(location string) *metadatav1.Upload {
	w.mu.Lock()
	defer w.mu.Unlock()
	if u := w.uploads[strings.TrimPrefix(location, "/v1/")]; u != nil {
		return proto.CloneOf(u.upload)
	}
	return nil
}
