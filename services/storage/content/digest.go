package content

import (
	"crypto/sha256"
	"crypto/sha512"
	"encoding"
	"errors"
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
	sha256 hash.Hash // nil when it is unknown
	other  hash.Hash // of the same bytes; nil unless asked for

	seen   int64
	block  *[]byte
	blocks chan *[]byte // nil as long as nothing runs beside
	ended  chan struct{}
}

func newDigest(withSHA512 bool) *digest {
	d := &digest{sha256: sha256.New()}
	if withSHA512 {
		d.other = sha512.New()
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
	if d.sha256 != nil {
		_, _ = d.sha256.Write(p)
	}
	if d.other != nil {
		_, _ = d.other.Write(p)
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

// resumeDigest returns a digest that goes on from a state that state returned.
// When the state is not known, or cannot be read, such as one of another version
// of Go, the SHA-256 is not computed and stays unknown.
func resumeDigest(state []byte, unknown bool, other hash.Hash) *digest {
	d := &digest{sha256: sha256.New(), other: other}
	restorable, ok := d.sha256.(encoding.BinaryUnmarshaler)
	if unknown || !ok || len(state) != 0 && restorable.UnmarshalBinary(state) != nil {
		d.sha256 = nil
	}
	return d
}

// state returns the state of the SHA-256 over all that was written, nil when it
// is unknown. More may be written after.
func (d *digest) state() ([]byte, error) {
	d.settle()
	if d.sha256 == nil {
		return nil, nil
	}
	storable, ok := d.sha256.(encoding.BinaryMarshaler)
	if !ok {
		return nil, errors.New("content: the state of a SHA-256 cannot be kept")
	}
	return storable.MarshalBinary()
}

// settle waits until all is digested; more may be written after.
func (d *digest) settle() {
	d.close()
	d.blocks = nil
}
