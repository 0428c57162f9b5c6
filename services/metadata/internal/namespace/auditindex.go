package namespace

import (
	"bytes"
	"context"
	"errors"

	ledgerv1 "github.com/holdfast-files/holdfast/proto/holdfast/ledger/v1"
	"github.com/holdfast-files/holdfast/services/metadata/table"
)

const (
	corrupt  = ledgerv1.Finding_RECORD_CORRUPT
	mismatch = ledgerv1.Finding_ACCESS_MISMATCH
)

// indexed checks that what a space lists has its index, with the value that it is
// to have.
func (a *audit) indexed(ctx context.Context, name string, item, index table.Item) error {
	var there table.Item
	var detail string
	for range 2 {
		now, err := a.n.table.Get(ctx, item.Key)
		if err != nil || now.Tag != item.Tag {
			return ignoreMissing(err) // removed or changed meanwhile
		}
		there, err = a.n.table.Get(ctx, index.Key)
		switch {
		case errors.Is(err, table.ErrNotFound):
			detail = "it is listed in its space, but not in its index"
		case err != nil:
			return err
		case !bytes.Equal(there.Value, index.Value):
			detail = "what is in its index is another"
		default:
			return nil
		}
	}
	return a.mend(ctx, a.find(mismatch, name, detail), []table.Write{
		table.Put(index, as(there)), table.Check(item.Key, table.IfTag(item.Tag)),
	})
}

// listed checks that what leads in is listed in its space: that there is an item
// under a key, and of those that are not told by that alone, the right one.
func (a *audit) listed(
	ctx context.Context, name string, item table.Item, under table.Key, right func(table.Item) (bool, error),
) error {
	var there table.Item
	for range 2 {
		now, err := a.n.table.Get(ctx, item.Key)
		if err != nil || now.Tag != item.Tag {
			return ignoreMissing(err) // removed or changed meanwhile
		}
		there, err = a.n.table.Get(ctx, under)
		if ignoreMissing(err) != nil {
			return err
		}
		if err == nil && right == nil {
			return nil
		}
		if err != nil {
			continue
		}
		if ok, err := right(there); err != nil || ok {
			return err
		}
	}
	return a.mend(ctx, a.find(mismatch, name, "it is in an index, but not listed in its space"), []table.Write{
		table.Delete(item.Key, as(item)), table.Check(under, as(there)),
	})
}

// as is the condition that an item is as it was read, or absent as it was.
func as(read table.Item) table.Cond {
	if read.Key == (table.Key{}) {
		return table.IfAbsent
	}
	return table.IfTag(read.Tag)
}

// mend commits what mends a finding, if the audit is to.
func (a *audit) mend(ctx context.Context, finding *ledgerv1.Finding, writes []table.Write) error {
	if !a.repair {
		return nil
	}
	err := a.n.table.Commit(ctx, writes)
	finding.Repaired = err == nil
	return ignoreConditions(err)
}
