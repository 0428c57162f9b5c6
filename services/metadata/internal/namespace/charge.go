package namespace

import (
	"context"
	"errors"

	errorsv1 "github.com/holdfast-files/holdfast/proto/holdfast/errors/v1"
	recordv1 "github.com/holdfast-files/holdfast/proto/holdfast/record/v1"
	storagev1 "github.com/holdfast-files/holdfast/proto/holdfast/storage/v1"
	"github.com/holdfast-files/holdfast/services/metadata/internal/quota"
	"github.com/holdfast-files/holdfast/services/metadata/table"
)

// incoming is what an upload is about to bring.
type incoming struct {
	bytes       int64 // at least, when not exact
	exact       bool
	files       int64 // 1 for a new file, 0 for a new revision
	contentType string
}

func contentsOf(spec *storagev1.UploadSpec, grant *recordv1.Grant) incoming {
	in := incoming{bytes: spec.GetSizeBytes(), exact: spec.SizeBytes != nil, contentType: grant.GetContentType()}
	if grant.GetCurrent() == nil {
		in.files = 1
	}
	return in
}

// sizeBound is how long contents may be and why not longer; there is no bound
// without a reason.
type sizeBound struct {
	bytes  int64
	reason errorsv1.Reason
}

// admit checks what an upload is about to bring against the bounds of its
// space, before a byte is stored; what binds is the check of its commit. It
// returns how long contents of unknown length may become. A space without a
// quota costs nothing; one with a quota one read, unless it is nearly full or
// the length is unknown.
//
// Errors: TOO_LARGE, UNSUPPORTED_MEDIA, QUOTA_EXCEEDED.
func (n *Namespace) admit(ctx context.Context, h head, in incoming) (sizeBound, error) {
	allowed := h.space.GetQuota()
	if err := quota.CheckSize(allowed, in.bytes); err != nil {
		return sizeBound{}, err
	}
	if err := quota.CheckType(allowed, in.contentType); err != nil {
		return sizeBound{}, err
	}
	var most sizeBound
	if allowed.GetFileBytes() != 0 {
		most = sizeBound{allowed.GetFileBytes(), errorsv1.Reason_REASON_TOO_LARGE}
	}
	if allowed.GetBytes() == 0 && allowed.GetFiles() == 0 {
		return most, nil
	}
	needs := quota.Amount{Bytes: in.bytes, Files: in.files}
	if in.exact {
		if enough, err := quota.ReadOne(ctx, n.table, h.space.GetId(), needs); enough || err != nil {
			return most, err
		}
	}
	counters, err := quota.Read(ctx, n.table, h.space.GetId())
	if err != nil {
		return sizeBound{}, err
	}
	if err := counters.Fits(allowed, needs); err != nil {
		return sizeBound{}, err
	}
	room := max(counters.Room(allowed).Bytes, 0)
	if allowed.GetBytes() != 0 && (most.reason == errorsv1.Reason_REASON_UNSPECIFIED || room < most.bytes) {
		most = sizeBound{room, errorsv1.Reason_REASON_QUOTA_EXCEEDED}
	}
	return most, nil
}

// charges finds the counters for a change of what a space holds: any one at
// first, and when that has not enough free, those that have.
type charges struct {
	spread bool
}

// writes returns the writes that carry a change out. They are conditions too: a
// commit that fails on one of them is tried again with failed told of it.
//
// Errors: QUOTA_EXCEEDED, and errUnsettled when the counters were changing.
func (c *charges) writes(ctx context.Context, n *Namespace, h head, change quota.Change) ([]table.Write, error) {
	space := h.space.GetId()
	if !c.spread {
		return quota.Writes(space, change), nil
	}
	counters, err := quota.Read(ctx, n.table, space)
	if err != nil {
		return nil, err
	}
	writes, err := counters.Spread(h.space.GetQuota(), change)
	switch {
	case errors.Is(err, quota.ErrClosed):
		return nil, n.reopen(ctx, h, counters)
	case errors.Is(err, quota.ErrMoved):
		return nil, errUnsettled
	}
	return writes, err
}

// failed notes that a commit failed, whose writes from first on, count of them,
// were charges.
func (c *charges) failed(conflict *table.ConditionError, first, count int) {
	for i := range count {
		if conflict.FailedAt(first + i) {
			c.spread = true
		}
	}
}

// reopen opens the counters of a space that held more than it may, and returns
// errUnsettled, for whoever came upon them to look again.
func (n *Namespace) reopen(ctx context.Context, h head, counters *quota.Shards) error {
	writes := append([]table.Write{putHead(h, clone(h.space))}, counters.Allot(h.space.GetQuota())...)
	if err := ignoreConditions(n.table.Commit(ctx, writes)); err != nil {
		return err
	}
	return errUnsettled
}
