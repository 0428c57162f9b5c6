package diskblob

import (
	"errors"
	"time"
)

// maxBatchBytes bounds the records that are made durable by one sync.
const maxBatchBytes = 8 << 20

// writer appends records to the newest pack. All that wait are written and
// synced together.
type writer struct {
	store *Store
	group group[*record]

	// The rest belongs to who has the group's turn.
	pack  *pack // nil when there is none that can be appended to
	file  File
	size  int64 // bytes, all of them durable
	count int   // records
}

// record is a blob on its way into a pack. Its data stands in buffer behind
// room for the head, and room for the rest of the record is behind it.
type record struct {
	head
	buffer []byte
}

func (w *writer) init(s *Store) {
	w.store = s
	w.group = group[*record]{
		flush: w.write,
		weigh: func(r *record) int64 { return recordSize(r.length) },
		limit: maxBatchBytes,
	}
}

// commit makes a record durable and known. When it fails the blob is not there,
// and will not be after a restart, unless it is left unsettled.
func (w *writer) commit(r *record) error { return w.group.commit(r) }

func (w *writer) write(batch []*record) error {
	var size int64
	for _, r := range batch {
		size += recordSize(r.length)
	}
	full := w.size > 0 && w.size+size > w.store.packBytes || w.count+len(batch) > maxPackEntries
	if w.pack != nil && full {
		w.retire(false)
	}
	if w.pack == nil {
		if err := w.begin(); err != nil {
			return err
		}
	}
	return w.append(batch)
}

// begin makes a new pack, whose name is durable before anything is in it.
func (w *writer) begin() error {
	s := w.store
	p := newPack(s, newPackName(s.shelf.number()))
	p.recent = newRecent()
	path := s.dir.pack(p.name, packSuffix)
	file, err := s.fs.Create(path)
	if err != nil {
		return err
	}
	if err := s.dir.syncPacks(SyncPackName); err != nil {
		// An empty pack is removed at the next start, if not now.
		return errors.Join(err, file.Close(), s.fs.Remove(path))
	}
	w.pack, w.file, w.size, w.count = p, file, 0, 0
	s.shelf.add(p)
	return nil
}

func (w *writer) append(batch []*record) error {
	now := time.Now().UnixMilli()
	entries := make([]entry, len(batch))
	at := w.size
	var err error
	for i, r := range batch {
		r.nonce, r.offset, r.synced, r.created = w.pack.name.nonce, uint32(at), uint32(w.size), now
		entries[i] = r.entry()
		b := r.wrap(r.buffer)
		if err == nil {
			_, err = w.file.WriteAt(b, at)
		}
		at += int64(len(b))
	}
	if err != nil {
		return w.undo(entries, err, false)
	}
	if err := w.file.Sync(SyncPackData); err != nil {
		return w.undo(entries, err, true)
	}
	w.pack.add(entries, live)
	w.size = at
	w.count += len(batch)
	return nil
}

// undo takes back what a group that failed may have left in the pack. Where
// that cannot be done its records are unsettled: no blobs, but known, so that
// to delete them keeps them from being found at the next start.
//
// After a sync that failed nobody knows what the system still has to write, so
// that pack gets no more.
func (w *writer) undo(entries []entry, cause error, distrust bool) error {
	w.pack.add(entries, unsettled)
	err := w.file.Truncate(w.size)
	if err == nil {
		err = w.file.Sync(SyncPackSettled)
	}
	if err == nil {
		w.pack.settled(len(entries))
	}
	if err != nil || distrust {
		w.retire(err != nil)
	}
	return errors.Join(cause, err)
}

// retire ends the writing of the pack.
func (w *writer) retire(stuck bool) {
	w.pack.retire(w.size, stuck)
	_ = w.file.Close() // all that counts is synced
	w.pack = nil
	w.store.keeper.wake()
}

// close retires the pack.
func (w *writer) close() {
	w.group.turn.Lock()
	defer w.group.turn.Unlock()
	if w.pack != nil {
		w.retire(false)
	}
}
