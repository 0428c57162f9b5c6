package namespace

import (
	"context"
	"slices"
	"sync"

	"github.com/holdfast-files/holdfast/services/metadata/table"
)

// turns lets the calls that collided at an item go on one after the other, in
// the order in which they collided. Without it every one of a crowd starts anew
// whenever one of them gets through, and most of them work in vain; the last
// give up. Callers of other processes are not in line: with them a call
// collides as before, but only as many at a time as there are processes.
type turns struct {
	mu    sync.Mutex
	lines map[table.Key]*line
}

// line is who waits for an item.
type line struct {
	next    chan struct{} // holds one when it is nobody's turn; serves in order
	callers int           // with a turn or waiting for it
}

func newTurns() *turns { return &turns{lines: make(map[table.Key]*line)} }

// turn is the place of one call in a line, at first in none. Not safe for
// concurrent use.
type turn struct {
	turns *turns
	at    table.Key
	line  *line
	tries int // since it is our turn
}

// enter returns a place in no line, which the caller ends.
func (t *turns) enter() turn { return turn{turns: t} }

// again waits until a call may start anew that has collided at an item: until it
// is its turn there, and when it was its turn already, for a moment. An attempt
// that failed for another reason names no item and keeps the turn that it has.
func (t *turn) again(ctx context.Context, attempt int, at table.Key) error {
	if at == (table.Key{}) || (t.line != nil && at == t.at) {
		if t.line != nil {
			attempt, t.tries = t.tries, t.tries+1
		}
		return pause(ctx, attempt)
	}
	t.end() // one turn at a time, so that nobody waits in a circle
	l := t.turns.join(at)
	select {
	case <-l.next:
		t.at, t.line, t.tries = at, l, 0
		return nil
	case <-ctx.Done():
		t.turns.leave(at, l)
		return ctx.Err()
	}
}

// end lets the next one have its turn. It may be called more than once.
func (t *turn) end() {
	if t.line == nil {
		return
	}
	t.line.next <- struct{}{}
	t.turns.leave(t.at, t.line)
	t.line = nil
}

func (t *turns) join(at table.Key) *line {
	t.mu.Lock()
	defer t.mu.Unlock()
	l := t.lines[at]
	if l == nil {
		l = &line{next: make(chan struct{}, 1)}
		l.next <- struct{}{}
		t.lines[at] = l
	}
	l.callers++
	return l
}

func (t *turns) leave(at table.Key, l *line) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if l.callers--; l.callers == 0 {
		delete(t.lines, at)
	}
}

// collision returns the item at which a commit of writes failed, the first one
// when there are several.
func collision(writes []table.Write, conflict *table.ConditionError) table.Key {
	return writes[slices.Min(conflict.Failed)].Item.Key
}
