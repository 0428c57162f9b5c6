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

// A space comes to be with its root folder and its place in the index, all in one
// commit; the index loses it when it is deleted, and the others go together.

// examineHead checks that a space has what came to be with it.
func (a *audit) examineHead(ctx context.Context, item table.Item, id string) error {
	s := new(recordv1.Space)
	if err := record.Decode(item, s); err != nil {
		return err
	}
	name := "spaces/" + id
	if s.GetId() != id {
		a.find(corrupt, name, "the space contradicts its key")
		return nil
	}
	lacks := func(key table.Key) (bool, error) {
		_, err := a.n.table.Get(ctx, key)
		if !errors.Is(err, table.ErrNotFound) {
			return false, err
		}
		now, err := a.n.table.Get(ctx, item.Key)
		return err == nil && now.Tag == item.Tag, ignoreMissing(err) // else removed or changed meanwhile
	}
	if gone, err := lacks(record.Node(id, record.Root)); err != nil {
		return err
	} else if gone {
		a.find(ledgerv1.Finding_SPACE_MISMATCH, name, "it has no root folder")
	}
	if s.GetState() != recordv1.Space_LIVE {
		return nil
	}
	index := record.SpaceIndex(id)
	if unlisted, err := lacks(index); err != nil || !unlisted {
		return err
	}
	return a.mend(ctx, a.find(ledgerv1.Finding_SPACE_MISMATCH, name, "it is not in the index of spaces"), []table.Write{
		table.Put(table.Item{Key: index}, table.IfAbsent), table.Check(item.Key, table.IfTag(item.Tag)),
	})
}

// examineRoot checks that the space of a root folder exists. What its head said,
// nothing else does, so it is not made anew.
func (a *audit) examineRoot(ctx context.Context, item table.Item, at resource.File) error {
	_, err := a.n.anyHead(ctx, at.Space)
	if !errors.Is(err, fault.NotFound) {
		return err
	}
	now, err := a.n.table.Get(ctx, item.Key)
	if err == nil && now.Tag == item.Tag {
		a.find(ledgerv1.Finding_SPACE_MISMATCH, "spaces/"+at.Space, "it has a root folder, but no head: none of its files can be reached")
	}
	return ignoreMissing(err) // removed meanwhile
}

// examineIndex checks that a space in the index exists: that its head is missing or
// of a deleted space before and after it was seen there.
func (a *audit) examineIndex(ctx context.Context, item table.Item) error {
	id := item.Key.Sort
	read := func() (head, error) {
		h, err := a.n.anyHead(ctx, id)
		return h, ignoreNotFound(err)
	}
	before, err := read()
	if err != nil || before.space.GetState() == recordv1.Space_LIVE {
		return err
	}
	if _, err := a.n.table.Get(ctx, item.Key); err != nil {
		return ignoreMissing(err) // deleted meanwhile
	}
	after, err := read()
	if err != nil || after.tag != before.tag {
		return err
	}
	if before.space == nil {
		a.find(ledgerv1.Finding_SPACE_MISMATCH, "spaces/"+id, "it is in the index of spaces, but has no head")
		return nil
	}
	finding := a.find(ledgerv1.Finding_SPACE_MISMATCH, "spaces/"+id, "it is deleted, but still in the index of spaces")
	return a.mend(ctx, finding, []table.Write{table.Delete(item.Key, table.Any), holdTree(before)})
}
