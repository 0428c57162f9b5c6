package s3blob

import (
	"context"
	"errors"
	"time"

	"golang.org/x/sync/semaphore"

	"github.com/holdfast-files/holdfast/internal/fault"
	errorsv1 "github.com/holdfast-files/holdfast/proto/holdfast/errors/v1"
)

// memory is the budget of all uploads. An upload waits for the buffer that it
// fills before it reads, and while it holds that one it never waits for
// another: a second one it takes only when nobody waits. So slow uploads can't
// stop each other for good.
type memory struct {
	shares   *semaphore.Weighted
	patience time.Duration
}

func newMemory(bytes int64, patience time.Duration) *memory {
	return &memory{shares: semaphore.NewWeighted(bytes), patience: patience}
}

var errImpatient = errors.New("s3blob: no memory in time")

// take waits for room for n bytes, within the patience: then it is UNAVAILABLE.
func (m *memory) take(ctx context.Context, n int) error {
	if m.shares.TryAcquire(int64(n)) {
		return nil
	}
	waiting, cancel := context.WithTimeoutCause(ctx, m.patience, errImpatient)
	defer cancel()
	if m.shares.Acquire(waiting, int64(n)) == nil {
		return nil
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	return fault.Wrap(errImpatient, errorsv1.Reason_REASON_UNAVAILABLE, "too many uploads at once; retry")
}

// spare takes room for n bytes when nobody else wants it.
func (m *memory) spare(n int) bool { return m.shares.TryAcquire(int64(n)) }

func (m *memory) give(n int) { m.shares.Release(int64(n)) }
