package powerfs

import (
	"maps"
	"math/rand/v2"
	"slices"
)

const sectorBytes = 512

// node is a file, or a directory when names is not nil. Each has a state that
// processes see, a state that is durable, and what lies between.
type node struct {
	data    []byte
	stable  []byte
	writes  []write
	changed int        // when it was, in changes of the disk
	damaged [][2]int64 // from and up to, in bytes

	names       map[string]*node
	stableNames map[string]*node
	// renames are the nodes that a name has had since it was durable, nil for
	// none.
	renames map[string][]*node
}

// write is a write, or a change of the length when data is nil.
type write struct {
	offset int64
	data   []byte
}

func newDir() *node {
	return &node{
		names: make(map[string]*node), stableNames: make(map[string]*node), renames: make(map[string][]*node),
	}
}

func (n *node) set(name string, child *node) {
	if child == nil {
		delete(n.names, name)
	} else {
		n.names[name] = child
	}
	n.renames[name] = append(n.renames[name], child)
}

func (n *node) syncNames() {
	n.stableNames = maps.Clone(n.names)
	clear(n.renames)
}

// loseNames takes each name back to a node that it has had since it was
// durable.
func (n *node) loseNames(rng *rand.Rand, keep float64) {
	for _, name := range slices.Sorted(maps.Keys(n.renames)) {
		had := n.renames[name]
		kept := 0
		for kept < len(had) && rng.Float64() < keep {
			kept++
		}
		switch {
		case kept == 0:
		case had[kept-1] == nil:
			delete(n.stableNames, name)
		default:
			n.stableNames[name] = had[kept-1]
		}
	}
	n.names = maps.Clone(n.stableNames)
	clear(n.renames)
}

func (n *node) write(b []byte, offset int64) {
	n.writes = append(n.writes, write{offset, slices.Clone(b)})
	n.data = apply(n.data, b, offset)
}

func (n *node) truncate(size int64) {
	n.writes = append(n.writes, write{offset: size})
	n.data = resize(n.data, size)
}

func (n *node) syncContents() {
	for _, w := range n.writes {
		if w.data == nil {
			n.stable = resize(n.stable, w.offset)
		} else {
			n.stable = apply(n.stable, w.data, w.offset)
		}
	}
	n.writes = nil
}

// forget is what a failed sync does: the system takes for written what is not.
func (n *node) forget(rng *rand.Rand) {
	data := n.data
	n.loseContents(rng, 0.5)
	n.data = data
}

// loseContents carries out some of what is not durable: sectors of writes, and
// changes of the length.
func (n *node) loseContents(rng *rand.Rand, keep float64) {
	for _, w := range n.writes {
		if w.data == nil {
			if rng.Float64() < keep {
				n.stable = resize(n.stable, w.offset)
			}
			continue
		}
		if end := w.offset + int64(len(w.data)); end > int64(len(n.stable)) && rng.Float64() < keep {
			n.stable = resize(n.stable, end)
		}
		for from := int64(0); from < int64(len(w.data)); {
			to := min(int64(len(w.data)), (w.offset+from)/sectorBytes*sectorBytes+sectorBytes-w.offset)
			if rng.Float64() < keep {
				n.stable = apply(n.stable, w.data[from:to], w.offset+from)
			}
			from = to
		}
	}
	n.writes = nil
	n.data = slices.Clone(n.stable)
}

func apply(file, b []byte, offset int64) []byte {
	if end := offset + int64(len(b)); end > int64(len(file)) {
		file = resize(file, end)
	}
	copy(file[offset:], b)
	return file
}

func resize(file []byte, size int64) []byte {
	if size <= int64(len(file)) {
		return file[:size:size]
	}
	return append(file, make([]byte, size-int64(len(file)))...)
}
