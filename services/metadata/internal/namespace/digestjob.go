package namespace

import (
	"context"
	"errors"

	"github.com/holdfast-files/holdfast/internal/fault"
	ledgerv1 "github.com/holdfast-files/holdfast/proto/holdfast/ledger/v1"
	recordv1 "github.com/holdfast-files/holdfast/proto/holdfast/record/v1"
	"github.com/holdfast-files/holdfast/services/metadata/internal/record"
	"github.com/holdfast-files/holdfast/services/metadata/internal/resource"
	"github.com/holdfast-files/holdfast/services/metadata/table"
)

// undigested is a revision whose digest is to be computed, as it was found: in
// its node, or in a record of its own, which item then is.
type undigested struct {
	node     *recordv1.Node
	revision *recordv1.Revision
	item     *table.Item
}

// undigested finds the revision that a digest job is about; nothing when it is
// gone or has its digest.
func (n *Namespace) undigested(ctx context.Context, job *recordv1.Job) (*undigested, error) {
	at := resource.File{Space: job.GetSpace(), ID: job.GetNode()}
	node, err := n.nodeRecord(ctx, at)
	if err != nil {
		return nil, ignoreNotFound(err)
	}
	wanted := func(r *recordv1.Revision) bool {
		return len(r.GetSha256()) == 0 && string(r.GetUploadId()) == string(job.GetBlobIds()[0])
	}
	if wanted(node.GetRevision()) {
		return &undigested{node: node, revision: node.GetRevision()}, nil
	}
	query := record.Revisions(at.Space, at.ID)
	query.Limit = maxPage
	for {
		page, err := n.table.Query(ctx, query)
		if err != nil {
			return nil, err
		}
		for _, item := range page.Items {
			old := new(recordv1.Revision)
			if err := record.Decode(item, old); err != nil {
				return nil, err
			}
			if wanted(old) {
				return &undigested{node: node, revision: old, item: &item}, nil
			}
			query.From = table.After(item.Key.Sort)
		}
		if !page.More {
			return nil, nil
		}
	}
}

// digestion returns what a digest job asks for; nil when nothing is left to do.
func (n *Namespace) digestion(ctx context.Context, job *recordv1.Job) (*ledgerv1.Digestion, error) {
	found, err := n.undigested(ctx, job)
	if err != nil || found == nil {
		return nil, err
	}
	all, err := n.allExtents(ctx, job.GetSpace(), found.revision.GetLists(), found.revision.GetExtents())
	if err != nil {
		return nil, err
	}
	return &ledgerv1.Digestion{
		Extents: extents(all), SizeBytes: found.revision.GetSizeBytes(),
		DoneBytes: job.GetDoneBytes(), Sha256State: job.GetSha256State(),
	}, nil
}

// finishDigest returns the writes that end a digest job or, when the digest is
// not at its end, let it go on from where it is.
func (n *Namespace) finishDigest(
	ctx context.Context, item table.Item, job *recordv1.Job, req *ledgerv1.FinishJobRequest,
) ([]table.Write, error) {
	held := table.IfTag(item.Tag)
	writes := []table.Write{table.Delete(item.Key, held)}
	found, err := n.undigested(ctx, job)
	if err != nil || found == nil {
		return writes, err
	}
	if len(req.GetSha256()) == 0 {
		if len(req.GetSha256State()) == 0 {
			return nil, fault.Invalidf("sha256_state", "must be given unless sha256 is")
		}
		further := clone(job)
		further.LeaseMicros, further.DoneBytes, further.Sha256State = 0, req.GetDoneBytes(), req.GetSha256State()
		return []table.Write{table.Put(record.Item(item.Key, record.NewEtag(), further), held)}, nil
	}
	if len(req.GetSha256()) != 32 {
		return nil, fault.Invalidf("sha256", "must have 32 bytes")
	}
	space := job.GetSpace()
	if found.item != nil {
		found.revision.Sha256 = req.GetSha256()
		digested := record.Item(found.item.Key, record.NewEtag(), found.revision)
		return append(writes, table.Put(digested, table.IfTag(found.item.Tag))), nil
	}
	changed := n.changed(found.node)
	changed.Revision.Sha256 = req.GetSha256()
	if found.node.GetState() != recordv1.Node_TRASHED {
		there, err := n.entry(ctx, space, found.node.GetFolder(), found.node.GetDisplayName())
		if err != nil {
			return nil, err
		}
		if there.GetId() != found.node.GetId() { // it has expired, and its name is another's
			return append(writes, putNode(space, changed, table.IfTag(found.node.GetEtag()))), nil
		}
		return append(writes, replace(space, found.node, changed)...), nil
	}
	was := table.IfTag(found.node.GetEtag())
	return append(writes, putNode(space, changed, was),
		table.Put(record.Item(trashKey(space, changed), changed.GetEtag(), changed), was)), nil
}

// ignoreNotFound returns nil for an error that says that something is gone.
func ignoreNotFound(err error) error {
	if errors.Is(err, fault.NotFound) {
		return nil
	}
	return err
}
