package namespace

import (
	"context"
	"errors"
	"slices"

	"google.golang.org/protobuf/proto"

	"github.com/google/uuid"

	"github.com/holdfast-files/holdfast/internal/fault"
	errorsv1 "github.com/holdfast-files/holdfast/proto/holdfast/errors/v1"
	metadatav1 "github.com/holdfast-files/holdfast/proto/holdfast/metadata/v1"
	recordv1 "github.com/holdfast-files/holdfast/proto/holdfast/record/v1"
	storagev1 "github.com/holdfast-files/holdfast/proto/holdfast/storage/v1"
	"github.com/holdfast-files/holdfast/services/metadata/internal/access"
	"github.com/holdfast-files/holdfast/services/metadata/internal/record"
	"github.com/holdfast-files/holdfast/services/metadata/internal/resource"
	"github.com/holdfast-files/holdfast/services/metadata/table"
)

// upload is a resumable upload as one read found it.
type upload struct {
	name resource.Upload
	*recordv1.Upload
	tag string
}

// GetUpload returns an upload of the caller without taking it over.
func (n *Namespace) GetUpload(ctx context.Context, req *metadatav1.GetUploadRequest) (*metadatav1.Upload, error) {
	u, err := n.upload(ctx, req.GetName())
	if err != nil {
		return nil, err
	}
	status, err := n.shown(ctx, u)
	return status.GetUpload(), err
}

// upload reads an upload of the caller. One of somebody else's, or of a space
// that is gone, is NOT_FOUND, and one whose time is over EXPIRED.
func (n *Namespace) upload(ctx context.Context, called string) (upload, error) {
	name, err := resource.ParseUpload("name", called)
	if err != nil {
		return upload{}, err
	}
	principal, err := access.ID(ctx)
	if err != nil {
		return upload{}, err
	}
	h, err := n.head(ctx, name.Space)
	if err != nil {
		return upload{}, err
	}
	u, err := n.uploadRecord(ctx, name)
	if err == nil && (u.GetPrincipal() != principal || u.GetSpaceCreateMicros() != h.space.GetCreateMicros()) {
		err = notFound(name.String())
	}
	if err == nil {
		err = n.unexpired(ctx, u)
	}
	return u, err
}

// uploadRecord reads an upload, whosever it is.
func (n *Namespace) uploadRecord(ctx context.Context, name resource.Upload) (upload, error) {
	item, err := n.table.Get(ctx, record.Upload(name.Space, name.ID))
	if errors.Is(err, table.ErrNotFound) {
		return upload{}, notFound(name.String())
	}
	if err != nil {
		return upload{}, err
	}
	u := upload{name: name, Upload: new(recordv1.Upload), tag: item.Tag}
	return u, record.Decode(item, u.Upload)
}

// put returns the write that replaces an upload under the condition that it is
// as it was read.
func (u upload) put(changed *recordv1.Upload) table.Write {
	return table.Put(record.Item(record.Upload(u.name.Space, u.name.ID), record.NewEtag(), changed), table.IfTag(u.tag))
}

// listID is the id of the list of the upload's extents, and its mark in the
// revision that it becomes.
func (u upload) listID() []byte {
	id := uuid.MustParse(u.name.ID) // ParseUpload has checked it
	return id[:]
}

// lists returns the lists of the extents that were moved out of the record.
func (u upload) lists() []*recordv1.ExtentList {
	if u.GetBatches() == 0 {
		return nil
	}
	return []*recordv1.ExtentList{{Id: u.listID(), Count: u.GetBatches()}}
}

// status returns the upload as its owner sees it.
func (u upload) status() (*storagev1.UploadStatus, error) {
	shown := &metadatav1.Upload{
		Name: u.name.String(), State: metadatav1.Upload_OPEN, OffsetBytes: u.GetOffset(),
		ContentType: u.GetTarget().GetContentType(), ClientMetadata: u.GetClientMetadata(), Partial: u.GetPartial(),
		CreateTime: timestamp(u.GetCreateMicros()), ExpireTime: timestamp(u.GetExpireMicros()),
	}
	if u.Length != nil {
		shown.SizeBytes = proto.Int64(u.GetLength())
	}
	for _, part := range u.GetParts() {
		shown.Parts = append(shown.Parts, resource.Upload{Space: u.name.Space, ID: part}.String())
	}
	status := &storagev1.UploadStatus{Upload: shown}
	if u.GetState() == recordv1.Upload_OPEN {
		return status, nil
	}
	shown.State = metadatav1.Upload_COMPLETE
	if u.GetPartial() {
		return status, nil
	}
	outcome := new(storagev1.UploadResponse)
	if err := proto.Unmarshal(u.GetOutcome(), outcome); err != nil {
		return nil, fault.Wrap(err, errorsv1.Reason_REASON_DATA_LOSS, "outcome of %s", u.name)
	}
	shown.File = outcome.GetFile().GetName()
	status.File, status.Created = outcome.GetFile(), outcome.GetCreated()
	return status, nil
}

// without returns ids without those of extents.
func without(ids [][]byte, extents []*recordv1.Extent) [][]byte {
	return slices.DeleteFunc(slices.Clone(ids), func(id []byte) bool {
		return slices.ContainsFunc(extents, func(e *recordv1.Extent) bool { return string(e.GetBlobId()) == string(id) })
	})
}

// newBlob returns the id of a blob that is to be created.
func newBlob() []byte {
	id := uuid.Must(uuid.NewV7())
	return id[:]
}
