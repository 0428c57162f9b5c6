// Package pebbletable keeps records in a Pebble database, in a directory that
// one process has for itself.
//
// A commit is durable when Commit returns: the log is synced, once for all
// commits that came while the sync before was under way. Readers see durable
// states only and wait for nothing. The table survives the death of its
// process and a loss of power at any moment; it does not hide damage: see
// Open.
package pebbletable

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/holdfast-files/holdfast/services/metadata/table"
)

var _ table.Table = (*Table)(nil)

// Table implements table.Table.
type Table struct {
	log       *slog.Logger
	clock     func() time.Time
	directory *directory
	db        *pebble.DB
	views     *viewer
	recent    *recent
	sequencer sequencer

	failOnce sync.Once
	failed   chan struct{}
	failure  error // set before failed is closed

	flushed chan struct{} // tells keep of a flush
	stop    context.CancelFunc
	kept    chan struct{} // closed when keep has ended
}

// Open opens the table in a directory, or makes one there.
//
// Errors: fault UNAVAILABLE when another process has the directory (the
// message names it); DATA_LOSS when files are missing, damaged or older than
// what was committed; STORAGE_FULL; UNAVAILABLE for other failures of the file
// system; an error without a reason when the directory has a format that is
// newer than this program; NOT_FOUND when there is no table and MustExist says that
// there is one.
func Open(c Config) (*Table, error) {
	c = c.withDefaults()
	d, err := openDirectory(c.FS, c.Dir, c.MustExist)
	if err != nil {
		return nil, err
	}
	t := &Table{
		log: c.Logger, clock: c.Clock, directory: d, recent: newRecent(),
		failed: make(chan struct{}), flushed: make(chan struct{}, 1), kept: make(chan struct{}),
	}
	if err := t.open(c); err != nil {
		return nil, errors.Join(err, d.close())
	}
	var ctx context.Context
	ctx, t.stop = context.WithCancel(context.Background())
	t.sequencer.start()
	go t.keep(ctx, c.PurgeInterval)
	return t, nil
}

func (t *Table) open(c Config) error {
	err := t.guard(func() (err error) {
		t.db, err = pebble.Open(c.Dir, c.options(t.directory, t.fail, t.noteFlush))
		return err
	})
	switch {
	case errors.Is(err, pebble.ErrDBNotPristine):
		return errForeign(c.Dir, err)
	case err != nil:
		return fmt.Errorf("open metadata directory %q: %w", c.Dir, translate(err))
	}
	committed, err := t.verify()
	if err != nil {
		return errors.Join(err, t.guard(t.db.Close))
	}
	t.views = newViewer(newView(t.db, committed))
	t.sequencer = sequencer{
		db: t.db, views: t.views, recent: t.recent, fail: t.fail, failed: t.failed, committed: committed,
		room: func() error { return checkRoom(c.FS, c.Dir, c.ReserveBytes) },
	}
	return nil
}

// verify checks that the database holds all that it is known to have held, and
// returns how many groups were committed. What Pebble has recovered from its
// logs it has made durable before this.
func (t *Table) verify() (committed uint64, err error) {
	value, closer, err := t.db.Get(commitsKey)
	switch {
	case errors.Is(err, pebble.ErrNotFound):
	case err != nil:
		return 0, translate(err)
	case len(value) != 8:
		return 0, errors.Join(translate(errRecord), closer.Close())
	default:
		committed = binary.BigEndian.Uint64(value)
		if err := closer.Close(); err != nil {
			return 0, translate(err)
		}
	}
	if t.directory.fresh {
		return committed, t.directory.finish()
	}
	mark, err := t.directory.watermark()
	if err == nil && committed < mark {
		err = errLost(t.directory.path, committed, mark)
	}
	return committed, err
}

func checkRoom(filesystem vfs.FS, dir string, reserve uint64) error {
	usage, err := filesystem.GetDiskUsage(dir)
	if errors.Is(err, vfs.ErrUnsupported) {
		return nil
	}
	if err != nil {
		return translate(err)
	}
	if usage.AvailBytes < reserve {
		return errFull(usage.AvailBytes, reserve)
	}
	return nil
}

// Watch returns the failure of the table when a write or sync of the engine has
// failed, and nil when ctx ends before. After a failure every Commit fails, with
// UNAVAILABLE or STORAGE_FULL; reads go on to show what is durable. Only opening
// the table anew can tell what became of the commits that were under way, so the
// process should end.
func (t *Table) Watch(ctx context.Context) error {
	select {
	case <-t.failed:
		return t.failure
	case <-ctx.Done():
		return nil
	}
}

func (t *Table) fail(err error) {
	t.failOnce.Do(func() {
		t.failure = errStopped(translate(err))
		t.log.Error("metadata storage failed", slog.Any("error", err))
		close(t.failed)
	})
}

// closeFlushTimeout bounds the flush that Close tries.
const closeFlushTimeout = 30 * time.Second

// Close implements table.Table. It flushes the log, so that all there is in
// the directory has checksums and is known to be complete. When the table has
// failed, Close returns that failure and leaves the files and the lock to the
// end of the process: the engine may be stuck with a lock held.
func (t *Table) Close() error {
	t.stop()
	<-t.kept
	t.sequencer.stop()
	if t.sequencer.stopped() {
		return t.failure
	}
	committed := t.sequencer.committed
	t.views.close()
	var flushed bool
	err := t.guard(func() (err error) {
		flushed, err = t.flush()
		return errors.Join(err, t.db.Close())
	})
	if flushed && err == nil {
		err = t.directory.setWatermark(committed)
	}
	return errors.Join(translate(err), translate(t.directory.close()))
}

// flush empties the log. It gives up after a while, as Pebble tries a flush
// that fails again and again; the log has what is not flushed.
func (t *Table) flush() (bool, error) {
	flushed, err := t.db.AsyncFlush()
	if err != nil {
		return false, err
	}
	timeout := time.NewTimer(closeFlushTimeout)
	defer timeout.Stop()
	select {
	case <-flushed:
		return true, nil
	case <-timeout.C:
		t.log.Warn("metadata could not be flushed; the next start reads it from the log")
		return false, nil
	}
}

// guard calls a function of Pebble's that may never return, or panic, and
// returns its error or, if that comes first, the failure of the table.
func (t *Table) guard(call func() error) error {
	result := make(chan error, 1)
	go func() {
		var err error
		defer func() { result <- err }()
		defer catch(&err)
		err = call()
	}()
	select {
	case err := <-result:
		return err
	case <-t.failed:
		return t.failure
	}
}

// catch, deferred, turns a panic into an error: Pebble panics when it can't
// write its log.
func catch(err *error) {
	switch p := recover().(type) {
	case nil:
	case error:
		*err = fmt.Errorf("pebble: %w", p)
	default:
		*err = fmt.Errorf("pebble: %v", p)
	}
}
