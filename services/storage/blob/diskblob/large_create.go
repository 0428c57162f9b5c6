package diskblob

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/holdfast-files/holdfast/services/storage/blob"
)

// largeWriter writes the file of a large blob.
type largeWriter struct {
	stream
	id   blob.ID
	size int64
	page page
}

// createLarge stores a body whose first bytes, a whole chunk, are in chunk
// already, unless started is false.
func (s *Store) createLarge(ctx context.Context, id blob.ID, body *body, chunk []byte, started bool) (_ int64, err error) {
	path := s.dir.incoming(fmt.Sprintf("%s-%d", id, s.sequence.Add(1)))
	file, err := s.fs.Create(path)
	if err != nil {
		return 0, translate(err)
	}
	named := false
	defer func() {
		err = errors.Join(err, translate(file.Close()))
		if !named {
			// What cannot be removed now is at the next start.
			_ = s.fs.Remove(path)
		}
	}()
	w := &largeWriter{stream: stream{file: file}, id: id}
	for ended := false; !ended; {
		n := len(chunk)
		if !started {
			if n, ended, err = body.fill(ctx, chunk); err != nil {
				return 0, err
			}
		}
		started = false
		if err := s.room(int64(n)); err != nil {
			return 0, err
		}
		if err := w.write(chunk[:n]); err != nil {
			return 0, err
		}
	}
	if err := w.finish(); err != nil {
		return 0, err
	}
	if err := s.claims.take(ctx, id); err != nil {
		return 0, err
	}
	defer s.claims.give(id)
	if err := s.free(id); err != nil {
		return 0, err
	}
	named, err = s.nameLarge(path, id)
	return w.size, err
}

// nameLarge gives a finished file its name. The caller has the claim on id, and
// knows that it is free.
func (s *Store) nameLarge(path string, id blob.ID) (named bool, err error) {
	if err := s.fs.Rename(path, s.dir.large(id)); err != nil {
		return false, translate(err)
	}
	if err := s.dir.syncLarge(id, SyncLargeName); err != nil {
		// It may be there after a loss of power or not; Delete settles that.
		_ = s.removeLarge(id)
		return true, translate(err)
	}
	return true, nil
}

// write appends a chunk of the blob. All but the last are chunkBytes long.
func (w *largeWriter) write(chunk []byte) error {
	if len(chunk) == 0 {
		return nil
	}
	if w.size+int64(len(chunk)) > blob.MaxSize {
		return errTooLarge
	}
	// The page of a full segment waits for what comes after it: only then is it
	// known not to be the last.
	if w.size > 0 && w.size%segmentBytes == 0 {
		if err := w.turn(false); err != nil {
			return err
		}
	}
	block := int(w.size % segmentBytes / blockBytes)
	for rest := chunk; len(rest) > 0; block++ {
		n := min(blockBytes, len(rest))
		w.page.setSum(block, checksum(rest[:n]))
		rest = rest[n:]
	}
	w.size += int64(len(chunk))
	return translate(w.append(chunk))
}

// turn ends a segment.
func (w *largeWriter) turn(last bool) error {
	w.page.seal(w.id, (w.size-1)/segmentBytes, w.size, last)
	err := w.append(w.page[:])
	clear(w.page[:])
	return translate(err)
}

// finish makes the file complete and durable.
func (w *largeWriter) finish() error {
	if err := w.turn(true); err != nil {
		return err
	}
	return translate(w.file.Sync(SyncLargeData))
}

// removeLarge removes the file of a large blob; when it returns nil it stays
// removed. The directory is synced also when the file is gone already: who
// removed it may not have come to that.
func (s *Store) removeLarge(id blob.ID) error {
	err := s.fs.Remove(s.dir.large(id))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return translate(err)
	}
	s.files.drop(fileKey{kindLarge, id})
	return translate(s.dir.syncLarge(id, SyncLargeGone))
}
