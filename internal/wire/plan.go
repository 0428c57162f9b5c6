package wire

import (
	"math"

	storagev1 "github.com/holdfast-files/holdfast/proto/holdfast/storage/v1"
)

// plan is where in the contents the bytes of a stream lie: range after range,
// or from the beginning on with an end that is not known.
type plan struct {
	ranges []*storagev1.ByteRange // those after the current one
	open   bool
	offset int64 // of the next byte
	left   int64 // in the current range
}

func newPlan(ranges []*storagev1.ByteRange) plan {
	if ranges == nil {
		return plan{open: true, left: math.MaxInt64}
	}
	p := plan{ranges: ranges}
	p.advance(0)
	return p
}

// advance passes over n bytes of the current range and on to the next one.
func (p *plan) advance(n int64) {
	p.offset += n
	p.left -= n
	for p.left == 0 && len(p.ranges) > 0 {
		p.offset, p.left = p.ranges[0].GetOffset(), p.ranges[0].GetLength()
		p.ranges = p.ranges[1:]
	}
}

// complete reports whether no byte is missing.
func (p *plan) complete() bool { return p.open || p.left == 0 }
