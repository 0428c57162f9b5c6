package diskblob

import (
	"bytes"
	"slices"
	"sort"
	"sync"
	"sync/atomic"

	"github.com/holdfast-files/holdfast/services/storage/blob"
)

// shelf is the set of packs. Readers see it as it was at one moment and take no
// lock.
type shelf struct {
	mu   sync.Mutex // held to change it
	view atomic.Pointer[view]
	next uint32 // number of the next pack; 0 when there were none
}

// view is the shelf at one moment.
type view struct {
	packs []*pack // by name
	// veiled are the packs of which not all is known.
	veiled []*pack
	// recent are the packs that had no index, the newest first.
	recent []*pack
	// indexed are the others by the lowest id in them; reach is the highest id
	// in them and all before.
	indexed []indexed
	reach   []blob.ID
}

type indexed struct {
	pack        *pack
	first, last blob.ID
}

// lookup appends the places of all records of an id. There is at most one that
// is live or unsettled.
func (s *shelf) lookup(places []place, id blob.ID) ([]place, error) {
	for {
		found, err := s.view.Load().lookup(places, id)
		if err != errMoved { //nolint:errorlint // it is never wrapped
			return found, err
		}
	}
}

func (v *view) lookup(places []place, id blob.ID) ([]place, error) {
	var failure error // of a pack that perhaps does not have it
	for _, p := range v.recent {
		if places, failure = p.join(places, id, failure); failure == errMoved { //nolint:errorlint // it is never wrapped
			return places, failure
		}
	}
	// Ids grow with time, and so do the packs: hardly ever is there more than
	// one that may have it.
	i := sort.Search(len(v.indexed), func(i int) bool { return bytes.Compare(v.indexed[i].first[:], id[:]) > 0 })
	for i--; i >= 0 && bytes.Compare(id[:], v.reach[i][:]) <= 0; i-- {
		if places, failure = v.indexed[i].pack.join(places, id, failure); failure == errMoved { //nolint:errorlint // it is never wrapped
			return places, failure
		}
	}
	if failure != nil && liveOf(places) == nil {
		return places, failure
	}
	return places, nil
}

// join is lookup for one of several packs: an error of another stays, unless
// this one is errMoved.
func (p *pack) join(places []place, id blob.ID, failure error) ([]place, error) {
	places, err := p.lookup(places, id)
	if err != nil {
		failure = err
	}
	return places, failure
}

// set replaces all packs.
func (s *shelf) set(packs []*pack) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.show(packs)
}

// add begins a new pack.
func (s *shelf) add(p *pack) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.show(append(slices.Clone(s.view.Load().packs), p))
}

// refresh takes notice of packs that have got an index.
func (s *shelf) refresh() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.show(s.view.Load().packs)
}

// replace puts one pack, or none when it is nil, in the place of others.
func (s *shelf) replace(others []*pack, by *pack) {
	s.mu.Lock()
	defer s.mu.Unlock()
	packs := slices.DeleteFunc(slices.Clone(s.view.Load().packs), func(p *pack) bool {
		return slices.Contains(others, p)
	})
	if by != nil {
		packs = append(packs, by)
	}
	s.show(packs)
}

// number returns the number of the next pack.
func (s *shelf) number() uint32 {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.next++
	return s.next
}

// hold returns all packs. They stay readable until each is released.
func (s *shelf) hold() []*pack {
	s.mu.Lock()
	defer s.mu.Unlock()
	packs := s.view.Load().packs
	for _, p := range packs {
		p.listers.Add(1)
	}
	return packs
}

func (s *shelf) show(packs []*pack) {
	v := &view{packs: slices.Clone(packs)}
	slices.SortFunc(v.packs, func(a, b *pack) int { return a.name.compare(b.name) })
	for _, p := range v.packs {
		s.next = max(s.next, p.name.last)
		if p.veiled {
			v.veiled = append(v.veiled, p)
		}
		p.mu.RLock()
		x := p.index
		p.mu.RUnlock()
		switch {
		case x == nil:
			v.recent = append(v.recent, p)
		case len(x.fences) > 0:
			v.indexed = append(v.indexed, indexed{p, x.fences[0], x.last})
		}
	}
	slices.Reverse(v.recent)
	slices.SortFunc(v.indexed, func(a, b indexed) int { return bytes.Compare(a.first[:], b.first[:]) })
	for i, x := range v.indexed {
		reach := x.last
		if i > 0 && bytes.Compare(v.reach[i-1][:], reach[:]) > 0 {
			reach = v.reach[i-1]
		}
		v.reach = append(v.reach, reach)
	}
	s.view.Store(v)
}
