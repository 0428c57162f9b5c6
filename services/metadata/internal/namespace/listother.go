package namespace

import (
	"context"

	"github.com/holdfast-files/holdfast/internal/fault"
	metadatav1 "github.com/holdfast-files/holdfast/proto/holdfast/metadata/v1"
	recordv1 "github.com/holdfast-files/holdfast/proto/holdfast/record/v1"
	"github.com/holdfast-files/holdfast/services/metadata/internal/record"
	"github.com/holdfast-files/holdfast/services/metadata/internal/resource"
)

// ListRevisions lists the revisions of a file, newest first.
func (n *Namespace) ListRevisions(
	ctx context.Context, req *metadatav1.ListRevisionsRequest,
) (*metadatav1.ListRevisionsResponse, error) {
	of, err := resource.ParseFile("parent", req.GetParent())
	if err != nil {
		return nil, err
	}
	size, err := pageSize(req.GetPageSize())
	if err != nil {
		return nil, err
	}
	asked := clone(req)
	asked.PageSize, asked.PageToken = 0, ""
	cursor, err := n.openCursor(ctx, asked, req.GetPageToken())
	if err != nil {
		return nil, err
	}
	node, _, err := n.node(ctx, of)
	if err != nil {
		return nil, err
	}
	if node.GetKind() != recordv1.Node_FILE {
		return nil, fault.Invalidf("parent", "is a folder and has no revisions")
	}
	response := new(metadatav1.ListRevisionsResponse)
	query := record.Revisions(of.Space, of.ID)
	query.Reverse = true
	query.To = cursor
	if cursor == "" {
		// What was current a moment ago may be among the older ones by now.
		query.To = record.Revision(of.Space, of.ID, node.GetRevision().GetId()).Sort
		response.Revisions = append(response.Revisions, revision(of, node.GetRevision()))
	}
	last := query.To
	for {
		query.Limit = size - len(response.Revisions) + 1
		page, err := n.table.Query(ctx, query)
		if err != nil {
			return nil, err
		}
		for _, item := range page.Items {
			if len(response.Revisions) == size {
				response.NextPageToken, err = n.sealCursor(ctx, asked, last)
				return response, err
			}
			old := new(recordv1.Revision)
			if err := record.Decode(item, old); err != nil {
				return nil, err
			}
			response.Revisions = append(response.Revisions, revision(of, old))
			last = item.Key.Sort
		}
		if !page.More {
			return response, nil
		}
		query.To = last
	}
}
