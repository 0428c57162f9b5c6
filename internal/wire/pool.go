package wire

import (
	"math/bits"
	"sync"

	"google.golang.org/grpc/mem"
)

// Pool lends the buffers of chunks: powers of two from 4 KiB to 2 MiB. Unlike
// gRPC's default pool it does not clear them, so whoever gets one must write a
// byte before reading it.
var Pool mem.BufferPool = &pool{}

const (
	minPoolExponent = 12
	maxPoolExponent = 21
)

type pool [maxPoolExponent - minPoolExponent + 1]sync.Pool

func (p *pool) Get(length int) *[]byte {
	tier := tierOf(length)
	if tier >= len(p) {
		b := make([]byte, length)
		return &b
	}
	if b, ok := p[tier].Get().(*[]byte); ok {
		*b = (*b)[:length]
		return b
	}
	b := make([]byte, length, 1<<(tier+minPoolExponent))
	return &b
}

func (p *pool) Put(b *[]byte) {
	tier := tierOf(cap(*b))
	if tier < len(p) && cap(*b) == 1<<(tier+minPoolExponent) {
		p[tier].Put(b)
	}
}

// tierOf returns the tier of the smallest buffers with room for n bytes.
func tierOf(n int) int {
	return max(bits.Len(uint(max(n, 1)-1))-minPoolExponent, 0)
}
