package diskblob

import (
	"errors"
	"sync"
)

// group lets one flush serve all callers that came while the flush before was
// under way. The first of them does it for all.
type group[T any] struct {
	// flush makes a batch durable; it is never called twice at a time.
	flush func(batch []T) error
	// weigh and limit bound a batch; without weigh there is no bound.
	weigh func(T) int64
	limit int64

	// turn is held during a flush. Who holds it knows that none is under way.
	turn sync.Mutex

	mu      sync.Mutex
	waiting *batch[T]
}

type batch[T any] struct {
	items  []T
	weight int64
	err    error
	done   chan struct{} // closed when err is set
}

var errUnfinished = errors.New("diskblob: the write was not finished")

// commit returns what the flush of the batch that item was in has returned.
func (g *group[T]) commit(item T) error {
	b, first := g.join(item)
	if !first {
		<-b.done
		return b.err
	}
	g.turn.Lock()
	defer g.turn.Unlock()
	g.mu.Lock()
	if g.waiting == b {
		g.waiting = nil
	}
	g.mu.Unlock()
	defer close(b.done)
	b.err = errUnfinished // also for those who wait when flush panics
	b.err = g.flush(b.items)
	return b.err
}

// join puts item into the batch that waits, or begins one.
func (g *group[T]) join(item T) (b *batch[T], first bool) {
	var weight int64
	if g.weigh != nil {
		weight = g.weigh(item)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	b = g.waiting
	if first = b == nil || b.weight+weight > g.limit && g.weigh != nil; first {
		b = &batch[T]{done: make(chan struct{})}
		g.waiting = b
	}
	b.items = append(b.items, item)
	b.weight += weight
	return b, first
}
