package pebbletable

import (
	"errors"
	"math"
	"slices"
	"strings"

	"github.com/cockroachdb/pebble/v2"

	"github.com/holdfast-files/holdfast/services/metadata/table"
)

// A group is closed to further commits when it is this large.
const (
	maxGroupBytes   = 2 << 20
	maxGroupCommits = 512
)

// group is a number of commits that are written as one batch and made durable
// by one sync. Each is evaluated against the database and what the commits
// before it in the group have written.
type group struct {
	db      *pebble.DB
	batch   *pebble.Batch
	view    *view // of the database with the batch
	commits []*commit
	bytes   int

	// written holds the record under each key that the group has written, nil
	// where it removed one.
	written map[string][]byte
	scratch []byte
}

func newGroup(db *pebble.DB) *group {
	return &group{db: db, batch: db.NewBatch(), written: make(map[string][]byte)}
}

func (g *group) empty() bool { return len(g.commits) == 0 }

func (g *group) full() bool {
	return g.bytes >= maxGroupBytes || len(g.commits) >= maxGroupCommits
}

// add evaluates c and, when its conditions hold, adds what it writes.
func (g *group) add(c *commit) {
	g.commits = append(g.commits, c)
	g.bytes += len(c.bytes)
	if !c.abandoned.Load() {
		c.err = g.evaluate(c)
	}
}

func (g *group) evaluate(c *commit) error {
	var failed []int
	for i := range c.steps {
		holds, err := g.holds(&c.steps[i])
		if err != nil {
			return err
		}
		if !holds {
			failed = append(failed, i)
		}
	}
	if len(failed) > 0 {
		return &table.ConditionError{Failed: failed}
	}
	for i := range c.steps {
		if err := g.carryOut(&c.steps[i]); err != nil {
			return err
		}
	}
	return nil
}

// holds evaluates the condition of a step, and what the step makes of the item
// that is there.
func (g *group) holds(s *step) (bool, error) {
	if s.cond.Kind() == table.CondNone && s.op != table.OpAdd && s.op != opExpire {
		return true, nil
	}
	r, found, err := g.read(s.key)
	if err != nil {
		return false, translate(err)
	}
	switch s.op {
	case table.OpAdd:
		return s.sum(r)
	case opExpire:
		s.gone = found && r.expires == s.seconds
		return true, nil
	}
	switch s.cond.Kind() {
	case table.CondAbsent:
		return !found, nil
	case table.CondPresent:
		return found, nil
	default:
		return found && string(r.tag) == s.cond.Tag(), nil
	}
}

// read returns the record under a key; it is good until the next read.
func (g *group) read(key []byte) (r record, found bool, err error) {
	stored, ok := g.written[string(key)]
	if !ok {
		value, closer, err := g.db.Get(key)
		if errors.Is(err, pebble.ErrNotFound) {
			return record{}, false, nil
		}
		if err != nil {
			return record{}, false, err
		}
		g.scratch = append(g.scratch[:0], value...)
		if err := closer.Close(); err != nil {
			return record{}, false, err
		}
		stored = g.scratch
	}
	if stored == nil {
		return record{}, false, nil
	}
	r, err = parseRecord(stored)
	return r, true, err
}

// sum makes the record of an Add out of the one that is there, or of none.
func (s *step) sum(r record) (bool, error) {
	for _, a := range s.adds {
		i, found := slices.BinarySearchFunc(r.numbers, a.Name, func(n number, name string) int {
			return strings.Compare(n.name, name)
		})
		if !found {
			r.numbers = slices.Insert(r.numbers, i, number{name: a.Name})
		}
		n := &r.numbers[i]
		if a.Delta > 0 && n.value > math.MaxInt64-a.Delta || a.Delta < 0 && n.value < math.MinInt64-a.Delta {
			return false, errOverflow(a.Name)
		}
		if n.value += a.Delta; n.value < a.Floor {
			return false, nil
		}
	}
	if n := r.size(s.key); n > table.MaxItemBytes {
		return false, errTooLarge(n)
	}
	s.record = r.append(nil)
	return true, nil
}

func (g *group) carryOut(s *step) error {
	switch s.op {
	case table.OpCheck:
		return nil
	case table.OpDelete:
		return g.remove(s.key)
	case opExpire:
		if s.gone {
			if err := g.remove(s.key); err != nil {
				return err
			}
		}
		return g.batch.Delete(s.expiry, nil)
	}
	g.written[string(s.key)] = s.record
	if s.expiry != nil {
		if err := g.batch.Set(s.expiry, nil, nil); err != nil {
			return err
		}
	}
	return g.batch.Set(s.key, s.record, nil)
}

func (g *group) remove(key []byte) error {
	g.written[string(key)] = nil
	return g.batch.Delete(key, nil)
}

// finish tells the commits their outcome: err, or when it is nil each its own.
// The group is empty then.
func (g *group) finish(err error) {
	_ = g.batch.Close() // fails only when it is closed twice
	for i, c := range g.commits {
		outcome := c.err
		if err != nil {
			outcome = err
		}
		c.done <- outcome
		g.commits[i] = nil
	}
	clear(g.written)
	*g = group{db: g.db, batch: g.db.NewBatch(), commits: g.commits[:0], written: g.written, scratch: g.scratch}
}
