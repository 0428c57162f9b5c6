package namespace

import (
	"context"

	"github.com/holdfast-files/holdfast/internal/fault"
	metadatav1 "github.com/holdfast-files/holdfast/proto/holdfast/metadata/v1"
	recordv1 "github.com/holdfast-files/holdfast/proto/holdfast/record/v1"
	"github.com/holdfast-files/holdfast/services/metadata/internal/filter"
	"github.com/holdfast-files/holdfast/services/metadata/internal/record"
	"github.com/holdfast-files/holdfast/services/metadata/internal/resource"
	"github.com/holdfast-files/holdfast/services/metadata/table"
)

const (
	defaultPage = 100
	maxPage     = 1000
	// maxExamined bounds the records that one call looks at, however few the
	// filter lets through.
	maxExamined = 10_000
)

// ListFiles lists a folder or the trash.
func (n *Namespace) ListFiles(
	ctx context.Context, req *metadatav1.ListFilesRequest,
) (*metadatav1.ListFilesResponse, error) {
	in, err := resource.ParseSpace("parent", req.GetParent())
	if err != nil {
		return nil, err
	}
	size, err := pageSize(req.GetPageSize())
	if err != nil {
		return nil, err
	}
	matches, err := filter.Parse(req.GetFilter())
	if err != nil {
		return nil, err
	}
	reverse := false
	switch req.GetOrderBy() {
	case "", "display_name", "display_name asc":
	case "display_name desc":
		reverse = true
	default:
		return nil, fault.Invalidf("order_by", "must be display_name or display_name desc")
	}
	asked := clone(req)
	asked.PageSize, asked.PageToken = 0, ""
	cursor, err := n.openCursor(ctx, asked, req.GetPageToken())
	if err != nil {
		return nil, err
	}
	l := listing{n: n, space: in, size: size, matches: matches, reverse: reverse, from: cursor}
	if req.GetTrashed() {
		if req.GetFolder() != "" || req.GetPath() != "" {
			return nil, fault.Invalidf("trashed", "excludes folder and path")
		}
		err = l.trash(ctx)
	} else {
		err = l.folder(ctx, req.GetFolder(), req.GetPath())
	}
	if err != nil {
		return nil, err
	}
	response := &metadatav1.ListFilesResponse{Files: l.files}
	if l.more {
		response.NextPageToken, err = n.sealCursor(ctx, asked, l.last)
	}
	return response, err
}

// listing is one call of ListFiles.
type listing struct {
	n       *Namespace
	space   string
	size    int
	matches *filter.Filter
	reverse bool
	from    string // sort key behind which to go on

	files []*metadatav1.File
	last  string // sort key of the last record examined
	more  bool
}

// folder lists a folder, given by its name or path; the root for neither.
func (l *listing) folder(ctx context.Context, name, path string) error {
	if name != "" && path != "" {
		return fault.Invalidf("path", "excludes folder")
	}
	at, err := folderOf("folder", l.space, name)
	if err != nil {
		return err
	}
	if path != "" {
		node, err := l.n.lookup(ctx, l.space, path)
		if err != nil {
			return err
		}
		if node.GetKind() != recordv1.Node_FOLDER {
			return fault.Invalidf("path", "leads to a file, not to a folder")
		}
		at.ID = node.GetId()
	}
	_, err = l.n.under(ctx, at, func() error {
		l.files, l.last, l.more = nil, l.from, false
		return l.scan(ctx, record.EntryPartition(l.space, at.ID))
	})
	return err
}

// scan reads a partition from the cursor on until the page is full.
func (l *listing) scan(ctx context.Context, partition string) error {
	for examined := 0; examined < maxExamined; {
		want := min(maxExamined-examined, reach(l.size-len(l.files), examined))
		page, err := l.n.table.Query(ctx, l.query(partition, l.last, want))
		if err != nil {
			return err
		}
		for _, item := range page.Items {
			if len(l.files) == l.size {
				l.more = true
				return nil
			}
			if err := l.examine(item, visible); err != nil {
				return err
			}
		}
		examined += len(page.Items)
		if !page.More {
			l.more = false
			return nil
		}
		l.more = true
	}
	return nil
}

// reach returns how many records to read next for a page that lacks some, when so
// many have been read that did not fill it: as many again, so that a filter that lets
// little through does not take many reads in a row.
func reach(lacking, read int) int { return max(lacking+1, 16, read) }

// query asks for the records behind a sort key, in the order of the listing.
func (l *listing) query(partition, behind string, limit int) table.Query {
	q := table.Query{Partition: partition, Reverse: l.reverse, Limit: limit}
	switch {
	case behind == "":
	case l.reverse:
		q.To = behind
	default:
		q.From = behind + "\x01" // the first key behind: keys hold no byte below
	}
	return q
}

// examine takes a record into the page if it is to be seen and the filter lets
// it through.
func (l *listing) examine(item table.Item, seen func(*recordv1.Node, int64) bool) error {
	node, err := record.DecodeNode(item)
	if err != nil {
		return err
	}
	l.last = item.Key.Sort
	if seen(node, l.n.now()) && l.matches.Matches(node) {
		l.files = append(l.files, file(l.space, node))
	}
	return nil
}

func pageSize(asked int32) (int, error) {
	switch {
	case asked < 0:
		return 0, fault.Invalidf("page_size", "must not be negative")
	case asked == 0:
		return defaultPage, nil
	default:
		return min(int(asked), maxPage), nil
	}
}
