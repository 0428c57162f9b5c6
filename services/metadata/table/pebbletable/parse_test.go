package pebbletable

import (
	"bytes"
	"testing"

	"github.com/holdfast-files/holdfast/services/metadata/table"
)

func FuzzParseRecord(f *testing.F) {
	f.Add(recordOf(table.Item{Tag: "tag", Value: []byte("value"), Numbers: map[string]int64{"n": -1}}).append(nil))
	f.Add([]byte{recordVersion})
	f.Add([]byte{recordVersion, 0, 0, 0xff, 0xff, 0xff, 0xff, 0x0f})
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := parseRecord(b)
		if err != nil {
			return
		}
		written := r.append(nil)
		again, err := parseRecord(written)
		if err != nil || !bytes.Equal(again.append(nil), written) {
			t.Errorf("%x reads as %+v, which is written as %x and reads as %+v, %v", b, r, written, again, err)
		}
	})
}

func FuzzSplitKeys(f *testing.F) {
	f.Add(appendItemKey(nil, table.Key{Partition: "p", Sort: "s"}))
	f.Add(appendExpiryKey(nil, 1, appendItemKey(nil, table.Key{Partition: "p", Sort: "s"})))
	f.Fuzz(func(t *testing.T, b []byte) {
		if k, ok := splitItemKey(b); ok && !bytes.Equal(appendItemKey(nil, k), b) {
			t.Errorf("%q is read as %q", b, k)
		}
		if seconds, item, ok := splitExpiryKey(b); ok && !bytes.Equal(appendExpiryKey(nil, seconds, item), b) {
			t.Errorf("%q is read as %d, %q", b, seconds, item)
		}
	})
}

// FuzzQueryBounds holds that a query sees the keys of its partition that lie
// between its bounds, and no other.
func FuzzQueryBounds(f *testing.F) {
	f.Add("p", "a", "b", "p", "a1")
	f.Add("p", "", "", "p\x01", "a")
	f.Fuzz(func(t *testing.T, partition, from, to, other, sort string) {
		q := table.Query{Partition: partition, From: from, To: to, Limit: 1}
		k := table.Key{Partition: other, Sort: sort}
		if table.CheckQuery(q) != nil || table.CheckKey(k) != nil {
			return
		}
		lower, upper := queryBounds(q)
		key := appendItemKey(nil, k)
		seen := bytes.Compare(lower, key) <= 0 && bytes.Compare(key, upper) < 0
		if want := other == partition && from <= sort && (to == "" || sort < to); seen != want {
			t.Errorf("%+v sees %q: %v", q, k, seen)
		}
	})
}
