package wire

import (
	"errors"
	"io"

	"google.golang.org/grpc/mem"
	"google.golang.org/protobuf/encoding/protowire"
)

var errMalformed = errors.New("wire: malformed chunk")

// decode reads the message from data, whose buffers it references and does not
// own. Unknown fields are skipped, and of a repeated field the last one
// counts, as protobuf asks. The spec or header that the other messages of the
// stream carry is noted and not read.
func (c *Chunk) decode(data mem.BufferSlice) error {
	c.Free()
	*c = Chunk{Data: c.Data}
	cur := cursor{bufs: data, left: data.Len()}
	for cur.left > 0 {
		num, typ, err := cur.tag()
		if err != nil {
			return c.malformed()
		}
		switch {
		case num == fieldChunk && typ == protowire.BytesType:
			c.other = false
			err = c.decodeFields(&cur)
		case num == fieldOther && typ == protowire.BytesType:
			c.Free()
			*c = Chunk{Data: c.Data, other: true}
			err = cur.skip(num, typ, maxDepth)
		default:
			err = cur.skip(num, typ, maxDepth)
		}
		if err != nil {
			return c.malformed()
		}
	}
	return nil
}

func (c *Chunk) malformed() error {
	c.Free()
	return errMalformed
}

// decodeFields reads the fields of the inner message.
func (c *Chunk) decodeFields(cur *cursor) error {
	size, err := cur.length()
	if err != nil {
		return err
	}
	end := cur.left - size
	for cur.left > end {
		num, typ, err := cur.tag()
		if err != nil {
			return err
		}
		switch {
		case num == fieldOffset && typ == protowire.VarintType:
			var v uint64
			v, err = cur.varint()
			c.Offset = int64(v)
		case num == fieldCRC32C && typ == protowire.Fixed32Type:
			c.CRC32C, err = cur.fixed32()
		case num == fieldData && typ == protowire.BytesType:
			var n int
			if n, err = cur.length(); err == nil && cur.left-n >= end {
				c.Free()
				c.Data = cur.take(c.Data, n)
			}
		default:
			err = cur.skip(num, typ, maxDepth)
		}
		if err != nil {
			return err
		}
	}
	if cur.left != end {
		return io.ErrUnexpectedEOF
	}
	return nil
}
