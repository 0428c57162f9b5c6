package content

import (
	"crypto/sha256"
	"crypto/sha512"
	"hash"
	"sync"
)

const (
	// Contents are digested where they are read until there are this many
	// bytes of them; then a goroutine pays for itself.
	besideFrom = 1 << 20
	// A digest beside the stream holds up to besideDepth+2 blocks: one that is
	// filled, one that is digested and those that wait.
	besideBlock = 64 << 10
	besideDepth = 2
)

var besideBlocks = sync.Pool{New: func() any {
	b := make([]byte, 0, besideBlock)
	return &b
}}

// digest computes the SHA-256 of what is written to it, and the SHA-512 when
// asked to. Long contents are digested beside the stream, in a goroutine that
// close ends, so that reading and storing go on meanwhile; that costs a copy,
// which is a thirtieth of the digest.
type digest struct {
	sha256 hash.Hash
	sha512 hash.Hash // nil unless asked for

	seen   int64
	block  *[]byte
	blocks chan *[]byte // nil as long as nothing runs beside
	ended  chan struct{}
}

func newDigest(withSHA512 bool) *digest {
	d := &digest{sha256: sha256.New()}
	if withSHA512 {
		d.sha512 = sha512.New()
	}
	return d
}

// write adds p, which it does not keep.
func (d *digest) write(p []byte) {
	d.seen += int64(len(p))
	if d.blocks == nil {
		if d.seen < besideFrom {
			d.add(p)
			return
		}
		d.runBeside()
	}
	for len(p) > 0 {
		if d.block == nil {
			d.block = besideBlocks.Get().(*[]byte)
		}
		b := *d.block
		n := copy(b[len(b):cap(b)], p)
		*d.block = b[:len(b)+n]
		p = p[n:]
		if len(b)+n == cap(b) {
			d.blocks <- d.block
			d.block = nil
		}
	}
}

func (d *digest) add(p []byte) {
	// Write of a hash.Hash never returns an error.
	_, _ = d.sha256.Write(p)
	if d.sha512 != nil {
		_, _ = d.sha512.Write(p)
	}
}

func (d *digest) runBeside() {
	d.blocks = make(chan *[]byte, besideDepth)
	d.ended = make(chan struct{})
	go func() {
		defer close(d.ended)
		for b := range d.blocks {
			d.add(*b)
			*b = (*b)[:0]
			besideBlocks.Put(b)
		}
	}()
}

// close waits until all is digested and ends the goroutine. Only then can the
// sums be read, and nothing more be written. It may be called again.
func (d *digest) close() {
	if d.blocks == nil || d.ended == nil {
		return
	}
	if d.block != nil {
		d.blocks <- d.block
		d.block = nil
	}
	close(d.blocks)
	<-d.ended
	d.ended = nil
}
