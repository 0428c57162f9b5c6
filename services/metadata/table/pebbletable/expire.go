package pebbletable

import (
	"context"
	"math"

	"github.com/cockroachdb/pebble/v2"

	"github.com/holdfast-files/holdfast/services/metadata/table"
)

// Items with an expiry have an entry in an index by time. An overwritten or
// deleted item leaves its entry behind; the purge drops such an entry when its
// time has come, and looks at the item itself to see whether that time still
// holds. The index costs a commit no read.

// purge removes what has expired by now, a bounded number of items in each
// commit, until nothing is left or ctx ends.
func (t *Table) purge(ctx context.Context) error {
	now := t.clock().Unix()
	from := []byte{expirySpace}
	for {
		c, err := t.due(from, now)
		if err != nil || c == nil {
			return err
		}
		from = append(c.steps[len(c.steps)-1].expiry, 0)
		if err := t.submit(ctx, c); err != nil {
			return err
		}
	}
}

// due returns a commit that removes the first entries of the index from a key
// on that are not later than now, or nil.
func (t *Table) due(from []byte, now int64) (*commit, error) {
	v := t.views.acquire()
	defer t.views.release(v)
	it, err := v.snapshot.NewIter(&pebble.IterOptions{
		LowerBound: from,
		UpperBound: appendExpiryKey(nil, min(now, math.MaxInt64-1)+1, nil),
	})
	if err != nil {
		return nil, translate(err)
	}
	defer it.Close() //nolint:errcheck // its errors are those of the iteration
	var c *commit
	for ok := it.First(); ok; ok = it.Next() {
		seconds, item, ok := splitExpiryKey(it.Key())
		if !ok {
			return nil, translate(errRecord)
		}
		if c == nil {
			c = &commit{done: make(chan error, 1), steps: make([]step, 0, table.MaxWrites)}
		}
		c.steps = append(c.steps, step{
			op:      opExpire,
			seconds: seconds,
			key:     c.take(append(c.bytes, item...)),
			expiry:  c.take(append(c.bytes, it.Key()...)),
		})
		if len(c.steps) == table.MaxWrites {
			break
		}
	}
	return c, translate(it.Error())
}
