package namespace

import (
	"context"
	"errors"

	recordv1 "github.com/holdfast-files/holdfast/proto/holdfast/record/v1"
	"github.com/holdfast-files/holdfast/services/metadata/internal/record"
	"github.com/holdfast-files/holdfast/services/metadata/internal/resource"
	"github.com/holdfast-files/holdfast/services/metadata/table"
)

// place is where a path leads.
type place struct {
	// folder is the id of the deepest folder on the way that exists.
	folder string
	// missing are the names of the folders on the way that do not exist.
	missing []string
	// blocked is set when a name on the way leads to a file.
	blocked bool
	// name is the last name of the path; empty for the root.
	name string
	// node is what the path leads to; nil when there is nothing.
	node *recordv1.Node
	// head is the space at the moment at which all of this was so.
	head head
}

// walk follows a path from the root, as one linearizable read: two reads of the
// table when the folders on the way are remembered.
func (n *Namespace) walk(ctx context.Context, space string, names []string) (place, error) {
	var found place
	err := n.settle(ctx, func() error {
		var err error
		found, err = n.walkOnce(ctx, space, names)
		return err
	})
	return found, err
}

func (n *Namespace) walkOnce(ctx context.Context, space string, names []string) (place, error) {
	version, known := n.tree.version(space)
	if !known || !n.remembersAll(space, version, names) {
		h, err := n.head(ctx, space)
		if err != nil {
			return place{}, err
		}
		version = h.version()
		n.tree.saw(space, version)
	}

	at := place{folder: record.Root}
	learned := make(map[nameKey]step)
	expireMicros, now := int64(0), n.now()
	for i, name := range names {
		at.name = name
		if i == len(names)-1 {
			node, err := n.entry(ctx, space, at.folder, name)
			if err != nil {
				return place{}, err
			}
			if node != nil && visible(node, now) {
				at.node = node
			}
			break
		}
		next, err := n.step(ctx, nameKey{space, at.folder, name}, version, learned)
		if err != nil {
			return place{}, err
		}
		if next.id == "" || passed(next.expireMicros, now) {
			at.blocked = next.blocked
			at.missing, at.name = names[i:len(names)-1], names[len(names)-1]
			break
		}
		expireMicros = earliest(expireMicros, next.expireMicros)
		at.folder = next.id
	}
	if len(names) == 0 {
		node, err := n.nodeRecord(ctx, resource.File{Space: space, ID: record.Root})
		if err != nil {
			return place{}, err
		}
		at.node = node
	}

	after, err := n.head(ctx, space)
	if err != nil {
		return place{}, err
	}
	n.tree.saw(space, after.version())
	if after.version() != version {
		return place{}, errUnsettled
	}
	for key, s := range learned {
		n.tree.names.Add(key, s)
	}
	n.tree.standings.Add(folderKey{space, at.folder}, standing{version: version, expireMicros: expireMicros})
	at.head = after
	return at, nil
}

// remembersAll reports whether the folders of a path are remembered under a version.
func (n *Namespace) remembersAll(space string, version int64, names []string) bool {
	folder := record.Root
	for i := 0; i < len(names)-1; i++ {
		s, ok := n.tree.names.Get(nameKey{space, folder, names[i]})
		if !ok || s.version != version {
			return false
		}
		folder = s.id
	}
	return true
}

// reached is where one step of a walk leads; id is empty when nowhere.
type reached struct {
	step
	blocked bool
}

// step follows one name on the way, from memory or from the table.
func (n *Namespace) step(
	ctx context.Context, key nameKey, version int64, learned map[nameKey]step,
) (reached, error) {
	// The name of an expired folder may be another's by now, and no version tells.
	if s, ok := n.tree.names.Get(key); ok && s.version == version && !passed(s.expireMicros, n.now()) {
		return reached{step: s}, nil
	}
	node, err := n.entry(ctx, key.space, key.folder, key.name)
	if err != nil || node == nil {
		return reached{}, err
	}
	if node.GetKind() != recordv1.Node_FOLDER {
		return reached{blocked: visible(node, n.now())}, nil
	}
	s := step{version: version, id: node.GetId(), expireMicros: node.GetExpireMicros()}
	learned[key] = s
	return reached{step: s}, nil
}

// entry reads a name in a folder; nil when there is none.
func (n *Namespace) entry(ctx context.Context, space, folder, name string) (*recordv1.Node, error) {
	item, err := n.table.Get(ctx, record.Entry(space, folder, name))
	if errors.Is(err, table.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return record.DecodeNode(item)
}

// nodeRecord reads a node by its id, in whatever state; NOT_FOUND when there is none.
func (n *Namespace) nodeRecord(ctx context.Context, name resource.File) (*recordv1.Node, error) {
	item, err := n.table.Get(ctx, record.Node(name.Space, name.ID))
	if errors.Is(err, table.ErrNotFound) {
		return nil, notFound(name.String())
	}
	if err != nil {
		return nil, err
	}
	return record.DecodeNode(item)
}
