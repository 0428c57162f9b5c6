package namespace

import (
	"context"
	"errors"

	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/holdfast-files/holdfast/internal/fault"
	errorsv1 "github.com/holdfast-files/holdfast/proto/holdfast/errors/v1"
	metadatav1 "github.com/holdfast-files/holdfast/proto/holdfast/metadata/v1"
	recordv1 "github.com/holdfast-files/holdfast/proto/holdfast/record/v1"
	"github.com/holdfast-files/holdfast/services/metadata/internal/access"
	"github.com/holdfast-files/holdfast/services/metadata/internal/quota"
	"github.com/holdfast-files/holdfast/services/metadata/internal/record"
	"github.com/holdfast-files/holdfast/services/metadata/internal/resource"
	"github.com/holdfast-files/holdfast/services/metadata/table"
)

const maxSpaceNameBytes = 255

// CreateSpace makes a space with an empty root folder. ALREADY_EXISTS when the
// id is in use, also by a space whose remains are still being collected.
func (n *Namespace) CreateSpace(ctx context.Context, req *metadatav1.CreateSpaceRequest) (*metadatav1.Space, error) {
	id := req.GetSpaceId()
	if !resource.ValidSpaceID(id) {
		return nil, fault.Invalidf("space_id", "%q does not match [a-z][a-z0-9-]{2,62}", id)
	}
	displayName := req.GetSpace().GetDisplayName()
	if err := resource.Text("display_name", displayName, maxSpaceNameBytes); err != nil {
		return nil, err
	}
	allowed := quotaRecord(req.GetSpace().GetQuota())
	if err := quota.Check(allowed); err != nil {
		return nil, err
	}
	r, err := newRequest(ctx, req)
	if err != nil {
		return nil, err
	}
	return mutate(ctx, n, r, new(metadatav1.Space), func() ([]table.Write, *metadatav1.Space, error) {
		former, err := n.anyHead(ctx, id)
		if err == nil && former.space.GetState() != recordv1.Space_LIVE {
			return nil, nil, fault.New(errorsv1.Reason_REASON_ALREADY_EXISTS,
				"space %s was deleted, and what was in it is still being collected; try again in a few minutes", id)
		}
		if err == nil {
			return nil, nil, fault.New(errorsv1.Reason_REASON_ALREADY_EXISTS, "space %s exists", id)
		}
		if !errors.Is(err, fault.NotFound) {
			return nil, nil, err
		}
		now := n.now()
		s := &recordv1.Space{
			Id: id, DisplayName: displayName, Etag: record.NewEtag(), State: recordv1.Space_LIVE,
			CreateMicros: now, UpdateMicros: now,
			// Behind every version that a former space of this id had.
			TreeVersion: now, PolicyVersion: now,
			Quota: allowed,
		}
		root := &recordv1.Node{
			Id: record.Root, Kind: recordv1.Node_FOLDER, State: recordv1.Node_LIVE, Etag: record.NewEtag(),
			CreateMicros: now, UpdateMicros: now, Creator: r.principal,
		}
		return append([]table.Write{
			table.Put(record.Item(record.Head(id), record.NewEtag(), s), table.IfAbsent),
			table.Put(table.Item{Key: record.SpaceIndex(id)}, table.Any),
			putNode(id, root, table.IfAbsent),
		}, quota.Open(id, allowed)...), space(s), nil
	})
}

// GetSpace returns a space with its usage.
func (n *Namespace) GetSpace(ctx context.Context, req *metadatav1.GetSpaceRequest) (*metadatav1.Space, error) {
	id, err := resource.ParseSpace("name", req.GetName())
	if err != nil {
		return nil, err
	}
	h, err := n.head(ctx, id)
	if err != nil {
		return nil, err
	}
	counters, err := quota.Read(ctx, n.table, id)
	if err != nil {
		return nil, err
	}
	s := space(h.space)
	counted := counters.Counted()
	s.UsedBytes, s.FileCount = counted.Held.Bytes, counted.Held.Files
	s.ReservedBytes, s.ReservedFileCount = counted.Reserved.Bytes, counted.Reserved.Files
	return s, nil
}

