package quota

import (
	"math/rand/v2"

	"github.com/holdfast-files/holdfast/services/metadata/internal/record"
	"github.com/holdfast-files/holdfast/services/metadata/table"
)

// arrived is the number of a counter that tells how many nodes have come to be in
// the space. It counts down from 0, since what a write can demand of a number is
// that it is not below a bound. It is shut once nothing more may come.
const arrived = "arrived"

// Arrive returns the write that notes that a node comes to be in a space, which
// every commit has that brings one: a folder, or what leaves the trash. Of a file
// the Change tells that counts it. Its condition is that the space has not been
// closed.
func Arrive(space string) table.Write {
	k := rand.IntN(record.UsageShards) //nolint:gosec // spreading load needs no secrecy
	return table.Increase(record.Usage(space, k), arrival())
}

func arrival() table.Add { return table.Add{Name: arrived, Delta: -1, Floor: shut / 2} }

// arrives reports whether a change counts a file that comes to be.
func (c Change) arrives() bool { return c.Held.Files > 0 }

// Close returns the writes after which nothing comes to be in the space any more,
// under the condition that nothing has since the counters were read.
func (s *Shards) Close() []table.Write {
	writes := make([]table.Write, len(s.numbers))
	for k, numbers := range s.numbers {
		writes[k] = table.Increase(record.Usage(s.space, k),
			table.Add{Name: arrived, Delta: shut - numbers[arrived], Floor: shut})
	}
	return writes
}
