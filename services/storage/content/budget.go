package content

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/holdfast-files/holdfast/internal/fault"
	errorsv1 "github.com/holdfast-files/holdfast/proto/holdfast/errors/v1"
	"golang.org/x/sync/semaphore"
)

// budget shares a number of bytes among uploads, first come, first served: a
// large request at the head of the queue is not overtaken by small ones.
type budget struct {
	shares   *semaphore.Weighted
	bytes    int64
	taken    *atomic.Int64 // bytes, of this and other budgets
	patience time.Duration
}

var errImpatient = errors.New("content: no memory within the admission timeout")

func newBudget(bytes int64, taken *atomic.Int64, patience time.Duration) *budget {
	return &budget{shares: semaphore.NewWeighted(bytes), bytes: bytes, taken: taken, patience: patience}
}

// acquire takes n bytes, which release gives back. It waits until they are
// free, ctx ends or the patience is over, which is UNAVAILABLE.
func (b *budget) acquire(ctx context.Context, n int64) error {
	if b.shares.TryAcquire(n) {
		b.taken.Add(n)
		return nil
	}
	ctx, cancel := context.WithTimeoutCause(ctx, b.patience, errImpatient)
	defer cancel()
	if b.shares.Acquire(ctx, n) == nil {
		b.taken.Add(n)
		return nil
	}
	if cause := context.Cause(ctx); errors.Is(cause, errImpatient) {
		return fault.Wrap(cause, errorsv1.Reason_REASON_UNAVAILABLE, "too many uploads at once; retry")
	}
	return fault.FromStatus(ctx.Err())
}

// try takes n bytes if they are free now.
func (b *budget) try(n int64) bool {
	ok := b.shares.TryAcquire(n)
	if ok {
		b.taken.Add(n)
	}
	return ok
}

func (b *budget) release(n int64) {
	b.taken.Add(-n)
	b.shares.Release(n)
}
