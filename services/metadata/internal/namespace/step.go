package namespace

import (
	"context"
	"errors"
	"log/slog"

	"github.com/holdfast-files/holdfast/internal/fault"
	errorsv1 "github.com/holdfast-files/holdfast/proto/holdfast/errors/v1"
	recordv1 "github.com/holdfast-files/holdfast/proto/holdfast/record/v1"
	"github.com/holdfast-files/holdfast/services/metadata/internal/quota"
	"github.com/holdfast-files/holdfast/services/metadata/internal/record"
	"github.com/holdfast-files/holdfast/services/metadata/internal/resource"
	"github.com/holdfast-files/holdfast/services/metadata/table"
)

// Jobs that touch records only. Each step is one commit whose conditions are
// what it was decided on; a step that finds others at work fails on them and
// is done again, by whoever claims the job next.

// stepWrites bounds the writes that a step gathers before it commits; what one
// more node adds keeps it below the table's bound.
const stepWrites = 40

// stepNodes is how many entries a step looks at.
const stepNodes = 24

func (n *Namespace) advance(ctx context.Context, item table.Item, job *recordv1.Job) error {
	switch job.GetKind() {
	case recordv1.Job_EXPIRE, recordv1.Job_PURGE:
		return n.stepNode(ctx, item, job)
	case recordv1.Job_EMPTY:
		return n.stepEmpty(ctx, item, job)
	case recordv1.Job_REVISIONS:
		return n.stepRevisions(ctx, item, job)
	case recordv1.Job_SPACE:
		return n.stepSpace(ctx, item, job)
	case recordv1.Job_UPLOAD:
		return n.stepUpload(ctx, item, job)
	case recordv1.Job_SHARE:
		return n.stepShare(ctx, item, job)
	default:
		return fault.New(errorsv1.Reason_REASON_INTERNAL, "jobs of kind %v are unknown", job.GetKind())
	}
}

// stepNode removes a node whose expiry or time in the trash is over. A job that
// the node no longer names was overtaken by a change of it.
func (n *Namespace) stepNode(ctx context.Context, item table.Item, job *recordv1.Job) error {
	node, err := n.nodeRecord(ctx, resource.File{Space: job.GetSpace(), ID: job.GetNode()})
	if err != nil && !errors.Is(err, fault.NotFound) {
		return err
	}
	ref := jobRef(item.Key)
	if err != nil || (node.GetExpireJob() != ref && node.GetPurgeJob() != ref) {
		return n.table.Commit(ctx, []table.Write{table.Delete(item.Key, table.IfTag(item.Tag))})
	}
	gone := n.newRemoval(job.GetSpace())
	entry := node
	if node.GetState() == recordv1.Node_LIVE {
		entry, err = n.entry(ctx, job.GetSpace(), node.GetFolder(), node.GetDisplayName())
		if err != nil {
			return err
		}
	}
	if entry != nil && entry.GetId() == node.GetId() {
		err = gone.add(ctx, node)
	} else {
		err = gone.addUnplaced(ctx, node) // its name was taken when it had expired
	}
	if err != nil {
		return err
	}
	return n.table.Commit(ctx, gone.writes())
}

// stepEmpty removes entries of a folder that is gone. When there are none left
// it waits for the grace and looks once more: an upload that found the folder
// before it went may have put a file there after.
func (n *Namespace) stepEmpty(ctx context.Context, item table.Item, job *recordv1.Job) error {
	gone := n.newRemoval(job.GetSpace())
	if err := n.gather(ctx, gone, record.EntryPartition(job.GetSpace(), job.GetNode())); err != nil {
		return err
	}
	if writes := gone.writes(); len(writes) > 0 {
		return n.table.Commit(ctx, writes)
	}
	writes := []table.Write{table.Delete(item.Key, table.IfTag(item.Tag))}
	if job.GetPass() == 0 {
		again := clone(job)
		again.Pass = 1
		again.DueMicros = n.now() + n.config.Grace.Microseconds()
		write, _ := newJob(again, record.NewID())
		writes = append(writes, write)
	}
	return n.table.Commit(ctx, writes)
}

// gather adds entries of a folder, or of a shard of the trash, to a removal,
// as many as fit into one commit.
func (n *Namespace) gather(ctx context.Context, gone *removal, partition string) error {
	page, err := n.table.Query(ctx, table.Query{Partition: partition, Limit: stepNodes})
	if err != nil {
		return err
	}
	for _, item := range page.Items {
		if gone.size() > stepWrites {
			return nil
		}
		copied, err := record.DecodeNode(item)
		if err != nil {
			return err
		}
		// The entry of an expired node that has been removed: only the name is left.
		node, err := n.nodeRecord(ctx, resource.File{Space: gone.space, ID: copied.GetId()})
		if errors.Is(err, fault.NotFound) || (err == nil && node.GetEtag() != copied.GetEtag()) {
			gone.pending = append(gone.pending, table.Delete(item.Key, table.IfTag(item.Tag)))
			continue
		}
		if err != nil {
			return err
		}
		if err := gone.add(ctx, node); err != nil {
			return err
		}
	}
	return nil
}

