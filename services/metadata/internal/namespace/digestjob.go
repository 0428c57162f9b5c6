package namespace

import (
	"context"
	"errors"
	"time"

	"github.com/holdfast-files/holdfast/internal/fault"
	ledgerv1 "github.com/holdfast-files/holdfast/proto/holdfast/ledger/v1"
	recordv1 "github.com/holdfast-files/holdfast/proto/holdfast/record/v1"
	"github.com/holdfast-files/holdfast/services/metadata/internal/record"
	"github.com/holdfast-files/holdfast/services/metadata/internal/resource"
	"github.com/holdfast-files/holdfast/services/metadata/table"
)

// digestsPerCommit bounds the revisions that get their digest in one commit.
const digestsPerCommit = 40

// A digest of bytes that cannot be read is tried again after the first, and then
// after twice as long each time, up to the second: reading costs, and who mends
// them may take a while.
const (
	minUnreadablePause = 2 * time.Minute
	maxUnreadablePause = 24 * time.Hour
)

func unreadablePause(failures int32) time.Duration {
	pause := minUnreadablePause
	for ; failures > 0 && pause < maxUnreadablePause; failures-- {
		pause *= 2
	}
	return min(pause, maxUnreadablePause)
}

// undigested are revisions with the same extents, whose digest is to be computed.
type undigested struct {
	node    *recordv1.Node // nil when it is gone
	current bool           // whether the revision of the node is one of them
	old     []oldRevision
	more    bool // whether there are others
}

// oldRevision is a revision in a record of its own, as it was found.
type oldRevision struct {
	*recordv1.Revision
	item table.Item
}

// any returns one of the revisions; nil when there is none.
func (u *undigested) any() *recordv1.Revision {
	switch {
	case u.current:
		return u.node.GetRevision()
	case len(u.old) > 0:
		return u.old[0].Revision
	}
	return nil
}

// undigested finds the revisions that a digest job is about, so many old ones at
// most: that which the upload wrote, and those restored from it. None when they
// are gone or have their digest.
func (n *Namespace) undigested(ctx context.Context, job *recordv1.Job, limit int) (*undigested, error) {
	found := new(undigested)
	at := resource.File{Space: job.GetSpace(), ID: job.GetNode()}
	node, err := n.nodeRecord(ctx, at)
	if err != nil {
		return found, ignoreNotFound(err)
	}
	wanted := func(r *recordv1.Revision) bool {
		return len(r.GetSha256()) == 0 && string(r.GetUploadId()) == string(job.GetBlobIds()[0])
	}
	found.node, found.current = node, wanted(node.GetRevision())
	query := record.Revisions(at.Space, at.ID)
	query.Limit = maxPage
	for {
		page, err := n.table.Query(ctx, query)
		if err != nil {
			return nil, err
		}
		for _, item := range page.Items {
			old := oldRevision{new(recordv1.Revision), item}
			if err := record.Decode(item, old); err != nil {
				return nil, err
			}
			if wanted(old.Revision) {
				if len(found.old) == limit {
					found.more = true
					return found, nil
				}
				found.old = append(found.old, old)
			}
			query.From = table.After(item.Key.Sort)
		}
		if !page.More {
			return found, nil
		}
	}
}

// digestion returns what a digest job asks for; nil when nothing is left to do.
func (n *Namespace) digestion(ctx context.Context, job *recordv1.Job) (*ledgerv1.Digestion, error) {
	found, err := n.undigested(ctx, job, 1)
	if err != nil || found.any() == nil {
		return nil, err
	}
	revision := found.any()
	all, err := n.allExtents(ctx, job.GetSpace(), revision.GetLists(), revision.GetExtents())
	if err != nil {
		return nil, err
	}
	return &ledgerv1.Digestion{
		Extents: extents(all), SizeBytes: revision.GetSizeBytes(),
		DoneBytes: job.GetDoneBytes(), Sha256State: job.GetSha256State(),
	}, nil
}

// finishDigest returns the writes that end a digest job or, when the digest is
// not at its end or there are more revisions than one commit is for, let it go on
// from where it is, after a pause where the bytes cannot be read. They rest on the node as it was read: a revision that is
// restored meanwhile is not passed over.
func (n *Namespace) finishDigest(
	ctx context.Context, item table.Item, job *recordv1.Job, req *ledgerv1.FinishJobRequest,
) ([]table.Write, error) {
	held := table.IfTag(item.Tag)
	found, err := n.undigested(ctx, job, digestsPerCommit)
	if err != nil {
		return nil, err
	}
	writes := []table.Write{table.Delete(item.Key, held)}
	if found.any() == nil {
		return append(writes, found.hold(job.GetSpace())...), nil
	}
	further := clone(job)
	further.LeaseMicros = 0
	if len(req.GetSha256()) == 0 {
		if len(req.GetSha256State()) == 0 {
			return nil, fault.Invalidf("sha256_state", "must be given unless sha256 is")
		}
		further.DoneBytes, further.Sha256State = req.GetDoneBytes(), req.GetSha256State()
		further.Failures = 0
		if req.GetUnreadable() {
			if req.GetDoneBytes() <= job.GetDoneBytes() {
				further.Failures = job.GetFailures() + 1
			}
			further.LeaseMicros = n.now() + unreadablePause(further.GetFailures()).Microseconds()
		}
		return []table.Write{table.Put(record.Item(item.Key, record.NewEtag(), further), held)}, nil
	}
	if len(req.GetSha256()) != 32 {
		return nil, fault.Invalidf("sha256", "must have 32 bytes")
	}
	if found.more {
		writes = []table.Write{table.Put(record.Item(item.Key, record.NewEtag(), further), held)}
	}
	for _, old := range found.old {
		old.Sha256 = req.GetSha256()
		digested := record.Item(old.item.Key, record.NewEtag(), old.Revision)
		writes = append(writes, table.Put(digested, table.IfTag(old.item.Tag)))
	}
	if !found.current {
		return append(writes, found.hold(job.GetSpace())...), nil
	}
	placed, err := n.digestNode(ctx, job.GetSpace(), found.node, req.GetSha256())
	return append(writes, placed...), err
}

// hold returns the condition that the node is as it was read; none when it was
// gone.
func (u *undigested) hold(space string) []table.Write {
	if u.node == nil {
		return nil
	}
	return []table.Write{table.Check(record.Node(space, u.node.GetId()), table.IfTag(u.node.GetEtag()))}
}

// digestNode returns the writes that give the revision of a node its digest.
func (n *Namespace) digestNode(
	ctx context.Context, space string, node *recordv1.Node, sha256 []byte,
) ([]table.Write, error) {
	changed := n.changed(node)
	changed.Revision.Sha256 = sha256
	was := table.IfTag(node.GetEtag())
	if node.GetState() == recordv1.Node_TRASHED {
		return []table.Write{
			putNode(space, changed, was),
			table.Put(record.Item(trashKey(space, changed), changed.GetEtag(), changed), was),
		}, nil
	}
	there, err := n.entry(ctx, space, node.GetFolder(), node.GetDisplayName())
	if err != nil {
		return nil, err
	}
	if there.GetId() != node.GetId() { // it has expired, and its name is another's
		return []table.Write{putNode(space, changed, was)}, nil
	}
	return replace(space, node, changed), nil
}

// ignoreNotFound returns nil for an error that says that something is gone.
func ignoreNotFound(err error) error {
	if errors.Is(err, fault.NotFound) {
		return nil
	}
	return err
}
