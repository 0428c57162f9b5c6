package namespace

import (
	"context"

	metadatav1 "github.com/holdfast-files/holdfast/proto/holdfast/metadata/v1"
	recordv1 "github.com/holdfast-files/holdfast/proto/holdfast/record/v1"
	"github.com/holdfast-files/holdfast/services/metadata/internal/record"
	"github.com/holdfast-files/holdfast/services/metadata/internal/resource"
)

// ListMembers lists the members of a space, by id.
func (n *Namespace) ListMembers(
	ctx context.Context, req *metadatav1.ListMembersRequest,
) (*metadatav1.ListMembersResponse, error) {
	space, err := resource.ParseSpace("parent", req.GetParent())
	if err != nil {
		return nil, err
	}
	size, err := pageSize(req.GetPageSize())
	if err != nil {
		return nil, err
	}
	asked := clone(req)
	asked.PageSize, asked.PageToken = 0, ""
	last, err := n.openCursor(ctx, asked, req.GetPageToken())
	if err != nil {
		return nil, err
	}
	if _, err := n.head(ctx, space); err != nil {
		return nil, err
	}
	response := new(metadatav1.ListMembersResponse)
	for {
		query := record.Members(space, last)
		query.Limit = size - len(response.Members) + 1
		page, err := n.table.Query(ctx, query)
		if err != nil {
			return nil, err
		}
		for _, item := range page.Items {
			if len(response.Members) == size {
				response.NextPageToken, err = n.sealCursor(ctx, asked, last)
				return response, err
			}
			m := new(recordv1.Member)
			if err := record.Decode(item, m); err != nil {
				return nil, err
			}
			last = m.GetId()
			response.Members = append(response.Members, member(space, m))
		}
		if !page.More {
			return response, nil
		}
	}
}

// ListKeys lists the API keys of a space, the oldest first. Each key is followed
// by the record of its last use, if there is one.
func (n *Namespace) ListKeys(
	ctx context.Context, req *metadatav1.ListKeysRequest,
) (*metadatav1.ListKeysResponse, error) {
	space, err := resource.ParseSpace("parent", req.GetParent())
	if err != nil {
		return nil, err
	}
	size, err := pageSize(req.GetPageSize())
	if err != nil {
		return nil, err
	}
	asked := clone(req)
	asked.PageSize, asked.PageToken = 0, ""
	last, err := n.openCursor(ctx, asked, req.GetPageToken())
	if err != nil {
		return nil, err
	}
	if _, err := n.head(ctx, space); err != nil {
		return nil, err
	}
	response := new(metadatav1.ListKeysResponse)
	query := record.APIKeys(space, last)
	for {
		query.Limit = 2 * (size - len(response.Keys) + 1)
		page, err := n.table.Query(ctx, query)
		if err != nil {
			return nil, err
		}
		for _, item := range page.Items {
			query.From = item.Key.Sort + "\x01"
			if record.IsAPIKeyUse(item.Key.Sort) {
				use := new(recordv1.KeyUse)
				if err := record.Decode(item, use); err != nil {
					return nil, err
				}
				if len(response.Keys) > 0 {
					response.Keys[len(response.Keys)-1].LastUseTime = timestamp(use.GetUseMicros())
				}
				continue
			}
			if len(response.Keys) == size {
				response.NextPageToken, err = n.sealCursor(ctx, asked, last)
				return response, err
			}
			k := new(recordv1.Key)
			if err := record.Decode(item, k); err != nil {
				return nil, err
			}
			last = k.GetId()
			response.Keys = append(response.Keys, key(k, nil))
		}
		if !page.More {
			return response, nil
		}
	}
}
