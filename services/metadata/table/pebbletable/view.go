package pebbletable

import (
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2"
)

// Pebble shows a batch to readers before it is on disk. Here nobody may see
// what a loss of power could undo, so readers look through a view: a snapshot
// of the database taken when a group of commits had been applied and no later
// one had, published when that group is durable. Readers wait for nothing.

// view is a state of the table that is durable.
type view struct {
	snapshot  *pebble.Snapshot
	committed uint64 // groups that it holds

	// users counts the readers, and the viewer itself until it publishes a
	// later view. At 0 the view is dead and stays so.
	users atomic.Int64
}

// viewer hands out the newest view.
type viewer struct {
	current atomic.Pointer[view]
	dead    chan *view
	done    chan struct{}
}

func newViewer(first *view) *viewer {
	v := &viewer{dead: make(chan *view, 128), done: make(chan struct{})}
	v.current.Store(first)
	go v.bury()
	return v
}

// newView takes a view of the database as it is.
func newView(db *pebble.DB, committed uint64) *view {
	v := &view{snapshot: db.NewSnapshot(), committed: committed}
	v.users.Store(1)
	return v
}

// acquire returns the newest view; the caller releases it.
func (v *viewer) acquire() *view {
	for {
		w := v.current.Load()
		if n := w.users.Load(); n > 0 && w.users.CompareAndSwap(n, n+1) {
			return w
		}
	}
}

func (v *viewer) release(w *view) {
	if w.users.Add(-1) == 0 {
		v.dead <- w
	}
}

// publish makes a view, which must be durable, the newest.
func (v *viewer) publish(w *view) { v.release(v.current.Swap(w)) }

// bury closes dead views. It has a goroutine because closing a snapshot may
// wait for Pebble to write its manifest.
func (v *viewer) bury() {
	defer close(v.done)
	for w := range v.dead {
		_ = w.snapshot.Close() // always nil
	}
}

// close lets go of the last view. No reader may be left.
func (v *viewer) close() {
	v.release(v.current.Load())
	close(v.dead)
	<-v.done
}
