package rest

import (
	"net/http"
	"strings"

	"github.com/holdfast-files/holdfast/gateway/header"
	"github.com/holdfast-files/holdfast/internal/fault"
	errorsv1 "github.com/holdfast-files/holdfast/proto/holdfast/errors/v1"
	metadatav1 "github.com/holdfast-files/holdfast/proto/holdfast/metadata/v1"
	storagev1 "github.com/holdfast-files/holdfast/proto/holdfast/storage/v1"
)

const (
	tusVersion    = "1.0.0"
	tusExtensions = "creation,creation-with-upload,creation-defer-length,expiration,checksum,termination,concatenation,concatenation-unfinished"
	tusMediaType  = "application/offset+octet-stream"
	// tusChecksumMismatch is the status of bytes that do not have their checksum.
	tusChecksumMismatch = 460
)

// tusProtocol is tus 1.0.
type tusProtocol struct{ h *Handler }

// describeTus says what of tus is spoken.
func describeTus(f *fields) {
	f.set("Tus-Resumable", tusVersion)
	f.set("Tus-Version", tusVersion)
	f.set("Tus-Extension", tusExtensions)
	f.set("Tus-Max-Size", decimal(maxUploadBytes))
	f.set("Tus-Checksum-Algorithm", header.TusAlgorithms)
}

// begin checks the version of a request and marks its answer.
func (tusProtocol) begin(x *exchange) error {
	h := x.w.Header()
	h["Tus-Resumable"] = []string{tusVersion}
	h["Cache-Control"] = noStore
	if lines := x.r.Header["Tus-Resumable"]; len(lines) != 1 || strings.Trim(lines[0], " \t") != tusVersion {
		h["Tus-Version"] = []string{tusVersion}
		return fault.New(errorsv1.Reason_REASON_PRECONDITION_FAILED, "Tus-Resumable: only version %s is spoken", tusVersion)
	}
	return nil
}

var noStore = []string{"no-store"}

// create answers POST: it opens an upload, joins others to one, and takes the
// bytes that may come along.
func (p tusProtocol) create(x *exchange) error {
	if err := p.begin(x); err != nil {
		return err
	}
	concat, err := header.ParseTusConcat(x.r.Header["Upload-Concat"])
	if err != nil {
		return err
	}
	meta, canonical, err := header.ParseTusMetadata(x.r.Header["Upload-Metadata"])
	if err != nil {
		return err
	}
	if concat.Partial {
		meta = nil // it will be no file
	}
	req, err := x.createRequest(meta)
	if err != nil {
		return err
	}
	req.ClientMetadata, req.Partial = canonical, concat.Partial
	if filetype := meta["filetype"]; filetype != "" {
		if req.ContentType, err = header.ParseContentType([]string{filetype}); err != nil {
			return err
		}
	}
	if concat.Final != nil {
		return p.concatenate(x, req, concat.Final)
	}
	if req.SizeBytes, err = tusLength(x.r.Header); err != nil {
		return err
	}
	withUpload := mediaType(x.r.Header) == tusMediaType && x.body != nil
	if x.body != nil && !withUpload {
		return wantMediaType(x, tusMediaType)
	}
	spec, err := p.spec(x)
	if err != nil {
		return err
	}
	status, _, err := p.h.start(x, req, func(opened *storagev1.UploadStatus) (*storagev1.UploadStatus, error) {
		if !withUpload {
			return opened, nil
		}
		spec.Name, spec.SizeBytes = opened.GetUpload().GetName(), nil
		status, err := p.h.uploads.AppendUpload(x.ctx, spec, x.reader(), nil)
		if err != nil {
			p.h.forget(x, req, spec.GetName())
		}
		return status, err
	})
	if err != nil {
		return err
	}
	return p.created(x, status)
}

// tusLength reads the length of a new upload, or that it comes later.
func tusLength(h http.Header) (*int64, error) {
	deferred, err := header.ParseTusDefer(h["Upload-Defer-Length"])
	if err != nil {
		return nil, err
	}
	length, err := header.ParseTusNumber("Upload-Length", h["Upload-Length"])
	switch {
	case err != nil:
		return nil, err
	case deferred && length != nil:
		return nil, fault.Invalidf("Upload-Length", "either this or Upload-Defer-Length")
	case !deferred && length == nil:
		return nil, fault.Invalidf("Upload-Length", "want this or Upload-Defer-Length: 1")
	}
	return length, tooLarge(length)
}

// concatenate makes an upload of others.
func (p tusProtocol) concatenate(x *exchange, req *storagev1.CreateUploadRequest, urls []string) error {
	for _, name := range []string{"Upload-Length", "Upload-Defer-Length"} {
		if len(x.r.Header[name]) > 0 {
			return fault.Invalidf(name, "a final upload is as long as its parts")
		}
	}
	if x.body != nil {
		return fault.Invalidf("body", "a final upload takes no bytes of its own")
	}
	join := &storagev1.ConcatenateUploadsRequest{Upload: req}
	for _, ref := range urls {
		name, err := p.h.uploadOf(x, ref)
		if err != nil {
			return err
		}
		join.Parts = append(join.Parts, name)
	}
	status, err := p.h.uploads.ConcatenateUploads(x.ctx, join)
	if err != nil {
		return err
	}
	return p.created(x, status)
}

func (tusProtocol) created(x *exchange, status *storagev1.UploadStatus) error {
	f := fields{header: x.w.Header(), values: make([]string, 0, 6)}
	f.set("Location", uploadURL(status.GetUpload().GetName()))
	describeTusState(&f, status)
	f.set("Content-Length", "0")
	x.writeHeader(http.StatusCreated)
	return nil
}

