package namespace

import (
	"context"
	"errors"
	"slices"

	"github.com/holdfast-files/holdfast/internal/fault"
	metadatav1 "github.com/holdfast-files/holdfast/proto/holdfast/metadata/v1"
	"github.com/holdfast-files/holdfast/services/metadata/internal/access"
	"github.com/holdfast-files/holdfast/services/metadata/internal/record"
	"github.com/holdfast-files/holdfast/services/metadata/table"
)

// ListSpaces lists the spaces that the caller has a role in, by id; an
// administrator has one in each.
func (n *Namespace) ListSpaces(
	ctx context.Context, req *metadatav1.ListSpacesRequest,
) (*metadatav1.ListSpacesResponse, error) {
	p, err := access.Of(ctx)
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
	response := new(metadatav1.ListSpacesResponse)
	for {
		ids, more, err := n.spacesOf(ctx, p, last, size-len(response.Spaces)+1)
		if err != nil {
			return nil, err
		}
		for _, id := range ids {
			if len(response.Spaces) == size {
				response.NextPageToken, err = n.sealCursor(ctx, asked, last)
				return response, err
			}
			last = id
			h, err := n.head(ctx, id)
			if errors.Is(err, fault.NotFound) {
				continue // deleted since
			}
			if err != nil {
				return nil, err
			}
			response.Spaces = append(response.Spaces, space(h.space))
		}
		if !more {
			return response, nil
		}
	}
}

// spacesOf returns ids of spaces that a principal has a role in, behind one of
// them and in order: those that there are up to some id, at least one when
// there is one, and whether there may be others behind.
func (n *Namespace) spacesOf(ctx context.Context, p access.Principal, behind string, limit int) ([]string, bool, error) {
	switch {
	case p.Administrator:
		return n.sortsBehind(ctx, record.SpaceIndexPartition(), behind, limit)
	case p.Space != "":
		if p.Space > behind {
			return []string{p.Space}, false, nil
		}
		return nil, false, nil
	}
	var all []string
	end, more := "", false // what is behind end is not known of every name
	for _, name := range p.Names() {
		ids, others, err := n.sortsBehind(ctx, record.MembershipPartition(record.MemberID(name)), behind, limit)
		if err != nil {
			return nil, false, err
		}
		if others && (!more || ids[len(ids)-1] < end) {
			end, more = ids[len(ids)-1], true
		}
		all = append(all, ids...)
	}
	slices.Sort(all)
	all = slices.Compact(all)
	if more {
		if i, found := slices.BinarySearch(all, end); found {
			all = all[:i+1]
		}
	}
	return all, more, nil
}

// sortsBehind returns sort keys of a partition behind one of them, at least one
// when there are any, and whether there may be more.
func (n *Namespace) sortsBehind(ctx context.Context, partition, behind string, limit int) ([]string, bool, error) {
	query := table.Query{Partition: partition, Limit: limit}
	if behind != "" {
		query.From = behind + "\x01"
	}
	page, err := n.table.Query(ctx, query)
	if err != nil {
		return nil, false, err
	}
	sorts := make([]string, len(page.Items))
	for i, item := range page.Items {
		sorts[i] = item.Key.Sort
	}
	return sorts, page.More && len(sorts) > 0, nil
}
