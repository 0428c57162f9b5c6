package diskblob

import (
	"bytes"
	"encoding/binary"
	"errors"
	"sync/atomic"

	"github.com/holdfast-files/holdfast/services/storage/blob"
)

// The index of a pack has an entry for each record, ordered by id, in blocks of
// 4 KiB. In memory are only the first id of each block, and one bit for each
// entry when any of them is deleted.
//
//	block:   127 entries of 32 bytes | edition 8 | number 4 | count 4 | zero 12 | crc32c 4
//	entry:   id 16 | offset 4 | length 4 | created 8
//	fences:  id 16 of the first entry of each block
//	footer:  magic 8 | nonce 8 | edition 8 | count 4 | blocks 4 | size of the pack 8 |
//	         last id 16 | fences crc32c 4 | crc32c 4
//
// The nonce is that of the pack. The edition is drawn for each index, so that
// blocks of one that was made anew are not taken for those of another.
const (
	entryBytes   = 32
	blockEntries = 127
	indexBlock   = 4 << 10
	blockTrailer = entryBytes * blockEntries
	fenceBytes   = 16
	footerBytes  = 64

	indexMagic = 0x3130584449444648 // "HFDIDX01"
)

var errIndex = errors.New("diskblob: index is damaged")

// index is an index that was opened.
type index struct {
	pack    *pack
	edition uint64
	nonce   uint64
	count   int
	size    int64 // of the pack, in bytes
	fences  []blob.ID
	last    blob.ID

	dead      bitset
	deadCount atomic.Int64
	deadBytes atomic.Int64
}

// kill marks an entry as deleted.
func (x *index) kill(ordinal int, e entry) {
	if x.dead.set(ordinal) {
		x.deadCount.Add(1)
		x.deadBytes.Add(e.size())
	}
}

// bitset is a set of ordinals that only grows.
type bitset []atomic.Uint64

func newBitset(n int) bitset { return make(bitset, (n+63)/64) }

func (b bitset) has(i int) bool { return b[i/64].Load()>>(i%64)&1 != 0 }

// set adds i and reports whether it was not in the set.
func (b bitset) set(i int) bool {
	bit := uint64(1) << (i % 64)
	return b[i/64].Or(bit)&bit == 0
}

// writeIndex writes the index of a pack of that size.
func writeIndex(f File, entries []entry, nonce uint64, size int64) error {
	edition := random()
	w := &stream{file: f}
	var fences []byte
	var block [indexBlock]byte
	for number := 0; number*blockEntries < len(entries); number++ {
		part := entries[number*blockEntries : min((number+1)*blockEntries, len(entries))]
		fences = append(fences, part[0].id[:]...)
		clear(block[:])
		for i := range part {
			part[i].put(block[i*entryBytes:])
		}
		trailer := block[blockTrailer:]
		binary.LittleEndian.PutUint64(trailer[0:], edition)
		binary.LittleEndian.PutUint32(trailer[8:], uint32(number))
		binary.LittleEndian.PutUint32(trailer[12:], uint32(len(part)))
		binary.LittleEndian.PutUint32(trailer[28:], checksum(block[:indexBlock-4]))
		if err := w.append(block[:]); err != nil {
			return err
		}
	}
	var footer [footerBytes]byte
	binary.LittleEndian.PutUint64(footer[0:], indexMagic)
	binary.LittleEndian.PutUint64(footer[8:], nonce)
	binary.LittleEndian.PutUint64(footer[16:], edition)
	binary.LittleEndian.PutUint32(footer[24:], uint32(len(entries)))
	binary.LittleEndian.PutUint32(footer[28:], uint32(len(fences)/fenceBytes))
	binary.LittleEndian.PutUint64(footer[32:], uint64(size))
	if len(entries) > 0 {
		copy(footer[40:56], entries[len(entries)-1].id[:])
	}
	binary.LittleEndian.PutUint32(footer[56:], checksum(fences))
	binary.LittleEndian.PutUint32(footer[60:], checksum(footer[:60]))
	return w.append(append(fences, footer[:]...))
}

func (e *entry) put(b []byte) {
	copy(b[:16], e.id[:])
	binary.LittleEndian.PutUint32(b[16:], e.offset)
	binary.LittleEndian.PutUint32(b[20:], e.length)
	binary.LittleEndian.PutUint64(b[24:], uint64(e.created))
}

func parseEntry(b []byte) (e entry) {
	copy(e.id[:], b[:16])
	e.offset = binary.LittleEndian.Uint32(b[16:])
	e.length = binary.LittleEndian.Uint32(b[20:])
	e.created = int64(binary.LittleEndian.Uint64(b[24:]))
	return e
}

// parseIndex reads the footer and the fences of an index file.
func parseIndex(f File) (*index, error) {
	fileSize, err := f.Size()
	if err != nil {
		return nil, err
	}
	if fileSize < footerBytes {
		return nil, errIndex
	}
	var footer [footerBytes]byte
	if err := readFull(f, footer[:], fileSize-footerBytes); err != nil {
		return nil, err
	}
	if binary.LittleEndian.Uint64(footer[0:]) != indexMagic ||
		binary.LittleEndian.Uint32(footer[60:]) != checksum(footer[:60]) {
		return nil, errIndex
	}
	x := &index{
		nonce:   binary.LittleEndian.Uint64(footer[8:]),
		edition: binary.LittleEndian.Uint64(footer[16:]),
		count:   int(binary.LittleEndian.Uint32(footer[24:])),
		size:    int64(binary.LittleEndian.Uint64(footer[32:])),
		last:    blob.ID(footer[40:56]),
	}
	blocks := int64(binary.LittleEndian.Uint32(footer[28:]))
	if blocks != int64(x.count+blockEntries-1)/blockEntries ||
		fileSize != blocks*(indexBlock+fenceBytes)+footerBytes {
		return nil, errIndex
	}
	fences := make([]byte, blocks*fenceBytes)
	if err := readFull(f, fences, blocks*indexBlock); err != nil {
		return nil, err
	}
	if checksum(fences) != binary.LittleEndian.Uint32(footer[56:]) {
		return nil, errIndex
	}
	x.fences = make([]blob.ID, blocks)
	for i := range x.fences {
		x.fences[i] = blob.ID(fences[i*fenceBytes:][:fenceBytes])
	}
	x.dead = newBitset(x.count)
	return x, nil
}

// parseBlock verifies a block and returns the number of its entries.
func (x *index) parseBlock(block []byte, number int) (count int, err error) {
	trailer := block[blockTrailer:]
	count = min(blockEntries, x.count-number*blockEntries)
	switch {
	case binary.LittleEndian.Uint32(trailer[28:]) != checksum(block[:indexBlock-4]),
		binary.LittleEndian.Uint64(trailer[0:]) != x.edition,
		binary.LittleEndian.Uint32(trailer[8:]) != uint32(number),
		binary.LittleEndian.Uint32(trailer[12:]) != uint32(count),
		!bytes.Equal(block[:fenceBytes], x.fences[number][:]):
		return 0, errIndex
	}
	return count, nil
}
