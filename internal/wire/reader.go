package wire

import (
	"io"

	"github.com/holdfast-files/holdfast/internal/fault"
	errorsv1 "github.com/holdfast-files/holdfast/proto/holdfast/errors/v1"
	storagev1 "github.com/holdfast-files/holdfast/proto/holdfast/storage/v1"
)

// Receiver is the receiving half of a gRPC stream.
type Receiver interface{ RecvMsg(m any) error }

// Reader yields the bytes of the chunks of a stream. Before a byte of a chunk
// leaves, the chunk was checked: it follows the one before without a gap, lies
// within the ranges, and has its checksum. It is not safe for concurrent use.
//
// Read and WriteTo return io.ErrUnexpectedEOF when the stream ends before the
// ranges do, INVALID_ARGUMENT for a message that is no chunk or not the next
// one, DIGEST_MISMATCH for a checksum that is wrong, and else the error of the
// stream.
type Reader struct {
	stream Receiver
	plan   plan
	chunk  Chunk
	next   int // buffer of chunk.Data to read from
	pos    int // in that buffer
	err    error
}

var _ io.WriterTo = (*Reader)(nil)

// NewReader returns a Reader of contents whose bytes lie in the ranges, one
// after the other. Each range has its true length. Nil ranges mean the
// contents from the beginning to wherever the stream ends.
func NewReader(stream Receiver, ranges []*storagev1.ByteRange) *Reader {
	return &Reader{stream: stream, plan: newPlan(ranges)}
}

// Read reads the next bytes, waiting for a chunk when none is left.
func (r *Reader) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	for r.next == len(r.chunk.Data) {
		if err := r.receive(); err != nil {
			return 0, err
		}
	}
	read := 0
	for read < len(p) && r.next < len(r.chunk.Data) {
		b := r.chunk.Data[r.next].ReadOnlyData()
		n := copy(p[read:], b[r.pos:])
		read += n
		r.pos += n
		if r.pos == len(b) {
			r.next, r.pos = r.next+1, 0
		}
	}
	if r.next == len(r.chunk.Data) {
		// Not when the next one comes, which may be long.
		r.chunk.Free()
		r.next = 0
	}
	return read, nil
}

// HeldBytes returns how many bytes of a chunk are held: all of it until its last
// byte is read.
func (r *Reader) HeldBytes() int64 { return int64(r.chunk.Data.Len()) }

// WriteTo writes everything to w. What was read when w failed is lost.
func (r *Reader) WriteTo(w io.Writer) (int64, error) {
	var total int64
	var batch *[]byte
	defer func() {
		if batch != nil {
			Pool.Put(batch)
		}
	}()
	for {
		for r.next < len(r.chunk.Data) {
			if batch == nil && len(r.chunk.Data) > 1 {
				batch = Pool.Get(batchBytes)
			}
			n, err := r.writeSome(w, batch)
			total += int64(n)
			if err != nil {
				return total, err
			}
		}
		if err := r.receive(); atEnd(err) {
			return total, nil
		} else if err != nil {
			return total, err
		}
	}
}

// How much WriteTo writes at once. The transport cuts chunks into buffers of
// 16 KiB, and a system call for each costs more than to copy them together.
const batchBytes = 256 << 10

// writeSome writes a part of the chunk: a buffer that is alone as it is, else
// as many together as there is room for in batch.
func (r *Reader) writeSome(w io.Writer, batch *[]byte) (int, error) {
	if r.next == len(r.chunk.Data)-1 {
		b := r.chunk.Data[r.next].ReadOnlyData()[r.pos:]
		r.next, r.pos = r.next+1, 0
		return w.Write(b)
	}
	n, err := r.Read(*batch)
	if err != nil {
		return 0, err
	}
	return w.Write((*batch)[:n])
}

// Close gives back the chunk in hand. It does not end the stream.
func (r *Reader) Close() error {
	r.chunk.Free()
	r.next, r.pos = 0, 0
	if r.err == nil {
		r.err = io.ErrClosedPipe
	}
	return nil
}

// receive takes the next chunk from the stream and checks it.
func (r *Reader) receive() error {
	if r.err == nil {
		r.err = r.receiveNext()
	}
	if r.err != nil {
		r.chunk.Free()
	}
	return r.err
}

func (r *Reader) receiveNext() error {
	r.next, r.pos = 0, 0
	switch err := r.stream.RecvMsg(&r.chunk); {
	case atEnd(err) && !r.plan.complete():
		return io.ErrUnexpectedEOF
	case err != nil:
		return err
	}
	size := int64(r.chunk.Data.Len())
	switch {
	case r.chunk.other:
		return fault.Invalidf("payload", "only the first message of the stream may be anything but a chunk")
	case size == 0 || size > MaxChunkBytes:
		return fault.Invalidf("chunk.data", "%d bytes, want 1 to %d", size, MaxChunkBytes)
	case r.chunk.Offset != r.plan.offset || size > r.plan.left:
		return fault.Invalidf("chunk.offset", "%d bytes at %d are not what comes next, %d bytes at %d",
			size, r.chunk.Offset, r.plan.left, r.plan.offset)
	case r.chunk.Sum() != r.chunk.CRC32C:
		return fault.New(errorsv1.Reason_REASON_DIGEST_MISMATCH, "chunk at %d does not have its crc32c", r.chunk.Offset)
	}
	r.plan.advance(size)
	return nil
}

// atEnd reports whether a stream or a reader came to its end. Only io.EOF
// itself says so; one that is wrapped is the end of something else, such as
// the connection.
func atEnd(err error) bool {
	return err == io.EOF //nolint:errorlint // see above
}
