package namespace

import (
	"context"
	"errors"
	"strconv"

	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/holdfast-files/holdfast/internal/fault"
	errorsv1 "github.com/holdfast-files/holdfast/proto/holdfast/errors/v1"
	metadatav1 "github.com/holdfast-files/holdfast/proto/holdfast/metadata/v1"
	recordv1 "github.com/holdfast-files/holdfast/proto/holdfast/record/v1"
	"github.com/holdfast-files/holdfast/services/metadata/internal/quota"
	"github.com/holdfast-files/holdfast/services/metadata/internal/record"
	"github.com/holdfast-files/holdfast/services/metadata/internal/resource"
	"github.com/holdfast-files/holdfast/services/metadata/table"
)

// GetRevision returns a revision of a file that the caller may see.
func (n *Namespace) GetRevision(ctx context.Context, req *metadatav1.GetRevisionRequest) (*metadatav1.Revision, error) {
	name, err := resource.ParseRevision("name", req.GetName())
	if err != nil {
		return nil, err
	}
	node, _, err := n.node(ctx, name.File)
	if err != nil {
		return nil, err
	}
	found, _, err := n.revision(ctx, name, node)
	if err != nil {
		return nil, err
	}
	return revision(name.File, found), nil
}

// revision returns a revision of a node that was read, the current one or an
// older one, and for an older one the tag of its item.
func (n *Namespace) revision(
	ctx context.Context, name resource.Revision, node *recordv1.Node,
) (*recordv1.Revision, string, error) {
	if node.GetKind() != recordv1.Node_FILE {
		return nil, "", notFound(name.String())
	}
	if node.GetRevision().GetId() == name.Revision {
		return node.GetRevision(), "", nil
	}
	item, err := n.table.Get(ctx, record.Revision(name.Space, name.ID, name.Revision))
	if errors.Is(err, table.ErrNotFound) {
		return nil, "", notFound(name.String())
	}
	if err != nil {
		return nil, "", err
	}
	old := new(recordv1.Revision)
	return old, item.Tag, record.Decode(item, old)
}

// DeleteRevision deletes an old revision for good; CONFLICT for the current one.
func (n *Namespace) DeleteRevision(
	ctx context.Context, req *metadatav1.DeleteRevisionRequest,
) (*emptypb.Empty, error) {
	name, err := resource.ParseRevision("name", req.GetName())
	if err != nil {
		return nil, err
	}
	r, err := newRequest(ctx, req)
	if err != nil {
		return nil, err
	}
	return mutate(ctx, n, r, new(emptypb.Empty), func() ([]table.Write, *emptypb.Empty, error) {
		node, _, err := n.node(ctx, name.File)
		if err != nil {
			return nil, nil, err
		}
		old, tag, err := n.revision(ctx, name, node)
		if err != nil {
			return nil, nil, err
		}
		if old == node.GetRevision() {
			return nil, nil, fault.New(errorsv1.Reason_REASON_CONFLICT, "the current revision cannot be deleted")
		}
		writes, err := n.release(ctx, name.File, old)
		if err != nil {
			return nil, nil, err
		}
		freed := quota.Change{Held: quota.Amount{Bytes: old.GetSizeBytes()}}.Back()
		writes = append(writes, quota.Writes(name.Space, freed)...)
		return append(writes,
			table.Delete(record.Revision(name.Space, name.ID, name.Revision), table.IfTag(tag)),
		), new(emptypb.Empty), nil
	})
}

