package ledgertest

import (
	"context"
	"slices"
	"strings"

	errorsv1 "github.com/holdfast-files/holdfast/proto/holdfast/errors/v1"
	ledgerv1 "github.com/holdfast-files/holdfast/proto/holdfast/ledger/v1"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// Locate returns where the bytes of a file are.
func (l *Ledger) Locate(ctx context.Context, req *ledgerv1.LocateRequest) (*ledgerv1.LocateResponse, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	f := l.files[req.GetFile()]
	if req.GetPath() != nil {
		f = l.places["/"+req.GetPath().GetPath()]
	}
	if f == nil {
		return nil, refused(errorsv1.Reason_REASON_NOT_FOUND)
	}
	r := f.revisions[len(f.revisions)-1]
	if id := req.GetRevision(); id != "" {
		at := slices.IndexFunc(f.revisions, func(r *revision) bool { return strings.HasSuffix(r.meta.GetName(), "/"+id) })
		if at < 0 {
			return nil, refused(errorsv1.Reason_REASON_NOT_FOUND)
		}
		r = f.revisions[at]
	}
	return &ledgerv1.LocateResponse{
		File:       proto.CloneOf(f.node),
		Revision:   proto.CloneOf(r.meta),
		Extents:    r.extents,
		ModifyTime: &timestamppb.Timestamp{Seconds: r.modify},
	}, nil
}

// Split makes the only extent of the current revision at path into several of
// the given lengths, so that a read crosses their borders.
func (l *Ledger) Split(path string, lengths ...int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	f := l.places["/"+path]
	r := f.revisions[len(f.revisions)-1]
	id, offset := r.extents[0].GetBlobId(), int64(0)
	r.extents = nil
	for _, n := range lengths {
		r.extents = append(r.extents, &ledgerv1.Extent{BlobId: id, Offset: offset, Length: n})
		offset += n
	}
}
