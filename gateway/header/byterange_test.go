package header

import (
	"math"
	"slices"
	"strings"
	"testing"

	storagev1 "github.com/holdfast-files/holdfast/proto/holdfast/storage/v1"
	"google.golang.org/protobuf/proto"
)

// never is a range that lies in no contents.
var never = &storagev1.ByteRange{Offset: math.MaxInt64, Length: 1}

func TestParseRange(t *testing.T) {
	br := func(offset, length int64) *storagev1.ByteRange {
		return &storagev1.ByteRange{Offset: offset, Length: length}
	}
	for _, c := range []struct {
		line string
		want []*storagev1.ByteRange
	}{
		{"bytes=0-0", []*storagev1.ByteRange{br(0, 1)}},
		{"bytes=0-499", []*storagev1.ByteRange{br(0, 500)}},
		{"BYTES=1-2", []*storagev1.ByteRange{br(1, 2)}},
		{"bytes= 1-2 ", []*storagev1.ByteRange{br(1, 2)}},
		{"bytes=500-", []*storagev1.ByteRange{br(500, 0)}},
		{"bytes=-500", []*storagev1.ByteRange{br(-500, 0)}},
		{"bytes=-0", []*storagev1.ByteRange{never}},
		{"bytes=0-0,-1", []*storagev1.ByteRange{br(0, 1), br(-1, 0)}},
		{"bytes=0-0 , , 2-3,", []*storagev1.ByteRange{br(0, 1), br(2, 2)}},
		{"bytes=5-4", []*storagev1.ByteRange{never}},
		{"bytes=0-99999999999999999999", []*storagev1.ByteRange{br(0, 0)}},
		{"bytes=7-99999999999999999999", []*storagev1.ByteRange{br(7, math.MaxInt64-6)}},
		{"bytes=99999999999999999999-", []*storagev1.ByteRange{br(math.MaxInt64, 0)}},
		{"bytes=-99999999999999999999", []*storagev1.ByteRange{br(-math.MaxInt64, 0)}},
		{"bytes=", []*storagev1.ByteRange{never}},
		{"bytes=,", []*storagev1.ByteRange{never}},
		{"bytes=a-b", []*storagev1.ByteRange{never}},
		{"bytes=1", []*storagev1.ByteRange{never}},
		{"bytes=-", []*storagev1.ByteRange{never}},
		{"bytes=--1", []*storagev1.ByteRange{never}},
		{"bytes=1-2-3", []*storagev1.ByteRange{never}},
		{"bytes=+1-2", []*storagev1.ByteRange{never}},
		{"bytes=1 -2", []*storagev1.ByteRange{never}},
		{"bytes=0-1,x", []*storagev1.ByteRange{never}},
		{"bytes=" + strings.Repeat("0-0,", maxRangeSpecs), []*storagev1.ByteRange{never}},
		{"lines=0-1", nil},
		{"bytes", nil},
		{"", nil},
	} {
		got := ParseRange([]string{c.line})
		if !slices.EqualFunc(got, c.want, func(a, b *storagev1.ByteRange) bool { return proto.Equal(a, b) }) {
			t.Errorf("ParseRange(%.60q) = %v, want %v", c.line, got, c.want)
		}
	}
	if got := ParseRange(nil); got != nil {
		t.Errorf("without the field: %v", got)
	}
	if got := ParseRange([]string{"bytes=0-1", "bytes=2-3"}); len(got) != 1 || !proto.Equal(got[0], never) {
		t.Errorf("sent twice: %v", got)
	}
}

func FuzzParseRange(f *testing.F) {
	for _, seed := range []string{"bytes=0-1", "bytes=-5,7-", "bytes=1-99999999999999999999", "bytes=,0-", "x=1"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, line string) {
		for _, r := range ParseRange([]string{line}) {
			if r.GetLength() < 0 || r.GetOffset() == math.MinInt64 {
				t.Fatalf("%q: %v", line, r)
			}
			if r.GetOffset() < 0 && r.GetLength() != 0 {
				t.Fatalf("%q: a suffix with a length: %v", line, r)
			}
		}
	})
}
