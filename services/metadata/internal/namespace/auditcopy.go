package namespace

import (
	"context"
	"errors"
	"slices"

	"github.com/holdfast-files/holdfast/internal/fault"
	ledgerv1 "github.com/holdfast-files/holdfast/proto/holdfast/ledger/v1"
	recordv1 "github.com/holdfast-files/holdfast/proto/holdfast/record/v1"
	"github.com/holdfast-files/holdfast/services/metadata/internal/record"
	"github.com/holdfast-files/holdfast/services/metadata/internal/resource"
	"github.com/holdfast-files/holdfast/services/metadata/table"
)

// examineEntry checks that an entry has its node. That the two are equal is
// checked from the node.
func (a *audit) examineEntry(ctx context.Context, item table.Item, space string) error {
	entry, err := record.DecodeNode(item)
	if err != nil {
		return err
	}
	if item.Key != record.Entry(space, entry.GetFolder(), entry.GetDisplayName()) {
		a.find(ledgerv1.Finding_RECORD_CORRUPT, jobRef(item.Key), "the entry contradicts its key")
		return nil
	}
	if passed(entry.GetExpireMicros(), a.n.now()) {
		return nil // its node may have been removed before its name was freed
	}
	return a.hasNode(ctx, item, resource.File{Space: space, ID: entry.GetId()}, ledgerv1.Finding_ENTRY_MISMATCH)
}

func (a *audit) examineTrash(ctx context.Context, item table.Item, space string) error {
	entry, err := record.DecodeNode(item)
	if err != nil {
		return err
	}
	return a.hasNode(ctx, item, resource.File{Space: space, ID: entry.GetId()}, ledgerv1.Finding_TRASH_MISMATCH)
}

// hasNode checks that the node of a copy exists and is the one copied. If not, the
// copy may be the last that is known of a file, so its bytes are told of too: they
// must not be taken for nobody's.
func (a *audit) hasNode(ctx context.Context, item table.Item, at resource.File, kind ledgerv1.Finding_Kind) error {
	lost := false
	for range 2 {
		node, err := a.n.nodeRecord(ctx, at)
		if err != nil && !errors.Is(err, fault.NotFound) {
			return err
		}
		if lost = err != nil; !lost && node.GetEtag() == item.Tag {
			return nil
		}
		again, err := a.n.table.Get(ctx, item.Key)
		if errors.Is(err, table.ErrNotFound) {
			return nil // gone meanwhile
		}
		if err != nil {
			return err
		}
		if copied, err := record.DecodeNode(again); err != nil || copied.GetId() != at.ID {
			return err // another's by now, which is examined for itself
		}
		item = again
	}
	finding := a.find(kind, at.String(), "there is a copy under a name, but not this node")
	copied, err := record.DecodeNode(item)
	if err != nil {
		return err
	}
	if copied.GetRevision() != nil {
		if err := a.refer(ctx, item, at, copied.GetRevision()); err != nil {
			return err
		}
	}
	if a.repair && lost {
		a.lost = append(a.lost, lostNode{item: item, at: at, copied: copied, finding: finding})
	}
	return nil
}

// A lostNode is one whose copy is there.
type lostNode struct {
	item    table.Item // the copy
	at      resource.File
	copied  *recordv1.Node
	finding *ledgerv1.Finding
	// removed tells that a job is about to delete its bytes.
	removed bool
}

// putBack makes the lost nodes of a page of their copies; but where a job is about
// to delete its bytes the node was removed on purpose, and the copy goes after it.
// A copy of what was removed long ago comes back without its bytes: who goes by its
// path has come upon it before, and now an inspection tells that they are missing.
func (a *audit) putBack(ctx context.Context) error {
	if err := a.findRemoved(ctx); err != nil {
		return err
	}
	for _, lost := range a.lost {
		node := record.Node(lost.at.Space, lost.at.ID)
		writes := []table.Write{
			table.Put(record.Item(node, lost.item.Tag, lost.copied), table.IfAbsent),
			table.Check(lost.item.Key, table.IfTag(lost.item.Tag)),
		}
		if lost.removed {
			writes = []table.Write{
				table.Check(node, table.IfAbsent), table.Delete(lost.item.Key, table.IfTag(lost.item.Tag)),
			}
		} else {
			jobs, err := a.missingJobs(ctx, lost)
			if err != nil {
				return err
			}
			writes = append(writes, jobs...)
		}
		err := a.n.table.Commit(ctx, writes)
		lost.finding.Repaired = err == nil
		if ignoreConditions(err) != nil {
			return err
		}
	}
	return nil
}

// findRemoved finds out which lost nodes have bytes that a job is about to delete.
func (a *audit) findRemoved(ctx context.Context) error {
	if len(a.lost) == 0 {
		return nil
	}
	byBlob := map[string][]int{}
	for i, lost := range a.lost {
		for _, id := range record.BlobIDs(lost.copied.GetRevision().GetExtents()) {
			byBlob[string(id)] = append(byBlob[string(id)], i)
		}
	}
	return a.n.eachJob(ctx, func(job *recordv1.Job) {
		if job.GetKind() != recordv1.Job_BLOBS {
			return
		}
		for _, id := range job.GetBlobIds() {
			for _, i := range byBlob[string(id)] {
				a.lost[i].removed = true
			}
		}
		for i, lost := range a.lost {
			if len(job.GetLists()) > 0 && slices.ContainsFunc(lost.copied.GetRevision().GetLists(),
				func(list *recordv1.ExtentList) bool { return includes(job.GetLists(), list) }) {
				a.lost[i].removed = true
			}
		}
	})
}

// missingJobs returns the writes of the jobs that a lost node names and that are
// gone, since they came upon it when it was lost.
func (a *audit) missingJobs(ctx context.Context, lost lostNode) ([]table.Write, error) {
	var writes []table.Write
	for _, d := range dues(lost.copied) {
		missing, err := d.missing(ctx, a.n.table)
		if err != nil {
			return nil, err
		}
		if missing {
			writes = append(writes, d.put(lost.at)...)
		}
	}
	return writes, nil
}
