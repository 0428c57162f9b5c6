package namespace

import (
	"context"
	"errors"

	"google.golang.org/protobuf/proto"

	ledgerv1 "github.com/holdfast-files/holdfast/proto/holdfast/ledger/v1"
	recordv1 "github.com/holdfast-files/holdfast/proto/holdfast/record/v1"
	"github.com/holdfast-files/holdfast/services/metadata/internal/record"
	"github.com/holdfast-files/holdfast/services/metadata/internal/resource"
	"github.com/holdfast-files/holdfast/services/metadata/table"
)

// agree checks that the copy of a node under a key is the node.
func (a *audit) agree(ctx context.Context, at resource.File, key table.Key, kind ledgerv1.Finding_Kind) error {
	var detail string
	var node *recordv1.Node
	var copied table.Item
	for range 2 {
		var err error
		node, err = a.n.nodeRecord(ctx, at)
		if err != nil {
			return ignoreNotFound(err) // removed meanwhile
		}
		expected := record.Entry(at.Space, node.GetFolder(), node.GetDisplayName())
		if node.GetState() == recordv1.Node_TRASHED {
			expected = trashKey(at.Space, node)
		}
		if expected != key {
			return nil // moved meanwhile
		}
		copied, err = a.n.table.Get(ctx, key)
		switch {
		case errors.Is(err, table.ErrNotFound):
			detail = "the node has no copy under its name"
		case err != nil:
			return err
		case copied.Tag != node.GetEtag():
			detail = "the copy under its name is another"
		default:
			return a.same(ctx, at, node, copied, kind)
		}
	}
	finding := a.find(kind, at.String(), detail)
	return a.mend(ctx, finding, []table.Write{
		table.Put(record.Item(key, node.GetEtag(), node), table.IfAbsent),
		table.Check(record.Node(at.Space, at.ID), table.IfTag(node.GetEtag())),
	})
}

// same checks that a copy with the tag of a node says what the node says. Tags are
// used once, so no change makes two that differ. If they have the same bytes the
// node is the truth, from which changes are made; if not, nobody knows which is
// right, and the bytes of both are told of.
func (a *audit) same(
	ctx context.Context, at resource.File, node *recordv1.Node, copied table.Item, kind ledgerv1.Finding_Kind,
) error {
	other, err := record.DecodeNode(copied)
	if err != nil || proto.Equal(other, node) {
		return nil //nolint:nilerr // what cannot be decoded is told of where it is examined
	}
	finding := a.find(kind, at.String(), "the copy under its name has its etag, but says something else")
	if other.GetId() == at.ID && sameBytes(other.GetRevision(), node.GetRevision()) {
		tag := table.IfTag(node.GetEtag())
		return a.mend(ctx, finding, []table.Write{
			table.Put(record.Item(copied.Key, node.GetEtag(), node), tag),
			table.Check(record.Node(at.Space, at.ID), tag),
		})
	}
	if other.GetRevision() == nil {
		return nil
	}
	return a.refer(ctx, copied, resource.File{Space: at.Space, ID: other.GetId()}, other.GetRevision())
}

// sameBytes reports whether two revisions have their bytes at the same place.
func sameBytes(one, other *recordv1.Revision) bool {
	where := func(r *recordv1.Revision) *recordv1.Revision {
		return &recordv1.Revision{Extents: r.GetExtents(), Lists: r.GetLists()}
	}
	return proto.Equal(where(one), where(other))
}
