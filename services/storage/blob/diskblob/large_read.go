package diskblob

import (
	"context"
	"errors"
	"io"
	"io/fs"

	"github.com/holdfast-files/holdfast/services/storage/blob"
)

// readLarge reads from the file of a large blob.
func (s *Store) readLarge(ctx context.Context, id blob.ID, offset, length int64, w io.Writer) error {
	f, err := s.takeLarge(id)
	if err != nil {
		return err
	}
	defer f.release()
	large := f.large.Load()
	if large == nil {
		if large, err = inspect(f, id); err != nil {
			return err
		}
		f.large.Store(large)
	}
	if err := large.checkRange(id, offset, length); err != nil || length == 0 {
		return err
	}
	r := largeReader{file: f, large: large, id: id, segment: -1}
	return r.copy(ctx, offset, offset+length, w)
}

// takeLarge opens the file of a large blob.
func (s *Store) takeLarge(id blob.ID) (*handle, error) {
	f, err := s.files.take(fileKey{kindLarge, id}, func() (File, error) { return s.fs.Open(s.dir.large(id)) })
	if errors.Is(err, fs.ErrNotExist) {
		return nil, blob.ErrNotFound
	}
	return f, errReading(id, err)
}

// largeReader reads and verifies the blocks of a large blob.
type largeReader struct {
	file  *handle
	large *largeFile
	id    blob.ID

	segment int64 // that page belongs to, or -1
	page    *page
}

// copy writes the bytes from offset to end to w, in chunks of whole blocks that
// lie in one segment.
func (r *largeReader) copy(ctx context.Context, offset, end int64, w io.Writer) error {
	span := min(chunkBytes, (end+blockBytes-1)/blockBytes*blockBytes-offset/blockBytes*blockBytes)
	buffer := takeBuffer(int(span))
	defer giveBuffer(buffer)
	for offset < end {
		if err := ctx.Err(); err != nil {
			return err
		}
		first := offset / blockBytes * blockBytes
		segment := offset / segmentBytes
		stop := min(first+span, (segment+1)*segmentBytes, (end+blockBytes-1)/blockBytes*blockBytes, r.large.size)
		chunk := (*buffer)[:stop-first]
		good, failure := r.read(chunk, first)
		if part := chunk[:good]; int64(len(part)) > offset-first {
			part = part[offset-first : min(int64(good), end-first)]
			n, err := w.Write(part)
			if err == nil && n != len(part) {
				err = io.ErrShortWrite
			}
			if err != nil {
				return err
			}
		}
		if failure != nil {
			return failure
		}
		offset = stop
	}
	return nil
}

// read fills chunk with the blocks from first, and returns how many bytes of it
// are good.
func (r *largeReader) read(chunk []byte, first int64) (good int, err error) {
	if err := r.load(first / segmentBytes); err != nil {
		return 0, err
	}
	n, err := r.file.ReadAt(chunk, dataAt(first))
	if n < len(chunk) {
		if err == nil || errors.Is(err, io.EOF) {
			err = errShort
		}
		chunk, err = chunk[:n/blockBytes*blockBytes], errReading(r.id, err)
	} else {
		err = nil
	}
	block := int(first % segmentBytes / blockBytes)
	for good < len(chunk) {
		next := min(good+blockBytes, len(chunk))
		if checksum(chunk[good:next]) != r.page.sum(block) {
			return good, errDamaged(r.id, errChecksum)
		}
		good = next
		block++
	}
	return good, err
}

// load reads the page of a segment, when it is not the last one read.
func (r *largeReader) load(segment int64) error {
	if segment == r.segment {
		return nil
	}
	r.segment = segment
	if segment == r.large.segments()-1 {
		r.page = &r.large.last
		return nil
	}
	r.page = new(page)
	if err := readFull(r.file, r.page[:], pageAt(segment, r.large.size)); err != nil {
		r.segment = -1
		return errReading(r.id, err)
	}
	return nil
}
