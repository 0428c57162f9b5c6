package namespace

import (
	"context"
	"errors"

	"google.golang.org/protobuf/proto"

	"github.com/holdfast-files/holdfast/internal/fault"
	errorsv1 "github.com/holdfast-files/holdfast/proto/holdfast/errors/v1"
	recordv1 "github.com/holdfast-files/holdfast/proto/holdfast/record/v1"
	storagev1 "github.com/holdfast-files/holdfast/proto/holdfast/storage/v1"
	"github.com/holdfast-files/holdfast/services/metadata/internal/mediatype"
	"github.com/holdfast-files/holdfast/services/metadata/internal/record"
	"github.com/holdfast-files/holdfast/services/metadata/internal/resource"
	"github.com/holdfast-files/holdfast/services/metadata/table"
)

// within returns INVALID_ARGUMENT for an upload into a space that names a target
// or parts in another. The caller's role is one in its own space alone: what he
// names elsewhere is judged by the name and never looked at.
func within(space string, spec *storagev1.CreateUploadRequest, parts []string) error {
	in, err := spaceOfTarget(space, spec)
	if err == nil && in != space {
		err = fault.Invalidf("target", "must be in %s", resource.SpaceName(space))
	}
	for _, called := range parts {
		if err != nil {
			break
		}
		var part resource.Upload
		if part, err = resource.ParseUpload("parts", called); err == nil && part.Space != space {
			err = fault.Invalidf("parts", "must be in %s", resource.SpaceName(space))
		}
	}
	return err
}

// spaceOfTarget returns the space of an upload's target, by default that of the
// upload.
func spaceOfTarget(space string, spec *storagev1.CreateUploadRequest) (string, error) {
	switch t := spec.GetTarget().(type) {
	case *storagev1.CreateUploadRequest_File:
		file, err := resource.ParseFile("file", t.File)
		return file.Space, err
	case *storagev1.CreateUploadRequest_Path:
		return resource.ParseSpace("space", t.Path.GetSpace())
	case *storagev1.CreateUploadRequest_Child:
		folder, err := resource.ParseFile("folder", t.Child.GetFolder())
		return folder.Space, err
	}
	return space, nil
}

// aimUpload finds out where an upload goes, whether it may go there now, and
// whether it is going to be a new file. It is looked at again when the upload
// completes.
func (n *Namespace) aimUpload(
	ctx context.Context, u upload, spec *storagev1.CreateUploadRequest,
) (*recordv1.Grant, error) {
	if spec.GetPartial() {
		return &recordv1.Grant{Space: u.name.Space}, nil
	}
	target := new(storagev1.UploadSpec)
	switch t := spec.GetTarget().(type) {
	case *storagev1.CreateUploadRequest_File:
		target.Target = &storagev1.UploadSpec_File{File: t.File}
	case *storagev1.CreateUploadRequest_Path:
		target.Target = &storagev1.UploadSpec_Path{Path: t.Path}
	case *storagev1.CreateUploadRequest_Child:
		child := clone(t.Child)
		if child.GetDisplayName() == "" {
			child.DisplayName = u.name.ID
		}
		target.Target = &storagev1.UploadSpec_Child{Child: child}
	default:
		root := resource.File{Space: u.name.Space, ID: record.Root}
		target.Target = &storagev1.UploadSpec_Child{
			Child: &storagev1.ChildTarget{Folder: root.String(), DisplayName: u.name.ID},
		}
	}
	grant, _, err := n.aim(ctx, target)
	if err != nil {
		return nil, err
	}
	if err := checkWrite(spec.GetCondition(), grant.GetCurrent()); err != nil {
		return nil, err
	}
	if grant.ContentType, err = mediatype.Of(spec.GetContentType(), grant.GetDisplayName()); err != nil {
		return nil, err
	}
	if spec.GetCondition() != nil {
		if grant.Condition, err = proto.Marshal(spec.GetCondition()); err != nil {
			return nil, err
		}
	}
	if grant.GetCurrent() == nil {
		u.ReservedFiles = 1
	}
	grant.Current, grant.NewNode = nil, record.NewID()
	return grant, nil
}

// claimParts returns the writes by which an upload takes partial ones to join
// them. A part has one whole, unless that is gone.
func (n *Namespace) claimParts(ctx context.Context, u upload, names []string) ([]table.Write, error) {
	var writes []table.Write
	for _, name := range names {
		part, err := n.upload(ctx, name)
		if err != nil {
			return nil, err
		}
		if !part.GetPartial() {
			return nil, fault.Invalidf("parts", "%s is no partial upload of this space", name)
		}
		taken := part.GetState() == recordv1.Upload_JOINED
		if whole := part.GetWhole(); whole != "" && !taken {
			_, err := n.uploadRecord(ctx, resource.Upload{Space: u.name.Space, ID: whole})
			if err != nil && !errors.Is(err, fault.NotFound) {
				return nil, err
			}
			taken = err == nil
		}
		if taken {
			return nil, fault.New(errorsv1.Reason_REASON_CONFLICT, "%s is a part of another upload", name)
		}
		claimed := clone(part.Upload)
		claimed.Whole = u.name.ID
		writes = append(writes, part.put(claimed))
		u.Parts = append(u.Parts, part.name.ID)
	}
	return writes, nil
}
