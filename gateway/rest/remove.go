package rest

import (
	"context"
	"errors"
	"io"
	"net/http"

	"github.com/holdfast-files/holdfast/gateway/header"
	"github.com/holdfast-files/holdfast/internal/fault"
	errorsv1 "github.com/holdfast-files/holdfast/proto/holdfast/errors/v1"
	metadatav1 "github.com/holdfast-files/holdfast/proto/holdfast/metadata/v1"
	storagev1 "github.com/holdfast-files/holdfast/proto/holdfast/storage/v1"
)

// removeAttempts is how often a node is looked up that keeps changing between
// the look and the removal.
const removeAttempts = 5

// deletePath answers DELETE /v1/spaces/{space}/paths/{path…}: what is there
// moves to the trash. Conditions are about the contents, as with GET and PUT
// of the same URL, and so hold for files only.
func (h *Handler) deletePath(x *exchange) error {
	target, err := x.params.pathTarget()
	if err != nil {
		return err
	}
	if x.r.URL.RawQuery != "" {
		if _, err := parseQuery(x.r.URL.RawQuery); err != nil {
			return err
		}
	}
	condition, err := header.RemoveCondition(x.r.Header)
	if err != nil {
		return err
	}
	requestID, err := header.ParseIdempotencyKey(x.r.Header["Idempotency-Key"])
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(x.ctx, h.limits.Call)
	defer cancel()
	file, err := h.remove(ctx, target, condition, requestID)
	if err != nil {
		return err
	}
	text, err := marshal(file)
	if err != nil {
		return err
	}
	x.writeJSON(http.StatusOK, text)
	return nil
}

// remove acts on what is at the path. With conditions it looks first, since they
// are about contents, and acts on what it found as it found it: when that has
// changed meanwhile it looks again.
func (h *Handler) remove(ctx context.Context, target *storagev1.PathTarget, condition *storagev1.ReadCondition, requestID string) (*metadatav1.File, error) {
	req := &metadatav1.DeleteFileRequest{Name: target.GetSpace() + "/files/root", Path: target.GetPath(), RequestId: requestID}
	if condition == nil {
		return h.files.DeleteFile(ctx, req)
	}
	var err error
	for range removeAttempts {
		var found, file *metadatav1.File
		if found, err = h.look(ctx, target, condition); err != nil {
			return h.removedBefore(ctx, req, err)
		}
		req.Etag = found.GetEtag()
		file, err = h.files.DeleteFile(ctx, req)
		if err = fault.FromStatus(err); err == nil {
			return file, nil
		}
		if !errors.Is(err, fault.Precondition) && !errors.Is(err, fault.NotFound) {
			return nil, err
		}
	}
	return nil, fault.Wrap(err, errorsv1.Reason_REASON_CONFLICT, "what is at the path keeps changing")
}

// noEtag is the etag of nothing: a request with it can only be a repetition.
const noEtag = "none"

// removedBefore returns the outcome of a request that was made before, and
// otherwise the refusal that it has met now: what it had removed is not there any
// more.
func (h *Handler) removedBefore(ctx context.Context, req *metadatav1.DeleteFileRequest, refusal error) (*metadatav1.File, error) {
	if req.GetRequestId() == "" {
		return nil, refusal
	}
	req.Etag = noEtag
	file, err := h.files.DeleteFile(ctx, req)
	switch err = fault.FromStatus(err); {
	case err == nil:
		return file, nil
	case errors.Is(err, fault.NotFound), errors.Is(err, fault.Precondition):
		return nil, refusal
	}
	return nil, err
}

// look returns the node at a path. Storage judges the conditions, which are
// about contents, and knows the node too.
func (h *Handler) look(ctx context.Context, target *storagev1.PathTarget, condition *storagev1.ReadCondition) (*metadatav1.File, error) {
	var head *storagev1.DownloadHeader
	err := h.content.Download(ctx, &storagev1.DownloadRequest{
		Source:     &storagev1.DownloadRequest_Path{Path: target},
		Condition:  condition,
		HeaderOnly: true,
	}, func(d *storagev1.DownloadHeader) (io.Writer, error) {
		head = d
		return io.Discard, nil
	})
	if err != nil {
		return nil, err
	}
	if head.GetOutcome() == storagev1.DownloadHeader_NOT_MODIFIED {
		return nil, fault.New(errorsv1.Reason_REASON_PRECONDITION_FAILED, "the contents are the revision that they must not be")
	}
	return head.GetFile(), nil
}
