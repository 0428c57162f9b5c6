package rest

import (
	"context"
	"log/slog"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/holdfast-files/holdfast/gateway/header"
	"github.com/holdfast-files/holdfast/internal/fault"
	errorsv1 "github.com/holdfast-files/holdfast/proto/holdfast/errors/v1"
	metadatav1 "github.com/holdfast-files/holdfast/proto/holdfast/metadata/v1"
	storagev1 "github.com/holdfast-files/holdfast/proto/holdfast/storage/v1"
)

// maxUploadBytes is the largest file there can be.
const maxUploadBytes = 5 << 40

const uploadPattern = "/v1/spaces/*/uploads/*"

// protocol is a way of uploading in several requests. All of them work on the
// same URLs, and one upload can be continued in either.
type protocol interface {
	// create answers POST …/uploads.
	create(x *exchange) error
	// query answers HEAD …/uploads/{upload}.
	query(x *exchange) error
	// add answers PATCH …/uploads/{upload}.
	add(x *exchange) error
	// cancel answers DELETE …/uploads/{upload}.
	cancel(x *exchange) error
	// refuse words an error.
	refuse(x *exchange, status int, e *fault.Error)
}

// addUploads adds the routes of resumable uploads. GET of an upload, for people
// and programs that only look, is metadata's and a JSON route.
func (h *Handler) addUploads() {
	const uploads = "/v1/spaces/*/uploads"
	h.routes.add(http.MethodPost, uploads, h.speaking(protocol.create))
	h.routes.extend(http.MethodGet, uploadPattern, func(get handler) handler {
		query := h.speaking(protocol.query)
		return func(x *exchange) error {
			if x.method == http.MethodHead {
				return query(x)
			}
			return get(x)
		}
	})
	h.routes.add(http.MethodPatch, uploadPattern, h.speaking(protocol.add))
	h.routes.add(http.MethodDelete, uploadPattern, h.speaking(protocol.cancel))
	for _, pattern := range []string{uploads, uploadPattern} {
		h.routes.endpoint(pattern).override = true
	}
	for _, pattern := range []string{uploads, uploadPattern, contentPattern, pathsPattern} {
		e := h.routes.endpoint(pattern)
		h.routes.add(http.MethodOptions, pattern, func(x *exchange) error { return h.describeUploads(x, e) })
	}
}

// speaking returns the handler that answers in the protocol of the request.
func (h *Handler) speaking(call func(protocol, *exchange) error) handler {
	tus, ietf := protocol(tusProtocol{h}), protocol(ietfProtocol{h})
	return func(x *exchange) error {
		speaks := ietf
		if speaksTus(x.r.Header) {
			speaks = tus
		}
		x.refuse = speaks.refuse
		return call(speaks, x)
	}
}

// speaksTus tells the protocols apart. What is in neither is answered in the
// IETF's, whose requests will have no mark of their own once it is a standard.
func speaksTus(h http.Header) bool {
	switch {
	case len(h["Tus-Resumable"]) > 0:
		return true
	case header.IsResumable(h):
		return false
	}
	return mediaType(h) == tusMediaType
}

// mediaType returns the Content-Type without parameters; "" when there is none.
func mediaType(h http.Header) string {
	base, _, _ := mime.ParseMediaType(h.Get("Content-Type"))
	return base
}

// overrideMethod obeys X-HTTP-Method-Override, which tus has for clients whose
// environment lets them say no more than GET and POST.
func (x *exchange) overrideMethod() {
	if lines := x.r.Header["X-Http-Method-Override"]; len(lines) == 1 {
		x.method = strings.Trim(lines[0], " \t")
	}
}

// describeUploads answers OPTIONS, for both protocols.
func (h *Handler) describeUploads(x *exchange, e *endpoint) error {
	f := fields{header: x.w.Header(), values: make([]string, 0, 8)}
	f.set("Allow", e.allow)
	f.set("Accept-Patch", partialMediaType+", "+tusMediaType)
	resumable := header.ParseResumable(x.r.Header)
	f.set("Upload-Limit", resumable.UploadLimit(header.UploadLimits{MaxSize: maxUploadBytes}))
	describeTus(&f)
	f.set("Cache-Control", "no-store")
	x.writeHeader(http.StatusNoContent)
	return nil
}

func (p params) uploadName() string { return "spaces/" + p.ids[0] + "/uploads/" + p.ids[1] }

