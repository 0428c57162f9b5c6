package diskblob

import (
	"errors"
	"io/fs"
	"log/slog"
	"math"
	"slices"
	"time"

	"github.com/holdfast-files/holdfast/internal/fault"
	errorsv1 "github.com/holdfast-files/holdfast/proto/holdfast/errors/v1"
)

// loadPacks puts the packs of the directory on the shelf, without those whose
// place others have taken.
func (s *Store) loadPacks() error {
	// The process before may have died between a change and its sync. What is
	// seen here must stay as it is before anything is concluded from it.
	if err := s.dir.syncPacks(SyncPacksFound); err != nil {
		return err
	}
	files, err := s.fs.ReadDir(s.dir.packs())
	if err != nil {
		return err
	}
	found := make(map[packName][]string) // suffixes
	var names []packName
	for _, file := range files {
		n, suffix, ok := parsePackName(file)
		if !ok {
			continue
		}
		found[n] = append(found[n], suffix)
		if suffix == packSuffix {
			names = append(names, n)
		}
	}
	slices.SortFunc(names, packName.compare)
	replaced := func(n packName) bool {
		return slices.ContainsFunc(names, func(o packName) bool { return o.replaces(n) })
	}
	for _, n := range names {
		if replaced(n) {
			if err := s.removePack(newPack(s, n)); err != nil {
				return err
			}
		}
	}
	var packs []*pack
	for _, n := range names {
		if replaced(n) {
			continue
		}
		p := newPack(s, n)
		loaded, err := p.load()
		if err != nil {
			return err
		}
		if loaded {
			packs = append(packs, p)
		}
	}
	for n, suffixes := range found {
		if slices.Contains(suffixes, packSuffix) {
			continue
		}
		for _, suffix := range suffixes {
			if err := s.fs.Remove(s.dir.pack(n, suffix)); err != nil {
				return err
			}
		}
	}
	s.shelf.set(packs)
	return nil
}

// removePack removes a pack that is empty, or whose place another has taken.
// Its tombs go after the pack is gone for good: else it could come back without
// them.
func (s *Store) removePack(p *pack) error {
	if err := s.fs.Remove(s.dir.pack(p.name, packSuffix)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return translate(err)
	}
	s.files.drop(p.name.key(kindPack))
	if err := s.dir.syncPacks(SyncPackGone); err != nil {
		return translate(err)
	}
	for _, suffix := range []string{indexSuffix, tombsSuffix} {
		if err := s.fs.Remove(s.dir.pack(p.name, suffix)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return translate(err)
		}
	}
	s.files.drop(p.name.key(kindIndex))
	return nil
}

// load opens the pack: by its index, or when it has none by its records. It
// reports false when the pack holds nothing; then it is removed.
func (p *pack) load() (bool, error) {
	x, err := p.openIndex()
	if errors.Is(err, fs.ErrNotExist) {
		return p.recover(err, 0)
	}
	if errors.Is(err, errIndex) {
		return p.recover(err, math.MaxInt64) // a pack that got an index was durable
	}
	if err != nil {
		return false, err
	}
	buried, err := p.tombs.load()
	if err != nil {
		return false, err
	}
	if err = x.bury(buried); errors.Is(err, errIndex) {
		return p.recover(err, x.size)
	}
	p.index, p.size, p.retired = x, x.size, true
	return true, err
}

// openIndex opens the index of the pack. The error is errIndex when it is
// damaged or cannot be read.
func (p *pack) openIndex() (*index, error) {
	f, err := p.store.fs.Open(p.store.dir.pack(p.name, indexSuffix))
	if unreadable(err) {
		err = errIndex
	}
	if err != nil {
		return nil, err
	}
	x, err := parseIndex(f)
	if err == nil && x.nonce != p.name.nonce {
		err = errIndex
	}
	if errors.Is(err, errShort) || unreadable(err) {
		err = errIndex
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return nil, err
	}
	x.pack = p
	return x, nil
}

