package quota

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"math/rand/v2"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/holdfast-files/holdfast/internal/fault"
	errorsv1 "github.com/holdfast-files/holdfast/proto/holdfast/errors/v1"
	recordv1 "github.com/holdfast-files/holdfast/proto/holdfast/record/v1"
	"github.com/holdfast-files/holdfast/services/metadata/internal/record"
	"github.com/holdfast-files/holdfast/services/metadata/table"
)

// parallelReads bounds the reads of one look at all counters.
const parallelReads = 16

// Shards are the counters of a space, each as one read found it.
type Shards struct {
	space   string
	numbers [record.UsageShards]map[string]int64
}

// Read reads the counters of a space. While they change, what it finds need not
// have been so at one moment; it was if another Read finds the same.
func Read(ctx context.Context, t table.Table, space string) (*Shards, error) {
	s := &Shards{space: space}
	reads, ctx := errgroup.WithContext(ctx)
	reads.SetLimit(parallelReads)
	for k := range s.numbers {
		reads.Go(func() error {
			item, err := t.Get(ctx, record.Usage(space, k))
			if errors.Is(err, table.ErrNotFound) {
				return nil
			}
			s.numbers[k] = item.Numbers
			return err
		})
	}
	return s, reads.Wait()
}

// Equal reports whether two reads found the same in every counter.
func (s *Shards) Equal(other *Shards) bool {
	return s.space == other.space && slices.EqualFunc(s.numbers[:], other.numbers[:], maps.Equal[map[string]int64])
}

// ReadOne reads one counter of a space, at random, and reports whether it alone
// has an amount free: if so, the space has.
func ReadOne(ctx context.Context, t table.Table, space string, a Amount) (bool, error) {
	k := rand.IntN(record.UsageShards) //nolint:gosec // spreading load needs no secrecy
	item, err := t.Get(ctx, record.Usage(space, k))
	if errors.Is(err, table.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	for _, d := range dimensions {
		if n := d.of(a); n > 0 && item.Numbers[d.free] < n {
			return false, nil
		}
	}
	return true, nil
}

// Counted returns what the space holds and what is reserved in it.
func (s *Shards) Counted() Change {
	var c Change
	for _, numbers := range s.numbers {
		one := counted(numbers)
		c = Change{c.Held.plus(one.Held), c.Reserved.plus(one.Reserved)}
	}
	return c
}

// CountedBy returns what one counter counts.
func CountedBy(item table.Item) Change { return counted(item.Numbers) }

func counted(numbers map[string]int64) Change {
	var c Change
	for _, d := range dimensions {
		*d.in(&c.Reserved) = numbers[d.reserved]
		*d.in(&c.Held) = numbers[d.allotted] - numbers[d.free] - numbers[d.reserved]
	}
	return c
}

// Room returns what a space may still take under a quota; negative when it
// holds more than it may.
func (s *Shards) Room(q *recordv1.Quota) Amount {
	var room Amount
	taken := s.Counted().needs()
	for _, d := range dimensions {
		*d.in(&room) = bound(d.most(q)) - d.of(taken)
	}
	return room
}

// Fits returns QUOTA_EXCEEDED when there is no room for an amount. That is final
// only if what was read was so at one moment.
func (s *Shards) Fits(q *recordv1.Quota, a Amount) error {
	room := s.Room(q)
	for _, d := range dimensions {
		if n := d.of(a); n > 0 && d.of(room) < n {
			return exceeded(d, q, n, d.of(room))
		}
	}
	return nil
}

// ErrClosed tells that the counters give nothing out because the space held
// more than it may, which is so no longer: Allot opens them.
var ErrClosed = errors.New("quota: the counters are closed")

// ErrMoved tells that what is free was elsewhere by the time it was looked for.
var ErrMoved = errors.New("quota: the counters changed meanwhile")

// Spread returns the writes that carry a change out where there is enough
// free: at one counter, or else at as few as will do.
//
// Errors: QUOTA_EXCEEDED as of Fits, ErrClosed and ErrMoved.
func (s *Shards) Spread(q *recordv1.Quota, c Change) ([]table.Write, error) {
	if c.IsZero() {
		return nil, nil
	}
	needs := c.needs()
	if err := s.Fits(q, needs); err != nil {
		return nil, err
	}
	taken := map[int]Amount{}
	for _, d := range dimensions {
		n := d.of(needs)
		if n <= 0 {
			continue
		}
		if s.closed(d) {
			return nil, ErrClosed
		}
		if err := s.find(d, n, taken); err != nil {
			return nil, err
		}
	}
	return s.writes(taken, c), nil
}

// find looks for n of a dimension and notes what to take from which counter.
func (s *Shards) find(d *dimension, n int64, taken map[int]Amount) error {
	take := func(k int, n int64) {
		a := taken[k]
		*d.in(&a) = n
		taken[k] = a
	}
	order := rand.Perm(len(s.numbers)) //nolint:gosec // spreading load needs no secrecy
	for _, k := range order {
		if s.numbers[k][d.free] >= n {
			take(k, n)
			return nil
		}
	}
	slices.SortStableFunc(order, func(a, b int) int {
		return cmp.Compare(s.numbers[b][d.free], s.numbers[a][d.free])
	})
	for _, k := range order {
		part := min(n, max(s.numbers[k][d.free], 0))
		if part == 0 {
			break
		}
		take(k, part)
		if n -= part; n == 0 {
			return nil
		}
	}
	return ErrMoved
}

// writes returns the writes of what is taken. What the change gives back, and
// what it notes as reserved and as arriving, goes to any one counter.
func (s *Shards) writes(taken map[int]Amount, c Change) []table.Write {
	needs := c.needs()
	rest := Amount{min(needs.Bytes, 0), min(needs.Files, 0)}
	if len(taken) == 0 {
		taken[rand.IntN(len(s.numbers))] = Amount{} //nolint:gosec // spreading load needs no secrecy
	}
	var writes []table.Write
	reserved, arrives := c.Reserved, c.arrives()
	for k, a := range taken {
		writes = append(writes, at(s.space, k, a.plus(rest), reserved, arrives))
		rest, reserved, arrives = Amount{}, Amount{}, false
	}
	return writes
}

func exceeded(d *dimension, q *recordv1.Quota, n, room int64) error {
	return fault.New(errorsv1.Reason_REASON_QUOTA_EXCEEDED,
		"the space may hold %d %s; there is room for %d and not for %d", d.most(q), d.what, max(room, 0), n)
}
