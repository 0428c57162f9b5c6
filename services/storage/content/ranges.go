package content

import (
	"cmp"
	"slices"
	"strconv"

	"github.com/holdfast-files/holdfast/internal/fault"
	errorsv1 "github.com/holdfast-files/holdfast/proto/holdfast/errors/v1"
	storagev1 "github.com/holdfast-files/holdfast/proto/holdfast/storage/v1"
)

const (
	// maxRanges is how many parts a download has at most.
	maxRanges = 16
	// maxAsked bounds the ranges that are looked at at all. RFC 9110, section
	// 14.2, lets a server refuse a set of many small or overlapping ranges.
	maxAsked = 1024
)

// resolve turns the ranges that were asked for into parts of contents of the
// given length. Ranges that lie behind the end are dropped, others cut off at
// it. Overlapping and adjacent ones are joined, and stand where the first of
// them stood in the request (RFC 9110, section 15.3.7.2), so that all parts
// together are never longer than the contents.
//
// It returns no part when everything is to be sent: when nothing was asked for,
// and when the end of empty contents was, which satisfies a suffix by section
// 14.1.2 but which no Content-Range can express.
//
// Errors: INVALID_ARGUMENT for a negative length, RANGE_NOT_SATISFIABLE, with
// the length as metadata size_bytes, when no part remains or too many do.
func resolve(asked []*storagev1.ByteRange, size int64) ([]*storagev1.ByteRange, error) {
	if len(asked) == 0 {
		return nil, nil
	}
	if len(asked) > maxAsked {
		return nil, unsatisfiable(size, "more than %d ranges", maxAsked)
	}
	parts := make([]part, 0, len(asked))
	for i, r := range asked {
		if r.GetLength() < 0 {
			return nil, fault.Invalidf("ranges", "a length is negative")
		}
		if size == 0 && r.GetOffset() < 0 {
			return nil, nil
		}
		if p := resolveOne(r, size); p.begin < p.end {
			p.rank = i
			parts = append(parts, p)
		}
	}
	parts = join(parts)
	if len(parts) == 0 {
		return nil, unsatisfiable(size, "no range lies within the contents")
	}
	if len(parts) > maxRanges {
		return nil, unsatisfiable(size, "%d ranges, more than %d", len(parts), maxRanges)
	}
	resolved := make([]*storagev1.ByteRange, len(parts))
	for i, p := range parts {
		resolved[i] = &storagev1.ByteRange{Offset: p.begin, Length: p.end - p.begin}
	}
	return resolved, nil
}

// part is begin <= byte < end of contents, asked for at place rank.
type part struct {
	begin, end int64
	rank       int
}

func resolveOne(r *storagev1.ByteRange, size int64) part {
	begin, end := r.GetOffset(), size
	if begin < 0 {
		begin = max(0, size+begin)
	}
	if n := r.GetLength(); n != 0 && n < size-begin {
		end = begin + n
	}
	return part{begin: begin, end: end}
}

// join merges parts that overlap or touch and orders the rest by rank.
func join(parts []part) []part {
	if len(parts) < 2 {
		return parts
	}
	slices.SortFunc(parts, func(a, b part) int { return cmp.Compare(a.begin, b.begin) })
	joined := parts[:1]
	for _, p := range parts[1:] {
		last := &joined[len(joined)-1]
		if p.begin > last.end {
			joined = append(joined, p)
			continue
		}
		last.end = max(last.end, p.end)
		last.rank = min(last.rank, p.rank)
	}
	slices.SortFunc(joined, func(a, b part) int { return cmp.Compare(a.rank, b.rank) })
	return joined
}

func unsatisfiable(size int64, format string, args ...any) error {
	e := fault.New(errorsv1.Reason_REASON_RANGE_NOT_SATISFIABLE, format, args...)
	e.Metadata = map[string]string{"size_bytes": strconv.FormatInt(size, 10)}
	return e
}