// UpdateSpace changes the display name or the quota of a space; the quota is
// for administrators to change.
func (n *Namespace) UpdateSpace(ctx context.Context, req *metadatav1.UpdateSpaceRequest) (*metadatav1.Space, error) {
	id, err := resource.ParseSpace("space.name", req.GetSpace().GetName())
	if err != nil {
		return nil, err
	}
	fields, err := maskOf(req.GetUpdateMask(), req.GetSpace(), "display_name", "quota")
	if err != nil {
		return nil, err
	}
	displayName := req.GetSpace().GetDisplayName()
	if err := resource.Text("display_name", displayName, maxSpaceNameBytes); err != nil {
		return nil, err
	}
	if fields["quota"] {
		if err := onlyAdministrators(ctx, "change the quota of a space"); err != nil {
			return nil, err
		}
	}
	allowed := quotaRecord(req.GetSpace().GetQuota())
	if err := quota.Check(allowed); err != nil {
		return nil, err
	}
	r, err := newRequest(ctx, req)
	if err != nil {
		return nil, err
	}
	return mutate(ctx, n, r, new(metadatav1.Space), func() ([]table.Write, *metadatav1.Space, error) {
		h, err := n.head(ctx, id)
		if err != nil {
			return nil, nil, err
		}
		if !resource.EtagMatches(req.GetSpace().GetEtag(), h.space.GetEtag()) {
			return nil, nil, etagMismatch(req.GetSpace().GetName())
		}
		if !fields["display_name"] && !fields["quota"] {
			return nil, space(h.space), nil
		}
		changed := clone(h.space)
		if fields["display_name"] {
			changed.DisplayName = displayName
		}
		var allotted []table.Write
		if fields["quota"] {
			changed.Quota = allowed
			counters, err := quota.Read(ctx, n.table, id)
			if err != nil {
				return nil, nil, err
			}
			allotted = counters.Allot(allowed)
		}
		changed.Etag = record.NewEtag()
		changed.UpdateMicros = max(n.now(), h.space.GetUpdateMicros()+1)
		return append([]table.Write{putHead(h, changed)}, allotted...), space(changed), nil
	})
}

// DeleteSpace deletes a space. One that holds anything, the trash included, is
// CONFLICT unless force is set: without it, nothing that was acknowledged goes.
func (n *Namespace) DeleteSpace(ctx context.Context, req *metadatav1.DeleteSpaceRequest) (*emptypb.Empty, error) {
	id, err := resource.ParseSpace("name", req.GetName())
	if err != nil {
		return nil, err
	}
	r, err := newRequest(ctx, req)
	if err != nil {
		return nil, err
	}
	return mutate(ctx, n, r, new(emptypb.Empty), func() ([]table.Write, *emptypb.Empty, error) {
		h, err := n.head(ctx, id)
		if err != nil {
			return nil, nil, err
		}
		if !resource.EtagMatches(req.GetEtag(), h.space.GetEtag()) {
			return nil, nil, etagMismatch(req.GetName())
		}
		var closed []table.Write
		if !req.GetForce() {
			if closed, err = n.closeEmpty(ctx, id); err != nil {
				return nil, nil, err
			}
		}
		gone := clone(h.space)
		gone.State = recordv1.Space_DELETED
		gone.TreeVersion++
		job, _ := newJob(&recordv1.Job{Kind: recordv1.Job_SPACE, Space: id, DueMicros: n.now()}, record.NewID())
		return append([]table.Write{
			putHead(h, gone),
			table.Delete(record.SpaceIndex(id), table.Any),
			job,
		}, closed...), new(emptypb.Empty), nil
	})
}

// closeEmpty returns the writes after which nothing comes to be in a space any
// more, under the condition that nothing has since it was found to hold no node;
// CONFLICT when it holds one. A request that found the space before it went, and
// knows nothing of its end, fails on them.
func (n *Namespace) closeEmpty(ctx context.Context, space string) ([]table.Write, error) {
	counters, err := quota.Read(ctx, n.table, space)
	if err == nil {
		err = n.requireEmpty(ctx, space)
	}
	return counters.Close(), err
}

// requireEmpty returns CONFLICT when a space holds a node, in its root folder or
// in its trash.
func (n *Namespace) requireEmpty(ctx context.Context, space string) error {
	partitions := []string{record.EntryPartition(space, record.Root)}
	for k := range record.TrashShards {
		partitions = append(partitions, record.TrashPartition(space, k))
	}
	for _, partition := range partitions {
		page, err := n.table.Query(ctx, table.Query{Partition: partition, Limit: 1})
		if err != nil {
			return err
		}
		if len(page.Items) > 0 {
			return fault.New(errorsv1.Reason_REASON_CONFLICT, "space %s is not empty", space)
		}
	}
	return nil
}

// onlyAdministrators returns PERMISSION_DENIED for everybody else: for a part of
// a call whose other parts need less.
func onlyAdministrators(ctx context.Context, what string) error {
	p, err := access.Of(ctx)
	if err == nil && !p.Administrator {
		err = fault.New(errorsv1.Reason_REASON_PERMISSION_DENIED, "only administrators %s", what)
	}
	return err
}

func etagMismatch(name string) error {
	return fault.New(errorsv1.Reason_REASON_PRECONDITION_FAILED, "%s has changed: the etag does not match", name)
}
