package transfer

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"syscall"

	"golang.org/x/sync/errgroup"

	"github.com/holdfast-files/holdfast/internal/fault"
	errorsv1 "github.com/holdfast-files/holdfast/proto/holdfast/errors/v1"
)

// waitingMoves bounds the files that were found and wait for their turn.
const waitingMoves = 256

// pool looks for files and moves them, both at the same time and each in
// several goroutines. Looking waits while too many files are waiting, so that
// memory does not grow with their number.
type pool struct {
	ctx    context.Context
	stop   context.CancelCauseFunc
	size   int
	report func(Item)

	walks errgroup.Group
	moves chan func(context.Context) Item
	busy  sync.WaitGroup

	mu          sync.Mutex
	unavailable int // items in a row that failed because the server was
}

// newPool starts the goroutines that move. report is called for one item at a
// time.
func newPool(ctx context.Context, size int, report func(Item)) *pool {
	p := &pool{size: size, report: report, moves: make(chan func(context.Context) Item, waitingMoves)}
	p.ctx, p.stop = context.WithCancelCause(ctx)
	p.walks.SetLimit(size)
	for range size {
		p.busy.Go(func() {
			for move := range p.moves {
				if p.ctx.Err() == nil {
					p.done(move(p.ctx))
				}
			}
		})
	}
	return p
}

// walk calls look in a goroutine of its own when one is free, else at once.
func (p *pool) walk(look func()) {
	if p.ctx.Err() != nil {
		return
	}
	free := p.walks.TryGo(func() error {
		look()
		return nil
	})
	if !free {
		look()
	}
}

// move has a file moved when its turn comes.
func (p *pool) move(move func(context.Context) Item) {
	select {
	case p.moves <- move:
	case <-p.ctx.Done():
	}
}

// done reports an item. It stops the pool when no other item can succeed.
func (p *pool) done(item Item) {
	if p.ctx.Err() != nil && errors.Is(item.Err, context.Canceled) {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.report(item)
	if hopeless(item.Err) {
		p.stop(fmt.Errorf("stopped: %w", item.Err))
	}
	if !unavailable(item.Err) {
		p.unavailable = 0
		return
	}
	if p.unavailable++; p.unavailable >= p.size {
		p.stop(fmt.Errorf("stopped: %w", item.Err))
	}
}

// found waits until everything has been looked for, then calls known.
// wait waits until all is moved. It returns why the pool stopped early, or nil.
func (p *pool) wait(known func()) error {
	_ = p.walks.Wait()
	known()
	close(p.moves)
	p.busy.Wait()
	err := context.Cause(p.ctx)
	p.stop(nil)
	return err
}

// hopeless reports whether what failed one item will fail all others.
func hopeless(err error) bool {
	switch fault.ReasonOf(err) {
	case errorsv1.Reason_REASON_UNAUTHENTICATED,
		errorsv1.Reason_REASON_QUOTA_EXCEEDED,
		errorsv1.Reason_REASON_STORAGE_FULL:
		return err != nil
	}
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EROFS)
}

// unavailable reports whether an item failed for want of a server, after all
// repetitions. Once is bad luck; as often as there are goroutines is not.
func unavailable(err error) bool {
	switch fault.ReasonOf(err) {
	case errorsv1.Reason_REASON_UNAVAILABLE,
		errorsv1.Reason_REASON_RATE_LIMITED,
		errorsv1.Reason_REASON_DEADLINE_EXCEEDED:
		return err != nil
	}
	return false
}
