package diskblob

import (
	"context"
	"errors"
	"io/fs"
	"time"

	"github.com/google/uuid"

	"github.com/holdfast-files/holdfast/services/storage/blob"
)

// List implements blob.Store. A blob that is created or deleted meanwhile may
// be listed or not. Large blobs are listed by the length of their file: a
// damaged one may have another size than it had, or 0.
func (s *Store) List(ctx context.Context, yield func(blob.Info) error) error {
	packs := s.shelf.hold()
	held := packs
	defer func() {
		for _, p := range held {
			s.unhold(p)
		}
	}()
	for _, p := range packs {
		if err := s.listPack(ctx, p, yield); err != nil {
			return err
		}
		held = held[1:]
		s.unhold(p)
	}
	for _, dir := range s.dir.largeDirs {
		if err := s.listLarge(ctx, dir, yield); err != nil {
			return err
		}
	}
	return nil
}

// unhold gives a pack back that hold returned.
func (s *Store) unhold(p *pack) {
	if p.listers.Add(-1) == 0 && p.gone.Load() {
		s.keeper.wake()
	}
}

func (s *Store) listPack(ctx context.Context, p *pack, yield func(blob.Info) error) error {
	entries, err := p.blobs()
	if err != nil {
		return translate(err)
	}
	for _, e := range entries {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := yield(blob.Info{ID: e.id, Size: int64(e.length), Created: time.UnixMilli(e.created)}); err != nil {
			return err
		}
	}
	return nil
}

func (s *Store) listLarge(ctx context.Context, dir string, yield func(blob.Info) error) error {
	names, err := s.fs.ReadDir(dir)
	if err != nil {
		return translate(err)
	}
	for _, name := range names {
		if err := ctx.Err(); err != nil {
			return err
		}
		id, err := uuid.Parse(name)
		if err != nil || id.String() != name {
			continue
		}
		stat, err := s.fs.Stat(s.dir.large(id))
		if errors.Is(err, fs.ErrNotExist) {
			continue // deleted meanwhile
		}
		if err != nil && !unreadable(err) {
			return translate(err)
		}
		if err := yield(blob.Info{ID: id, Size: largeSize(stat.Size), Created: stat.Modified}); err != nil {
			return err
		}
	}
	return ctx.Err()
}
