package pebbletable

import (
	"encoding/binary"
	"strings"

	"github.com/holdfast-files/holdfast/services/metadata/table"
)

// The key space. The first byte tells what a key holds; within items, a NUL
// stands between partition and sort key, neither of which may hold one, so
// that the bytewise order is that of (partition, sort).
const (
	metaSpace   = 0x00 // what the table keeps about itself
	itemSpace   = 0x01 // partition NUL sort: a record
	expirySpace = 0x02 // unix seconds, 8 bytes big endian, then the item's key: nothing
)

// commitsKey holds the number of groups ever committed, 8 bytes big endian.
var commitsKey = []byte("\x00commits")

const expiryHeader = 1 + 8

func appendItemKey(b []byte, k table.Key) []byte {
	b = append(b, itemSpace)
	b = append(b, k.Partition...)
	b = append(b, 0)
	return append(b, k.Sort...)
}

// splitItemKey is the inverse of appendItemKey.
func splitItemKey(b []byte) (k table.Key, ok bool) {
	if len(b) == 0 || b[0] != itemSpace {
		return table.Key{}, false
	}
	partition, sort, ok := strings.Cut(string(b[1:]), "\x00")
	return table.Key{Partition: partition, Sort: sort}, ok
}

// queryBounds returns the keys between which a query looks, the first
// included, the second not.
func queryBounds(q table.Query) (lower, upper []byte) {
	lower = appendItemKey(nil, table.Key{Partition: q.Partition, Sort: q.From})
	if q.To == "" {
		upper = appendItemKey(nil, table.Key{Partition: q.Partition})
		upper[len(upper)-1] = 1 // behind every key with the NUL
		return lower, upper
	}
	return lower, appendItemKey(nil, table.Key{Partition: q.Partition, Sort: q.To})
}

func appendExpiryKey(b []byte, seconds int64, item []byte) []byte {
	b = append(b, expirySpace)
	b = binary.BigEndian.AppendUint64(b, uint64(seconds))
	return append(b, item...)
}

// splitExpiryKey is the inverse of appendExpiryKey; item shares b's memory.
func splitExpiryKey(b []byte) (seconds int64, item []byte, ok bool) {
	if len(b) <= expiryHeader || b[0] != expirySpace {
		return 0, nil, false
	}
	return int64(binary.BigEndian.Uint64(b[1:])), b[expiryHeader:], true
}
