package namespace

import (
	"cmp"
	"context"
	"errors"

	"google.golang.org/protobuf/proto"

	"github.com/holdfast-files/holdfast/internal/fault"
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
// Errors: TOO_LARGE, UNSUPPORTED_MEDIA and QUOTA_EXCEEDED.
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
	largest := cmp.Or(most.bytes, maxFileBytes)
	room, looks := int64(0), 0
	counters, err := n.counters(ctx, h, func(c *quota.Shards) bool {
		room = max(room, c.Room(allowed).Bytes)
		looks++
		// Of a bound, which only spares what a commit would refuse, the largest of a
		// few looks will do.
		unbounded := in.exact || allowed.GetBytes() == 0 || room >= largest || looks == boundLooks
		return unbounded && c.Fits(allowed, needs) == nil
	})
	if err != nil {
		return sizeBound{}, err
	}
	if err := counters.Fits(allowed, needs); err != nil {
		return sizeBound{}, err
	}
	if allowed.GetBytes() != 0 && (most.reason == errorsv1.Reason_REASON_UNSPECIFIED || room < most.bytes) {
		most = sizeBound{room, errorsv1.Reason_REASON_QUOTA_EXCEEDED}
	}
	return most, nil
}

const (
	// quotaLooks is how often a space is found without room, at most, before that
	// is said of it although its counters never stood still.
	quotaLooks = 8
	// boundLooks likewise, before an upload is told how much room there is.
	boundLooks = 3
)

// counters reads the counters of a space until what one look found is enough, or
// until two looks found the same: then it was so at one moment, and under the quota
// that the head has. Others may take from one counter what was given back to another
// one, and a single look that met the first before and the second after finds a
// space full that had room all along. That it does so over and over is so unlikely
// that the last of quotaLooks looks has to do.
//
// Errors: UNAVAILABLE when the quota was changed meanwhile.
func (n *Namespace) counters(ctx context.Context, h head, enough func(*quota.Shards) bool) (*quota.Shards, error) {
	var before *quota.Shards
	for look := 1; ; look++ {
		found, err := quota.Read(ctx, n.table, h.space.GetId())
		if err != nil || enough(found) || look == quotaLooks {
			return found, err
		}
		if before != nil && found.Equal(before) {
			now, err := n.head(ctx, h.space.GetId())
			if err == nil && !proto.Equal(now.space.GetQuota(), h.space.GetQuota()) {
				err = contended()
			}
			return found, err
		}
		before = found
		if err := pause(ctx, look-1); err != nil {
			return nil, err
		}
	}
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
	var writes []table.Write
	var spreadErr error
	counters, err := n.counters(ctx, h, func(c *quota.Shards) bool {
		writes, spreadErr = c.Spread(h.space.GetQuota(), change)
		return fault.ReasonOf(spreadErr) != errorsv1.Reason_REASON_QUOTA_EXCEEDED
	})
	if err == nil {
		err = spreadErr
	}
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
