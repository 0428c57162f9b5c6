package namespace

import (
	"context"
	"errors"

	"github.com/holdfast-files/holdfast/internal/fault"
	ledgerv1 "github.com/holdfast-files/holdfast/proto/holdfast/ledger/v1"
	recordv1 "github.com/holdfast-files/holdfast/proto/holdfast/record/v1"
	"github.com/holdfast-files/holdfast/services/metadata/internal/quota"
	"github.com/holdfast-files/holdfast/services/metadata/internal/record"
	"github.com/holdfast-files/holdfast/services/metadata/internal/resource"
	"github.com/holdfast-files/holdfast/services/metadata/table"
)

func (a *audit) examineRevision(ctx context.Context, item table.Item, at resource.File, id string) error {
	old := new(recordv1.Revision)
	if err := record.Decode(item, old); err != nil {
		return err
	}
	if old.GetId() != id {
		a.find(ledgerv1.Finding_RECORD_CORRUPT, at.String(), "the revision contradicts its key")
	}
	if err := a.refer(ctx, item, at, old); err != nil {
		return err
	}
	a.hold(at.Space, quota.Change{Held: quota.Amount{Bytes: old.GetSizeBytes()}})
	_, err := a.n.nodeRecord(ctx, at)
	if !errors.Is(err, fault.NotFound) {
		return err
	}
	pending, err := a.n.waiting(ctx, recordv1.Job_REVISIONS, at)
	if err != nil || pending {
		return err
	}
	if _, err := a.n.table.Get(ctx, item.Key); err == nil {
		a.find(ledgerv1.Finding_REVISION_STRAY, resource.Revision{File: at, Revision: id}.String(), "its file does not exist")
	}
	return nil
}

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

// hasNode checks that the node of a copy exists and is the one copied.
func (a *audit) hasNode(ctx context.Context, item table.Item, at resource.File, kind ledgerv1.Finding_Kind) error {
	for range 2 {
		node, err := a.n.nodeRecord(ctx, at)
		if err != nil && !errors.Is(err, fault.NotFound) {
			return err
		}
		if err == nil && node.GetEtag() == item.Tag {
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
	if a.repair {
		err := a.n.table.Commit(ctx, []table.Write{
			table.Delete(item.Key, table.IfTag(item.Tag)),
			table.Check(record.Node(at.Space, at.ID), table.IfAbsent),
		})
		finding.Repaired = err == nil
		return ignoreConditions(err)
	}
	return nil
}

// examineJob tells which blobs a job is about. Those of its lists may be gone
// already, and a part of the lists with them.
func (a *audit) examineJob(ctx context.Context, item table.Item) error {
	job := new(recordv1.Job)
	if err := record.Decode(item, job); err != nil {
		return err
	}
	ids := job.GetBlobIds()
	if job.GetKind() != recordv1.Job_BLOBS {
		ids = nil
	}
	for _, run := range job.GetLists() {
		for k := range run.GetCount() {
			batch, err := a.n.batch(ctx, job.GetSpace(), run.GetId(), run.GetFirst()+k)
			if err != nil {
				return err
			}
			ids = append(ids, record.BlobIDs(batch)...)
		}
	}
	reference := &ledgerv1.Reference{Name: jobRef(item.Key), Pending: true}
	for _, id := range ids {
		reference.Extents = append(reference.Extents, &ledgerv1.Extent{BlobId: record.BlobText(id)})
	}
	a.response.References = append(a.response.References, reference)
	return nil
}

// waiting reports whether there is a job of a kind for a node, or its space is
// being removed as a whole. It reads all jobs: it is asked only when something
// looks wrong.
func (n *Namespace) waiting(ctx context.Context, kind recordv1.Job_Kind, at resource.File) (bool, error) {
	h, err := n.anyHead(ctx, at.Space)
	if err != nil {
		return false, ignoreNotFound(err)
	}
	if h.space.GetState() == recordv1.Space_DELETED {
		return true, nil
	}
	return n.anyJob(ctx, func(job *recordv1.Job) bool {
		return job.GetKind() == kind && job.GetSpace() == at.Space && job.GetNode() == at.ID
	})
}

// anyJob reports whether there is a job that is wanted, among all.
func (n *Namespace) anyJob(ctx context.Context, wanted func(*recordv1.Job) bool) (bool, error) {
	for k := range record.JobShards {
		found, err := n.anyJobIn(ctx, record.JobPartition(k), wanted)
		if err != nil || found {
			return found, err
		}
	}
	return false, nil
}

func (n *Namespace) anyJobIn(ctx context.Context, partition string, wanted func(*recordv1.Job) bool) (bool, error) {
	query := table.Query{Partition: partition, Limit: maxPage}
	for {
		page, err := n.table.Query(ctx, query)
		if err != nil {
			return false, err
		}
		for _, item := range page.Items {
			job := new(recordv1.Job)
			if err := record.Decode(item, job); err != nil {
				return false, err
			}
			if wanted(job) {
				return true, nil
			}
			query.From = item.Key.Sort + "\x01"
		}
		if !page.More {
			return false, nil
		}
	}
}
