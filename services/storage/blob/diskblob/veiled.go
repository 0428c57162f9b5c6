package diskblob

import (
	"errors"
	"io/fs"

	"github.com/holdfast-files/holdfast/services/storage/blob"
)

// A pack is veiled when a part of it is unreadable and no index tells which
// blobs are there. Until a start that can read it, a blob that is found nowhere
// may be in it: to read it is DATA_LOSS, and to delete it leaves a tomb there.
// Ids are never used again, so a new blob is none of those.

// missing tells what is known of a blob that was not found.
func (s *shelf) missing(id blob.ID) error {
	for _, p := range s.view.Load().veiled {
		p.mu.RLock()
		_, disowned := p.recent.disowned[id]
		p.mu.RUnlock()
		if !disowned {
			return errDamaged(id, errVeiled)
		}
	}
	return blob.ErrNotFound
}

// disown deletes a small blob that was not found, wherever it may be.
func (s *Store) disown(id blob.ID) error {
	veiled := s.shelf.view.Load().veiled
	if len(veiled) == 0 {
		return nil
	}
	if _, err := s.fs.Stat(s.dir.large(id)); !errors.Is(err, fs.ErrNotExist) {
		return err // also nil: it is a large one
	}
	for _, p := range veiled {
		if err := p.tombs.commit(entry{id: id, offset: anywhere}); err != nil {
			return err
		}
	}
	return nil
}
