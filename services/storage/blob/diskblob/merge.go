package diskblob

import (
	"context"
	"errors"
	"time"

	"github.com/holdfast-files/holdfast/internal/fault"
	errorsv1 "github.com/holdfast-files/holdfast/proto/holdfast/errors/v1"
)

// merge puts one pack in the place of several, without the blobs that are
// deleted. At every moment, also after a crash, exactly one of the old and the
// new counts:
//
//  1. What is live is copied into a file without a name, and synced.
//  2. From here to the end no tomb is written for the old packs. What was
//     deleted since it was copied is made void, and synced.
//  3. The file gets its name, which says whose place it takes. From the sync of
//     the directory on, the old packs no longer count.
//  4. They are removed, later when somebody is listing them, and with them
//     their tombs.
func (k *keeper) merge(ctx context.Context, run []*pack) (err error) {
	m := &merger{store: k.store, packs: run, name: mergedPackName(run), started: time.Now()}
	path := k.store.dir.incoming(m.name.String() + packSuffix)
	m.file, err = k.store.fs.Create(path)
	if err != nil {
		return translate(err)
	}
	defer func() {
		err = errors.Join(err, m.file.Close())
		if !m.named {
			_ = k.store.fs.Remove(path) // or at the next start
			_ = k.store.fs.Remove(k.store.dir.pack(m.name, indexSuffix))
		}
	}()
	for _, p := range run {
		if err := m.copy(ctx, p); err != nil {
			return err
		}
	}
	if err := m.file.Sync(SyncMergedData); err != nil {
		return translate(err)
	}
	for _, p := range run {
		p.tombs.group.turn.Lock()
		defer p.tombs.group.turn.Unlock()
	}
	entries, err := m.settle()
	if err != nil {
		return err
	}
	merged, err := m.publish(path, entries)
	if err != nil {
		return err
	}
	k.store.shelf.replace(run, merged)
	for _, p := range run {
		p.tombs.closed = errMoved
		p.gone.Store(true)
	}
	k.dying = append(k.dying, run...)
	return nil
}

// merger writes a merged pack.
type merger struct {
	store   *Store
	packs   []*pack
	name    packName
	started time.Time
	stream
	sources []*index // of the packs
	moved   []moved
	// named is set when the file is no longer in incoming.
	named bool
}

// moved is a blob in the merged pack, and where it comes from.
type moved struct {
	entry
	sum     uint32
	from    *index
	ordinal int
}

// copy appends the live blobs of a pack.
func (m *merger) copy(ctx context.Context, p *pack) error {
	p.mu.RLock()
	x := p.index
	p.mu.RUnlock()
	first := len(m.moved)
	m.sources = append(m.sources, x)
	err := x.each(func(ordinal int, e entry) {
		if !x.dead.has(ordinal) {
			m.moved = append(m.moved, moved{entry: e, from: x, ordinal: ordinal})
		}
	})
	if err != nil {
		return errors.Join(errChanged, p.repair(x, err)) // another time
	}
	for i := first; i < len(m.moved); i++ {
		if err := m.copyBlob(p, &m.moved[i]); err != nil {
			return err
		}
		if err := m.pace(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (m *merger) copyBlob(p *pack, b *moved) error {
	buffer, err := (&place{pack: p, entry: b.entry}).load()
	if errors.Is(err, fault.DataLoss) {
		p.pinned.Store(true)
	}
	if err != nil {
		return err
	}
	defer giveBuffer(buffer)
	h, _ := parseHead(*buffer)
	b.offset, b.sum = uint32(m.written), h.sum
	h = m.head(b, kindBlob)
	return translate(m.append(h.wrap(*buffer)))
}

func (m *merger) head(b *moved, kind uint32) head {
	return head{
		kind: kind, nonce: m.name.nonce, id: b.id, offset: b.offset, synced: allSynced,
		length: b.length, sum: b.sum, created: b.created,
	}
}

// pace waits when more was copied than the store's rate allows.
func (m *merger) pace(ctx context.Context) error {
	due := time.Duration(float64(m.written) / float64(m.store.mergeRate) * float64(time.Second))
	ahead := due - time.Since(m.started)
	if ahead < 10*time.Millisecond {
		return ctx.Err()
	}
	timer := time.NewTimer(ahead)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

var errChanged = fault.New(errorsv1.Reason_REASON_UNAVAILABLE, "an index was made anew meanwhile")

// settle makes void what was deleted since it was copied, and returns the rest
// in the order of an index. The caller has the turn of all tombs.
func (m *merger) settle() ([]entry, error) {
	for i, p := range m.packs {
		p.mu.RLock()
		x := p.index
		p.mu.RUnlock()
		if x != m.sources[i] {
			return nil, errChanged
		}
	}
	var entries []entry
	for i := range m.moved {
		b := &m.moved[i]
		if !b.from.dead.has(b.ordinal) {
			entries = append(entries, b.entry)
			continue
		}
		var bytes [headSize]byte
		h := m.head(b, kindVoid)
		h.put(bytes[:])
		for _, at := range []int64{int64(b.offset), b.end() - headSize} {
			if _, err := m.file.WriteAt(bytes[:], at); err != nil {
				return nil, translate(err)
			}
		}
	}
	if len(entries) < len(m.moved) {
		if err := m.file.Sync(SyncMergedVoid); err != nil {
			return nil, translate(err)
		}
	}
	sortEntries(entries)
	return entries, nil
}

// bury writes all tombs of the packs once more, from which nothing is left. A
// tomb that was found may not be durable, and soon nobody knows of the blob.
func (m *merger) bury() error {
	for i, p := range m.packs {
		var entries []entry
		err := m.sources[i].each(func(_ int, e entry) { entries = append(entries, e) })
		if err == nil {
			err = p.tombs.write(entries)
		}
		if err != nil {
			return translate(err)
		}
	}
	return nil
}

// publish makes the pack known to the next start. It returns nil when there is
// nothing left to put into one.
func (m *merger) publish(path string, entries []entry) (*pack, error) {
	if len(entries) == 0 {
		return nil, m.bury()
	}
	p := newPack(m.store, m.name)
	p.retire(m.written, false)
	x, err := p.writeIndex(entries)
	if err != nil {
		return nil, err
	}
	p.index = x
	if err := m.store.fs.Rename(path, m.store.dir.pack(m.name, packSuffix)); err != nil {
		return nil, translate(err)
	}
	m.named = true
	if err := m.store.dir.syncPacks(SyncMergedName); err != nil {
		// Whether the new pack counts is for the next start to see. Until then
		// the old ones are read, and nothing in them can be deleted.
		for _, p := range m.packs {
			p.pinned.Store(true)
			p.tombs.closed = fault.Wrap(err, errorsv1.Reason_REASON_UNAVAILABLE,
				"blobs cannot be deleted until the service was restarted")
		}
		return nil, translate(err)
	}
	return p, nil
}
