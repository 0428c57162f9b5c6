package rest

import (
	"net/http"

	"github.com/holdfast-files/holdfast/gateway/header"
	"github.com/holdfast-files/holdfast/internal/fault"
	errorsv1 "github.com/holdfast-files/holdfast/proto/holdfast/errors/v1"
	storagev1 "github.com/holdfast-files/holdfast/proto/holdfast/storage/v1"
)

// create answers POST …/uploads.
func (p ietfProtocol) create(x *exchange) error {
	ask := header.ParseResumable(x.r.Header)
	if ask.Complete == nil {
		return fault.Invalidf("Upload-Complete", "want ?0 or ?1 here, or Tus-Resumable for tus")
	}
	meta, canonical, err := header.ParseTusMetadata(x.r.Header["Upload-Metadata"])
	if err != nil {
		return err
	}
	req, err := x.createRequest(meta)
	if err != nil {
		return err
	}
	req.ClientMetadata = canonical
	if filetype := meta["filetype"]; filetype != "" {
		if req.ContentType, err = header.ParseContentType([]string{filetype}); err != nil {
			return err
		}
	}
	return p.open(x, &ask, req)
}

// resumablePut answers a PUT with Upload-Complete of what req targets.
func (p ietfProtocol) resumablePut(x *exchange, ask *header.Resumable, target func(*storagev1.CreateUploadRequest)) error {
	x.refuse = p.refuse
	if err := checkUpload(x.r); err != nil {
		return err
	}
	req := &storagev1.CreateUploadRequest{Parent: x.params.spaceName()}
	target(req)
	var err error
	if req.Condition, err = header.WriteCondition(x.r.Header); err != nil {
		return err
	}
	if req.RequestId, err = header.ParseIdempotencyKey(x.r.Header["Idempotency-Key"]); err != nil {
		return err
	}
	return p.open(x, ask, req)
}

// open opens an upload and takes the first bytes, or all of them. The client
// learns the upload's URL before it sends them where that is possible, else
// with the answer.
func (p ietfProtocol) open(x *exchange, ask *header.Resumable, req *storagev1.CreateUploadRequest) error {
	if err := p.describe(x, ask, req); err != nil {
		return err
	}
	req.HoldOpen = !*ask.Complete && ask.AwaitsEnd()
	checksum, err := p.checksum(x)
	if err != nil {
		return err
	}
	status, again, err := p.h.start(x, req, func(opened *storagev1.UploadStatus) (*storagev1.UploadStatus, error) {
		u := opened.GetUpload()
		limit := ask.UploadLimit(header.UploadLimits{MaxSize: maxUploadBytes, Lifetime: lifetime(u)})
		x.announce(ask, http.Header{"Location": {uploadURL(u.GetName())}, "Upload-Limit": {limit}})
		if x.body == nil && !*ask.Complete {
			return opened, nil
		}
		status, err := p.h.uploads.AppendUpload(x.ctx, &storagev1.AppendSpec{
			Name: u.GetName(), Complete: *ask.Complete, HoldOpen: ask.AwaitsEnd(), ContentBytes: x.contentBytes(), Checksum: checksum,
		}, x.reader(), p.progress(x, ask))
		if err != nil && ask.Interop == nil {
			p.h.forget(x, req, u.GetName())
		}
		return status, err
	})
	if err != nil {
		return err
	}
	u := status.GetUpload()
	if isComplete(u) { // it is empty, or all has come, perhaps before under its Idempotency-Key
		return p.processed(x, status)
	}
	f := fields{header: x.w.Header(), values: make([]string, 0, 8)}
	f.set("Location", uploadURL(u.GetName()))
	if again && *ask.Complete {
		return begun(u.GetOffsetBytes())
	}
	p.state(&f, ask, status)
	f.set("Content-Length", "0")
	x.writeHeader(http.StatusCreated)
	return nil
}

// begun returns OFFSET_MISMATCH for contents that were sent before and came in
// part. A client takes every 2xx for an answer to all that it sent; this one has
// it go on where they were cut.
func begun(offset int64) error {
	e := fault.New(errorsv1.Reason_REASON_OFFSET_MISMATCH, "%d bytes came with this request before: go on with the upload", offset)
	e.Metadata = map[string]string{"expected_offset": decimal(offset)}
	return e
}

// describe fills in what the header says about the contents.
func (ietfProtocol) describe(x *exchange, ask *header.Resumable, req *storagev1.CreateUploadRequest) error {
	contentType, err := header.ParseContentType(x.r.Header["Content-Type"])
	if err != nil {
		return err
	}
	// A part of something has no type that the whole could have.
	if contentType != partialMediaType && req.GetContentType() == "" {
		req.ContentType = contentType
	}
	digests, err := header.ParseDigest("Repr-Digest", x.r.Header)
	if err != nil {
		return err
	}
	if digests.SHA512 != nil && digests.SHA256 == nil {
		return fault.Invalidf("Repr-Digest", "of contents that come in several requests only sha-256 is verified")
	}
	req.Sha256 = digests.SHA256
	req.SizeBytes, err = announcedLength(x, ask, 0)
	return err
}
