package diskblob_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"syscall"

	"github.com/google/uuid"

	"github.com/holdfast-files/holdfast/services/storage/blob"
	"github.com/holdfast-files/holdfast/services/storage/blob/diskblob"
	"github.com/holdfast-files/holdfast/services/storage/blob/diskblob/internal/powerfs"
)

// fate is what is known of a blob.
type fate struct {
	size    int64
	created bool // Create has returned nil
	deleted bool // Delete has returned nil
	// doubt tells that a call has failed or was under way when the process died,
	// so the blob may be there or not.
	doubt bool
	// refused tells that Create has failed in this process, so that it must not
	// show the blob.
	refused bool
	// contested tells that a Delete was called while Create was under way.
	contested bool
	busy      bool // Create is under way
}

// world is a disk, and what is known of the blobs on it.
type world struct {
	rng   *rand.Rand
	disk  *powerfs.Disk
	store *diskblob.Store
	alarm *alarm
	// orderly tells that the store was closed last, and no sync had failed.
	orderly, faulty bool
	// power tells that there was a loss of power, and nothing was done since.
	power bool

	mu    sync.Mutex
	ids   []blob.ID
	fates map[blob.ID]*fate
}

// live runs a few lives of a store, without the syncs of one point, and returns
// the first violation.
func live(ctx context.Context, rng *rand.Rand, without diskblob.SyncPoint) error {
	w := &world{rng: rng, disk: powerfs.New(rand.New(rand.NewPCG(rng.Uint64(), 0))), fates: make(map[blob.ID]*fate)}
	w.disk.Skip(without)
	for range 6 {
		if err := w.life(ctx); err != nil {
			return err
		}
	}
	return nil
}

// life opens the store, checks it, works with it and ends it.
func (w *world) life(ctx context.Context) error {
	fs := w.disk.Boot()
	if w.rng.IntN(5) == 0 {
		w.disk.KillAfter(w.rng.IntN(300)) // while it is opened
	}
	w.alarm = &alarm{closed: w.orderly}
	w.orderly, w.faulty = false, false
	store, err := diskblob.Open(diskblob.Config{
		Dir: "/var/lib/blobs", FS: fs, Logger: slog.New(w.alarm), OpenFiles: 32,
		PackBytes: 8 << 10, MergeBytesPerSecond: 1 << 50,
	})
	if err != nil && !errors.Is(err, powerfs.ErrDead) {
		return violation("Open: %w", err)
	}
	if err == nil {
		w.store = store
		err = w.check(ctx)
		if err == nil {
			w.power = false
			err = w.work(ctx)
		}
		w.disk.FailSyncs(nil)
		w.disk.Limit(0)
		// An orderly end now and then; else the process is dead, or dies here.
		if w.rng.IntN(4) > 0 {
			w.disk.Kill()
		}
		closed := store.Close()
		if closed != nil && !errors.Is(closed, powerfs.ErrDead) {
			err = errors.Join(err, violation("Close: %w", closed))
		}
		w.orderly = closed == nil && !w.faulty
		if err != nil && !errors.Is(err, powerfs.ErrDead) {
			return err
		}
	}
	if w.rng.IntN(3) > 0 {
		w.disk.PowerLoss()
		w.power = true
	}
	for _, f := range w.fates {
		f.refused = false
	}
	return nil
}

// work does bursts of calls until it has had enough or the process is dead.
func (w *world) work(ctx context.Context) error {
	if w.rng.IntN(4) > 0 {
		w.disk.KillAfter(w.rng.IntN(400))
	}
	switch w.rng.IntN(6) {
	case 0:
		w.faulty = true
		chances := rand.New(rand.NewPCG(w.rng.Uint64(), 3))
		w.disk.FailSyncs(func(diskblob.SyncPoint) error {
			if chances.IntN(20) == 0 {
				return syscall.EIO
			}
			return nil
		})
	case 1:
		w.disk.Limit(w.disk.Used() + w.rng.Int64N(60<<10))
	}
	for range 4 + w.rng.IntN(8) {
		var wg sync.WaitGroup
		for range 1 + w.rng.IntN(8) {
			chances := rand.New(rand.NewPCG(w.rng.Uint64(), 4))
			switch w.rng.IntN(5) {
			case 0, 1:
				wg.Go(func() { w.delete(ctx, chances) })
			default:
				wg.Go(func() { w.create(ctx, chances) })
			}
		}
		wg.Wait()
		if w.rng.IntN(3) == 0 {
			if err := w.check(ctx); err != nil {
				return err
			}
		}
	}
	return nil
}

