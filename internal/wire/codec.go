// Package wire carries the bytes of files over gRPC without copying them. A
// Chunk is encoded exactly like a storage.v1 message that holds a chunk, but
// its data stay in pooled buffers from the source to the socket and from the
// socket to the sink. Everything else goes through the stock codec.
package wire

import (
	"google.golang.org/grpc/encoding"
	stock "google.golang.org/grpc/encoding/proto"
	"google.golang.org/grpc/mem"
)

// Codec is the gRPC codec of every Holdfast client and server. Its name is
// "proto", and on the wire it cannot be told from the stock one.
type Codec struct{}

var _ encoding.CodecV2 = Codec{}

// stockCodec is the codec that gRPC registers for protobuf.
var stockCodec = encoding.GetCodecV2(stock.Name)

// Name returns "proto".
func (Codec) Name() string { return stock.Name }

// Marshal encodes a *Chunk without copying its data, of which the transport
// holds references until they are written. It encodes any other message with
// the stock codec.
func (Codec) Marshal(v any) (mem.BufferSlice, error) {
	if c, ok := v.(*Chunk); ok {
		return c.encode(), nil
	}
	return stockCodec.Marshal(v)
}

// Unmarshal decodes into a *Chunk without copying the data, which become views
// of the received buffers. It decodes any other message with the stock codec.
func (Codec) Unmarshal(data mem.BufferSlice, v any) error {
	if c, ok := v.(*Chunk); ok {
		return c.decode(data)
	}
	return stockCodec.Unmarshal(data, v)
}
