package namespace

import (
	"context"
	"errors"

	"github.com/holdfast-files/holdfast/internal/fault"
	ledgerv1 "github.com/holdfast-files/holdfast/proto/holdfast/ledger/v1"
	"github.com/holdfast-files/holdfast/services/metadata/internal/quota"
	"github.com/holdfast-files/holdfast/services/metadata/internal/resource"
	"github.com/holdfast-files/holdfast/services/metadata/table"
)

// hold adds to what the examined records of a space hold.
func (a *audit) hold(space string, c quota.Change) {
	a.response.Held = addUsage(a.response.Held, space, c)
}

// count adds to what the examined counters of a space say.
func (a *audit) count(space string, c quota.Change) {
	a.response.Counted = addUsage(a.response.Counted, space, c)
}

// addUsage adds to the usage of a space, which more often than not is the last.
func addUsage(all []*ledgerv1.Usage, space string, c quota.Change) []*ledgerv1.Usage {
	var of *ledgerv1.Usage
	for i := len(all) - 1; i >= 0 && of == nil; i-- {
		if all[i].GetSpace() == space {
			of = all[i]
		}
	}
	if of == nil {
		of = &ledgerv1.Usage{Space: space}
		all = append(all, of)
	}
	of.Bytes += c.Held.Bytes
	of.Files += c.Held.Files
	of.ReservedBytes += c.Reserved.Bytes
	of.ReservedFiles += c.Reserved.Files
	return all
}

// CorrectUsage mends the counters of a space, which count something else than
// the space holds. What they missed does not change while others change what is
// held, so it is added to what they say.
func (n *Namespace) CorrectUsage(
	ctx context.Context, req *ledgerv1.CorrectUsageRequest,
) (*ledgerv1.CorrectUsageResponse, error) {
	space := req.GetCounted().GetSpace()
	if !resource.ValidSpaceID(space) || req.GetHeld().GetSpace() != space {
		return nil, fault.Invalidf("counted.space", "must be a space, and held.space the same")
	}
	h, err := n.anyHead(ctx, space)
	if err != nil {
		return nil, err
	}
	counters, err := quota.Read(ctx, n.table, space)
	if err != nil {
		return nil, err
	}
	if counters.Counted() != usageOf(req.GetCounted()) {
		return nil, fault.New(fault.Conflict.Reason, "the usage of space %s has changed", space)
	}
	missed := quota.Between(usageOf(req.GetCounted()), usageOf(req.GetHeld()))
	writes := append([]table.Write{putHead(h, clone(h.space))}, counters.Correct(h.space.GetQuota(), missed)...)
	err = n.table.Commit(ctx, writes)
	if conflict := (*table.ConditionError)(nil); errors.As(err, &conflict) {
		err = fault.New(fault.Conflict.Reason, "space %s is changing", space)
	}
	return new(ledgerv1.CorrectUsageResponse), err
}

func usageOf(u *ledgerv1.Usage) quota.Change {
	return quota.Change{
		Held:     quota.Amount{Bytes: u.GetBytes(), Files: u.GetFiles()},
		Reserved: quota.Amount{Bytes: u.GetReservedBytes(), Files: u.GetReservedFiles()},
	}
}