// stepRevisions removes old revisions of a file that is gone.
func (n *Namespace) stepRevisions(ctx context.Context, item table.Item, job *recordv1.Job) error {
	gone := n.newRemoval(job.GetSpace())
	query := record.Revisions(job.GetSpace(), job.GetNode())
	query.Limit = inlineRevisions
	page, err := n.table.Query(ctx, query)
	if err != nil {
		return err
	}
	if err := gone.addRevisions(job.GetNode(), nil, page.Items); err != nil {
		return err
	}
	writes := gone.writes()
	if !page.More && len(page.Items) < inlineRevisions {
		writes = append(writes, table.Delete(item.Key, table.IfTag(item.Tag)))
	}
	return n.table.Commit(ctx, writes)
}

// stepSpace removes what is in a deleted space, then waits for the grace, looks
// once more, and frees the id: not before all that the space held is gone, of
// which other jobs remove a part.
func (n *Namespace) stepSpace(ctx context.Context, item table.Item, job *recordv1.Job) error {
	space := job.GetSpace()
	gone := n.newRemoval(space)
	partitions := []string{record.EntryPartition(space, record.Root)}
	for k := range record.TrashShards {
		partitions = append(partitions, record.TrashPartition(space, k))
	}
	for _, partition := range partitions {
		if gone.size() > stepWrites {
			break
		}
		if err := n.gather(ctx, gone, partition); err != nil {
			return err
		}
	}
	if gone.size() <= stepWrites {
		if err := n.gatherAccess(ctx, gone); err != nil {
			return err
		}
	}
	if err := n.gatherShares(ctx, gone); err != nil {
		return err
	}
	if writes := gone.writes(); len(writes) > 0 {
		return n.table.Commit(ctx, writes)
	}
	writes := []table.Write{table.Delete(item.Key, table.IfTag(item.Tag))}
	holds, err := n.stillHolds(ctx, space)
	if err != nil {
		return err
	}
	if job.GetPass() == 0 || holds {
		again := clone(job)
		again.Pass = 1
		again.DueMicros = n.now() + n.config.Grace.Microseconds()
		write, _ := newJob(again, record.NewID())
		return n.table.Commit(ctx, append(writes, write))
	}
	writes = append(writes,
		table.Delete(record.Head(space), table.Any),
		table.Delete(record.Node(space, record.Root), table.Any))
	for k := range record.UsageShards {
		writes = append(writes, table.Delete(record.Usage(space, k), table.Any))
	}
	return n.table.Commit(ctx, writes)
}

// stillHolds reports whether a deleted space whose root and trash are empty holds
// files all the same, in folders that are gone too, or revisions. By and by they
// are given back to its counters, so another space of this id must not have them
// before. After the grace nothing is added any more, so the counters need
// not be read at one moment.
func (n *Namespace) stillHolds(ctx context.Context, space string) (bool, error) {
	counters, err := quota.Read(ctx, n.table, space)
	if err != nil {
		return false, err
	}
	held := counters.Counted().Held
	if held.Bytes <= 0 && held.Files <= 0 {
		return false, nil
	}
	n.config.Logger.InfoContext(ctx, "deleted space still holds files", slog.String("space", space),
		slog.Int64("bytes", held.Bytes), slog.Int64("files", held.Files))
	return true, nil
}

// gatherAccess adds members and keys of a deleted space to a removal, as many
// as fit into one commit.
func (n *Namespace) gatherAccess(ctx context.Context, gone *removal) error {
	for _, query := range []table.Query{record.Members(gone.space, ""), record.APIKeys(gone.space, "")} {
		query.Limit = stepNodes
		page, err := n.table.Query(ctx, query)
		if err != nil {
			return err
		}
		for _, item := range page.Items {
			if gone.size() > stepWrites {
				return nil
			}
			if err := gone.addAccess(item); err != nil {
				return err
			}
		}
	}
	return nil
}

// addAccess adds a member, a key or the last use of one.
func (r *removal) addAccess(item table.Item) error {
	switch {
	case record.IsAPIKeyUse(item.Key.Sort):
		return nil // goes with its key
	case record.IsAPIKey(item.Key.Sort):
		k := new(recordv1.Key)
		if err := record.Decode(item, k); err != nil {
			return err
		}
		r.pending = append(r.pending, dropKey(k)...)
	default:
		m := new(recordv1.Member)
		if err := record.Decode(item, m); err != nil {
			return err
		}
		r.pending = append(r.pending, table.Delete(record.Membership(m.GetId(), r.space), table.Any))
	}
	r.pending = append(r.pending, table.Delete(item.Key, table.IfTag(item.Tag)))
	return nil
}

// gatherShares adds share links of a deleted space to a removal, as many as fit
// into one commit.
func (n *Namespace) gatherShares(ctx context.Context, gone *removal) error {
	query := record.Shares(gone.space, "")
	query.Limit = stepNodes
	page, err := n.table.Query(ctx, query)
	if err != nil {
		return err
	}
	for _, item := range page.Items {
		if gone.size() > stepWrites {
			return nil
		}
		s := new(recordv1.Share)
		if err := record.Decode(item, s); err != nil {
			return err
		}
		gone.pending = append(gone.pending, dropShare(gone.space, s)...)
	}
	return nil
}
