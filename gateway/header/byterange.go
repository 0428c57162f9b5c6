package header

import (
	"math"
	"strings"

	storagev1 "github.com/holdfast-files/holdfast/proto/holdfast/storage/v1"
)

// maxRangeSpecs bounds the work that one Range field can ask for. How many
// ranges may remain after joining is storage's to say.
const maxRangeSpecs = 1000

// ParseRange reads the lines of a Range field (RFC 9110, section 14.2). It
// returns nil, the whole, when there is none or when its unit is not bytes. A
// range that no contents can satisfy stands for one that is not well-formed,
// so that both end as 416 with the length of the contents.
func ParseRange(lines []string) []*storagev1.ByteRange {
	if len(lines) == 0 {
		return nil
	}
	unit, set, ok := strings.Cut(lines[0], "=")
	if !ok || !strings.EqualFold(strings.Trim(unit, " \t"), "bytes") {
		return nil
	}
	if len(lines) > 1 || strings.Count(set, ",") >= maxRangeSpecs {
		return unsatisfiable()
	}
	var ranges []*storagev1.ByteRange
	for spec := range strings.SplitSeq(set, ",") {
		spec = strings.Trim(spec, " \t")
		if spec == "" {
			continue
		}
		r, ok := parseRangeSpec(spec)
		if !ok {
			return unsatisfiable()
		}
		ranges = append(ranges, r)
	}
	if len(ranges) == 0 {
		return unsatisfiable()
	}
	return ranges
}

func parseRangeSpec(spec string) (*storagev1.ByteRange, bool) {
	first, last, ok := strings.Cut(spec, "-")
	if !ok {
		return nil, false
	}
	if first == "" {
		suffix, ok := parsePosition(last)
		switch {
		case !ok:
			return nil, false
		case suffix == 0:
			return &storagev1.ByteRange{Offset: math.MaxInt64, Length: 1}, true
		}
		return &storagev1.ByteRange{Offset: -suffix}, true
	}
	from, ok := parsePosition(first)
	if !ok {
		return nil, false
	}
	if last == "" {
		return &storagev1.ByteRange{Offset: from}, true
	}
	to, ok := parsePosition(last)
	if !ok || to < from {
		return nil, false
	}
	if to-from == math.MaxInt64 { // 0 up to the largest number there is
		return &storagev1.ByteRange{Offset: from}, true
	}
	return &storagev1.ByteRange{Offset: from, Length: to - from + 1}, true
}

// parsePosition reads 1*DIGIT; what exceeds an int64 is as good as its maximum.
func parsePosition(s string) (int64, bool) {
	if s == "" {
		return 0, false
	}
	var n int64
	for i := range len(s) {
		d := int64(s[i]) - '0'
		if d < 0 || d > 9 {
			return 0, false
		}
		if n > (math.MaxInt64-d)/10 {
			n = math.MaxInt64
			continue
		}
		n = n*10 + d
	}
	return n, true
}

func unsatisfiable() []*storagev1.ByteRange {
	return []*storagev1.ByteRange{{Offset: math.MaxInt64, Length: 1}}
}
