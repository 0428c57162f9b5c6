package s3blob

import (
	"encoding/base64"
	"encoding/binary"
	"hash/crc32"
	"sync"
)

const (
	// partBytes is the length of the parts of an upload but the last, which may
	// be shorter: blob.MaxSize is below maxParts of them.
	partBytes = 8 << 20
	maxParts  = 10_000
)

// Buffers have the size of what they are for: a blob of 4 KiB never takes up
// one for a part.
var bufferSizes = [...]int{8 << 10, 64 << 10, 512 << 10, partBytes}

var buffers [len(bufferSizes)]sync.Pool

// bufferFor returns the size of the buffer for n bytes.
func bufferFor(n int64) int {
	for _, s := range bufferSizes {
		if n <= int64(s) {
			return s
		}
	}
	return int(n)
}

// takeBuffer returns a buffer of just the size that bufferFor has returned.
func takeBuffer(size int) []byte {
	for i, s := range bufferSizes {
		if s == size {
			if b, ok := buffers[i].Get().(*[]byte); ok {
				return *b
			}
		}
	}
	return make([]byte, size)
}

func giveBuffer(b []byte) {
	b = b[:cap(b)]
	for i, s := range bufferSizes {
		if s == len(b) {
			buffers[i].Put(&b)
		}
	}
}

// checksum returns the CRC-32C of a body as S3 wants it.
func checksum(b []byte) string {
	return base64.StdEncoding.EncodeToString(binary.BigEndian.AppendUint32(nil, crc32.Checksum(b, castagnoli)))
}
