package diskblob

import (
	"context"
	"errors"
	"io"
	"io/fs"

	"github.com/holdfast-files/holdfast/services/storage/blob"
)

// Read implements blob.Store. Checksums cover 64 KiB of a large blob and the
// whole of a small one; what stands before the block that fails is written.
func (s *Store) Read(ctx context.Context, id blob.ID, offset, length int64, w io.Writer) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	for {
		var found [2]place
		places, err := s.shelf.lookup(found[:0], id)
		if err != nil {
			// A large blob stands outside of what cannot be read.
			if large := s.readLarge(ctx, id, offset, length, w); large != blob.ErrNotFound { //nolint:errorlint // one of w is another
				return large
			}
			return translate(err)
		}
		p := liveOf(places)
		if p == nil {
			err := s.readLarge(ctx, id, offset, length, w)
			if err == blob.ErrNotFound && len(places) == 0 { //nolint:errorlint // one of w is another
				err = s.shelf.missing(id)
			}
			return err
		}
		if offset < 0 || length < 0 || offset > int64(p.length) || length > int64(p.length)-offset {
			return blob.ErrRange
		}
		if length == 0 {
			return nil
		}
		err = p.read(offset, length, w)
		if err != errMoved { //nolint:errorlint // it is never wrapped
			return err
		}
	}
}

func liveOf(places []place) *place {
	for i := range places {
		if places[i].state == live {
			return &places[i]
		}
	}
	return nil
}

// read writes a part of the blob to w. The error is errMoved when the pack is
// gone; then nothing is written.
func (p *place) read(offset, length int64, w io.Writer) error {
	buffer, err := p.load()
	if err != nil {
		return err
	}
	defer giveBuffer(buffer)
	n, err := w.Write((*buffer)[headSize+offset:][:length])
	if err == nil && int64(n) != length {
		return io.ErrShortWrite
	}
	return err
}

// load reads and verifies the record without what follows the data.
func (p *place) load() (*[]byte, error) {
	s := p.pack.store
	if p.length >= smallLimit {
		return nil, errDamaged(p.id, errIndex)
	}
	f, err := s.files.take(p.pack.name.key(kindPack), func() (File, error) {
		return s.fs.Open(s.dir.pack(p.pack.name, packSuffix))
	})
	switch {
	case errors.Is(err, fs.ErrNotExist) && p.pack.gone.Load():
		return nil, errMoved
	case errors.Is(err, fs.ErrNotExist):
		return nil, errDamaged(p.id, err)
	case err != nil:
		return nil, errReading(p.id, err)
	}
	defer f.release()
	n := headSize + int(p.length)
	buffer := takeBuffer(int(recordSize(p.length))) // with room for the whole record, which a merge makes of it
	record := (*buffer)[:n]
	err = readFull(f, record, int64(p.offset))
	if err == nil {
		if err = p.check(record); err == nil {
			return buffer, nil
		}
		err = errDamaged(p.id, err)
	}
	giveBuffer(buffer)
	return nil, errReading(p.id, err)
}
