package namespace

import (
	"context"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/holdfast-files/holdfast/internal/fault"
	ledgerv1 "github.com/holdfast-files/holdfast/proto/holdfast/ledger/v1"
	recordv1 "github.com/holdfast-files/holdfast/proto/holdfast/record/v1"
	"github.com/holdfast-files/holdfast/services/metadata/internal/record"
	"github.com/holdfast-files/holdfast/services/metadata/internal/resource"
)

// Locate returns where the contents of a live file are. What is in the trash
// has no contents for readers: NOT_FOUND.
func (n *Namespace) Locate(ctx context.Context, req *ledgerv1.LocateRequest) (*ledgerv1.LocateResponse, error) {
	name, node, err := n.source(ctx, req)
	if err != nil {
		return nil, err
	}
	if node.GetState() != recordv1.Node_LIVE {
		return nil, notFound(name.String())
	}
	if node.GetKind() != recordv1.Node_FILE {
		return nil, fault.Invalidf("file", "%s is a folder and has no contents", name)
	}
	found := node.GetRevision()
	if req.GetRevision() != "" {
		if !resource.ValidID(req.GetRevision()) {
			return nil, notFound(name.String() + "/revisions/" + req.GetRevision())
		}
		found, _, err = n.revision(ctx, resource.Revision{File: name, Revision: req.GetRevision()}, node)
		if err != nil {
			return nil, err
		}
	}
	return n.located(ctx, name, node, found)
}

// located says where the contents of a revision of a file are.
func (n *Namespace) located(
	ctx context.Context, name resource.File, node *recordv1.Node, found *recordv1.Revision,
) (*ledgerv1.LocateResponse, error) {
	all, err := n.allExtents(ctx, name.Space, found.GetLists(), found.GetExtents())
	if err != nil {
		return nil, err
	}
	return &ledgerv1.LocateResponse{
		File:       file(name.Space, node),
		Revision:   revision(name, found),
		ModifyTime: timestamppb.New(time.Unix(found.GetModifySeconds(), 0)),
		Extents:    extents(all),
	}, nil
}

// source reads the node that a download is about.
func (n *Namespace) source(ctx context.Context, req *ledgerv1.LocateRequest) (resource.File, *recordv1.Node, error) {
	switch source := req.GetSource().(type) {
	case *ledgerv1.LocateRequest_File:
		name, err := resource.ParseFile("file", source.File)
		if err != nil {
			return name, nil, err
		}
		node, _, err := n.node(ctx, name)
		return name, node, err
	case *ledgerv1.LocateRequest_Path:
		in, err := resource.ParseSpace("space", source.Path.GetSpace())
		if err != nil {
			return resource.File{}, nil, err
		}
		node, err := n.lookup(ctx, in, source.Path.GetPath())
		return resource.File{Space: in, ID: node.GetId()}, node, err
	}
	return resource.File{}, nil, fault.Invalidf("source", "must be given: file or path")
}

func extents(records []*recordv1.Extent) []*ledgerv1.Extent {
	all := make([]*ledgerv1.Extent, len(records))
	for i, e := range records {
		all[i] = &ledgerv1.Extent{
			BlobId: record.BlobText(e.GetBlobId()), Offset: e.GetOffset(), Length: e.GetLength(),
		}
	}
	return all
}
