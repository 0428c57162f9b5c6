package diskblob

import (
	"bytes"
	"encoding/binary"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"
)

// The parsers of what is on disk see whatever a disk makes of it.

// image is a file that is only read.
type image struct {
	File
	data []byte
}

func (i image) ReadAt(b []byte, at int64) (int, error) { return bytes.NewReader(i.data).ReadAt(b, at) }
func (i image) Size() (int64, error)                   { return int64(len(i.data)), nil }

const fuzzNonce = 7

// packOf returns the bytes of a pack with blobs of these contents.
func packOf(contents ...string) (pack []byte, entries []entry) {
	for _, text := range contents {
		h := head{
			kind: kindBlob, nonce: fuzzNonce, id: uuid.Must(uuid.NewV7()), offset: uint32(len(pack)),
			synced: uint32(len(pack)), length: uint32(len(text)), sum: checksum([]byte(text)),
		}
		buffer := make([]byte, recordSize(h.length))
		copy(buffer[headSize:], text)
		entries = append(entries, h.entry())
		pack = append(pack, h.wrap(buffer)...)
	}
	return pack, entries
}

func FuzzParseHead(f *testing.F) {
	pack, _ := packOf("contents")
	f.Add(pack)
	f.Add(pack[:headSize])
	f.Fuzz(func(t *testing.T, b []byte) {
		h, ok := parseHead(b)
		if !ok {
			return
		}
		var again [headSize]byte
		h.put(again[:])
		if other, ok := parseHead(again[:]); !ok || other != h {
			t.Errorf("%+v reads again as %+v, %v", h, other, ok)
		}
		if h.end() <= int64(h.offset) || recordSize(h.length)%headSize != 0 {
			t.Errorf("a record from %d to %d", h.offset, h.end())
		}
	})
}

// FuzzScanPack damages a pack at one place: whatever lies elsewhere is found,
// and nothing is found that does not lie within the pack.
func FuzzScanPack(f *testing.F) {
	f.Add(uint16(0), []byte{1, 2, 3}, int64(0))
	f.Add(uint16(70), []byte("HFRD"), int64(512))
	f.Add(uint16(400), []byte{}, int64(1<<40))
	f.Fuzz(func(t *testing.T, at uint16, damage []byte, synced int64) {
		pack, entries := packOf("one", "", strings.Repeat("two", 100), "three", "four")
		// A record cannot be made up without the nonce of the pack.
		if bytes.Contains(damage, binary.LittleEndian.AppendUint64(nil, fuzzNonce)) || synced < 0 {
			return
		}
		from := min(int(at), len(pack))
		to := min(from+len(damage), len(pack))
		copy(pack[from:], damage)
		found, err := scanPack(image{data: pack}, fuzzNonce, int64(len(pack)), synced)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			untouched := int(e.end()) <= from || to <= int(e.offset)
			if untouched && !slices.ContainsFunc(found.entries, func(o entry) bool { return o.id == e.id && o.offset == e.offset }) {
				t.Errorf("bytes %d to %d are damaged, the record from %d to %d is lost", from, to, e.offset, e.end())
			}
		}
		for _, e := range found.entries {
			if !slices.ContainsFunc(entries, func(o entry) bool { return o.id == e.id }) {
				t.Errorf("made up: %+v", e)
			}
		}
	})
}

func FuzzParseIndex(f *testing.F) {
	f.Add([]byte{}, uint16(0), byte(0))
	f.Fuzz(func(t *testing.T, raw []byte, at uint16, flip byte) {
		if x, err := parseIndex(image{data: raw}); err == nil && (x.count < 0 || len(x.fences) != (x.count+blockEntries-1)/blockEntries) {
			t.Errorf("%d entries in %d blocks", x.count, len(x.fences))
		}
		_, entries := packOf(slices.Repeat([]string{"x"}, 300)...)
		sortEntries(entries)
		disk := &sheet{}
		if err := writeIndex(disk, entries, fuzzNonce, 1<<20); err != nil {
			t.Fatal(err)
		}
		disk.data[int(at)%len(disk.data)] ^= flip
		x, err := parseIndex(disk)
		if err != nil {
			return
		}
		for number := range x.fences {
			block := disk.data[number*indexBlock:][:indexBlock]
			count, err := x.parseBlock(block, number)
			if err != nil {
				continue
			}
			for i := range count {
				if got := parseEntry(block[i*entryBytes:]); got != entries[number*blockEntries+i] {
					t.Errorf("entry %d of block %d is %+v", i, number, got)
				}
			}
		}
	})
}

// sheet is a file in memory that is appended to.
type sheet struct{ image }

func (s *sheet) WriteAt(b []byte, at int64) (int, error) {
	s.data = append(s.data[:at], b...)
	return len(b), nil
}

func (s *sheet) Writeback(int64, int64, bool) error { return nil }

func FuzzParseTombs(f *testing.F) {
	var tomb [tombBytes]byte
	putTomb(tomb[:], fuzzNonce, entry{id: uuid.Must(uuid.NewV7()), offset: 64})
	f.Add(tomb[:])
	f.Add(append(tomb[:5], tomb[:]...))
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, e := range parseTombs(b, fuzzNonce) {
			var again [tombBytes]byte
			putTomb(again[:], fuzzNonce, e)
			if !bytes.Contains(b, again[:]) {
				t.Errorf("made up: %+v", e)
			}
		}
	})
}

func FuzzParsePackName(f *testing.F) {
	f.Add(packName{first: 1, last: 2, generation: 3, nonce: 4}.String() + packSuffix)
	f.Add("1-2-3-4.pack")
	f.Fuzz(func(t *testing.T, file string) {
		if n, suffix, ok := parsePackName(file); ok && n.String()+suffix != file {
			t.Errorf("%q is read as %v%s", file, n, suffix)
		}
	})
}

func FuzzParsePageHead(f *testing.F) {
	var p page
	p.seal(uuid.Must(uuid.NewV7()), 0, 100, true)
	f.Add(p[:], int64(100+pageBytes))
	f.Fuzz(func(t *testing.T, b []byte, size int64) {
		var p page
		copy(p[:], b)
		if id, size, last, ok := parsePageHead(&p); ok {
			again := p
			segment := int64(binary.LittleEndian.Uint32(p[4:]))
			again.seal(id, segment, size, last)
			if other, otherSize, otherLast, ok := parsePageHead(&again); !ok || other != id || otherSize != size || otherLast != last {
				t.Error("a head does not read as it was written")
			}
		}
		if size >= 0 && size < 1<<50 {
			if n := largeSize(size); n < 0 || n > size {
				t.Errorf("a file of %d bytes has a blob of %d", size, n)
			}
		}
	})
}
