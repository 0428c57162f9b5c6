// Package diskblob keeps blobs in a directory of a local disk, which one
// process has for itself.
//
// Blobs of 256 KiB and more have a file each. Smaller ones are packed: those
// that come at the same time are appended to one file and share one sync. All
// bytes have crc32c checksums, which are verified before a byte leaves.
//
// What Create and Delete have acknowledged survives the death of the process
// and a loss of power at any moment, and nothing else is ever seen: no blob in
// part, none that was deleted. Damage stays where it is: a flipped bit, or a
// page that the disk does not give, makes its block DATA_LOSS and nothing else.
//
// What cannot be read may be readable again. So it is never given up: a blob
// there is DATA_LOSS until then, its pack is not merged, and a pack of which not
// all can be seen keeps its place.
package diskblob

import (
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"

	"github.com/holdfast-files/holdfast/services/storage/blob"
)

var _ blob.Store = (*Store)(nil)

// Store implements blob.Store.
type Store struct {
	fs        FS
	dir       *directory
	log       *slog.Logger
	packBytes int64
	mergeRate int64 // bytes a second
	reserve   int64 // bytes that are kept free
	kept      bool  // whether the keeper works

	sequence atomic.Uint64 // of files in incoming
	claims   claims
	files    *handles
	shelf    shelf
	writer   writer
	keeper   keeper
}

// Open opens the store in a directory, or makes one there. What a process left
// that has died is put in order: incoming is emptied, and a pack that was not
// closed is read as a whole, loses what comes after its last group and gets an
// index.
//
// Errors: fault UNAVAILABLE when another process has the directory (the
// message names it), or the file system fails; DATA_LOSS when FORMAT is damaged
// or missing beside blobs; STORAGE_FULL; INTERNAL when the directory has a
// format that this program does not know; NOT_FOUND when there is no store and
// MustExist says that there is one.
func Open(c Config) (*Store, error) {
	c, err := c.withDefaults()
	if err != nil {
		return nil, err
	}
	s := &Store{fs: c.FS, log: c.Logger, packBytes: c.PackBytes, mergeRate: c.MergeBytesPerSecond, reserve: c.ReserveBytes}
	if s.files, err = newHandles(c.OpenFiles); err != nil {
		return nil, err
	}
	if s.dir, err = openDirectory(c.FS, c.Dir, c.MustExist); err != nil {
		return nil, err
	}
	s.writer.init(s)
	s.keeper.init(s)
	s.shelf.view.Store(&view{})
	if err := s.loadPacks(); err != nil {
		s.files.close()
		return nil, errors.Join(fmt.Errorf("open blob directory %q: %w", c.Dir, translate(err)), s.dir.lock.Close())
	}
	if s.kept = !c.NoMaintenance; s.kept {
		s.keeper.start()
	}
	return s, nil
}

// Close implements blob.Store. It leaves an index for every pack, unless
// there is no maintenance, so that the next Open reads none as a whole.
func (s *Store) Close() error {
	if s.kept {
		s.keeper.stop()
		<-s.keeper.done
	}
	s.writer.close()
	var err error
	if s.kept {
		err = errors.Join(s.keeper.seal(), s.keeper.bury())
	}
	s.files.close()
	return errors.Join(err, translate(s.dir.lock.Close()))
}
