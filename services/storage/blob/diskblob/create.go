package diskblob

import (
	"context"
	"errors"
	"io"
	"io/fs"

	"github.com/holdfast-files/holdfast/internal/fault"
	errorsv1 "github.com/holdfast-files/holdfast/proto/holdfast/errors/v1"
	"github.com/holdfast-files/holdfast/services/storage/blob"
)

// Create implements blob.Store. A blob that turns out to be short is packed
// with others; it is held in memory until its body has ended, then written and
// made durable together with those that came at the same time.
//
// On a disk without room a body is refused before it is read, and where the room
// ends if that is later: sizeHint is only a hint.
//
// Once the last byte is read ctx no longer counts: the outcome is that of the
// disk.
func (s *Store) Create(ctx context.Context, id blob.ID, from io.Reader, sizeHint int64) (int64, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	// Whoever is first has the id in the end, but most who are late need not
	// read their body for that, if it is not short.
	if sizeHint < 0 || sizeHint >= smallLimit {
		if err := s.free(id); err != nil {
			return 0, err
		}
	}
	body := &body{r: from}
	if err := s.room(0); err != nil {
		return 0, err
	}
	if sizeHint >= smallLimit {
		buffer := takeBuffer(chunkBytes)
		defer giveBuffer(buffer)
		return s.createLarge(ctx, id, body, (*buffer)[:chunkBytes], false)
	}
	buffer, n, err := gather(ctx, body, max(0, sizeHint))
	defer func() { giveBuffer(buffer) }()
	if err != nil {
		return 0, err
	}
	if n == smallLimit {
		return s.createLarge(ctx, id, body, (*buffer)[headSize:headSize+smallLimit], true)
	}
	return s.createSmall(ctx, id, *buffer, n)
}

// gather reads a body up to smallLimit bytes into a buffer that begins with
// room for a head and ends with room for another.
func gather(ctx context.Context, body *body, size int64) (buffer *[]byte, n int, err error) {
	const frame = 3 * headSize // two heads, and what fills the data up to a multiple
	buffer = takeBuffer(int(size) + 1 + frame)
	for {
		b := *buffer
		room := min(len(b)-frame, smallLimit)
		m, ended, err := body.fill(ctx, b[headSize+n:headSize+room])
		if n += m; err != nil || ended || n == smallLimit {
			return buffer, n, err
		}
		larger := takeBuffer(len(b) + 1)
		copy((*larger)[headSize:], b[headSize:headSize+n])
		giveBuffer(buffer)
		buffer = larger
	}
}

// createSmall packs a blob of n bytes that stands at buffer[headSize:].
func (s *Store) createSmall(ctx context.Context, id blob.ID, buffer []byte, n int) (int64, error) {
	r := &record{
		head:   head{kind: kindBlob, id: id, length: uint32(n), sum: checksum(buffer[headSize : headSize+n])},
		buffer: buffer,
	}
	if err := s.claims.take(ctx, id); err != nil {
		return 0, err
	}
	defer s.claims.give(id)
	if err := s.free(id); err != nil {
		return 0, err
	}
	if err := s.writer.commit(r); err != nil {
		return 0, translate(err)
	}
	return int64(n), nil
}

// room returns nil when the disk can take that many bytes and keep the reserve.
// What is written at the same time is not counted: the reserve is for that too.
func (s *Store) room(size int64) error {
	available, err := s.fs.Available(s.dir.path)
	if err != nil {
		return translate(err)
	}
	if available-s.reserve < size {
		return errFull(available, s.reserve)
	}
	return nil
}

// free returns nil when there is no blob of that id.
func (s *Store) free(id blob.ID) error {
	var found [2]place
	places, err := s.shelf.lookup(found[:0], id)
	if err != nil {
		return translate(err)
	}
	for i := range places {
		switch places[i].state {
		case live:
			return blob.ErrExists
		case unsettled:
			return fault.New(errorsv1.Reason_REASON_UNAVAILABLE, "an earlier try to create blob %s is not settled; delete it", id)
		}
	}
	switch _, err := s.fs.Stat(s.dir.large(id)); {
	case err == nil:
		return blob.ErrExists
	case !errors.Is(err, fs.ErrNotExist):
		return translate(err)
	}
	return nil
}
