package diskblob_test

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"github.com/google/uuid"

	"github.com/holdfast-files/holdfast/services/storage/blob"
	"github.com/holdfast-files/holdfast/services/storage/blob/diskblob"
	"github.com/holdfast-files/holdfast/services/storage/blob/diskblob/internal/powerfs"
)

// What is deleted between its copy into a merged pack and the moment that this
// pack counts stays deleted, also when the power fails right then and the index
// is lost beside: an index only repeats what its pack says.
func TestDeletedWhileMerged(t *testing.T) { restsOn(t, diskblob.SyncMergedVoid, deleteWhileMerged) }

// A start that finds packs replaced by one whose name may not be durable, since
// the process before died right then, removes nothing before it is.
func TestMergedPackFound(t *testing.T) { restsOn(t, diskblob.SyncPacksFound, findMerged) }

// restsOn lets stores live a life that no violation may come of, and that one
// comes of without the syncs of a point.
func restsOn(t *testing.T, point diskblob.SyncPoint, life func(context.Context, *rand.Rand, diskblob.SyncPoint) error) {
	t.Helper()
	// How many it takes without the syncs depends on what else the machine does: a
	// dozen as a rule, once more than forty.
	const sound, unsound = 40, 1000
	for seed := range uint64(sound) {
		if err := life(t.Context(), rand.New(rand.NewPCG(seed, 5)), ""); err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
	}
	for seed := range uint64(unsound) {
		err := life(t.Context(), rand.New(rand.NewPCG(seed, 5)), point)
		if err == nil {
			continue
		}
		if !strings.Contains(err.Error(), "violation") {
			t.Fatalf("without the sync, seed %d: %v", seed, err)
		}
		t.Logf("without the sync, after %d stores: %v", seed+1, err)
		return
	}
	t.Error("nothing is amiss without the sync")
}

// findMerged fills a store, kills it when a merged pack has its name and before
// that is durable, starts it again, fails the power when this start has removed
// the first pack, and returns what is lost.
func findMerged(ctx context.Context, rng *rand.Rand, without diskblob.SyncPoint) error {
	disk := powerfs.New(rand.New(rand.NewPCG(rng.Uint64(), 0)))
	disk.Skip(without)
	watch := &mergeWatch{FS: disk.Boot(), copied: func() {}, removed: func() {}}
	killed := make(chan struct{})
	watch.named = sync.OnceFunc(func() {
		disk.Kill()
		close(killed)
	})
	store, err := openPowered(watch)
	if err != nil {
		return err
	}
	ids, err := fill(ctx, store)
	if err != nil {
		return err
	}
	var kept []blob.ID
	for i, id := range ids {
		switch {
		case i >= 32 || i%2 != 0:
			kept = append(kept, id)
		default:
			if err := store.Delete(ctx, id); err != nil && !errors.Is(err, powerfs.ErrDead) {
				return err
			}
		}
	}
	select {
	case <-killed:
	case <-ctx.Done():
		return ctx.Err()
	}
	if err := store.Close(); err != nil && !errors.Is(err, powerfs.ErrDead) {
		return err
	}
	watch = &mergeWatch{FS: disk.Boot(), copied: func() {}, named: func() {}, removed: sync.OnceFunc(disk.PowerLoss)}
	if store, err = openPowered(watch); err == nil {
		err = store.Close()
	}
	if err != nil && !errors.Is(err, powerfs.ErrDead) {
		return err
	}

	if store, err = openPowered(disk.Boot()); err != nil {
		return err
	}
	there, err := listed(ctx, store)
	for _, id := range kept {
		if !there[id] {
			err = errors.Join(err, violation("%s is lost", id))
		}
	}
	return errors.Join(err, store.Close())
}

