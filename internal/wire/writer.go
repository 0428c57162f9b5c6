package wire

import (
	"errors"
	"hash/crc32"
	"io"
	"time"

	storagev1 "github.com/holdfast-files/holdfast/proto/holdfast/storage/v1"
	"google.golang.org/grpc/mem"
)

// Sender is the sending half of a gRPC stream.
type Sender interface{ SendMsg(m any) error }

var (
	// ErrStreamEnded means that the peer ended the stream before it had
	// everything. Receiving from the stream says why.
	ErrStreamEnded = errors.New("wire: the peer ended the stream")
	// ErrTooLong means that more was written than the ranges hold.
	ErrTooLong = errors.New("wire: more bytes than announced")
)

// Where the chunks of contents of unknown length begin to grow from, so that a
// small file does not hold a large buffer. They shrink again while one takes
// longer than slowChunk to fill, so that bytes from a slow source move on.
const (
	firstChunkBytes = 32 << 10
	slowChunk       = time.Second
)

// Writer sends what is written to it as chunks with their offsets and
// checksums. It collects up to ChunkBytes in a pooled buffer and hands that to
// the transport; ReadFrom reads right into it. It is not safe for concurrent
// use. A deadline or a cancellation of the stream makes it fail.
type Writer struct {
	stream Sender
	pool   mem.BufferPool
	plan   plan
	grow   int       // size of the next buffer when the length is not known
	since  time.Time // when the buffer was taken, when the length is not known
	buf    *[]byte
	fill   int
}

var _ io.ReaderFrom = (*Writer)(nil)

// NewWriter returns a Writer of contents whose bytes lie in the ranges, one
// after the other. Each range has its true length. Nil ranges mean the
// contents from the beginning to an end that is not known.
func NewWriter(stream Sender, ranges []*storagev1.ByteRange) *Writer {
	return &Writer{stream: stream, pool: Pool, plan: newPlan(ranges), grow: firstChunkBytes}
}

// Write copies p and sends each chunk that is full.
// It returns ErrTooLong, ErrStreamEnded, or the error of the stream.
func (w *Writer) Write(p []byte) (int, error) {
	written := 0
	for len(p) > 0 {
		room, err := w.room()
		if err != nil {
			return written, err
		}
		n := copy(room, p)
		p = p[n:]
		written += n
		if err := w.filled(n); err != nil {
			return written, err
		}
	}
	return written, nil
}

// ReadFrom sends all that r has, read right into the buffers of the chunks.
// It returns the error of r, ErrTooLong, ErrStreamEnded, or the error of the
// stream.
func (w *Writer) ReadFrom(r io.Reader) (int64, error) {
	var total int64
	for {
		room, err := w.room()
		if errors.Is(err, ErrTooLong) {
			return total, exhausted(r)
		}
		if err != nil {
			return total, err
		}
		n, err := r.Read(room)
		total += int64(n)
		if ferr := w.filled(n); ferr != nil {
			return total, ferr
		}
		if atEnd(err) {
			return total, nil
		}
		if err != nil {
			return total, err
		}
	}
}

// exhausted returns ErrTooLong unless r has nothing more.
func exhausted(r io.Reader) error {
	var one [1]byte
	switch n, err := io.ReadFull(r, one[:]); {
	case n > 0:
		return ErrTooLong
	case atEnd(err):
		return nil
	default:
		return err
	}
}

// Close sends what is left. It returns io.ErrUnexpectedEOF when the ranges
// hold more than was written, ErrStreamEnded, or the error of the stream. It
// does not end the stream. A Writer that failed need not be closed.
func (w *Writer) Close() error {
	if w.fill > 0 {
		if err := w.send(); err != nil {
			return err
		}
	}
	w.release()
	if !w.plan.complete() {
		return io.ErrUnexpectedEOF
	}
	return nil
}

// Flush sends what is left and leaves the Writer open.
func (w *Writer) Flush() error {
	if w.fill == 0 {
		return nil
	}
	return w.send()
}

// room returns where the next bytes go: never nothing.
func (w *Writer) room() ([]byte, error) {
	if w.buf == nil {
		if w.plan.left == 0 {
			return nil, ErrTooLong
		}
		size := w.plan.left
		if w.plan.open {
			size = int64(w.grow)
			w.since = time.Now()
		}
		w.buf = w.pool.Get(int(min(size, ChunkBytes)))
		w.fill = 0
	}
	return (*w.buf)[w.fill:], nil
}

// filled notes that n bytes went into the room, and sends when it is full.
func (w *Writer) filled(n int) error {
	w.fill += n
	if w.fill < len(*w.buf) {
		return nil
	}
	return w.send()
}

// send sends what the buffer holds and gives the buffer away.
func (w *Writer) send() error {
	if w.plan.open {
		if time.Since(w.since) < slowChunk {
			w.grow = min(2*w.grow, ChunkBytes)
		} else {
			w.grow = max(w.grow/2, firstChunkBytes)
		}
	}
	*w.buf = (*w.buf)[:w.fill]
	c := Chunk{
		Offset: w.plan.offset,
		CRC32C: crc32.Checksum(*w.buf, castagnoli),
		Data:   mem.BufferSlice{mem.NewBuffer(w.buf, w.pool)},
	}
	w.plan.advance(int64(w.fill))
	w.buf, w.fill = nil, 0
	err := w.stream.SendMsg(&c)
	c.Free()
	if atEnd(err) {
		return ErrStreamEnded
	}
	return err
}

func (w *Writer) release() {
	if w.buf != nil {
		w.pool.Put(w.buf)
		w.buf = nil
	}
}
