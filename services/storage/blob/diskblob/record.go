package diskblob

import (
	"encoding/binary"
	"hash/crc32"

	"github.com/holdfast-files/holdfast/services/storage/blob"
)

// A pack is a sequence of records:
//
//	head 64 | data | zeros up to a multiple of 64 | the head again
//
// The head stands there twice so that a record whose beginning is damaged is
// still known by its id. It tells its own place, and a number that only this
// pack has, so that nothing that a user has stored can pass for a record. No
// head straddles a sector.
//
//	0   magic        4 bytes
//	4   kind         4
//	8   nonce        8   that of the pack
//	16  id           16
//	32  offset       4   of the record in the pack
//	36  synced       4   the pack was durable up to there when this was written
//	40  length       4   of the data
//	44  data crc32c  4
//	48  created      8   Unix milliseconds
//	56  zero         4
//	60  head crc32c  4
//
// Integers are little-endian, as everywhere in this package.
const (
	headSize  = 64
	headMagic = 0x44524648 // "HFRD"

	kindBlob = 1
	kindVoid = 2 // deleted while the pack was put together
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func checksum(b []byte) uint32 { return crc32.Checksum(b, castagnoli) }

// head describes a record.
type head struct {
	kind    uint32
	nonce   uint64
	id      blob.ID
	offset  uint32
	synced  uint32
	length  uint32
	sum     uint32
	created int64
}

// recordSize returns what a blob of that length takes up in a pack, in bytes.
func recordSize(length uint32) int64 {
	return (int64(length)+headSize-1)/headSize*headSize + 2*headSize
}

func (h *head) end() int64 { return int64(h.offset) + recordSize(h.length) }

// put writes the head to the first 64 bytes of b.
func (h *head) put(b []byte) {
	_ = b[headSize-1]
	binary.LittleEndian.PutUint32(b[0:], headMagic)
	binary.LittleEndian.PutUint32(b[4:], h.kind)
	binary.LittleEndian.PutUint64(b[8:], h.nonce)
	copy(b[16:32], h.id[:])
	binary.LittleEndian.PutUint32(b[32:], h.offset)
	binary.LittleEndian.PutUint32(b[36:], h.synced)
	binary.LittleEndian.PutUint32(b[40:], h.length)
	binary.LittleEndian.PutUint32(b[44:], h.sum)
	binary.LittleEndian.PutUint64(b[48:], uint64(h.created))
	binary.LittleEndian.PutUint32(b[56:], 0)
	binary.LittleEndian.PutUint32(b[60:], checksum(b[:60]))
}

// parseHead reads the first 64 bytes of b. It reports false when they are no
// head.
func parseHead(b []byte) (h head, ok bool) {
	if len(b) < headSize || binary.LittleEndian.Uint32(b) != headMagic ||
		binary.LittleEndian.Uint32(b[60:]) != checksum(b[:60]) {
		return head{}, false
	}
	h = head{
		kind:    binary.LittleEndian.Uint32(b[4:]),
		nonce:   binary.LittleEndian.Uint64(b[8:]),
		offset:  binary.LittleEndian.Uint32(b[32:]),
		synced:  binary.LittleEndian.Uint32(b[36:]),
		length:  binary.LittleEndian.Uint32(b[40:]),
		sum:     binary.LittleEndian.Uint32(b[44:]),
		created: int64(binary.LittleEndian.Uint64(b[48:])),
	}
	copy(h.id[:], b[16:32])
	known := h.kind == kindBlob || h.kind == kindVoid
	return h, known && h.length < smallLimit && h.offset%headSize == 0
}

// wrap makes a record of data that stands at buf[headSize:], and returns it:
// buf must have room for it. The data's own checksum is in h.
func (h *head) wrap(buf []byte) []byte {
	record := buf[:recordSize(h.length)]
	tail := len(record) - headSize
	clear(record[headSize+int(h.length) : tail])
	h.put(record)
	copy(record[tail:], record[:headSize])
	return record
}

// check verifies that record[:headSize+length] is this entry's head and data.
func (e *entry) check(record []byte) error {
	h, ok := parseHead(record)
	switch {
	case !ok:
		return errChecksum
	case h.id != e.id || h.offset != e.offset || h.length != e.length:
		return errForeign
	case checksum(record[headSize:headSize+int(e.length)]) != h.sum:
		return errChecksum
	}
	return nil
}

// entry says where a small blob lies.
type entry struct {
	id      blob.ID
	offset  uint32
	length  uint32
	created int64 // Unix milliseconds
}

func (h *head) entry() entry {
	return entry{id: h.id, offset: h.offset, length: h.length, created: h.created}
}

func (e *entry) size() int64 { return recordSize(e.length) }

func (e *entry) end() int64 { return int64(e.offset) + e.size() }
