package diskblob

import (
	"cmp"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"strings"
)

// packName names a pack by the run of numbers that it stands for. A new pack
// has the next number. A pack that others were merged into stands for all
// numbers from their first to their last, with one generation more than any of
// them: whoever finds it with one of them knows that it has taken their place.
type packName struct {
	first, last uint32
	generation  uint32
	// nonce is random. It stands in everything that belongs to the pack, so that
	// nothing else can pass for it, by accident or because a user has stored it.
	nonce uint64
}

// What belongs to a pack.
const (
	packSuffix  = ".pack"
	indexSuffix = ".index"
	tombsSuffix = ".tombs"
)

func (n packName) String() string {
	return fmt.Sprintf("%08x-%08x-%08x-%016x", n.first, n.last, n.generation, n.nonce)
}

// parsePackName reads the name of a file. It reports false when it is not that
// of a pack or of what belongs to one.
func parsePackName(file string) (n packName, suffix string, ok bool) {
	base, extension, _ := strings.Cut(file, ".")
	if _, err := fmt.Sscanf(base, "%x-%x-%x-%x", &n.first, &n.last, &n.generation, &n.nonce); err != nil {
		return packName{}, "", false
	}
	suffix = "." + extension
	known := suffix == packSuffix || suffix == indexSuffix || suffix == tombsSuffix
	return n, suffix, known && n.first <= n.last && n.String()+suffix == file
}

// replaces reports whether n has taken the place of other.
func (n packName) replaces(other packName) bool {
	return n.first <= other.first && other.last <= n.last && n.generation > other.generation
}

// newPackName returns the name of a new pack.
func newPackName(number uint32) packName {
	return packName{first: number, last: number, nonce: random()}
}

// mergedPackName returns the name of a pack that takes the place of others.
func mergedPackName(others []*pack) packName {
	n := packName{first: others[0].name.first, nonce: random()}
	for _, o := range others {
		n.first, n.last = min(n.first, o.name.first), max(n.last, o.name.last)
		n.generation = max(n.generation, o.name.generation+1)
	}
	return n
}

func random() uint64 {
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails
	return binary.LittleEndian.Uint64(b[:])
}

func (n packName) compare(o packName) int { return cmp.Compare(n.first, o.first) }

// key returns the key of one of the pack's files.
func (n packName) key(kind fileKind) fileKey {
	k := fileKey{kind: kind}
	binary.LittleEndian.PutUint32(k.id[0:], n.first)
	binary.LittleEndian.PutUint32(k.id[4:], n.last)
	binary.LittleEndian.PutUint64(k.id[8:], n.nonce)
	return k
}