// uploadURL returns the URL of an upload, relative to whatever name the client
// has for this service.
func uploadURL(name string) string { return "/v1/" + name }

// createRequest returns what every protocol says about a new upload: where it
// goes and under which condition.
func (x *exchange) createRequest(meta header.TusMetadata) (*storagev1.CreateUploadRequest, error) {
	req := &storagev1.CreateUploadRequest{Parent: x.params.spaceName()}
	t, err := x.uploadTarget(meta)
	if err != nil {
		return nil, err
	}
	t.fill(req)
	if req.Condition, err = header.WriteCondition(x.r.Header); err != nil {
		return nil, err
	}
	if req.RequestId, err = header.ParseIdempotencyKey(x.r.Header["Idempotency-Key"]); err != nil {
		return nil, err
	}
	return req, header.CheckContentEncoding(x.r.Header["Content-Encoding"])
}

// start opens an upload and has add bring the first bytes. A creation that is
// repeated under its Idempotency-Key may find some, which the earlier one
// brought: then none are added, and again is true.
func (h *Handler) start(
	x *exchange, req *storagev1.CreateUploadRequest, add func(*storagev1.UploadStatus) (*storagev1.UploadStatus, error),
) (status *storagev1.UploadStatus, again bool, err error) {
	status, err = h.uploads.CreateUpload(x.ctx, req)
	if err != nil || isComplete(status.GetUpload()) || status.GetUpload().GetOffsetBytes() > 0 {
		return status, true, err
	}
	status, err = add(status)
	if req.GetRequestId() != "" && fault.ReasonOf(err) == errorsv1.Reason_REASON_OFFSET_MISMATCH {
		// The earlier one was still under way and stored some meanwhile.
		status, err = h.uploads.CreateUpload(x.ctx, req)
		return status, true, err
	}
	return status, false, err
}

// forget gives up an upload whose first bytes failed before the client learned its
// URL: nobody would come back for it, and it would take its room until it
// expires. With an Idempotency-Key the client can ask for it again.
func (h *Handler) forget(x *exchange, req *storagev1.CreateUploadRequest, name string) {
	if req.GetRequestId() != "" {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(x.ctx), forgetTimeout)
	defer cancel()
	if err := h.uploads.CancelUpload(ctx, &storagev1.CancelUploadRequest{Name: name}); err != nil {
		h.logger.InfoContext(ctx, "upload not given up; it will expire", slog.String("upload", name), slog.Any("error", err))
	}
}

// forgetTimeout bounds how long a lost client's upload is cared for.
const forgetTimeout = 10 * time.Second

// contentBytes returns the length of the body when it is known.
func (x *exchange) contentBytes() *int64 {
	if x.r.ContentLength < 0 {
		return nil
	}
	return &x.r.ContentLength
}

// describeFile says in the header which file an upload became, for those whose
// answer has no body and those who lost it.
func describeFile(f *fields, status *storagev1.UploadStatus) {
	file := status.GetFile()
	if file == nil {
		return
	}
	f.set("Content-Location", "/v1/"+file.GetName())
	f.set("Etag", `"`+lastSegment(file.GetRevision())+`"`)
}

func isComplete(u *metadatav1.Upload) bool { return u.GetState() == metadatav1.Upload_COMPLETE }

// lifetime returns how long an upload has left.
func lifetime(u *metadatav1.Upload) time.Duration {
	if isComplete(u) || u.GetExpireTime() == nil {
		return 0
	}
	return max(0, time.Until(u.GetExpireTime().AsTime()))
}

func tooLarge(n *int64) error {
	if n != nil && *n > maxUploadBytes {
		return fault.New(errorsv1.Reason_REASON_TOO_LARGE, "%d bytes are more than %d, which any file may have", *n, int64(maxUploadBytes))
	}
	return nil
}

func decimal(n int64) string { return strconv.FormatInt(n, 10) }

// uploadOf returns the name of the upload that a URL leads to, which may be
// relative to that of the request, or absolute in whatever way the client
// reaches this service.
func (h *Handler) uploadOf(x *exchange, ref string) (string, error) {
	base := &url.URL{Path: x.r.URL.Path}
	u, err := base.Parse(ref)
	if err == nil {
		e, p, err := h.routes.find(u.EscapedPath())
		if err == nil && e.pattern == uploadPattern && p.ids[0] == x.params.ids[0] {
			return p.uploadName(), nil
		}
	}
	return "", fault.Invalidf("Upload-Concat", "%.80q is no upload of this space", ref)
}
