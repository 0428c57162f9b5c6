package rest

import (
	"maps"
	"net/http"

	"github.com/holdfast-files/holdfast/gateway/header"
	"github.com/holdfast-files/holdfast/internal/fault"
	storagev1 "github.com/holdfast-files/holdfast/proto/holdfast/storage/v1"
)

const partialMediaType = "application/partial-upload"

// ietfProtocol is "Resumable Uploads for HTTP"
// (draft-ietf-httpbis-resumable-upload).
type ietfProtocol struct{ h *Handler }

// announcedLength returns the length of the whole as a request gives it:
// outright, or by having the rest.
func announcedLength(x *exchange, ask *header.Resumable, offset int64) (*int64, error) {
	length := ask.Length
	if *ask.Complete && x.r.ContentLength >= 0 {
		sum := offset + x.r.ContentLength
		if length != nil && *length != sum {
			return nil, fault.Invalidf(lengthField, "%d bytes were announced, but %d are there in the end", *length, sum)
		}
		length = &sum
	}
	return length, tooLarge(length)
}

// lengthField is the field that errors about lengths name.
const lengthField = "size_bytes"

// checksum returns what Content-Digest says about the bytes of this request.
func (ietfProtocol) checksum(x *exchange) (*storagev1.Checksum, error) {
	digests, err := header.ParseDigest("Content-Digest", x.r.Header)
	if err != nil || digests.SHA256 == nil {
		return nil, err
	}
	return &storagev1.Checksum{Algorithm: storagev1.Checksum_SHA256, Value: digests.SHA256}, nil
}

// query answers HEAD: it takes the upload over from a request that is stuck.
func (p ietfProtocol) query(x *exchange) error {
	ask := header.ParseResumable(x.r.Header)
	status, err := p.h.uploads.QueryUpload(x.ctx, &storagev1.QueryUploadRequest{Name: x.params.uploadName(), HoldOpen: ask.AwaitsEnd()})
	if err != nil {
		return err
	}
	f := fields{header: x.w.Header(), values: make([]string, 0, 8)}
	if u := status.GetUpload(); u.SizeBytes != nil {
		f.set("Upload-Length", decimal(u.GetSizeBytes()))
	}
	p.state(&f, &ask, status)
	x.writeHeader(http.StatusNoContent)
	return nil
}

// add answers PATCH.
func (p ietfProtocol) add(x *exchange) error {
	if mediaType(x.r.Header) != partialMediaType {
		return wantMediaType(x, partialMediaType+", "+tusMediaType)
	}
	ask := header.ParseResumable(x.r.Header)
	switch {
	case ask.Offset == nil:
		return fault.Invalidf("Upload-Offset", "want an integer")
	case ask.Complete == nil:
		return fault.Invalidf("Upload-Complete", "want ?0 or ?1")
	}
	length, err := announcedLength(x, &ask, *ask.Offset)
	if err != nil {
		return err
	}
	checksum, err := p.checksum(x)
	if err != nil {
		return err
	}
	status, err := p.h.uploads.AppendUpload(x.ctx, &storagev1.AppendSpec{
		Name: x.params.uploadName(), OffsetBytes: *ask.Offset, SizeBytes: length,
		Complete: *ask.Complete, HoldOpen: ask.AwaitsEnd(), ContentBytes: x.contentBytes(), Checksum: checksum,
	}, x.reader(), p.progress(x, &ask))
	if err != nil {
		return err
	}
	if isComplete(status.GetUpload()) && *ask.Complete {
		return p.processed(x, status)
	}
	f := fields{header: x.w.Header(), values: make([]string, 0, 8)}
	p.state(&f, &ask, status)
	x.writeHeader(http.StatusNoContent)
	return nil
}

// cancel answers DELETE.
func (p ietfProtocol) cancel(x *exchange) error {
	if err := p.h.uploads.CancelUpload(x.ctx, &storagev1.CancelUploadRequest{Name: x.params.uploadName()}); err != nil {
		return err
	}
	x.w.Header()["Cache-Control"] = noStore
	x.writeHeader(http.StatusNoContent)
	return nil
}

// state says how far an upload is.
func (ietfProtocol) state(f *fields, ask *header.Resumable, status *storagev1.UploadStatus) {
	u := status.GetUpload()
	f.set("Upload-Offset", decimal(u.GetOffsetBytes()))
	if isComplete(u) {
		f.set("Upload-Complete", "?1")
	} else {
		f.set("Upload-Complete", "?0")
		f.set("Upload-Limit", ask.UploadLimit(header.UploadLimits{MaxSize: maxUploadBytes, Lifetime: lifetime(u)}))
	}
	f.set("Cache-Control", "no-store")
	describeFile(f, status)
}

// processed answers as the file does that has the contents now: as if they had
// come in one request.
func (ietfProtocol) processed(x *exchange, status *storagev1.UploadStatus) error {
	f := fields{header: x.w.Header(), values: make([]string, 0, 2)}
	f.set("Upload-Complete", "?1")
	f.set("Upload-Offset", decimal(status.GetUpload().GetOffsetBytes()))
	if status.GetFile() == nil { // a part, opened with tus
		x.writeHeader(http.StatusNoContent)
		return nil
	}
	return x.writeStored(status.GetFile(), status.GetCreated())
}

// announce sends 104 (Upload Resumption Supported) to a client that is known to
// understand it. Nothing depends on its arrival: many proxies drop it.
func (x *exchange) announce(ask *header.Resumable, h http.Header) {
	if ask.Interop == nil || !x.r.ProtoAtLeast(1, 1) || x.ctx.Err() != nil {
		return
	}
	h["Upload-Draft-Interop-Version"] = []string{decimal(ask.Interop.Version)}
	// An interim response has all fields that are set by then.
	final := x.w.Header()
	kept := maps.Clone(final)
	clear(final)
	maps.Copy(final, h)
	x.extendWrite(0)
	x.w.WriteHeader(statusResumptionSupported)
	x.pauseWrite() // the body comes for as long as it takes
	clear(final)
	maps.Copy(final, kept)
}

const statusResumptionSupported = 104

// progress returns what tells the client how much of a long request is safe.
func (ietfProtocol) progress(x *exchange, ask *header.Resumable) func(int64) {
	if ask.Interop == nil {
		return nil
	}
	return func(offset int64) { x.announce(ask, http.Header{"Upload-Offset": {decimal(offset)}}) }
}
