package pebbletable

import (
	"context"
	"sync"
	"sync/atomic"

	"github.com/holdfast-files/holdfast/services/metadata/table"
)

// opExpire is the operation of the purge: it removes an entry of the expiry
// index, and the item when it still expires at that time.
const opExpire table.Op = 255

// commit is a Commit on its way through the sequencer.
type commit struct {
	steps []step
	bytes []byte // what keys and records of the steps lie in
	err   error  // the outcome, once its group is durable
	done  chan error

	// abandoned is set when the caller no longer waits. The sequencer leaves
	// such a commit out when it has not come to it yet.
	abandoned atomic.Bool
}

// step is a write, encoded.
type step struct {
	op      table.Op
	cond    table.Cond
	key     []byte
	record  []byte // of a Put; of an Add once it is evaluated
	expiry  []byte // entry of the index that a Put adds and opExpire removes
	seconds int64  // of opExpire: when
	gone    bool   // of opExpire: the item goes too
	adds    []table.Add
}

// Buffers that were needed for something large are left to the collector.
const (
	maxPooledBytes = 64 << 10
	maxPooledSteps = 16
)

var commits = sync.Pool{New: func() any { return &commit{done: make(chan error, 1)} }}

// Commit implements table.Table. The writes are durable when it returns nil:
// the log was synced. Concurrent commits share that sync.
func (t *Table) Commit(ctx context.Context, writes []table.Write) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := table.CheckWrites(writes); err != nil {
		return err
	}
	c := commits.Get().(*commit)
	for i := range writes {
		c.append(&writes[i])
	}
	return t.submit(ctx, c)
}

// submit has the sequencer carry out c and waits for the outcome.
func (t *Table) submit(ctx context.Context, c *commit) error {
	select {
	case t.sequencer.inbox <- c:
	case <-ctx.Done():
		return ctx.Err()
	case <-t.failed:
		return t.failure
	}
	select {
	case err := <-c.done:
		c.recycle()
		return err
	case <-ctx.Done():
		c.abandoned.Store(true)
		return ctx.Err()
	case <-t.failed:
		return t.failure
	}
}

func (c *commit) append(w *table.Write) {
	s := step{op: w.Op, cond: w.Cond, adds: w.Adds}
	s.key = c.take(appendItemKey(c.bytes, w.Item.Key))
	if w.Op == table.OpPut {
		r := recordOf(w.Item)
		s.record = c.take(r.append(c.bytes))
		if r.expires != 0 {
			s.expiry = c.take(appendExpiryKey(c.bytes, r.expires, s.key))
		}
	}
	c.steps = append(c.steps, s)
}

// take makes grown, which is c.bytes with something appended, the new c.bytes
// and returns what was appended.
func (c *commit) take(grown []byte) []byte {
	from := len(c.bytes)
	c.bytes = grown
	return grown[from:len(grown):len(grown)]
}

// recycle keeps c for another Commit. Its outcome must have been received.
func (c *commit) recycle() {
	if cap(c.bytes) > maxPooledBytes || cap(c.steps) > maxPooledSteps {
		return
	}
	clear(c.steps)
	c.steps, c.bytes, c.err = c.steps[:0], c.bytes[:0], nil
	commits.Put(c)
}
