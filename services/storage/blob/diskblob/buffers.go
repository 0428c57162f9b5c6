package diskblob

import "sync"

const (
	// smallLimit is the length in bytes from which on a blob has a file of its
	// own. Shorter ones are packed.
	smallLimit = 256 << 10

	// chunkBytes are read or written at once of a large blob.
	chunkBytes = 256 << 10
)

// Buffers have the size of what they are for: a blob of 4 KiB never takes up
// a buffer for 256.
var bufferSizes = [...]int{8 << 10, 32 << 10, 128 << 10, smallLimit + 3*headSize}

var buffers [len(bufferSizes)]sync.Pool

// takeBuffer returns a buffer of at least size bytes, at most the largest.
func takeBuffer(size int) *[]byte {
	for i, s := range bufferSizes {
		if size > s {
			continue
		}
		if b, ok := buffers[i].Get().(*[]byte); ok {
			return b
		}
		b := make([]byte, s)
		return &b
	}
	panic("diskblob: no buffer is that large")
}

func giveBuffer(b *[]byte) {
	for i, s := range bufferSizes {
		if s == len(*b) {
			buffers[i].Put(b)
		}
	}
}
