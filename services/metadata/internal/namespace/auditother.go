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
	if err := a.isCounted(ctx, at, old); err != nil {
		return err
	}
	_, err := a.n.nodeRecord(ctx, at)
	if !errors.Is(err, fault.NotFound) {
		return err
	}
	a.suspect(item, at.Space, jobOf{recordv1.Job_REVISIONS, at.ID}, func(ctx context.Context) error {
		_, err := a.n.table.Get(ctx, item.Key)
		if err == nil {
			a.find(ledgerv1.Finding_REVISION_STRAY, resource.Revision{File: at, Revision: id}.String(), "its file does not exist")
		}
		return ignoreMissing(err)
	})
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
