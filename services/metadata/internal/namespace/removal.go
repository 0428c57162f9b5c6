package namespace

import (
	"context"

	recordv1 "github.com/holdfast-files/holdfast/proto/holdfast/record/v1"
	"github.com/holdfast-files/holdfast/services/metadata/internal/quota"
	"github.com/holdfast-files/holdfast/services/metadata/internal/record"
	"github.com/holdfast-files/holdfast/services/metadata/table"
)

// inlineRevisions is how many old revisions of a file are removed together with
// it; those of a file that has more go by a job of their own, as many at a time.
// Each is two writes at most: itself, and the counter of its extents.
const inlineRevisions = 24

// removal gathers the writes that remove nodes for good. Their blobs go later,
// by a job, and what is in a folder by another.
type removal struct {
	n         *Namespace
	space     string
	pending   []table.Write
	revisions []*recordv1.Revision
	held      quota.Amount
}

func (n *Namespace) newRemoval(space string) *removal { return &removal{n: n, space: space} }

// add adds a node as it was read, with its entry or its place in the trash.
func (r *removal) add(ctx context.Context, node *recordv1.Node) error {
	if node.GetState() == recordv1.Node_TRASHED {
		r.pending = append(r.pending, table.Delete(trashKey(r.space, node), table.IfTag(node.GetEtag())))
	} else {
		r.pending = append(r.pending, dropEntry(r.space, node))
	}
	return r.addUnplaced(ctx, node)
}

// addUnplaced adds a node whose name belongs to another one by now.
func (r *removal) addUnplaced(ctx context.Context, node *recordv1.Node) error {
	r.pending = append(r.pending, dropNode(r.space, node))
	for _, ref := range []string{node.GetExpireJob(), node.GetPurgeJob()} {
		if ref != "" {
			r.pending = append(r.pending, table.Delete(jobKey(ref), table.Any))
		}
	}
	if node.GetKind() == recordv1.Node_FOLDER {
		r.job(recordv1.Job_EMPTY, node.GetId())
		return nil
	}
	r.held.Files++
	r.drop(node.GetRevision())
	query := record.Revisions(r.space, node.GetId())
	query.Limit = inlineRevisions + 1
	page, err := r.n.table.Query(ctx, query)
	if err != nil {
		return err
	}
	if page.More || len(page.Items) > inlineRevisions {
		r.job(recordv1.Job_REVISIONS, node.GetId())
		page.Items = nil
	}
	return r.addRevisions(node.GetId(), node.GetRevision(), page.Items)
}

// addRevisions adds old revisions of a file that is gone, and the counters of
// their extents and of those of current, its last revision, if that goes too.
func (r *removal) addRevisions(node string, current *recordv1.Revision, items []table.Item) error {
	counters := make(map[table.Key]bool)
	count := func(old *recordv1.Revision) {
		if id := record.ShareID(old); id != nil && old.GetShared() {
			counters[record.Share(r.space, node, id)] = true
		}
	}
	count(current)
	for _, item := range items {
		old := new(recordv1.Revision)
		if err := record.Decode(item, old); err != nil {
			return err
		}
		r.pending = append(r.pending, table.Delete(item.Key, table.IfTag(item.Tag)))
		r.drop(old)
		count(old)
	}
	for key := range counters {
		r.pending = append(r.pending, table.Delete(key, table.Any))
	}
	return nil
}

func (r *removal) drop(revision *recordv1.Revision) {
	r.revisions = append(r.revisions, revision)
	r.held.Bytes += revision.GetSizeBytes()
}

func (r *removal) job(kind recordv1.Job_Kind, node string) {
	write, _ := newJob(&recordv1.Job{
		Kind: kind, Space: r.space, Node: node, DueMicros: r.n.now(),
	}, record.NewID())
	r.pending = append(r.pending, write)
}

// size returns how many writes there would be.
func (r *removal) size() int { return len(r.pending) + 2 }

// writes returns the writes of everything that was added; none for nothing.
func (r *removal) writes() []table.Write {
	writes := append(r.pending, r.n.dropBlobs(r.space, r.revisions...)...)
	return append(writes, quota.Writes(r.space, quota.Change{Held: r.held}.Back())...)
}
