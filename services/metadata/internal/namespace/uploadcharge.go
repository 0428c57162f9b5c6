package namespace

import (
	"context"
	"errors"

	"github.com/holdfast-files/holdfast/internal/fault"
	recordv1 "github.com/holdfast-files/holdfast/proto/holdfast/record/v1"
	"github.com/holdfast-files/holdfast/services/metadata/internal/quota"
	"github.com/holdfast-files/holdfast/services/metadata/table"
)

// What an upload has reserved of its space's quota, and its slot among the
// uploads that its principal may have open, are in its record and change with it
// in one commit. So they are given back exactly once, whoever ends the upload
// and whoever dies meanwhile.

// reserved returns what an upload has reserved.
func reserved(u *recordv1.Upload) quota.Amount {
	return quota.Amount{Bytes: u.GetReservedBytes(), Files: u.GetReservedFiles()}
}

// reserve notes in next, which an upload is to become, the bytes that it was
// declared to have, or has already when more or nothing was declared, and
// returns the writes that reserve what it had not reserved before. Nothing is
// given back before the upload ends.
//
// Errors: TOO_LARGE, QUOTA_EXCEEDED, errUnsettled, and NOT_FOUND when the space
// is gone.
func (c *charges) reserve(ctx context.Context, n *Namespace, u upload, next *recordv1.Upload) ([]table.Write, error) {
	next.ReservedBytes = max(next.GetReservedBytes(), next.GetLength(), next.GetOffset())
	had := reserved(u.Upload)
	more := reserved(next)
	more.Bytes -= had.Bytes
	more.Files -= had.Files
	if more == (quota.Amount{}) {
		return nil, nil
	}
	h, err := n.head(ctx, u.name.Space)
	if err == nil && h.space.GetCreateMicros() != next.GetSpaceCreateMicros() {
		err = notFound(u.name.String())
	}
	if err != nil {
		return nil, err
	}
	return c.take(ctx, n, h, next, more)
}

// take returns the writes that reserve an amount for an upload, which is as long
// as it is to be then.
func (c *charges) take(ctx context.Context, n *Namespace, h head, u *recordv1.Upload, more quota.Amount) ([]table.Write, error) {
	if err := quota.CheckSize(h.space.GetQuota(), u.GetReservedBytes()); err != nil {
		return nil, err
	}
	return c.writes(ctx, n, h, quota.Reserve(more))
}

// giveBack returns the writes that give back what an upload has, which is about
// to be removed. There is nothing to give back to a space that is gone, nor to
// another one of its id.
func (n *Namespace) giveBack(ctx context.Context, u upload) ([]table.Write, error) {
	writes := giveSlot(u.Upload)
	released := quota.Release(reserved(u.Upload))
	if released.IsZero() {
		return writes, nil
	}
	h, err := n.anyHead(ctx, u.name.Space)
	if errors.Is(err, fault.NotFound) || err == nil && h.space.GetCreateMicros() != u.GetSpaceCreateMicros() {
		return writes, nil
	}
	if err != nil {
		return nil, err
	}
	if h.space.GetState() != recordv1.Space_LIVE {
		writes = append(writes, holdTree(h)) // the counters go with the head
	}
	return append(writes, quota.Writes(u.name.Space, released)...), nil
}

// giveSlot returns the write that gives an upload's slot back, if it has one.
func giveSlot(u *recordv1.Upload) []table.Write {
	if u.Slot == nil {
		return nil
	}
	return []table.Write{quota.GiveSlot(u.GetPrincipal(), u.GetSlot())}
}
