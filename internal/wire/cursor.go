package wire

import (
	"io"

	"google.golang.org/grpc/mem"
	"google.golang.org/protobuf/encoding/protowire"
)

// How deep groups may nest, as in the protobuf runtime.
const maxDepth = 10000

// cursor reads the protobuf wire format from buffers that may be split
// anywhere.
type cursor struct {
	bufs mem.BufferSlice
	pos  int // in bufs[0]
	left int // in all of bufs
}

func (c *cursor) byte() (byte, error) {
	if c.left == 0 {
		return 0, io.ErrUnexpectedEOF
	}
	for c.pos == c.bufs[0].Len() {
		c.bufs, c.pos = c.bufs[1:], 0
	}
	b := c.bufs[0].ReadOnlyData()[c.pos]
	c.pos++
	c.left--
	return b, nil
}

func (c *cursor) varint() (uint64, error) {
	var v uint64
	for shift := 0; shift < 70; shift += 7 {
		b, err := c.byte()
		if err != nil {
			return 0, err
		}
		if shift == 63 && b > 1 {
			break
		}
		v |= uint64(b&0x7f) << shift
		if b < 0x80 {
			return v, nil
		}
	}
	return 0, errMalformed
}

func (c *cursor) fixed32() (uint32, error) {
	var v uint32
	for shift := 0; shift < 32; shift += 8 {
		b, err := c.byte()
		if err != nil {
			return 0, err
		}
		v |= uint32(b) << shift
	}
	return v, nil
}

// field reads the number and the type of the next field of a message.
func (c *cursor) field() (protowire.Number, protowire.Type, error) {
	num, typ, err := c.tag()
	if err == nil && num > protowire.MaxValidNumber {
		err = errMalformed
	}
	return num, typ, err
}

// tag reads the number and the type of the next field, also within a group,
// where the protobuf runtime lets larger numbers pass.
func (c *cursor) tag() (protowire.Number, protowire.Type, error) {
	v, err := c.varint()
	if err != nil {
		return 0, 0, err
	}
	num, typ := protowire.DecodeTag(v)
	if num < protowire.MinValidNumber {
		return 0, 0, errMalformed
	}
	return num, typ, nil
}

// length reads a length that the rest of the message has room for.
func (c *cursor) length() (int, error) {
	v, err := c.varint()
	if err != nil {
		return 0, err
	}
	if v > uint64(c.left) {
		return 0, io.ErrUnexpectedEOF
	}
	return int(v), nil
}

// discard passes over n bytes.
func (c *cursor) discard(n int) error {
	if n > c.left {
		return io.ErrUnexpectedEOF
	}
	c.left -= n
	for n > 0 {
		step := min(n, c.bufs[0].Len()-c.pos)
		c.pos += step
		n -= step
		if n > 0 {
			c.bufs, c.pos = c.bufs[1:], 0
		}
	}
	return nil
}

// take appends references to the next n bytes to dst; there must be as many.
func (c *cursor) take(dst mem.BufferSlice, n int) mem.BufferSlice {
	c.left -= n
	for n > 0 {
		b := c.bufs[0]
		step := min(n, b.Len()-c.pos)
		if step > 0 {
			dst = append(dst, b.Slice(c.pos, c.pos+step))
			c.pos += step
			n -= step
		}
		if n > 0 {
			c.bufs, c.pos = c.bufs[1:], 0
		}
	}
	return dst
}

// skip passes over the value of an unknown field.
func (c *cursor) skip(num protowire.Number, typ protowire.Type, depth int) error {
	switch typ {
	case protowire.VarintType:
		_, err := c.varint()
		return err
	case protowire.Fixed32Type:
		return c.discard(4)
	case protowire.Fixed64Type:
		return c.discard(8)
	case protowire.BytesType:
		n, err := c.length()
		if err != nil {
			return err
		}
		return c.discard(n)
	case protowire.StartGroupType:
		return c.skipGroup(num, depth)
	}
	return errMalformed
}

func (c *cursor) skipGroup(group protowire.Number, depth int) error {
	if depth == 0 {
		return errMalformed
	}
	for {
		num, typ, err := c.tag()
		if err != nil {
			return err
		}
		if typ == protowire.EndGroupType {
			if num != group {
				return errMalformed
			}
			return nil
		}
		if err := c.skip(num, typ, depth-1); err != nil {
			return err
		}
	}
}
