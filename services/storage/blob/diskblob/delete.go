package diskblob

import (
	"context"
	"errors"

	"github.com/holdfast-files/holdfast/services/storage/blob"
)

// Delete implements blob.Store. Once it is under way ctx no longer counts.
func (s *Store) Delete(ctx context.Context, id blob.ID) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	for {
		err := s.remove(id)
		if !errors.Is(err, errMoved) {
			return translate(err)
		}
	}
}

// remove writes a tomb for every record of id, dead ones too: it may not be
// durable yet that they are. When no blob was among them there may be a large
// one.
func (s *Store) remove(id blob.ID) error {
	var found [2]place
	places, err := s.shelf.lookup(found[:0], id)
	if err != nil {
		return err
	}
	small := false
	for _, p := range places {
		if err := p.pack.tombs.commit(p.entry); err != nil {
			return err
		}
		small = small || p.state != dead
	}
	if small {
		s.keeper.wake()
		return nil
	}
	if len(places) == 0 {
		if err := s.disown(id); err != nil {
			return err
		}
	}
	return s.removeLarge(id)
}
