package wire

import (
	"encoding/binary"
	"hash/crc32"

	"google.golang.org/grpc/mem"
	"google.golang.org/protobuf/encoding/protowire"
)

const (
	// ChunkBytes is how much data a Writer puts into a chunk.
	ChunkBytes = 1 << 20
	// MaxChunkBytes is the most data that a chunk may carry.
	MaxChunkBytes = 2 << 20
	// MaxMessageBytes is the size of the largest message of a storage.v1
	// stream: a full chunk and what surrounds its data.
	MaxMessageBytes = MaxChunkBytes + 64
)

// Numbers of the fields, which UploadRequest and DownloadResponse share.
const (
	fieldOther = 1 // the spec or the header
	fieldChunk = 2

	fieldOffset = 1
	fieldCRC32C = 2
	fieldData   = 3
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Chunk is a storage.v1 UploadRequest or DownloadResponse that carries a
// chunk, for SendMsg and RecvMsg of a stream with Codec.
//
// The data are reference-counted. SendMsg takes references of its own, so the
// sender frees the chunk after it; RecvMsg frees what the chunk held before,
// and the receiver frees what it got last.
type Chunk struct {
	// Offset is where in the contents the data begin, in bytes.
	Offset int64
	// CRC32C is the CRC-32C of the data.
	CRC32C uint32
	// Data are the bytes.
	Data mem.BufferSlice

	// other tells that a message was received that is no chunk.
	other bool
}

// Free gives the data back.
func (c *Chunk) Free() {
	c.Data.Free()
	clear(c.Data)
	c.Data = c.Data[:0]
}

// Sum returns the CRC-32C of the data.
func (c *Chunk) Sum() uint32 {
	var sum uint32
	for _, b := range c.Data {
		sum = crc32.Update(sum, castagnoli, b.ReadOnlyData())
	}
	return sum
}

// maxHeaderBytes bounds the tags, lengths and small fields before the data.
const maxHeaderBytes = 1 + binary.MaxVarintLen64 + // chunk
	1 + binary.MaxVarintLen64 + // offset
	1 + 4 + // crc32c
	1 + binary.MaxVarintLen64 // data

// encode returns the message as proto.Marshal would write it.
func (c *Chunk) encode() mem.BufferSlice {
	size := c.Data.Len()
	var fields [maxHeaderBytes]byte
	f := fields[:0]
	if c.Offset != 0 {
		f = protowire.AppendTag(f, fieldOffset, protowire.VarintType)
		f = protowire.AppendVarint(f, uint64(c.Offset))
	}
	if c.CRC32C != 0 {
		f = protowire.AppendTag(f, fieldCRC32C, protowire.Fixed32Type)
		f = protowire.AppendFixed32(f, c.CRC32C)
	}
	if size != 0 {
		f = protowire.AppendTag(f, fieldData, protowire.BytesType)
		f = protowire.AppendVarint(f, uint64(size))
	}
	head := make([]byte, 0, maxHeaderBytes)
	head = protowire.AppendTag(head, fieldChunk, protowire.BytesType)
	head = protowire.AppendVarint(head, uint64(len(f)+size))
	head = append(head, f...)

	out := make(mem.BufferSlice, 0, 1+len(c.Data))
	out = append(out, mem.SliceBuffer(head))
	c.Data.Ref()
	return append(out, c.Data...)
}
