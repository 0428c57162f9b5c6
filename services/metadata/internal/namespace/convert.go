package namespace

import (
	"encoding/hex"
	"maps"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	metadatav1 "github.com/holdfast-files/holdfast/proto/holdfast/metadata/v1"
	recordv1 "github.com/holdfast-files/holdfast/proto/holdfast/record/v1"
	"github.com/holdfast-files/holdfast/services/metadata/internal/record"
	"github.com/holdfast-files/holdfast/services/metadata/internal/resource"
)

// file returns the resource of a node.
func file(space string, node *recordv1.Node) *metadatav1.File {
	name := resource.File{Space: space, ID: node.GetId()}
	f := &metadatav1.File{
		Name:        name.String(),
		DisplayName: node.GetDisplayName(),
		Kind:        metadatav1.File_Kind(node.GetKind()),
		Etag:        node.GetEtag(),
		Labels:      maps.Clone(node.GetLabels()),
		CreateTime:  timestamp(node.GetCreateMicros()),
		UpdateTime:  timestamp(node.GetUpdateMicros()),
		DeleteTime:  timestamp(node.GetDeleteMicros()),
		PurgeTime:   timestamp(node.GetPurgeMicros()),
		ExpireTime:  timestamp(node.GetExpireMicros()),
		Creator:     node.GetCreator(),
	}
	if node.GetId() != record.Root {
		f.Folder = resource.File{Space: space, ID: node.GetFolder()}.String()
	}
	if r := node.GetRevision(); r != nil {
		f.SizeBytes = r.GetSizeBytes()
		f.ContentType = r.GetContentType()
		f.Sha256 = hex.EncodeToString(r.GetSha256())
		f.Revision = resource.Revision{File: name, Revision: r.GetId()}.String()
	}
	return f
}

// revision returns the resource of a revision.
func revision(of resource.File, r *recordv1.Revision) *metadatav1.Revision {
	return &metadatav1.Revision{
		Name:        resource.Revision{File: of, Revision: r.GetId()}.String(),
		SizeBytes:   r.GetSizeBytes(),
		ContentType: r.GetContentType(),
		Sha256:      hex.EncodeToString(r.GetSha256()),
		CreateTime:  timestamp(r.GetCreateMicros()),
		Creator:     r.GetCreator(),
	}
}

// space returns the resource of a space.
func space(s *recordv1.Space) *metadatav1.Space {
	return &metadatav1.Space{
		Name:        resource.SpaceName(s.GetId()),
		DisplayName: s.GetDisplayName(),
		Etag:        s.GetEtag(),
		CreateTime:  timestamp(s.GetCreateMicros()),
		UpdateTime:  timestamp(s.GetUpdateMicros()),
		Quota:       spaceQuota(s.GetQuota()),
	}
}

// spaceQuota returns the quota of a space as its callers see it; nil for none.
func spaceQuota(q *recordv1.Quota) *metadatav1.SpaceQuota {
	if q == nil {
		return nil
	}
	return &metadatav1.SpaceQuota{
		MaxBytes: q.GetBytes(), MaxFileCount: q.GetFiles(), MaxFileSizeBytes: q.GetFileBytes(),
		ContentTypes: q.GetContentTypes(),
	}
}

// quotaRecord returns the quota that a caller gives a space; nil for none.
func quotaRecord(q *metadatav1.SpaceQuota) *recordv1.Quota {
	if q == nil {
		return nil
	}
	return &recordv1.Quota{
		Bytes: q.GetMaxBytes(), Files: q.GetMaxFileCount(), FileBytes: q.GetMaxFileSizeBytes(),
		ContentTypes: q.GetContentTypes(),
	}
}

// timestamp returns a time in microseconds, nil for 0.
func timestamp(micros int64) *timestamppb.Timestamp {
	if micros == 0 {
		return nil
	}
	return timestamppb.New(time.UnixMicro(micros))
}

// micros returns a timestamp in microseconds, 0 for nil.
func micros(t *timestamppb.Timestamp) int64 {
	if t == nil {
		return 0
	}
	return t.AsTime().UnixMicro()
}

func clone[M proto.Message](m M) M { return proto.CloneOf(m) }
