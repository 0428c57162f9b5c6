package content

import ledgerv1 "github.com/holdfast-files/holdfast/proto/holdfast/ledger/v1"

// The extents of a resumable upload. They are cut from a stream at sizes that
// grow with the offset, so that five terabytes are about 1,200 of them, and at
// least once in Config.ExtentTime, so that a slow client loses little.
//
// Small ones are joined: the bytes of the last extents and those behind them are
// written anew as one, as long as the extent is below a bound and not twice as
// long as what would be joined to it. So of those below the bound each is twice
// as long as the next, and there are never more than log2 of the bound, some 24
// to 32. Each byte is written anew each time its extent grows by half or more:
// 3 to 10 times for chunks of sizes that clients use, and never more than 41,
// which is for 16 MiB byte by byte. The bound grows with the offset too: 5 TiB in
// the smallest chunks end as 13,000 extents.
const (
	// minExtentBytes is the smallest size at which a stream is cut, and below which
	// extents are joined whatever the offset.
	minExtentBytes = 16 << 20
	maxExtentBytes = 16 << 30
	cutFraction    = 128
	joinFraction   = 2048
)

// cutAt returns the length of an extent that begins at an offset.
func (e *Engine) cutAt(offset int64) int64 {
	return min(max(offset/cutFraction, e.minExtent), max(maxExtentBytes, e.minExtent))
}

// joins returns how many extents at the end of an upload of offset bytes are to
// be written anew together with added bytes behind them.
func (e *Engine) joins(tail []*ledgerv1.Extent, offset, added int64) int {
	count := 0
	for size := added; count < len(tail); count++ {
		last := tail[len(tail)-1-count].GetLength()
		offset -= last
		if last >= max(offset/joinFraction, e.minExtent) || last >= 2*size {
			break
		}
		size += last
	}
	return count
}

// untidy returns how many extents at the end of an upload are to be written anew
// as one: none, or more than one.
func (e *Engine) untidy(tail []*ledgerv1.Extent, offset int64) int {
	if len(tail) == 0 {
		return 0
	}
	rest, last := tail[:len(tail)-1], tail[len(tail)-1].GetLength()
	if last >= max((offset-last)/joinFraction, e.minExtent) {
		return 0
	}
	if count := e.joins(rest, offset-last, last); count > 0 {
		return count + 1
	}
	return 0
}

func lengthOf(extents []*ledgerv1.Extent) int64 {
	total := int64(0)
	for _, x := range extents {
		total += x.GetLength()
	}
	return total
}
