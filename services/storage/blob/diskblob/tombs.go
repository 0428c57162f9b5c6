package diskblob

import (
	"encoding/binary"
	"errors"
	"io/fs"
	"slices"

	"github.com/holdfast-files/holdfast/services/storage/blob"
)

// The tombs of a pack tell which of its blobs are deleted. They are a file of
// records of 32 bytes, so that none straddles a sector:
//
//	id 16 | nonce of the pack 8 | offset in the pack 4 | crc32c 4
//
// A record that is damaged belongs to a deletion that was never acknowledged;
// otherwise it is a blob that comes back without anybody knowing its id, which
// is what the sweeper is for.
const tombBytes = 32

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

// load reads the file.
func (t *tombs) load() ([]entry, error) {
	f, err := t.pack.store.fs.Open(t.path())
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	size, err := f.Size()
	b := make([]byte, size)
	if err == nil {
		err = readFull(f, b, 0)
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return nil, err
	}
	t.size = (size + tombBytes - 1) / tombBytes * tombBytes
	return parseTombs(b, t.pack.name.nonce), nil
}

func (t *tombs) path() string { return t.pack.store.dir.pack(t.pack.name, tombsSuffix) }
