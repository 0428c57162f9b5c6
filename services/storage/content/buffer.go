package content

import "sync"

// Contents shorter than smallest of the sizes that holds one byte more than
// them are taken into a buffer of that size before their blob is begun. So a
// slow client never holds up a blob store that packs small blobs together, and
// a store learns the length of what came without a Content-Length. The byte
// more is for noticing contents that are longer than announced.
var bufferSizes = [...]int{8 << 10, 64 << 10, largestBuffer}

// largestBuffer is the largest of the bufferSizes.
const largestBuffer = 256 << 10

// headSize is the buffer for the beginning of contents of unknown length.
const headSize = 64 << 10

var buffers [len(bufferSizes)]sync.Pool

// bufferFor returns the size of the smallest buffer that holds more than size
// bytes, or 0 when there is none.
func bufferFor(size int64) int {
	if size == unknown {
		return headSize
	}
	for _, s := range bufferSizes {
		if size < int64(s) {
			return s
		}
	}
	return 0
}

// takeBuffer returns a buffer of one of the bufferSizes; give it back.
func takeBuffer(size int) *[]byte {
	for i, s := range bufferSizes {
		if s != size {
			continue
		}
		if b, ok := buffers[i].Get().(*[]byte); ok {
			return b
		}
	}
	b := make([]byte, size)
	return &b
}

func giveBuffer(b *[]byte) {
	for i, s := range bufferSizes {
		if s == len(*b) {
			buffers[i].Put(b)
		}
	}
}