// recover makes the pack out of its records, as it has no index. It was durable
// up to synced or more.
//
// A pack of which not all can be read stays as it is, without an index, which
// would promise that there is no more in it, and so without being merged: until
// a start that can read it.
func (p *pack) recover(cause error, synced int64) (bool, error) {
	log := p.store.log.With(slog.String("pack", p.name.String()))
	if errors.Is(cause, fs.ErrNotExist) {
		log.Info("pack was not closed; reading all of it")
	} else {
		log.Error("index of a pack is damaged; reading all of the pack")
	}
	found, size, err := p.scan(synced)
	if err != nil {
		return false, err
	}
	if len(found.entries) == 0 && found.whole() {
		return false, p.giveUp(size)
	}
	p.recent = newRecent()
	p.add(found.entries, live)
	p.retire(size, !found.whole())
	p.veiled = found.unread > 0
	buried, err := p.tombs.load()
	if err != nil {
		return false, err
	}
	for _, e := range buried {
		p.recent.bury(e)
	}
	if p.stuck {
		log.Error("pack cannot be read as a whole; it stays as it is",
			slog.Int64("unread_bytes", found.unread), slog.Int("unsure_blobs", found.unsure))
		return true, nil
	}
	// Without room for an index the pack works as it is.
	if err := p.seal(); err != nil {
		log.Warn("index of a pack cannot be written; trying again later", slog.Any("error", err))
	}
	return true, nil
}

// giveUp removes a pack in which no blob is.
func (p *pack) giveUp(size int64) error {
	if size <= maxBatchBytes {
		// No more than what its first group may have left behind.
		return p.store.removePack(p)
	}
	p.store.log.Error("pack holds no readable blob; set aside", slog.String("pack", p.name.String()))
	path := p.store.dir.pack(p.name, packSuffix)
	return p.store.fs.Rename(path, path+".unreadable")
}

// scan reads the whole pack, which was durable up to synced or more. What it
// finds is durable when it returns.
func (p *pack) scan(synced int64) (found *scan, size int64, err error) {
	f, err := p.store.fs.OpenWrite(p.store.dir.pack(p.name, packSuffix))
	if unreadable(err) {
		return &scan{unread: p.store.packBytes}, 0, nil
	}
	if err != nil {
		return nil, 0, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if size, err = f.Size(); err != nil {
		return nil, 0, err
	}
	if found, err = scanPack(f, p.name.nonce, size, min(synced, size)); err != nil {
		return nil, 0, err
	}
	if found.lost > 0 {
		p.store.log.Error("pack has bytes that belong to no blob; what was there is lost",
			slog.String("pack", p.name.String()), slog.Int64("lost_bytes", found.lost))
	}
	// When a sync has failed before the process died, the system may take for
	// written what the disk does not have.
	if err := rewrite(f, found.synced, size); err != nil {
		return nil, 0, err
	}
	return found, size, f.Sync(SyncPackRecovered)
}

// errIndexLost tells that the index of the pack cannot be made anew.
func (p *pack) errIndexLost(cause error) error {
	return fault.Wrap(cause, errorsv1.Reason_REASON_DATA_LOSS,
		"pack %s cannot be read as a whole, and its index is damaged", p.name)
}

// repair makes a new index when x, that of the pack, has turned out to be
// damaged. When not all of the pack can be read, what is left of x stays: the
// rest may be readable again.
func (p *pack) repair(x *index, cause error) error {
	if !errors.Is(cause, errIndex) {
		return translate(cause)
	}
	// No tomb is written meanwhile.
	p.tombs.group.turn.Lock()
	defer p.tombs.group.turn.Unlock()
	p.mu.RLock()
	repaired := p.index != x
	p.mu.RUnlock()
	if repaired {
		return nil
	}
	if time.Since(p.tried) < keepInterval {
		return p.unrepaired
	}
	p.store.log.Error("index of a pack is damaged; reading all of the pack", slog.String("pack", p.name.String()))
	fresh, err := p.remake(x, cause)
	if err != nil {
		p.tried, p.unrepaired = time.Now(), err
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.index = fresh
	return nil
}

// remake makes the index of the pack anew.
func (p *pack) remake(x *index, cause error) (*index, error) {
	found, _, err := p.scan(x.size)
	if err != nil {
		return nil, translate(err)
	}
	if !found.whole() {
		p.pinned.Store(true)
		return nil, p.errIndexLost(cause)
	}
	sortEntries(found.entries)
	fresh, err := p.writeIndex(found.entries)
	if err != nil {
		return nil, err
	}
	buried, err := p.tombs.load()
	if err == nil {
		err = fresh.bury(buried)
	}
	if err != nil {
		return nil, translate(err)
	}
	return fresh, nil
}
