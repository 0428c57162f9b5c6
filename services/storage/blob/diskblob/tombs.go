package diskblob

import (
	"encoding/binary"
	"errors"
	"io/fs"
	"log/slog"
	"math"
	"slices"

	"github.com/holdfast-files/holdfast/internal/fault"
	errorsv1 "github.com/holdfast-files/holdfast/proto/holdfast/errors/v1"
	"github.com/holdfast-files/holdfast/services/storage/blob"
)

// The tombs of a pack tell which of its blobs are deleted. They are a file of
// records of 32 bytes, so that none straddles a sector:
//
//	id 16 | nonce of the pack 8 | offset in the pack 4 | crc32c 4
//
// A record that is damaged belongs to a deletion that was never acknowledged;
// otherwise it is a blob that comes back without anybody knowing its id, which
// is what fsck is for.
const tombBytes = 32

// anywhere is the offset in the tomb of a blob that was not found while a part
// of the pack was unreadable. Should it be there, it is deleted.
const anywhere = math.MaxUint32

func putTomb(b []byte, nonce uint64, e entry) {
	copy(b[:16], e.id[:])
	binary.LittleEndian.PutUint64(b[16:], nonce)
	binary.LittleEndian.PutUint32(b[24:], e.offset)
	binary.LittleEndian.PutUint32(b[28:], checksum(b[:28]))
}

// parseTombs returns the entries that are deleted, ordered by id. Only their
// ids and offsets are known.
func parseTombs(b []byte, nonce uint64) []entry {
	var entries []entry
	for t := range slices.Chunk(b, tombBytes) {
		if len(t) == tombBytes && binary.LittleEndian.Uint32(t[28:]) == checksum(t[:28]) &&
			binary.LittleEndian.Uint64(t[16:]) == nonce {
			entries = append(entries, entry{id: blob.ID(t[:16]), offset: binary.LittleEndian.Uint32(t[24:])})
		}
	}
	sortEntries(entries)
	return entries
}

// tombs writes the tombs of a pack. All that wait are written and synced
// together.
type tombs struct {
	pack *pack
	// group's turn is held by whoever puts another pack in the place of this
	// one.
	group group[entry]

	// The rest belongs to who has the turn.
	size  int64 // bytes of the file
	named bool  // the file's name is known to be durable
	// closed, when set, is why no more can be written.
	closed error
}

func (t *tombs) init(p *pack) {
	t.pack = p
	t.group.flush = t.write
}

// commit makes durable that a record is deleted. It does so also when the
// record was found deleted already: the process that did it may have died
// before it had synced.
func (t *tombs) commit(e entry) error { return t.group.commit(e) }

func (t *tombs) write(batch []entry) error {
	if t.closed != nil {
		return t.closed
	}
	p := t.pack
	b := make([]byte, len(batch)*tombBytes)
	for i, e := range batch {
		putTomb(b[i*tombBytes:], p.name.nonce, e)
	}
	f, err := p.store.fs.OpenWrite(t.path())
	if err != nil {
		return err
	}
	if _, err = f.WriteAt(b, t.size); err == nil {
		err = f.Sync(SyncTombs)
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	if !t.named {
		if err := p.store.dir.syncPacks(SyncTombsName); err != nil {
			return err
		}
		t.named = true
	}
	t.size += int64(len(b))
	sortEntries(batch)
	return p.bury(batch)
}

// load reads the file. When not all of it can be read, what was deleted there
// is back until a start that can: as blobs without a record. So the pack is not
// merged, which would leave the tombs behind, and what is deleted now does not
// touch what is unreadable.
func (t *tombs) load() ([]entry, error) {
	f, err := t.pack.store.fs.Open(t.path())
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, t.lose(err)
	}
	size, err := f.Size()
	b := make([]byte, size)
	lost := 0
	if err == nil {
		err = readPages(f, b, 0, func(int64) { lost++ })
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return nil, t.lose(err)
	}
	unit := int64(tombBytes)
	if lost > 0 {
		unit = mediumPage
		t.pack.pinned.Store(true)
		t.pack.store.log.Error("tombs of a pack are unreadable; what was deleted may be back",
			slog.String("pack", t.pack.name.String()), slog.Int("lost_pages", lost))
	}
	t.size = (size + unit - 1) / unit * unit
	return parseTombs(b, t.pack.name.nonce), nil
}

// lose takes note that the file itself cannot be opened: when it can again, no
// tomb may be written over another.
func (t *tombs) lose(err error) error {
	if !unreadable(err) {
		return err
	}
	t.pack.pinned.Store(true)
	t.closed = fault.Wrap(err, errorsv1.Reason_REASON_UNAVAILABLE,
		"blobs of pack %s cannot be deleted until the service was restarted", t.pack.name)
	t.pack.store.log.Error("tombs of a pack are unreadable; what was deleted is back, and nothing can be deleted",
		slog.String("pack", t.pack.name.String()), slog.Any("error", err))
	return nil
}

func (t *tombs) path() string { return t.pack.store.dir.pack(t.pack.name, tombsSuffix) }
