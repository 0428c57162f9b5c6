package wire

import (
	"errors"

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
		num, typ, err := cur.field()
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

// decodeFields reads the inner message.
func (c *Chunk) decodeFields(outer *cursor) error {
	size, err := outer.length()
	if err != nil {
		return err
	}
	inner := cursor{bufs: outer.bufs, pos: outer.pos, left: size}
	for inner.left > 0 {
		num, typ, err := inner.field()
		if err != nil {
			return err
		}
		switch {
		case num == fieldOffset && typ == protowire.VarintType:
			var v uint64
			v, err = inner.varint()
			c.Offset = int64(v)
		case num == fieldCRC32C && typ == protowire.Fixed32Type:
			c.CRC32C, err = inner.fixed32()
		case num == fieldData && typ == protowire.BytesType:
			var n int
			if n, err = inner.length(); err == nil {
				c.Free()
				c.Data = inner.take(c.Data, n)
			}
		default:
			err = inner.skip(num, typ, maxDepth)
		}
		if err != nil {
			return err
		}
	}
	outer.bufs, outer.pos, outer.left = inner.bufs, inner.pos, outer.left-size
	return nil
}
