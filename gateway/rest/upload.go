package rest

import (
	"io"
	"net/http"
	"strings"

	"github.com/holdfast-files/holdfast/gateway/header"
	"github.com/holdfast-files/holdfast/internal/fault"
	errorsv1 "github.com/holdfast-files/holdfast/proto/holdfast/errors/v1"
	storagev1 "github.com/holdfast-files/holdfast/proto/holdfast/storage/v1"
)

// putContent answers PUT /v1/spaces/{space}/files/{file}/content: a new
// revision of a file that exists.
func (h *Handler) putContent(x *exchange) error {
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
	return h.upload(x, &storagev1.UploadSpec{
		Target: &storagev1.UploadSpec_Path{Path: target},
	})
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
	text, err := marshal(resp.GetFile())
	if err != nil {
		return err
	}
	status := http.StatusOK
	if resp.GetCreated() {
		status = http.StatusCreated
	}
	f := fields{header: x.w.Header(), values: make([]string, 0, 2)}
	f.set("Etag", `"`+lastSegment(resp.GetFile().GetRevision())+`"`)
	f.set("Location", "/v1/"+resp.GetFile().GetName())
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
