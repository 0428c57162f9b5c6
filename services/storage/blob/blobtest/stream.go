package blobtest

import (
	"bytes"
	"encoding/binary"
	"io"
	"math/rand/v2"

	"github.com/holdfast-files/holdfast/services/storage/blob"
)

// noise is what all contents are cut from. Its length is prime, so that no
// block or part of a blob looks like another.
var noise = func() []byte {
	b := make([]byte, 1048583)
	_, _ = rand.NewChaCha8([32]byte{}).Read(b) // never fails
	return b
}()

// fill writes the bytes from offset that follow from a seed.
func fill(b []byte, seed blob.ID, offset int64) {
	start := binary.LittleEndian.Uint64(seed[:8])*31 + binary.LittleEndian.Uint64(seed[8:])*17
	at := int(start%uint64(len(noise))+uint64(offset)) % len(noise)
	for n := 0; n < len(b); at = 0 {
		n += copy(b[n:], noise[at:])
	}
}

// stream yields size bytes that follow from a seed.
type stream struct {
	seed     blob.ID
	at, size int64
}

func newStream(seed blob.ID, size int64) *stream { return &stream{seed: seed, size: size} }

func (s *stream) Read(b []byte) (int, error) {
	if s.at == s.size {
		return 0, io.EOF
	}
	b = b[:min(int64(len(b)), s.size-s.at)]
	fill(b, s.seed, s.at)
	s.at += int64(len(b))
	return len(b), nil
}

// check compares what is written to it with the bytes that follow from a seed.
type check struct {
	seed  blob.ID
	at    int64
	wrong int64 // place of the first Write with a byte that differs, or -1
	want  []byte
}

func newCheck(seed blob.ID, offset int64) *check { return &check{seed: seed, at: offset, wrong: -1} }

func (c *check) Write(b []byte) (int, error) {
	if len(c.want) < len(b) {
		c.want = make([]byte, len(b))
	}
	fill(c.want[:len(b)], c.seed, c.at)
	if c.wrong < 0 && !bytes.Equal(b, c.want[:len(b)]) {
		c.wrong = c.at
	}
	c.at += int64(len(b))
	return len(b), nil
}
