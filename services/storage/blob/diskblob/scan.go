package diskblob

import "math"

// scan is what the bytes of a pack tell without its index.
type scan struct {
	entries []entry // by offset
	// synced is up to where the pack is known to have been durable.
	synced int64
	// torn is the number of records whose group was never acknowledged and that
	// are not whole, so that they are no blobs.
	torn int
	// unread is the number of bytes that could not be read where no record was
	// found: there may be blobs of which nothing is known.
	unread int64
	// unsure is the number of records among the entries that may never have been
	// acknowledged, which cannot be told without reading them.
	unsure int
	// lost is the number of bytes, up to where the pack was durable, that belong
	// to no record: blobs whose very ids are damaged.
	lost int64
}

// allSynced is the place up to which a merged pack was durable: it had no name
// before it was whole.
const allSynced = math.MaxUint32

// scanPack finds the records of a pack with that nonce and size. What lies before synced was durable, as
// far as the caller knows; each record says this about those before it. There,
// a record that is damaged is a blob that is damaged. Behind it, a record that
// is not whole was never acknowledged.
//
// Where no record is, scanPack looks for the next one. It finds any, whatever
// is damaged before it. What cannot be read it passes over.
func scanPack(f File, nonce uint64, size, synced int64) (*scan, error) {
	r := &scanner{file: f, size: size}
	s := &scan{}
	type found struct {
		head
		headLost bool
	}
	var records []found
	var gaps [][2]int64
	end := int64(0) // of the last record
	for at := int64(0); at+headSize <= size; {
		h, ok, err := r.head(at)
		if err != nil {
			return nil, err
		}
		headLost := ok && int64(h.offset) != at
		if !ok || h.nonce != nonce || headLost && (int64(h.offset) < end || h.end() != at+headSize) {
			at += headSize
			continue
		}
		if int64(h.offset) > end {
			gaps = append(gaps, [2]int64{end, int64(h.offset)})
		}
		records = append(records, found{h, headLost})
		end = h.end()
		if h.synced == allSynced {
			synced = size
		}
		synced = max(synced, min(int64(h.synced), size))
		at = end
	}
	if end < size {
		gaps = append(gaps, [2]int64{end, size})
	}
	s.synced = synced
	for _, g := range gaps {
		if unread := r.unread(g[0], g[1]); unread > 0 {
			s.unread += unread
			continue
		}
		s.lost += max(0, min(g[1], synced)-g[0])
	}
	for i := range records {
		h := &records[i]
		if h.kind != kindBlob {
			continue
		}
		if int64(h.offset) >= synced {
			whole, err := r.whole(&h.head)
			if err != nil {
				return nil, err
			}
			if r.unread(int64(h.offset), h.end()) > 0 {
				s.unsure++
			} else if !whole || h.headLost {
				s.torn++
				continue
			}
		}
		s.entries = append(s.entries, h.entry())
	}
	return s, nil
}

// whole reports whether all was seen that the pack holds.
func (s *scan) whole() bool { return s.unread == 0 && s.unsure == 0 }

// scanner reads a pack from its beginning to its end.
type scanner struct {
	file   File
	size   int64
	window []byte
	at     int64              // where the window begins
	holes  map[int64]struct{} // pages that cannot be read, by their place
}

// head reads the head at a place.
func (r *scanner) head(at int64) (h head, ok bool, err error) {
	b, err := r.bytes(at, headSize)
	if err != nil {
		return head{}, false, err
	}
	h, ok = parseHead(b)
	return h, ok, nil
}

// whole reports whether a record is all there.
func (r *scanner) whole(h *head) (bool, error) {
	if h.end() > r.size {
		return false, nil
	}
	b, err := r.bytes(int64(h.offset), headSize+int64(h.length))
	if err != nil {
		return false, err
	}
	e := h.entry()
	return e.check(b) == nil, nil
}

// bytes returns n bytes, which lie within the pack.
func (r *scanner) bytes(at, n int64) ([]byte, error) {
	if at < r.at || at+n > r.at+int64(len(r.window)) {
		const ahead = 1 << 20
		if r.window == nil {
			r.window = make([]byte, ahead)
		}
		r.at, r.window = at, r.window[:min(ahead, r.size-at)]
		if err := readPages(r.file, r.window, at, r.hole); err != nil {
			r.window = r.window[:0]
			return nil, err
		}
	}
	return r.window[at-r.at:][:n], nil
}

func (r *scanner) hole(at int64) {
	if r.holes == nil {
		r.holes = make(map[int64]struct{})
	}
	r.holes[at/mediumPage] = struct{}{}
}

// unread returns how many bytes of a range, which was looked at, could not be
// read.
func (r *scanner) unread(from, to int64) (n int64) {
	for page := range r.holes {
		n += max(0, min(to, (page+1)*mediumPage)-max(from, page*mediumPage))
	}
	return n
}
