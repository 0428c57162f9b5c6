package content

import (
	"math"
	"testing"

	"github.com/holdfast-files/holdfast/internal/fault"
	errorsv1 "github.com/holdfast-files/holdfast/proto/holdfast/errors/v1"
	storagev1 "github.com/holdfast-files/holdfast/proto/holdfast/storage/v1"
)

// pair is the offset and the length of a range.
type pair [2]int64

func TestResolve(t *testing.T) {
	cases := []struct {
		name  string
		size  int64
		asked []pair
		want  []pair
	}{
		{"nothing asked", 10, nil, nil},
		{"first byte", 10, []pair{{0, 1}}, []pair{{0, 1}}},
		{"last byte", 10, []pair{{9, 1}}, []pair{{9, 1}}},
		{"open", 10, []pair{{3, 0}}, []pair{{3, 7}}},
		{"everything, and still a part", 10, []pair{{0, 0}}, []pair{{0, 10}}},
		{"cut off at the end", 10, []pair{{8, 100}}, []pair{{8, 2}}},
		{"longer than any file", 10, []pair{{8, math.MaxInt64}}, []pair{{8, 2}}},
		{"suffix", 10, []pair{{-3, 0}}, []pair{{7, 3}}},
		{"suffix of everything", 10, []pair{{-10, 0}}, []pair{{0, 10}}},
		{"suffix longer than the contents", 10, []pair{{-11, 0}}, []pair{{0, 10}}},
		{"longest suffix of all", 10, []pair{{math.MinInt64, 0}}, []pair{{0, 10}}},
		{"part of a suffix", 10, []pair{{-5, 2}}, []pair{{5, 2}}},
		{"in the order of the request", 10, []pair{{8, 1}, {0, 1}, {4, 1}}, []pair{{8, 1}, {0, 1}, {4, 1}}},
		{"one behind the end is dropped", 10, []pair{{20, 1}, {0, 1}}, []pair{{0, 1}}},
		{"overlapping", 10, []pair{{0, 5}, {3, 4}}, []pair{{0, 7}}},
		{"touching", 10, []pair{{5, 5}, {0, 5}}, []pair{{0, 10}}},
		{"contained", 10, []pair{{0, 10}, {3, 1}}, []pair{{0, 10}}},
		{"a gap of one byte stays", 10, []pair{{0, 3}, {4, 3}}, []pair{{0, 3}, {4, 3}}},
		{"joined at the place of the first", 20, []pair{{10, 2}, {0, 1}, {5, 1}, {11, 4}}, []pair{{10, 5}, {0, 1}, {5, 1}}},
		{"joined by a third", 20, []pair{{0, 2}, {4, 2}, {1, 4}}, []pair{{0, 6}}},
		{"suffix of nothing is everything", 0, []pair{{-1, 0}}, nil},
		{"16 parts", 100, spaced(16), spaced(16)},
		{"a thousand that are one", 2000, repeated(1000, pair{7, 1}), []pair{{7, 1}}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got, err := resolve(ranges(c.asked), c.size)
			if err != nil || len(got) != len(c.want) {
				t.Fatalf("got %v, %v, want %v", got, err, c.want)
			}
			for i, r := range got {
				if (pair{r.GetOffset(), r.GetLength()}) != c.want[i] {
					t.Errorf("got %v, want %v", got, c.want)
				}
			}
		})
	}
}

func TestResolveRefuses(t *testing.T) {
	const unsatisfiable = errorsv1.Reason_REASON_RANGE_NOT_SATISFIABLE
	cases := []struct {
		name  string
		size  int64
		asked []pair
		want  errorsv1.Reason
	}{
		{"at the end", 10, []pair{{10, 1}}, unsatisfiable},
		{"behind the end", 10, []pair{{math.MaxInt64, 1}}, unsatisfiable},
		{"of nothing", 0, []pair{{0, 0}}, unsatisfiable},
		{"17 parts", 100, spaced(17), unsatisfiable},
		{"too many to look at", 10, repeated(maxAsked+1, pair{0, 1}), unsatisfiable},
		{"negative length", 10, []pair{{0, -1}}, errorsv1.Reason_REASON_INVALID_ARGUMENT},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got, err := resolve(ranges(c.asked), c.size)
			if fault.ReasonOf(err) != c.want {
				t.Fatalf("got %v, %v, want %v", got, err, c.want)
			}
			if c.want == unsatisfiable && fault.Public(err).Metadata["size_bytes"] == "" {
				t.Error("the error does not tell the size")
			}
		})
	}
}

// FuzzResolve compares resolve with marks on an array of bytes.
func FuzzResolve(f *testing.F) {
	f.Add(uint8(10), []byte{0, 1, 5, 0, 255, 2})
	f.Add(uint8(0), []byte{255, 0})
	f.Add(uint8(200), []byte{1, 1, 3, 1, 2, 1, 250, 9, 128, 127})
	f.Fuzz(func(t *testing.T, size uint8, numbers []byte) {
		var asked []pair
		want := make([]bool, size)
		for ; len(numbers) > 1; numbers = numbers[2:] {
			p := pair{int64(int8(numbers[0])), int64(numbers[1])}
			asked = append(asked, p)
			for i := range want {
				want[i] = want[i] || covers(p, int64(size), int64(i))
			}
		}
		got, err := resolve(ranges(asked), int64(size))
		if err != nil || len(asked) == 0 || size == 0 {
			return
		}
		for i, r := range got {
			if r.GetLength() <= 0 || r.GetOffset() < 0 || r.GetOffset()+r.GetLength() > int64(size) {
				t.Fatalf("part %v of %d bytes", r, size)
			}
			for _, other := range got[:i] {
				if other.GetOffset() <= r.GetOffset()+r.GetLength() && r.GetOffset() <= other.GetOffset()+other.GetLength() {
					t.Fatalf("parts %v and %v could be one", other, r)
				}
			}
		}
		for i := range want {
			covered := false
			for _, r := range got {
				covered = covered || int64(i) >= r.GetOffset() && int64(i) < r.GetOffset()+r.GetLength()
			}
			if covered != want[i] {
				t.Fatalf("byte %d of %d: covered = %v by %v, asked %v", i, size, covered, got, asked)
			}
		}
	})
}

func covers(p pair, size, i int64) bool {
	begin := p[0]
	if begin < 0 {
		begin = max(0, size+begin)
	}
	return i >= begin && (p[1] == 0 || i < begin+p[1])
}

func ranges(pairs []pair) []*storagev1.ByteRange {
	var r []*storagev1.ByteRange
	for _, p := range pairs {
		r = append(r, &storagev1.ByteRange{Offset: p[0], Length: p[1]})
	}
	return r
}

func spaced(n int64) []pair {
	var p []pair
	for i := range n {
		p = append(p, pair{i * 2, 1})
	}
	return p
}

func repeated(n int, p pair) []pair {
	var all []pair
	for range n {
		all = append(all, p)
	}
	return all
}
