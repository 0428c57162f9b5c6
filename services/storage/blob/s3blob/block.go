package s3blob

import (
	"encoding/binary"
	"hash/crc32"
	"io"

	"github.com/holdfast-files/holdfast/services/storage/blob"
)

const (
	// blockBytes of a blob have a checksum behind them in the object. The last
	// block may be shorter; a blob of 0 bytes has none.
	blockBytes = 256 << 10
	sumBytes   = 4

	framedBlock = blockBytes + sumBytes
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// seed begins the checksum of a block with what tells it from any other.
func seed(id blob.ID, block int64) uint32 {
	var place [8]byte
	binary.BigEndian.PutUint64(place[:], uint64(block))
	return crc32.Update(crc32.Checksum(id[:], castagnoli), castagnoli, place[:])
}

// framedSize returns the length of the object of a blob of so many bytes.
func framedSize(size int64) int64 {
	blocks := (size + blockBytes - 1) / blockBytes
	return size + blocks*sumBytes
}

// blobSize returns the length of the blob of an object. ok is false when no
// blob has an object of that length.
func blobSize(framed int64) (size int64, ok bool) {
	blocks := (framed + framedBlock - 1) / framedBlock
	size = framed - blocks*sumBytes
	return size, framedSize(size) == framed && size >= 0
}

// framer yields a body with its checksums: what becomes the object.
type framer struct {
	body  io.Reader
	id    blob.ID
	block int64
	sum   uint32
	room  int // left in the block
	tail  []byte
	end   error // of the body

	read int64 // bytes of the body
}

func newFramer(id blob.ID, body io.Reader) *framer {
	return &framer{body: body, id: id, sum: seed(id, 0), room: blockBytes}
}

// Read implements io.Reader. It returns io.EOF only when the body did.
func (f *framer) Read(p []byte) (int, error) {
	if len(f.tail) > 0 {
		n := copy(p, f.tail)
		f.tail = f.tail[n:]
		return n, nil
	}
	if f.end != nil {
		return 0, f.end
	}
	n, err := f.body.Read(p[:min(len(p), f.room)])
	f.sum = crc32.Update(f.sum, castagnoli, p[:n])
	f.room -= n
	f.read += int64(n)
	f.end = err
	if f.room == 0 || err == io.EOF && f.room < blockBytes {
		f.tail = binary.BigEndian.AppendUint32(nil, f.sum)
		f.block++
		f.sum, f.room = seed(f.id, f.block), blockBytes
	}
	if n > 0 || len(f.tail) > 0 {
		return n, nil
	}
	return 0, err
}
