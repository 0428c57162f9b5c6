package quota

import (
	"math/rand/v2"
	"time"

	"github.com/holdfast-files/holdfast/internal/fault"
	errorsv1 "github.com/holdfast-files/holdfast/proto/holdfast/errors/v1"
	"github.com/holdfast-files/holdfast/services/metadata/internal/record"
	"github.com/holdfast-files/holdfast/services/metadata/table"
)

// openUploads is the number of a slot counter: how many uploads are open,
// negative, so that a counter that does not exist yet has all its slots free.
const openUploads = "open_uploads"

// Slot is a place among the uploads that a principal may have open at once. The
// bound is in several counters, each with a part of it; an upload keeps the
// shard of the one that it took its slot from and gives it back to that one.
type Slot struct {
	principal string
	most      int64
	first     int
	tried     int
}

// NewSlot returns a slot for one more upload of a principal that may have most
// of them.
func NewSlot(principal string, most int64) *Slot {
	return &Slot{principal: principal, most: most, first: rand.IntN(record.SlotShards)} //nolint:gosec // spreading load needs no secrecy
}

// Shard returns where the slot is, or is tried next.
func (s *Slot) Shard() int32 { return int32((s.first + s.tried) % record.SlotShards) }

// Take returns the write that takes the slot, under the condition that one is
// free at the shard. After Missed it tries the next shard; RATE_LIMITED when
// none has one.
func (s *Slot) Take() (table.Write, error) {
	if s.tried == record.SlotShards {
		err := fault.New(errorsv1.Reason_REASON_RATE_LIMITED, "you have %d uploads open already", s.most)
		err.RetryAfter = time.Minute
		return table.Write{}, err
	}
	k := int(s.Shard())
	most := s.most / record.SlotShards
	if int64(k) < s.most%record.SlotShards {
		most++
	}
	return table.Increase(record.Slots(s.principal, k), table.Add{Name: openUploads, Delta: -1, Floor: -most}), nil
}

// Missed notes that the condition of Take did not hold.
func (s *Slot) Missed() { s.tried++ }

// GiveSlot returns the write that gives a slot back.
func GiveSlot(principal string, shard int32) table.Write {
	return table.Increase(record.Slots(principal, int(shard)), unbounded(openUploads, 1))
}
