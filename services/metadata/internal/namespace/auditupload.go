package namespace

import (
	"context"
	"encoding/hex"
	"errors"
	"strconv"

	"github.com/holdfast-files/holdfast/internal/fault"
	ledgerv1 "github.com/holdfast-files/holdfast/proto/holdfast/ledger/v1"
	recordv1 "github.com/holdfast-files/holdfast/proto/holdfast/record/v1"
	"github.com/holdfast-files/holdfast/services/metadata/internal/quota"
	"github.com/holdfast-files/holdfast/services/metadata/internal/record"
	"github.com/holdfast-files/holdfast/services/metadata/internal/resource"
	"github.com/holdfast-files/holdfast/services/metadata/table"
)

// examineUpload tells which blobs a resumable upload has and which it may be
// getting, and that something will collect it.
func (a *audit) examineUpload(ctx context.Context, item table.Item, name resource.Upload) error {
	u := upload{name: name, Upload: new(recordv1.Upload), tag: item.Tag}
	if err := record.Decode(item, u.Upload); err != nil {
		return err
	}
	if u.GetId() != name.ID {
		a.find(ledgerv1.Finding_RECORD_CORRUPT, name.String(), "the upload contradicts its key")
		return nil
	}
	all, err := a.n.allExtents(ctx, name.Space, u.lists(), u.GetExtents())
	if errors.Is(err, fault.DataLoss) {
		if again, getErr := a.n.table.Get(ctx, item.Key); getErr != nil || again.Tag != item.Tag {
			return ignoreMissing(getErr) // completed or dropped meanwhile
		}
	}
	if err != nil {
		return err
	}
	if len(all) > 0 {
		a.response.References = append(a.response.References, &ledgerv1.Reference{
			Name: name.String(), Extents: extents(all), SizeBytes: totalLength(all),
		})
	}
	if total := totalLength(all); len(all) > 0 && total != u.GetOffset() {
		a.find(ledgerv1.Finding_RECORD_CORRUPT, name.String(), "its extents have another length than it")
	}
	a.referPending(name.String(), u.GetPending())
	if err := a.holdReserved(ctx, u); err != nil {
		return err
	}
	if !passed(u.GetExpireMicros(), a.n.now()) {
		return nil
	}
	a.suspect(item, name.Space, jobOf{recordv1.Job_UPLOAD, name.ID}, func(ctx context.Context) error {
		now, err := a.n.table.Get(ctx, item.Key)
		if err != nil {
			return ignoreMissing(err)
		}
		finding := a.find(ledgerv1.Finding_UPLOAD_STRAY, name.String(), "it has expired and no job will collect it")
		job, _ := newJob(&recordv1.Job{
			Kind: recordv1.Job_UPLOAD, Space: name.Space, Node: name.ID, DueMicros: u.GetExpireMicros(),
		}, record.NewID())
		return a.mend(ctx, finding, []table.Write{job, table.Check(item.Key, table.IfTag(now.Tag))})
	})
	return nil
}

// holdReserved counts what an upload has reserved, unless its space is gone.
func (a *audit) holdReserved(ctx context.Context, u upload) error {
	change := quota.Reserve(reserved(u.Upload))
	if change.IsZero() {
		return nil
	}
	h, err := a.n.anyHead(ctx, u.name.Space)
	if err == nil && h.space.GetCreateMicros() == u.GetSpaceCreateMicros() {
		a.hold(u.name.Space, change)
	}
	return ignoreNotFound(err)
}

func (a *audit) referPending(name string, ids [][]byte) {
	if len(ids) == 0 {
		return
	}
	reference := &ledgerv1.Reference{Name: name, Pending: true}
	for _, id := range ids {
		reference.Extents = append(reference.Extents, &ledgerv1.Extent{BlobId: record.BlobText(id)})
	}
	a.response.References = append(a.response.References, reference)
}

// examineBatch checks that a batch of extents belongs to an upload, to a
// revision, or to a job that deletes it. Its extents are told with those.
func (a *audit) examineBatch(ctx context.Context, item table.Item, space, list string) error {
	id, err := hex.DecodeString(list)
	if err != nil {
		a.find(ledgerv1.Finding_RECORD_CORRUPT, jobRef(item.Key), "the list has no id")
		return nil
	}
	number, err := strconv.ParseInt(item.Key.Sort, 16, 32)
	if err != nil {
		return nil // the owner, which goes with the last batch
	}
	wanted := &recordv1.ExtentList{Id: id, First: int32(number), Count: 1}
	for _, owned := range []func(context.Context, string, *recordv1.ExtentList) (bool, error){
		a.n.uploadHas, a.n.nodeHas,
	} {
		if found, err := owned(ctx, space, wanted); err != nil || found {
			return err
		}
	}
	a.suspectBatch(item, space, wanted, func(ctx context.Context) error {
		_, err := a.n.table.Get(ctx, item.Key)
		if err == nil {
			a.find(ledgerv1.Finding_EXTENTS_STRAY, jobRef(item.Key), "nothing refers to the list")
		}
		return ignoreMissing(err)
	})
	return nil
}

func (n *Namespace) uploadHas(ctx context.Context, space string, batch *recordv1.ExtentList) (bool, error) {
	u, err := n.uploadRecord(ctx, resource.Upload{Space: space, ID: record.BlobText(batch.GetId())})
	if err != nil {
		return false, ignoreNotFound(err)
	}
	return u.GetBatches() > batch.GetFirst(), nil
}

func (n *Namespace) nodeHas(ctx context.Context, space string, batch *recordv1.ExtentList) (bool, error) {
	item, err := n.table.Get(ctx, record.ExtentOwner(space, batch.GetId()))
	if err != nil {
		return false, ignoreMissing(err)
	}
	owner := new(recordv1.ExtentOwner)
	if err := record.Decode(item, owner); err != nil {
		return false, err
	}
	node, err := n.nodeRecord(ctx, resource.File{Space: space, ID: owner.GetNode()})
	if err != nil && !errors.Is(err, fault.NotFound) {
		return false, err
	}
	if includes(node.GetRevision().GetLists(), batch) {
		return true, nil
	}
	query := record.Revisions(space, owner.GetNode())
	query.Limit = maxPage
	for {
		page, err := n.table.Query(ctx, query)
		if err != nil {
			return false, err
		}
		for _, item := range page.Items {
			old := new(recordv1.Revision)
			if err := record.Decode(item, old); err != nil {
				return false, err
			}
			if includes(old.GetLists(), batch) {
				return true, nil
			}
			query.From = table.After(item.Key.Sort)
		}
		if !page.More {
			return false, nil
		}
	}
}

// includes reports whether a batch is one of lists.
func includes(lists []*recordv1.ExtentList, batch *recordv1.ExtentList) bool {
	for _, run := range lists {
		if string(run.GetId()) == string(batch.GetId()) && batch.GetFirst() >= run.GetFirst() &&
			batch.GetFirst() < run.GetFirst()+run.GetCount() {
			return true
		}
	}
	return false
}

// ignoreMissing returns nil for the error of a record that is not there.
func ignoreMissing(err error) error {
	if errors.Is(err, table.ErrNotFound) {
		return nil
	}
	return err
}
