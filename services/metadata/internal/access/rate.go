package access

import (
	"context"

	"github.com/holdfast-files/holdfast/internal/caller"
	"github.com/holdfast-files/holdfast/internal/throttle"
)

// Rates bounds how often one principal calls, whichever of his credentials he
// shows and whichever door he takes. Each is nil for no bound.
type Rates struct {
	Reads, Writes *throttle.Pace
}

// pace counts a call of a principal, or returns RATE_LIMITED. It comes before
// his role is looked up, so that calls that will be denied cost as little as
// those that come too often. Not bounded are callers on this machine, everybody
// in open mode among them, and calls that are made with something else than an
// identity: what a grant, a link or a service does was bounded elsewhere.
func (d *Dispatcher) pace(ctx context.Context, r rule, p Principal) error {
	if r.nobody || d.Authenticator == nil || caller.IsLocal(caller.From(ctx).Address) {
		return nil
	}
	if r.reads {
		return d.Rates.Reads.Take(p.ID)
	}
	return d.Rates.Writes.Take(p.ID)
}
