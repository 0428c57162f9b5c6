package quota

import (
	"math"

	recordv1 "github.com/holdfast-files/holdfast/proto/holdfast/record/v1"
	"github.com/holdfast-files/holdfast/services/metadata/internal/record"
	"github.com/holdfast-files/holdfast/services/metadata/table"
)

const (
	// boundless is the bound where there is none: more than anybody stores, and
	// small enough that sums of it and of what is stored stay numbers.
	boundless = 1 << 60
	// shut is what a counter that gives nothing out has free. Nothing that is
	// given back makes it positive.
	shut = -1 << 61
)

// bound returns the bound that 0 stands for.
func bound(most int64) int64 {
	if most == 0 {
		return boundless
	}
	return most
}

// Open returns the writes of the counters of a space that holds nothing.
func Open(space string, q *recordv1.Quota) []table.Write {
	writes := make([]table.Write, record.UsageShards)
	for k := range writes {
		numbers := make(map[string]int64)
		for _, d := range dimensions {
			n := portion(bound(d.most(q)), k)
			numbers[d.free], numbers[d.allotted], numbers[d.reserved] = n, n, 0
		}
		writes[k] = table.Put(table.Item{Key: record.Usage(space, k), Numbers: numbers}, table.Any)
	}
	return writes
}

// Allot returns the writes that allot a quota anew, which may be another one
// than before: what is free goes to all counters alike. A space that holds more
// than it may has its counters closed, so that what is given back is not given
// out before the space is below its bound.
//
// The writes rest on the counters as they were read, but for changes of what is
// held. So whoever commits them makes sure that no other Allot came between,
// by a condition on a record that each of them changes.
func (s *Shards) Allot(q *recordv1.Quota) []table.Write { return s.Correct(q, Change{}) }

// Correct returns the writes of Allot that also make the counters count what
// they had missed.
func (s *Shards) Correct(q *recordv1.Quota, missed Change) []table.Write {
	room := s.Room(q).plus(missed.needs().minus())
	var writes []table.Write
	for k, numbers := range s.numbers {
		var adds []table.Add
		for _, d := range dimensions {
			free, floor := int64(shut), int64(math.MinInt64)
			if n := d.of(room); n >= 0 {
				free, floor = portion(n, k), 0
			}
			delta := free - numbers[d.free]
			adds = append(adds,
				table.Add{Name: d.free, Delta: delta, Floor: floor},
				unbounded(d.allotted, delta+d.of(missed.needs())), unbounded(d.reserved, d.of(missed.Reserved)))
		}
		missed = Change{} // the first counter counts it
		writes = append(writes, table.Increase(record.Usage(s.space, k), adds...))
	}
	return writes
}

// portion returns the part of n that counter k gets.
func portion(n int64, k int) int64 {
	part := n / record.UsageShards
	if int64(k) < n%record.UsageShards {
		part++
	}
	return part
}

// closed reports whether the counters give nothing out. All of them do or none.
func (s *Shards) closed(d *dimension) bool {
	for _, numbers := range s.numbers {
		if numbers[d.free] < shut/2 {
			return true
		}
	}
	return false
}

// Between returns the change that leads from one usage to another.
func Between(from, to Change) Change {
	back := from.Back()
	return Change{to.Held.plus(back.Held), to.Reserved.plus(back.Reserved)}
}
