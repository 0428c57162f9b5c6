package diskblob

// burden is what merging looks at.
type burden struct {
	live, dead int64 // bytes
	blobs      int64
	blocked    bool // must stay as it is
}

// chooseRun returns the packs, from up to and without to, that should become
// one; from equals to when there are none. Packs are given in the order of
// their names, and only neighbours are merged, as a merged pack stands for all
// numbers between its first and its last.
//
// A pack is written anew when half of it is dead, so a byte that stays is
// written at most once for each that goes. Neighbours are put together when
// none of them is larger than the rest together, so each time a byte is moved
// it is into a pack of at least twice the size.
func chooseRun(packs []burden, limit int64) (from, to int) {
	for from := range packs {
		var live, blobs, largest int64
		best := from
		for to := from; to < len(packs) && !packs[to].blocked; to++ {
			p := packs[to]
			live += p.live
			blobs += p.blobs
			largest = max(largest, p.live)
			if to > from && (live > limit || blobs > maxPackEntries) {
				break
			}
			if to == from && p.dead >= p.live && p.dead > 0 || to > from && 2*largest <= live {
				best = to + 1
			}
		}
		if best > from {
			return from, best
		}
	}
	return 0, 0
}

// burdens describes the packs of the shelf. Some are not to be merged.
func (k *keeper) burdens(packs []*pack, without map[*pack]bool) []burden {
	burdens := make([]burden, len(packs))
	for i, p := range packs {
		p.mu.RLock()
		x := p.index
		p.mu.RUnlock()
		b := &burdens[i]
		if b.blocked = x == nil || p.pinned.Load() || without[p] || k.awaits(p); b.blocked {
			continue
		}
		b.dead = x.deadBytes.Load()
		b.blobs = int64(x.count) - x.deadCount.Load()
		if b.live = x.size - b.dead; b.blobs == 0 {
			b.live = 0
		}
	}
	return burdens
}

// awaits reports whether p has taken the place of a pack that is still there.
// Until that is gone for good p must stay, or it would come back.
func (k *keeper) awaits(p *pack) bool {
	for _, old := range k.dying {
		if p.name.replaces(old.name) {
			return true
		}
	}
	return false
}
