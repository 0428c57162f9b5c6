package diskblob

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"regexp"
	"strconv"
)

// packName names a pack by the run of numbers that it stands for. A new pack
// has the next number. A pack that others were merged into stands for all
// numbers from their first to their last, with one generation more than any of
// them: whoever finds it with one of them knows that it has taken their place.
type packName struct {
	first, last uint32
	generation  uint32
}

// What belongs to a pack.
const (
	packSuffix  = ".pack"
	indexSuffix = ".index"
	tombsSuffix = ".tombs"
)

func (n packName) String() string {
	return fmt.Sprintf("%08x-%08x-%04x", n.first, n.last, n.generation)
}

var packPattern = regexp.MustCompile(`^([0-9a-f]{8})-([0-9a-f]{8})-([0-9a-f]{4,8})(\.pack|\.index|\.tombs)$`)

// parsePackName reads the name of a file. It reports false when it is not that
// of a pack or of what belongs to one.
func parsePackName(file string) (n packName, suffix string, ok bool) {
	m := packPattern.FindStringSubmatch(file)
	if m == nil {
		return packName{}, "", false
	}
	for i, p := range []*uint32{&n.first, &n.last, &n.generation} {
		v, err := strconv.ParseUint(m[i+1], 16, 32)
		if err != nil {
			return packName{}, "", false
		}
		*p = uint32(v)
	}
	return n, m[4], n.first <= n.last && n.String()+m[4] == file
}

// replaces reports whether n has taken the place of other.
func (n packName) replaces(other packName) bool {
	return n.first <= other.first && other.last <= n.last && n.generation > other.generation
}

// merge returns the name of a pack that takes the place of n up to last.
func (n packName) merge(others []packName) packName {
	for _, o := range others {
		n.first, n.last = min(n.first, o.first), max(n.last, o.last)
		n.generation = max(n.generation, o.generation)
	}
	n.generation++
	return n
}

func (n packName) compare(o packName) int { return cmp.Compare(n.first, o.first) }

// key returns the key of one of the pack's files.
func (n packName) key(kind fileKind) fileKey {
	k := fileKey{kind: kind}
	binary.BigEndian.PutUint32(k.id[0:], n.generation)
	binary.BigEndian.PutUint32(k.id[8:], n.first)
	binary.BigEndian.PutUint32(k.id[12:], n.last)
	return k
}
