package namespace

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	ledgerv1 "github.com/holdfast-files/holdfast/proto/holdfast/ledger/v1"
	recordv1 "github.com/holdfast-files/holdfast/proto/holdfast/record/v1"
	"github.com/holdfast-files/holdfast/services/metadata/internal/record"
	"github.com/holdfast-files/holdfast/services/metadata/internal/resource"
	"github.com/holdfast-files/holdfast/services/metadata/table"
)

// sharers are the numbers of revisions of a file that have the same extents, by the
// text of their ShareID, as far as they may be shared.
type sharers struct {
	of    resource.File
	count map[string]int
}

// examineCounter checks that a counter of shared extents counts the revisions that
// have them: one too low, and they are deleted while a revision has them. The
// counters of a file are examined in a row, so its revisions are counted once.
func (a *audit) examineCounter(ctx context.Context, item table.Item, at resource.File, id string) error {
	if a.shared.of != at {
		a.shared = sharers{of: at, count: map[string]int{}}
		_, err := a.n.eachRevision(ctx, at, func(_ table.Item, r *recordv1.Revision) {
			if r.GetShared() {
				a.shared.count[record.CounterID(record.ShareID(r))]++
			}
		})
		if err != nil {
			a.shared = sharers{}
			return ignoreNotFound(err) // the file is gone, and its counters go with it
		}
	}
	if strconv.Itoa(a.shared.count[id]) == item.Tag {
		return nil
	}
	return a.recount(ctx, item.Key, at, id)
}

// isCounted checks that there is a counter of the extents of a revision that may
// share them.
func (a *audit) isCounted(ctx context.Context, at resource.File, r *recordv1.Revision) error {
	id := record.ShareID(r)
	if id == nil || !r.GetShared() {
		return nil
	}
	key := record.Share(at.Space, at.ID, id)
	if _, err := a.n.table.Get(ctx, key); !errors.Is(err, table.ErrNotFound) {
		return err
	}
	if a.recounted[key] {
		return nil
	}
	if a.recounted == nil {
		a.recounted = map[table.Key]bool{}
	}
	a.recounted[key] = true
	return a.recount(ctx, key, at, record.CounterID(id))
}

// recount counts the revisions that have the same extents at one moment, and tells
// of their counter if it says something else. Each of them comes and goes with a
// change of the counter, and none comes without one of the node: if both are as
// they were before, so are the revisions.
func (a *audit) recount(ctx context.Context, key table.Key, at resource.File, id string) error {
	return ignoreNotFound(a.n.settle(ctx, func() error {
		counter, err := a.n.table.Get(ctx, key)
		if ignoreMissing(err) != nil {
			return err
		}
		var held []table.Write
		has := 0
		etag, err := a.n.eachRevision(ctx, at, func(item table.Item, r *recordv1.Revision) {
			if shared := record.ShareID(r); shared == nil || record.CounterID(shared) != id {
				return
			}
			if has++; len(held) < stepWrites {
				held = append(held, table.Check(item.Key, table.IfTag(item.Tag)))
			}
		})
		if err != nil {
			return err
		}
		now, err := a.n.nodeRecord(ctx, at)
		if err != nil {
			return err
		}
		again, err := a.n.table.Get(ctx, key)
		if ignoreMissing(err) != nil {
			return err
		}
		if now.GetEtag() != etag || again.Tag != counter.Tag || again.Key != counter.Key {
			return errUnsettled
		}
		says := counter.Tag
		if says == strconv.Itoa(has) {
			return nil
		}
		if counter.Key == (table.Key{}) {
			if has == 0 {
				return nil // gone, and its revisions too
			}
			says = "missing"
		}
		finding := a.find(ledgerv1.Finding_EXTENTS_MISCOUNTED, at.String(),
			fmt.Sprintf("%d of its revisions have the extents of %s, their counter is %s", has, id, says))
		if has == 0 || has >= stepWrites {
			return nil // that these are all, one commit could not hold
		}
		node := record.Node(at.Space, at.ID)
		writes := []table.Write{table.Put(table.Item{Key: key, Tag: strconv.Itoa(has)}, as(counter))}
		for _, write := range held {
			if write.Item.Key != node {
				writes = append(writes, write)
			}
		}
		return a.mend(ctx, finding, append(writes, table.Check(node, table.IfTag(etag))))
	}))
}

// eachRevision shows all revisions of a file, the current one as of its node, and
// returns the etag of that; NOT_FOUND when there is no node.
func (n *Namespace) eachRevision(
	ctx context.Context, of resource.File, show func(table.Item, *recordv1.Revision),
) (string, error) {
	item, err := n.table.Get(ctx, record.Node(of.Space, of.ID))
	if errors.Is(err, table.ErrNotFound) {
		return "", notFound(of.String())
	}
	if err != nil {
		return "", err
	}
	node, err := record.DecodeNode(item)
	if err != nil {
		return "", err
	}
	show(item, node.GetRevision())
	query := record.Revisions(of.Space, of.ID)
	query.Limit = maxPage
	for {
		page, err := n.table.Query(ctx, query)
		if err != nil {
			return "", err
		}
		for _, old := range page.Items {
			r := new(recordv1.Revision)
			if err := record.Decode(old, r); err != nil {
				return "", err
			}
			show(old, r)
			query.From = table.After(old.Key.Sort)
		}
		if !page.More {
			return item.Tag, nil
		}
	}
}