// RestoreRevision makes an old content the newest. Both revisions have the same
// blobs then, and a counter tells when the last such revision goes.
func (n *Namespace) RestoreRevision(
	ctx context.Context, req *metadatav1.RestoreRevisionRequest,
) (*metadatav1.File, error) {
	name, err := resource.ParseRevision("name", req.GetName())
	if err != nil {
		return nil, err
	}
	r, err := newRequest(ctx, req)
	if err != nil {
		return nil, err
	}
	var charges charges
	return mutate(ctx, n, r, new(metadatav1.File), func() ([]table.Write, *metadatav1.File, error) {
		node, h, err := n.live(ctx, name.File, req.GetEtag())
		if err != nil {
			return nil, nil, err
		}
		old, tag, err := n.revision(ctx, name, node)
		if err != nil {
			return nil, nil, err
		}
		if old == node.GetRevision() {
			return nil, file(name.Space, node), nil
		}
		writes, err := n.share(ctx, name.File, old)
		if err != nil {
			return nil, nil, err
		}
		old.Shared = true
		oldKey := record.Revision(name.Space, name.ID, name.Revision)
		changed := n.changed(node)
		changed.Revision = clone(old)
		changed.Revision.Creator = r.principal
		n.succeed(changed.GetRevision(), node.GetRevision())
		writes = append(writes, replace(name.Space, node, changed)...)
		charged, err := charges.writes(ctx, n, h, quota.Change{Held: quota.Amount{Bytes: old.GetSizeBytes()}})
		if err != nil {
			return nil, nil, err
		}
		charges.spread = true // when this does not come to be, it may be for want of room
		return append(append(writes, charged...),
			table.Put(record.Item(oldKey, record.NewEtag(), old), table.IfTag(tag)),
			putRevision(name.Space, name.ID, node.GetRevision()),
		), file(name.Space, changed), nil
	})
}

// succeed gives a revision its id and times, later than those of its
// predecessor, which may be nil. Last-Modified has whole seconds only, so it
// runs ahead when revisions follow within one: two contents never share it.
func (n *Namespace) succeed(next, predecessor *recordv1.Revision) {
	millis := max(n.now()/1000, predecessor.GetCreateMicros()/1000+1)
	next.Id = record.NewIDAt(millis)
	next.CreateMicros = millis * 1000
	next.ModifySeconds = max(millis/1000, predecessor.GetModifySeconds()+1)
}

// share returns the write that counts one more revision with the extents of old.
func (n *Namespace) share(ctx context.Context, of resource.File, old *recordv1.Revision) ([]table.Write, error) {
	return n.countShare(ctx, of, old, func(count int, item table.Item, cond table.Cond) table.Write {
		item.Tag = strconv.Itoa(count + 1)
		return table.Put(item, cond)
	})
}

// release returns the writes that let go of the blobs of a revision: of those
// that no other revision of the file has.
func (n *Namespace) release(ctx context.Context, of resource.File, old *recordv1.Revision) ([]table.Write, error) {
	if !old.GetShared() {
		return n.dropBlobs(of.Space, old), nil
	}
	last := true
	writes, err := n.countShare(ctx, of, old, func(count int, item table.Item, cond table.Cond) table.Write {
		if count <= 1 {
			return table.Delete(item.Key, cond)
		}
		last = false
		item.Tag = strconv.Itoa(count - 1)
		return table.Put(item, cond)
	})
	if err != nil || !last {
		return writes, err
	}
	return append(writes, n.dropBlobs(of.Space, old)...), nil
}

// countShare reads the counter of the extents of a revision and returns the write
// that change makes of it; none when there are no extents. Extents without a
// counter have one revision.
func (n *Namespace) countShare(
	ctx context.Context, of resource.File, r *recordv1.Revision,
	change func(count int, item table.Item, cond table.Cond) table.Write,
) ([]table.Write, error) {
	id := record.ShareID(r)
	if id == nil {
		return nil, nil
	}
	key := record.Share(of.Space, of.ID, id)
	item, err := n.table.Get(ctx, key)
	if errors.Is(err, table.ErrNotFound) {
		return []table.Write{change(1, table.Item{Key: key}, table.IfAbsent)}, nil
	}
	if err != nil {
		return nil, err
	}
	count, err := strconv.Atoi(item.Tag)
	if err != nil {
		return nil, fault.Wrap(err, errorsv1.Reason_REASON_DATA_LOSS, "counter of extents %s", record.BlobText(id))
	}
	return []table.Write{change(count, item, table.IfTag(item.Tag))}, nil
}
