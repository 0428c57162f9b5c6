package namespace

import (
	"bytes"
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
	if !a.repair || !lost {
		return nil
	}
	finding.Repaired, err = a.putBack(ctx, item, at, copied)
	return err
}

// putBack makes a lost node of its copy; but where a job is about to delete its
// bytes the node was removed on purpose, and the copy goes after it.
func (a *audit) putBack(ctx context.Context, item table.Item, at resource.File, copied *recordv1.Node) (bool, error) {
	removed, err := a.n.anyJob(ctx, func(job *recordv1.Job) bool { return deletes(job, copied.GetRevision()) })
	if err != nil {
		return false, err
	}
	node := record.Node(at.Space, at.ID)
	writes := []table.Write{
		table.Put(record.Item(node, item.Tag, copied), table.IfAbsent), table.Check(item.Key, table.IfTag(item.Tag)),
	}
	if removed {
		writes = []table.Write{table.Check(node, table.IfAbsent), table.Delete(item.Key, table.IfTag(item.Tag))}
	}
	err = a.n.table.Commit(ctx, writes)
	return err == nil, ignoreConditions(err)
}

// deletes reports whether a job deletes bytes of a revision.
func deletes(job *recordv1.Job, r *recordv1.Revision) bool {
	if job.GetKind() != recordv1.Job_BLOBS {
		return false
	}
	for _, id := range record.BlobIDs(r.GetExtents()) {
		if slices.ContainsFunc(job.GetBlobIds(), func(other []byte) bool { return bytes.Equal(id, other) }) {
			return true
		}
	}
	return slices.ContainsFunc(r.GetLists(), func(list *recordv1.ExtentList) bool { return includes(job.GetLists(), list) })
}
