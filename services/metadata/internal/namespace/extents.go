package namespace

import (
	"context"
	"errors"

	"github.com/google/uuid"

	"github.com/holdfast-files/holdfast/internal/fault"
	errorsv1 "github.com/holdfast-files/holdfast/proto/holdfast/errors/v1"
	ledgerv1 "github.com/holdfast-files/holdfast/proto/holdfast/ledger/v1"
	recordv1 "github.com/holdfast-files/holdfast/proto/holdfast/record/v1"
	"github.com/holdfast-files/holdfast/services/metadata/internal/record"
	"github.com/holdfast-files/holdfast/services/metadata/table"
)

// Contents of few extents have them in their record. What is more lies beside
// it, in lists: batches under the id of the upload that wrote them, which
// pass from the upload to its revision by reference, so that completing an
// upload is as quick for a thousand extents as for one.

const (
	// maxInlineExtents bounds the extents in the record of a node or revision,
	// which listings carry.
	maxInlineExtents = 8
	// An upload that has more than maxUploadExtents in its record moves the first
	// batchExtents of them out. What it keeps is more than can still be merged.
	maxUploadExtents = 72
	batchExtents     = 32
)

// allExtents returns the extents of lists and those behind them, in order. A
// batch that is missing is DATA_LOSS.
func (n *Namespace) allExtents(
	ctx context.Context, space string, lists []*recordv1.ExtentList, behind []*recordv1.Extent,
) ([]*recordv1.Extent, error) {
	var all []*recordv1.Extent
	for _, run := range lists {
		query := record.ExtentBatches(space, run)
		query.Limit = maxPage
		found := int32(0)
		for {
			page, err := n.table.Query(ctx, query)
			if err != nil {
				return nil, err
			}
			for _, item := range page.Items {
				batch := new(recordv1.ExtentBatch)
				if err := record.Decode(item, batch); err != nil {
					return nil, err
				}
				all = append(all, batch.GetExtents()...)
				found++
				query.From = table.After(item.Key.Sort)
			}
			if !page.More {
				break
			}
		}
		if found != run.GetCount() {
			return nil, fault.New(errorsv1.Reason_REASON_DATA_LOSS, "of list %s there are %d batches of %d",
				record.BlobText(run.GetId()), found, run.GetCount())
		}
	}
	if all == nil {
		return behind, nil
	}
	return append(all, behind...), nil
}

// batch returns one batch of a list; none of it when it is gone.
func (n *Namespace) batch(ctx context.Context, space string, list []byte, number int32) ([]*recordv1.Extent, error) {
	item, err := n.table.Get(ctx, record.ExtentBatch(space, list, number))
	if errors.Is(err, table.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	batch := new(recordv1.ExtentBatch)
	err = record.Decode(item, batch)
	return batch.GetExtents(), err
}

// putBatch returns the write of a batch of a list.
func putBatch(space string, list []byte, number int32, extents []*recordv1.Extent) table.Write {
	batch := &recordv1.ExtentBatch{Extents: extents}
	return table.Put(record.Item(record.ExtentBatch(space, list, number), "", batch), table.IfAbsent)
}

// putOwners returns the writes that say which node has the lists of a revision.
func putOwners(space, node string, r *recordv1.Revision) []table.Write {
	var writes []table.Write
	seen := make(map[string]bool)
	for _, run := range r.GetLists() {
		if id := string(run.GetId()); !seen[id] {
			seen[id] = true
			owner := &recordv1.ExtentOwner{Node: node}
			writes = append(writes, table.Put(record.Item(record.ExtentOwner(space, run.GetId()), "", owner), table.Any))
		}
	}
	return writes
}

// dropContents returns the write of the job that deletes extents, of lists and
// others, once the retention is over; none when there are none. Until then who
// reads them can go on, and a table that is restored to a moment at which a record
// had them finds them.
func (n *Namespace) dropContents(space string, lists []*recordv1.ExtentList, extents []*recordv1.Extent) []table.Write {
	ids := record.BlobIDs(extents)
	if len(ids) == 0 && len(lists) == 0 {
		return nil
	}
	write, _ := newJob(&recordv1.Job{
		Kind: recordv1.Job_BLOBS, Space: space, BlobIds: ids, Lists: lists,
		DueMicros: n.now() + n.config.BlobRetention.Microseconds(),
	}, record.NewID())
	return []table.Write{write}
}

// dropPending returns the write of the job that deletes blobs that somebody may
// still be writing: now, and once more after the grace.
func dropPending(space string, ids [][]byte, due int64) []table.Write {
	if len(ids) == 0 {
		return nil
	}
	write, _ := newJob(&recordv1.Job{
		Kind: recordv1.Job_BLOBS, Intent: true, Space: space, BlobIds: ids, DueMicros: due,
	}, record.NewID())
	return []table.Write{write}
}

func totalLength(extents []*recordv1.Extent) int64 {
	total := int64(0)
	for _, e := range extents {
		total += e.GetLength()
	}
	return total
}

// recordExtents reads extents that storage sent.
func recordExtents(sent []*ledgerv1.Extent) ([]*recordv1.Extent, error) {
	read := make([]*recordv1.Extent, len(sent))
	for i, e := range sent {
		id, err := uuid.Parse(e.GetBlobId())
		if err != nil || e.GetLength() <= 0 || e.GetOffset() != 0 {
			return nil, fault.Invalidf("extents", "must be whole blobs with bytes")
		}
		read[i] = &recordv1.Extent{BlobId: id[:], Length: e.GetLength()}
	}
	return read, nil
}