func (w *world) create(ctx context.Context, rng *rand.Rand) {
	id := uuid.Must(uuid.NewV7())
	f := &fate{doubt: true, busy: true}
	switch n := rng.IntN(40); {
	case n == 0:
		f.size = 256<<10 + rng.Int64N(100<<10)
	case n < 10:
		f.size = rng.Int64N(12 << 10)
	default:
		f.size = rng.Int64N(600)
	}
	w.mu.Lock()
	w.ids = append(w.ids, id)
	w.fates[id] = f
	w.mu.Unlock()
	_, err := w.store.Create(ctx, id, newContents(id, f.size), f.size)
	w.mu.Lock()
	defer w.mu.Unlock()
	f.busy = false
	if err != nil {
		f.refused = true
		return
	}
	f.created, f.doubt = true, f.contested
}

func (w *world) delete(ctx context.Context, rng *rand.Rand) {
	w.mu.Lock()
	if len(w.ids) == 0 {
		w.mu.Unlock()
		return
	}
	id := w.ids[rng.IntN(len(w.ids))]
	if rng.IntN(2) == 0 { // rather a recent one
		id = w.ids[len(w.ids)-1-rng.IntN(min(8, len(w.ids)))]
	}
	f := w.fates[id]
	if !f.deleted {
		f.doubt = true
	}
	early := f.busy
	f.contested = f.contested || early
	w.mu.Unlock()
	err := w.store.Delete(ctx, id)
	w.mu.Lock()
	defer w.mu.Unlock()
	if err == nil && !early {
		f.deleted, f.doubt = true, false
	}
}

// check compares what the store shows with what is known.
func (w *world) check(ctx context.Context) error {
	listed := make(map[blob.ID]int64)
	err := w.store.List(ctx, func(info blob.Info) error {
		if _, twice := listed[info.ID]; twice {
			return violation("%s is listed twice", info.ID)
		}
		listed[info.ID] = info.Size
		return nil
	})
	if err != nil {
		return err
	}
	for id, f := range w.fates {
		size, there := listed[id]
		delete(listed, id)
		c := newCompare(id)
		err := w.store.Read(ctx, id, 0, f.size, c)
		if errors.Is(err, powerfs.ErrDead) {
			return err
		}
		state := fmt.Sprintf("%s %+v: listed %t with %d bytes, read %d, %v", id, *f, there, size, c.at, err)
		switch {
		case there != (err == nil):
			return violation("listed and not readable, or not listed and readable: %s", state)
		case err != nil && !errors.Is(err, blob.ErrNotFound):
			return violation("unreadable: %s", state)
		case there && (size != f.size || c.at != f.size || c.wrong):
			return violation("wrong: %s", state)
		case f.doubt && there && f.refused:
			return violation("there, though Create has failed: %s", state)
		case f.doubt && w.power:
			// What a loss of power has left stays there, what it has not is gone.
			f.created, f.deleted, f.doubt = there, !there, false
		case f.doubt:
		case f.deleted && there:
			return violation("deleted and there: %s", state)
		case !f.deleted && !there:
			return violation("lost: %s", state)
		}
	}
	for id := range maps.Keys(listed) {
		return violation("%s is listed and was never created", id)
	}
	return w.alarm.raised()
}

// contents are bytes that follow from an id.
type contents struct {
	chances  *rand.ChaCha8
	at, size int64
}

func newContents(id blob.ID, size int64) *contents {
	return &contents{chances: rand.NewChaCha8([32]byte(slices.Repeat(id[:], 2))), size: size}
}

func (c *contents) Read(b []byte) (int, error) {
	if c.at == c.size {
		return 0, io.EOF
	}
	b = b[:min(int64(len(b)), c.size-c.at)]
	c.at += int64(len(b))
	return c.chances.Read(b)
}

// compare checks that what is written to it are the contents of an id.
type compare struct {
	*contents
	wrong bool
}

func newCompare(id blob.ID) *compare { return &compare{contents: newContents(id, 1<<40)} }

func (c *compare) Write(b []byte) (int, error) {
	want := make([]byte, len(b))
	_, _ = c.Read(want) // never fails
	c.wrong = c.wrong || !slices.Equal(b, want)
	return len(b), nil
}

// alarm is a log in which no error may stand: a loss of power is not damage.
// After an orderly end no pack needs to be read as a whole.
type alarm struct {
	closed bool
	mu     sync.Mutex
	errors []string
}

func (a *alarm) Enabled(context.Context, slog.Level) bool { return true }

func (a *alarm) Handle(_ context.Context, r slog.Record) error {
	if r.Level < slog.LevelError && (!a.closed || !strings.Contains(r.Message, "was not closed")) {
		return nil
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	text := r.Message
	r.Attrs(func(attr slog.Attr) bool {
		text += " " + attr.String()
		return true
	})
	a.errors = append(a.errors, text)
	return nil
}

func (a *alarm) WithAttrs([]slog.Attr) slog.Handler { return a }

func (a *alarm) WithGroup(string) slog.Handler { return a }

func (a *alarm) raised() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.errors) > 0 {
		return violation("logged: %q", a.errors)
	}
	return nil
}
