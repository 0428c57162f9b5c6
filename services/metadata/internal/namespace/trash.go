package namespace

import (
	"context"
	"errors"

	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/holdfast-files/holdfast/internal/fault"
	errorsv1 "github.com/holdfast-files/holdfast/proto/holdfast/errors/v1"
	metadatav1 "github.com/holdfast-files/holdfast/proto/holdfast/metadata/v1"
	recordv1 "github.com/holdfast-files/holdfast/proto/holdfast/record/v1"
	"github.com/holdfast-files/holdfast/services/metadata/internal/quota"
	"github.com/holdfast-files/holdfast/services/metadata/internal/record"
	"github.com/holdfast-files/holdfast/services/metadata/internal/resource"
	"github.com/holdfast-files/holdfast/services/metadata/table"
)

// DeleteFile moves a live node, by its name or by its path, to the trash. One that
// is there already is NOT_FOUND (AIP-164).
func (n *Namespace) DeleteFile(ctx context.Context, req *metadatav1.DeleteFileRequest) (*metadatav1.File, error) {
	name, err := resource.ParseFile("name", req.GetName())
	if err != nil {
		return nil, err
	}
	asked := req
	if req.GetPath() != "" {
		if name.ID != record.Root {
			return nil, fault.Invalidf("name", "must be the root folder where there is a path")
		}
		// Who repeats it may have looked again, and found another etag or nothing.
		asked = clone(req)
		asked.Etag = ""
	}
	r, err := newRequest(ctx, asked)
	if err != nil {
		return nil, err
	}
	return mutate(ctx, n, r, new(metadatav1.File), func() ([]table.Write, *metadatav1.File, error) {
		node, h, err := n.toTrash(ctx, name, req)
		if err != nil {
			return nil, nil, err
		}
		trashed := n.changed(node)
		trashed.State = recordv1.Node_TRASHED
		trashed.DeleteMicros = trashed.GetUpdateMicros()
		trashed.PurgeMicros = trashed.GetDeleteMicros() + n.config.TrashRetention.Microseconds()
		job, key := newJob(&recordv1.Job{
			Kind: recordv1.Job_PURGE, Space: name.Space, Node: node.GetId(), DueMicros: trashed.GetPurgeMicros(),
		}, record.NewID())
		trashed.PurgeJob = jobRef(key)
		return []table.Write{
			structureWrite(node, h),
			dropEntry(name.Space, node),
			putNode(name.Space, trashed, table.IfTag(node.GetEtag())),
			table.Put(record.Item(trashKey(name.Space, trashed), trashed.GetEtag(), trashed), table.IfAbsent),
			job,
		}, file(name.Space, trashed), nil
	})
}

// toTrash returns the node that a request is about, and the head of a moment at
// which it was so.
func (n *Namespace) toTrash(
	ctx context.Context, name resource.File, req *metadatav1.DeleteFileRequest,
) (*recordv1.Node, head, error) {
	if req.GetPath() == "" {
		node, h, err := n.live(ctx, name, req.GetEtag())
		if errors.Is(err, fault.Conflict) {
			err = notFound(name.String())
		}
		return node, h, err
	}
	names, err := resource.Path("path", req.GetPath())
	if err != nil {
		return nil, head{}, err
	}
	if len(names) == 0 {
		return nil, head{}, fault.Invalidf("path", "the root folder cannot be changed")
	}
	at, err := n.walk(ctx, name.Space, names)
	switch {
	case err != nil:
		return nil, head{}, err
	case at.node == nil:
		return nil, head{}, pathNotFound(req.GetPath())
	case !resource.EtagMatches(req.GetEtag(), at.node.GetEtag()):
		return nil, head{}, etagMismatch("path " + req.GetPath())
	}
	return at.node, at.head, nil
}

// UndeleteFile brings a node back out of the trash. CONFLICT when the folder is
// gone, ALREADY_EXISTS when the name is taken or the node is not in the trash.
func (n *Namespace) UndeleteFile(ctx context.Context, req *metadatav1.UndeleteFileRequest) (*metadatav1.File, error) {
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
	r, err := newRequest(ctx, req)
	if err != nil {
		return nil, err
	}
	return mutate(ctx, n, r, new(metadatav1.File), func() ([]table.Write, *metadatav1.File, error) {
		node, before, err := n.node(ctx, name)
		if err != nil {
			return nil, nil, err
		}
		if !resource.EtagMatches(req.GetEtag(), node.GetEtag()) {
			return nil, nil, etagMismatch(name.String())
		}
		if node.GetState() != recordv1.Node_TRASHED {
			return nil, nil, fault.New(errorsv1.Reason_REASON_ALREADY_EXISTS, "%s is not in the trash", name)
		}
		live := n.changed(node)
		live.State = recordv1.Node_LIVE
		live.DeleteMicros, live.PurgeMicros, live.PurgeJob = 0, 0, ""
		if displayName != "" {
			live.DisplayName = displayName
		}
		if to.ID != "" {
			live.Folder = to.ID
		}
		var there *recordv1.Node
		h, err := n.under(ctx, resource.File{Space: name.Space, ID: live.GetFolder()}, func() (err error) {
			there, err = n.entry(ctx, name.Space, live.GetFolder(), live.GetDisplayName())
			return err
		})
		if errors.Is(err, fault.NotFound) {
			err = fault.New(errorsv1.Reason_REASON_CONFLICT, "the folder to put %s in is gone", name)
		}
		if err == nil && there != nil && visible(there, n.now()) {
			err = nameTaken(live.GetDisplayName())
		}
		if err != nil {
			return nil, nil, n.confirm(ctx, name, node, before, err)
		}
		return []table.Write{
			structureWrite(node, h),
			putEntry(name.Space, live, freeName(there)),
			putNode(name.Space, live, table.IfTag(node.GetEtag())),
			table.Delete(trashKey(name.Space, node), table.IfTag(node.GetEtag())),
			table.Delete(jobKey(node.GetPurgeJob()), table.Any),
			quota.Arrive(name.Space),
		}, file(name.Space, live), nil
	})
}

// PurgeFile removes a node that is in the trash itself for good; CONFLICT when
// it is not.
func (n *Namespace) PurgeFile(ctx context.Context, req *metadatav1.PurgeFileRequest) (*emptypb.Empty, error) {
	name, err := resource.ParseFile("name", req.GetName())
	if err != nil {
		return nil, err
	}
	r, err := newRequest(ctx, req)
	if err != nil {
		return nil, err
	}
	return mutate(ctx, n, r, new(emptypb.Empty), func() ([]table.Write, *emptypb.Empty, error) {
		node, _, err := n.node(ctx, name)
		if err != nil {
			return nil, nil, err
		}
		if !resource.EtagMatches(req.GetEtag(), node.GetEtag()) {
			return nil, nil, etagMismatch(name.String())
		}
		if node.GetState() != recordv1.Node_TRASHED {
			return nil, nil, fault.New(errorsv1.Reason_REASON_CONFLICT, "%s is not in the trash", name)
		}
		gone := n.newRemoval(name.Space)
		if err := gone.add(ctx, node); err != nil {
			return nil, nil, err
		}
		return gone.writes(), new(emptypb.Empty), nil
	})
}

// structureWrite returns the write by which moving a node into or out of the
// trash takes part in the tree version: a folder raises it, a file relies on it.
func structureWrite(node *recordv1.Node, h head) table.Write {
	if node.GetKind() == recordv1.Node_FOLDER {
		return raiseTree(h)
	}
	return holdTree(h)
}

func trashKey(in string, node *recordv1.Node) table.Key {
	return record.Trash(in, node.GetDisplayName(), node.GetId())
}