// deleteWhileMerged fills a store, has packs merged by deleting half, deletes
// more when they are copied, fails the power when the merged pack counts, removes
// all indexes, and returns what is not as it should be afterwards.
func deleteWhileMerged(ctx context.Context, rng *rand.Rand, without diskblob.SyncPoint) error {
	disk := powerfs.New(rand.New(rand.NewPCG(rng.Uint64(), 0)))
	disk.Skip(without)
	watch := &mergeWatch{FS: disk.Boot(), named: func() {}, removed: func() {}}
	store, err := openPowered(watch)
	if err != nil {
		return err
	}
	ids, err := fill(ctx, store)
	if err != nil {
		return err
	}
	var mu sync.Mutex
	deleted, tried := map[blob.ID]bool{}, map[blob.ID]bool{}
	remove := func(id blob.ID) {
		mu.Lock()
		tried[id] = true
		mu.Unlock()
		if err := store.Delete(ctx, id); err == nil {
			mu.Lock()
			deleted[id] = true
			mu.Unlock()
		}
	}
	failed := make(chan struct{})
	watch.copied = sync.OnceFunc(func() {
		for i := range 8 {
			remove(ids[4*i+3])
		}
	})
	watch.counts = sync.OnceFunc(func() {
		disk.PowerLoss()
		close(failed)
	})
	for i := range 16 {
		remove(ids[2*i])
	}
	select {
	case <-failed:
	case <-ctx.Done():
		return ctx.Err()
	}
	if err := store.Close(); err != nil && !errors.Is(err, powerfs.ErrDead) {
		return err
	}

	fs := disk.Boot()
	if err := removeIndexes(fs); err != nil {
		return err
	}
	if store, err = openPowered(fs); err != nil {
		return err
	}
	there, err := listed(ctx, store)
	for _, id := range ids {
		switch {
		case deleted[id] && there[id]:
			err = errors.Join(err, violation("%s was deleted and is there", id))
		case !tried[id] && !there[id]:
			err = errors.Join(err, violation("%s is lost", id))
		}
	}
	return errors.Join(err, store.Close())
}

// fill creates blobs for some packs.
func fill(ctx context.Context, store *diskblob.Store) ([]blob.ID, error) {
	const size = 500
	ids := make([]blob.ID, 48)
	for i := range ids {
		ids[i] = uuid.Must(uuid.NewV7())
		if _, err := store.Create(ctx, ids[i], newContents(ids[i], size), size); err != nil {
			return nil, err
		}
	}
	return ids, nil
}

func listed(ctx context.Context, store *diskblob.Store) (map[blob.ID]bool, error) {
	there := map[blob.ID]bool{}
	err := store.List(ctx, func(info blob.Info) error {
		there[info.ID] = true
		return nil
	})
	return there, err
}

func removeIndexes(fs diskblob.FS) error {
	names, err := fs.ReadDir("/var/lib/blobs/packs")
	if err != nil {
		return err
	}
	for _, name := range names {
		if strings.HasSuffix(name, ".index") {
			err = errors.Join(err, fs.Remove("/var/lib/blobs/packs/"+name))
		}
	}
	return err
}

func openPowered(fs diskblob.FS) (*diskblob.Store, error) {
	return diskblob.Open(diskblob.Config{
		Dir: "/var/lib/blobs", FS: fs, Logger: slog.New(slog.DiscardHandler), OpenFiles: 32,
		PackBytes: 8 << 10, MergeBytesPerSecond: 1 << 50,
	})
}

// mergeWatch tells how far a merge, or a start, has come.
type mergeWatch struct {
	diskblob.FS
	copied  func() // what is live is in the merged pack, and synced
	named   func() // the merged pack has its name
	counts  func() // and that is durable
	removed func() // a pack was removed
}

func (w *mergeWatch) Create(name string) (diskblob.File, error) {
	f, err := w.FS.Create(name)
	return watchedFile{f, w}, err
}

func (w *mergeWatch) SyncDir(name string, point diskblob.SyncPoint) error {
	if point == diskblob.SyncMergedName {
		w.named()
	}
	err := w.FS.SyncDir(name, point)
	if err == nil && point == diskblob.SyncMergedName {
		w.counts()
	}
	return err
}

func (w *mergeWatch) Remove(name string) error {
	err := w.FS.Remove(name)
	if err == nil && strings.HasSuffix(name, ".pack") && !strings.Contains(name, "incoming") {
		w.removed()
	}
	return err
}

type watchedFile struct {
	diskblob.File
	watch *mergeWatch
}

func (f watchedFile) Sync(point diskblob.SyncPoint) error {
	err := f.File.Sync(point)
	if err == nil && point == diskblob.SyncMergedData {
		f.watch.copied()
	}
	return err
}
