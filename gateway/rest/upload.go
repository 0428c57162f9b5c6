package rest

import (
	"io"
	"net/http"
	"strings"

	"github.com/holdfast-files/holdfast/gateway/header"
	"github.com/holdfast-files/holdfast/internal/fault"
	errorsv1 "github.com/holdfast-files/holdfast/proto/holdfast/errors/v1"
	metadatav1 "github.com/holdfast-files/holdfast/proto/holdfast/metadata/v1"
	storagev1 "github.com/holdfast-files/holdfast/proto/holdfast/storage/v1"
)

// putContent answers PUT /v1/spaces/{space}/files/{file}/content: a new
// revision of a file that exists.
func (h *Handler) putContent(x *exchange) error {
	if ask, ok := wantsResumption(x); ok {
		return ietfProtocol{h}.resumablePut(x, ask, func(req *storagev1.CreateUploadRequest) {
			req.Target = &storagev1.CreateUploadRequest_File{File: x.params.fileName()}
		})
	}
	return h.upload(x, &storagev1.UploadSpec{
		Target: &storagev1.UploadSpec_File{File: x.params.fileName()},
	})
}

// putPath answers PUT /v1/spaces/{space}/paths/{path…}: a new file, or a new
// revision of the one there.
func (h *Handler) putPath(x *exchange) error {
	target, err := x.params.pathTarget()
	if err != nil {
		return err
	}
	if ask, ok := wantsResumption(x); ok {
		return ietfProtocol{h}.resumablePut(x, ask, func(req *storagev1.CreateUploadRequest) {
			req.Target = &storagev1.CreateUploadRequest_Path{Path: target}
		})
	}
	return h.upload(x, &storagev1.UploadSpec{
		Target: &storagev1.UploadSpec_Path{Path: target},
	})
}

// wantsResumption reports whether a PUT is to open an upload that other
// requests continue. One that has everything is one only for a client that can
// be told its URL by 104; for every other it would be of no use, so the PUT is
// a plain one. So is one with a digest that only those verify.
func wantsResumption(x *exchange) (*header.Resumable, bool) {
	ask := header.ParseResumable(x.r.Header)
	if ask.Complete == nil || !*ask.Complete {
		return &ask, ask.Complete != nil
	}
	digests, err := header.ParseDigests(x.r.Header)
	return &ask, ask.Interop != nil && x.r.ProtoAtLeast(1, 1) && err == nil && digests.SHA512 == nil
}

// upload stores the body of the request as spec has it and answers with the
// node.
func (h *Handler) upload(x *exchange, spec *storagev1.UploadSpec) error {
	if err := describeUpload(spec, x.r); err != nil {
		return err
	}
	resp, err := h.content.Upload(x.ctx, spec, x.reader())
	if err != nil {
		return err
	}
	if len(x.r.Header["Upload-Complete"]) > 0 {
		x.w.Header()["Upload-Complete"] = []string{"?1"}
	}
	return x.writeStored(resp.GetFile(), resp.GetCreated())
}

// writeStored answers with the node of a file that has new contents.
func (x *exchange) writeStored(file *metadatav1.File, created bool) error {
	text, err := marshal(file)
	if err != nil {
		return err
	}
	status := http.StatusOK
	if created {
		status = http.StatusCreated
	}
	f := fields{header: x.w.Header(), values: make([]string, 0, 2)}
	f.set("Etag", `"`+lastSegment(file.GetRevision())+`"`)
	f.set("Location", "/v1/"+file.GetName())
	x.writeJSON(status, text)
	return nil
}

// describeUpload fills in what the header fields of a PUT say about its body.
func describeUpload(spec *storagev1.UploadSpec, r *http.Request) error {
	if err := checkUpload(r); err != nil {
		return err
	}
	contentType, err := header.ParseContentType(r.Header["Content-Type"])
	if err != nil {
		return err
	}
	if strings.HasPrefix(contentType, "multipart/form-data") {
		return fault.New(errorsv1.Reason_REASON_UNSUPPORTED_MEDIA,
			"Content-Type: a PUT takes the contents themselves; forms go to POST /v1/spaces/{space}/files")
	}
	digests, err := header.ParseDigests(r.Header)
	if err != nil {
		return err
	}
	condition, err := header.WriteCondition(r.Header)
	if err != nil {
		return err
	}
	requestID, err := header.ParseIdempotencyKey(r.Header["Idempotency-Key"])
	if err != nil {
		return err
	}
	spec.ContentType = contentType
	spec.Sha256, spec.Sha512 = digests.SHA256, digests.SHA512
	spec.Condition = condition
	spec.RequestId = requestID
	if r.ContentLength >= 0 {
		spec.SizeBytes = &r.ContentLength
	}
	return nil
}

// checkUpload refuses what would make the body something else than contents.
func checkUpload(r *http.Request) error {
	if r.URL.RawQuery != "" {
		if _, err := parseQuery(r.URL.RawQuery); err != nil {
			return err
		}
	}
	if len(r.Header["Content-Range"]) > 0 {
		return fault.Invalidf("Content-Range", "a PUT replaces the whole contents (RFC 9110, section 14.5)")
	}
	return header.CheckContentEncoding(r.Header["Content-Encoding"])
}

// reader returns the body of the request, which may be empty.
func (x *exchange) reader() io.Reader {
	if x.body == nil {
		return http.NoBody
	}
	return x.body
}