// query answers HEAD: it takes the upload over from a request that is stuck.
func (p tusProtocol) query(x *exchange) error {
	if err := p.begin(x); err != nil {
		return err
	}
	status, err := p.h.uploads.QueryUpload(x.ctx, &storagev1.QueryUploadRequest{Name: x.params.uploadName()})
	if err != nil {
		return err
	}
	u := status.GetUpload()
	f := fields{header: x.w.Header(), values: make([]string, 0, 8)}
	if u.SizeBytes != nil {
		f.set("Upload-Length", decimal(u.GetSizeBytes()))
	} else if len(u.GetParts()) == 0 {
		f.set("Upload-Defer-Length", "1")
	}
	if u.GetClientMetadata() != "" {
		f.set("Upload-Metadata", u.GetClientMetadata())
	}
	if concat := tusConcat(u); concat != "" {
		f.set("Upload-Concat", concat)
	}
	describeTusState(&f, status)
	x.writeHeader(http.StatusOK)
	return nil
}

// tusConcat returns the Upload-Concat of an upload.
func tusConcat(u *metadatav1.Upload) string {
	if u.GetPartial() {
		return "partial"
	}
	if len(u.GetParts()) == 0 {
		return ""
	}
	urls := make([]string, len(u.GetParts()))
	for i, part := range u.GetParts() {
		urls[i] = uploadURL(part)
	}
	return "final;" + strings.Join(urls, " ")
}

// add answers PATCH.
func (p tusProtocol) add(x *exchange) error {
	if err := p.begin(x); err != nil {
		return err
	}
	if mediaType(x.r.Header) != tusMediaType {
		return wantMediaType(x, tusMediaType)
	}
	spec, err := p.spec(x)
	if err != nil {
		return err
	}
	offset, err := header.ParseTusNumber("Upload-Offset", x.r.Header["Upload-Offset"])
	if err != nil {
		return err
	}
	if offset == nil {
		return fault.Invalidf("Upload-Offset", "want it with every PATCH")
	}
	spec.Name, spec.OffsetBytes = x.params.uploadName(), *offset
	status, err := p.h.uploads.AppendUpload(x.ctx, spec, x.reader(), nil)
	if err != nil {
		return err
	}
	f := fields{header: x.w.Header(), values: make([]string, 0, 4)}
	describeTusState(&f, status)
	x.writeHeader(http.StatusNoContent)
	return nil
}

// spec reads what a request says about the bytes that it brings.
func (tusProtocol) spec(x *exchange) (*storagev1.AppendSpec, error) {
	sum, err := header.ParseTusChecksum(x.r.Header["Upload-Checksum"])
	if err != nil {
		return nil, err
	}
	length, err := header.ParseTusNumber("Upload-Length", x.r.Header["Upload-Length"])
	if err == nil {
		err = tooLarge(length)
	}
	if err != nil {
		return nil, err
	}
	spec := &storagev1.AppendSpec{SizeBytes: length, ContentBytes: x.contentBytes()}
	if sum.Algorithm != "" {
		spec.Checksum = &storagev1.Checksum{Algorithm: tusAlgorithms[sum.Algorithm], Value: sum.Sum}
	}
	return spec, nil
}

var tusAlgorithms = map[string]storagev1.Checksum_Algorithm{
	"sha1":   storagev1.Checksum_SHA1,
	"sha256": storagev1.Checksum_SHA256,
	"crc32c": storagev1.Checksum_CRC32C,
}

// cancel answers DELETE.
func (p tusProtocol) cancel(x *exchange) error {
	if err := p.begin(x); err != nil {
		return err
	}
	if err := p.h.uploads.CancelUpload(x.ctx, &storagev1.CancelUploadRequest{Name: x.params.uploadName()}); err != nil {
		return err
	}
	x.writeHeader(http.StatusNoContent)
	return nil
}

// describeTusState says how far an upload is, and until when there is more to do:
// to send the rest of it, or to join a part that is complete. A final upload has no
// offset before it is complete: nothing could be sent there.
func describeTusState(f *fields, status *storagev1.UploadStatus) {
	u := status.GetUpload()
	if len(u.GetParts()) == 0 || isComplete(u) {
		f.set("Upload-Offset", decimal(u.GetOffsetBytes()))
	}
	if (!isComplete(u) || u.GetPartial()) && u.GetExpireTime() != nil {
		f.set("Upload-Expires", u.GetExpireTime().AsTime().Format(http.TimeFormat))
	}
	describeFile(f, status)
}

// wantMediaType refuses a body that is said to be something else (RFC 5789,
// section 2.2).
func wantMediaType(x *exchange, mediaType string) error {
	x.w.Header().Set("Accept-Patch", mediaType)
	return fault.New(errorsv1.Reason_REASON_UNSUPPORTED_MEDIA, "Content-Type: want %s", mediaType)
}

// refuse answers with an error. Two have a status of their own in tus: wrong
// checksums, and bytes for an upload that is made of others.
func (tusProtocol) refuse(x *exchange, status int, e *fault.Error) {
	switch {
	case e.Reason == errorsv1.Reason_REASON_DIGEST_MISMATCH:
		status = tusChecksumMismatch
	case e.Reason == errorsv1.Reason_REASON_CONFLICT && e.Metadata["joins"] == "true":
		status = http.StatusForbidden
	}
	x.writeJSON(status, errorBody(status, e, x.id))
}
