package namespace

import (
	"context"
	"slices"

	"github.com/holdfast-files/holdfast/internal/fault"
	errorsv1 "github.com/holdfast-files/holdfast/proto/holdfast/errors/v1"
	metadatav1 "github.com/holdfast-files/holdfast/proto/holdfast/metadata/v1"
	recordv1 "github.com/holdfast-files/holdfast/proto/holdfast/record/v1"
	"github.com/holdfast-files/holdfast/services/metadata/internal/record"
	"github.com/holdfast-files/holdfast/services/metadata/internal/resource"
	"github.com/holdfast-files/holdfast/services/metadata/table"
)

// MoveFile moves and renames a node in one atomic step. A folder that would
// come to lie in itself or in its descendants is CONFLICT.
func (n *Namespace) MoveFile(ctx context.Context, req *metadatav1.MoveFileRequest) (*metadatav1.File, error) {
	name, err := resource.ParseFile("name", req.GetName())
	if err != nil {
		return nil, err
	}
	to := resource.File{}
	if req.GetFolder() != "" {
		if to, err = folderOf("folder", name.Space, req.GetFolder()); err != nil {
			return nil, err
		}
	}
	displayName := req.GetDisplayName()
	if displayName != "" {
		if displayName, err = resource.DisplayName("display_name", displayName); err != nil {
			return nil, err
		}
	}
	if to.ID == "" && displayName == "" {
		return nil, fault.Invalidf("folder", "or display_name must be given")
	}
	r, err := newRequest(ctx, req)
	if err != nil {
		return nil, err
	}
	return mutate(ctx, n, r, new(metadatav1.File), func() ([]table.Write, *metadatav1.File, error) {
		node, h, err := n.live(ctx, name, req.GetEtag())
		if err != nil {
			return nil, nil, err
		}
		changed := n.changed(node)
		if displayName != "" {
			changed.DisplayName = displayName
		}
		if to.ID != "" {
			changed.Folder = to.ID
		}
		if changed.GetFolder() == node.GetFolder() && changed.GetDisplayName() == node.GetDisplayName() {
			return nil, file(name.Space, node), nil
		}
		var writes []table.Write
		if changed.GetFolder() != node.GetFolder() {
			if err := n.target(ctx, node, to); err != nil {
				return nil, nil, n.confirm(ctx, name, node, h, err)
			}
			if node.GetKind() == recordv1.Node_FILE {
				// A file that leaves one folder for another can be seen to do so:
				// neither folder may be on its way to the trash meanwhile.
				writes = append(writes, holdTree(h))
			}
		}
		if node.GetKind() == recordv1.Node_FOLDER {
			writes = append(writes, raiseTree(h))
		}
		placed, err := n.rewrite(ctx, name.Space, node, changed)
		if err != nil {
			return nil, nil, n.confirm(ctx, name, node, h, err)
		}
		return append(writes, placed...), file(name.Space, changed), nil
	})
}

// target checks that a node may be put into a folder: the folder can be
// reached, and is neither the node nor below it. That the tree is still the one
// that the node was read in is for the conditions of the commit.
func (n *Namespace) target(ctx context.Context, node *recordv1.Node, to resource.File) error {
	var chain []string
	_, err := n.under(ctx, to, func() (err error) {
		if node.GetKind() == recordv1.Node_FOLDER {
			chain, err = n.ancestors(ctx, to)
		}
		return err
	})
	if err != nil {
		return err
	}
	if slices.Contains(chain, node.GetId()) {
		return fault.New(errorsv1.Reason_REASON_CONFLICT, "a folder cannot be moved into itself or below itself")
	}
	return nil
}

// ancestors returns the ids of a folder and of all folders above it, but the
// root. It is part of a read under the folder.
func (n *Namespace) ancestors(ctx context.Context, at resource.File) ([]string, error) {
	var chain []string
	var way wayUp
	for id := at.ID; id != record.Root; {
		if way.closes(id) {
			return nil, errCycle
		}
		chain = append(chain, id)
		folder, err := n.nodeRecord(ctx, resource.File{Space: at.Space, ID: id})
		if err != nil {
			return nil, err
		}
		id = folder.GetFolder()
	}
	return chain, nil
}
