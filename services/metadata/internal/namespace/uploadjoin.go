package namespace

import (
	"context"
	"errors"
	"log/slog"

	"google.golang.org/protobuf/proto"

	"github.com/holdfast-files/holdfast/internal/fault"
	errorsv1 "github.com/holdfast-files/holdfast/proto/holdfast/errors/v1"
	recordv1 "github.com/holdfast-files/holdfast/proto/holdfast/record/v1"
	storagev1 "github.com/holdfast-files/holdfast/proto/holdfast/storage/v1"
	"github.com/holdfast-files/holdfast/services/metadata/internal/quota"
	"github.com/holdfast-files/holdfast/services/metadata/internal/resource"
	"github.com/holdfast-files/holdfast/services/metadata/table"
)

// contents are what an upload becomes: a revision without id and times, what was
// reserved for it, and the writes that make it so beside it.
type contents struct {
	revision *recordv1.Revision
	reserved quota.Amount
	writes   []table.Write
}

// contents returns what an upload becomes; nil while parts of it are missing.
func (n *Namespace) contents(ctx context.Context, u upload) (*contents, error) {
	c := &contents{revision: &recordv1.Revision{
		ContentType: u.GetTarget().GetContentType(), Creator: u.GetPrincipal(), UploadId: u.listID(),
	}, reserved: reserved(u.Upload)}
	j := joint{space: u.name.Space, list: u.listID(), next: u.GetBatches()}
	if len(u.GetParts()) == 0 {
		c.revision.SizeBytes, c.revision.Sha256 = u.GetOffset(), digestOf(u.Upload)
		if u.GetPartial() {
			return c, nil
		}
		j.add(u.lists(), u.GetExtents())
		j.end(c)
		return c, nil
	}
	for _, id := range u.GetParts() {
		part, err := n.uploadRecord(ctx, resource.Upload{Space: u.name.Space, ID: id})
		if errors.Is(err, fault.NotFound) {
			return nil, fault.Wrap(err, errorsv1.Reason_REASON_CONFLICT, "a part of %s is gone", u.name)
		}
		if err != nil {
			return nil, err
		}
		if part.GetState() != recordv1.Upload_COMPLETE || part.GetWhole() != u.name.ID {
			return nil, nil
		}
		c.revision.SizeBytes += part.GetOffset()
		c.reserved.Bytes += part.GetReservedBytes()
		j.add(part.lists(), part.GetExtents())
		c.writes = append(c.writes, part.put(joined(part.Upload)))
		if len(u.GetParts()) == 1 || part.GetOffset() == 0 && c.revision.GetSizeBytes() == 0 {
			c.revision.Sha256 = digestOf(part.Upload)
		} else if part.GetOffset() > 0 {
			c.revision.Sha256 = nil
		}
	}
	if c.revision.GetSizeBytes() > maxFileBytes {
		return nil, tooLarge()
	}
	j.end(c)
	return c, nil
}

// joined returns a partial upload whose bytes belong to the file of another.
func joined(part *recordv1.Upload) *recordv1.Upload {
	given := clone(part)
	given.State = recordv1.Upload_JOINED
	given.Extents, given.Batches, given.Sha256State = nil, 0, nil
	given.ReservedBytes = 0
	given.Length = proto.Int64(part.GetOffset())
	return given
}

// shown returns an upload as its owner sees it. One that joins others has a length
// while it waits for them, as soon as each of them has declared its own, and is
// over when the last of them is.
func (n *Namespace) shown(ctx context.Context, u upload) (*storagev1.UploadStatus, error) {
	status, err := u.status()
	if err != nil || u.GetState() != recordv1.Upload_OPEN || len(u.GetParts()) == 0 {
		return status, err
	}
	length, declared, end := int64(0), true, u.GetExpireMicros()
	for _, id := range u.GetParts() {
		part, err := n.uploadRecord(ctx, resource.Upload{Space: u.name.Space, ID: id})
		if err := ignoreNotFound(err); err != nil {
			return nil, err
		}
		length += part.GetLength()
		declared = declared && part.Upload != nil && part.Length != nil
		end = max(end, part.GetExpireMicros())
	}
	if declared {
		status.Upload.SizeBytes = proto.Int64(length)
	}
	status.Upload.ExpireTime = timestamp(end)
	return status, nil
}

// joint joins lists and loose extents into what a revision can hold: lists, then
// a few extents. Loose ones that stand before a list, or are many, get a batch
// of their own.
type joint struct {
	space  string
	list   []byte // of the batches that are made
	next   int32  // batch
	lists  []*recordv1.ExtentList
	loose  []*recordv1.Extent
	writes []table.Write
}

func (j *joint) add(lists []*recordv1.ExtentList, loose []*recordv1.Extent) {
	if len(lists) > 0 {
		j.pack()
		j.lists = append(j.lists, lists...)
	}
	j.loose = append(j.loose, loose...)
}

// pack puts the loose extents into a batch.
func (j *joint) pack() {
	if len(j.loose) == 0 {
		return
	}
	j.writes = append(j.writes, putBatch(j.space, j.list, j.next, j.loose))
	if last := len(j.lists) - 1; last >= 0 && string(j.lists[last].GetId()) == string(j.list) &&
		j.lists[last].GetFirst()+j.lists[last].GetCount() == j.next {
		j.lists[last].Count++
	} else {
		j.lists = append(j.lists, &recordv1.ExtentList{Id: j.list, First: j.next, Count: 1})
	}
	j.next++
	j.loose = nil
}

func (j *joint) end(c *contents) {
	if len(j.loose) > maxInlineExtents {
		j.pack()
	}
	c.revision.Lists, c.revision.Extents = j.lists, j.loose
	c.writes = append(c.writes, j.writes...)
}

// finishWhole completes the upload that was waiting for a part, if this was the
// last one. When it fails, its own next request tries again and tells why.
func (n *Namespace) finishWhole(ctx context.Context, name resource.Upload) {
	_, err := n.finish(ctx, func() (upload, error) {
		u, err := n.uploadRecord(ctx, name)
		if err == nil {
			err = n.unexpired(ctx, u)
		}
		return u, err
	})
	if err != nil {
		n.config.Logger.InfoContext(ctx, "upload not joined yet", slog.String("upload", name.String()), slog.Any("error", err))
	}
}
