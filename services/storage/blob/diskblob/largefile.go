package diskblob

import (
	"encoding/binary"

	"github.com/holdfast-files/holdfast/services/storage/blob"
)

// A large blob has a file of its own, a sequence of segments:
//
//	data, 63 MiB, less in the last segment | page, 4 KiB
//
// The page has the crc32c of each block of 64 KiB of the data before it. So
// data lies in one piece that is read without gaps, writing needs no more
// memory than one page, and the length of the blob follows from that of the
// file.
//
//	0   magic         4 bytes
//	4   segment       4   0 for the first
//	8   size          8   of the blob up to here
//	16  id            16
//	32  last          4   1 in the last segment
//	36  zero          24
//	60  head crc32c   4
//	64  block crc32c  4 each
//
// A block whose checksum is as the page says is good, whatever else the page
// has lost.
const (
	blockBytes    = 64 << 10
	segmentBlocks = 1008
	segmentBytes  = segmentBlocks * blockBytes
	pageBytes     = 4 << 10
	segmentSpan   = segmentBytes + pageBytes

	pageMagic = 0x47504648 // "HFPG"
	pageHead  = 64
)

// page holds the checksums of a segment.
type page [pageBytes]byte

func (p *page) sum(block int) uint32 {
	return binary.LittleEndian.Uint32(p[pageHead+4*block:])
}

func (p *page) setSum(block int, sum uint32) {
	binary.LittleEndian.PutUint32(p[pageHead+4*block:], sum)
}

// seal writes the head of a page.
func (p *page) seal(id blob.ID, segment int64, size int64, last bool) {
	clear(p[:pageHead])
	binary.LittleEndian.PutUint32(p[0:], pageMagic)
	binary.LittleEndian.PutUint32(p[4:], uint32(segment))
	binary.LittleEndian.PutUint64(p[8:], uint64(size))
	copy(p[16:32], id[:])
	if last {
		p[32] = 1
	}
	binary.LittleEndian.PutUint32(p[60:], checksum(p[:60]))
}

// parsePageHead reads the head of a page. It reports false when it is damaged.
func parsePageHead(p *page) (id blob.ID, size int64, last, ok bool) {
	if binary.LittleEndian.Uint32(p[0:]) != pageMagic || binary.LittleEndian.Uint32(p[60:]) != checksum(p[:60]) {
		return id, 0, false, false
	}
	copy(id[:], p[16:32])
	return id, int64(binary.LittleEndian.Uint64(p[8:])), p[32] == 1, true
}

// largeSize returns how long a blob is, by the length of its file, in bytes.
func largeSize(fileSize int64) int64 {
	segments := (fileSize + segmentSpan - 1) / segmentSpan
	return max(0, fileSize-segments*pageBytes)
}

// dataAt returns where in the file a byte of the blob lies.
func dataAt(offset int64) int64 { return offset + offset/segmentBytes*pageBytes }

// pageAt returns where in the file the page of a segment lies, when the blob
// has that size.
func pageAt(segment, size int64) int64 {
	return segment*segmentSpan + min(segmentBytes, size-segment*segmentBytes)
}

// largeFile describes the file of a large blob, as found when it was opened.
type largeFile struct {
	size int64
	// whole tells that the last page is there and says the same size. When it
	// is not, there may have been more.
	whole bool
	last  page
}

// inspect reads the last page of a large blob.
func inspect(f File, id blob.ID) (*largeFile, error) {
	fileSize, err := f.Size()
	if err != nil {
		return nil, errReading(id, err)
	}
	l := &largeFile{size: largeSize(fileSize)}
	if fileSize < pageBytes {
		return l, nil
	}
	if err := readFull(f, l.last[:], fileSize-pageBytes); err != nil {
		return nil, errReading(id, err)
	}
	named, size, last, ok := parsePageHead(&l.last)
	if ok && named != id {
		return nil, errDamaged(id, errForeign)
	}
	l.whole = ok && last && size == l.size
	return l, nil
}

// segments returns the number of segments.
func (l *largeFile) segments() int64 {
	return max(1, (l.size+segmentBytes-1)/segmentBytes)
}

// checkRange says whether a range lies within the blob, and within what there
// is of it.
func (l *largeFile) checkRange(id blob.ID, offset, length int64) error {
	if offset < 0 || length < 0 || offset > blob.MaxSize || length > blob.MaxSize {
		return blob.ErrRange
	}
	if offset+length <= l.size {
		return nil
	}
	if l.whole {
		return blob.ErrRange
	}
	return errDamaged(id, errShort)
}
