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

// DropUpload gives an upload up. What it stored goes after the retention, unless a
// file has it; whoever is still adding to it finds it gone.
func (n *Namespace) DropUpload(
	ctx context.Context, req *ledgerv1.DropUploadRequest,
) (*ledgerv1.DropUploadResponse, error) {
	for attempt := range maxAttempts {
		u, err := n.upload(ctx, req.GetName())
		if err != nil {
			return nil, err
		}
		writes, err := n.dropUpload(ctx, u)
		if err == nil {
			err = n.table.Commit(ctx, writes)
		}
		if conflict := (*table.ConditionError)(nil); err == nil || !errors.As(err, &conflict) {
			return new(ledgerv1.DropUploadResponse), err
		}
		if err := pause(ctx, attempt); err != nil {
			return nil, err
		}
	}
	return nil, contended()
}

// dropUpload returns the writes that remove an upload and give back what it had
// reserved. Its own job finds nothing left to do when it comes due.
func (n *Namespace) dropUpload(ctx context.Context, u upload) ([]table.Write, error) {
	writes, err := n.giveBack(ctx, u)
	if err != nil {
		return nil, err
	}
	writes = append(writes, table.Delete(record.Upload(u.name.Space, u.name.ID), table.IfTag(u.tag)))
	writes = append(writes, n.dropContents(u.name.Space, u.lists(), u.GetExtents())...)
	return append(writes, dropPending(u.name.Space, u.GetPending(), n.now())...), nil
}

// stepUpload removes an upload whose time is over. Bytes that came since the job
// was written, for it or for those that it waits for, have put that off, and then
// the job follows.
func (n *Namespace) stepUpload(ctx context.Context, item table.Item, job *recordv1.Job) error {
	end := table.Delete(item.Key, table.IfTag(item.Tag))
	u, err := n.uploadRecord(ctx, resource.Upload{Space: job.GetSpace(), ID: job.GetNode()})
	if errors.Is(err, fault.NotFound) {
		return n.table.Commit(ctx, []table.Write{end})
	}
	if err != nil {
		return err
	}
	over, held, err := n.expiry(ctx, u)
	if err != nil {
		return err
	}
	if passed(over, n.now()) {
		writes, err := n.dropUpload(ctx, u)
		if err != nil {
			return err
		}
		writes = append(writes, end)
		return n.table.Commit(ctx, append(writes, held...))
	}
	later := clone(job)
	later.DueMicros = over
	next, _ := newJob(later, record.NewID())
	writes := []table.Write{end, next}
	if over != u.GetExpireMicros() {
		// What the others have lent it stays its own, should they be given up.
		kept := clone(u.Upload)
		kept.ExpireMicros = over
		writes = append(writes, u.put(kept))
	}
	return n.table.Commit(ctx, writes)
}
