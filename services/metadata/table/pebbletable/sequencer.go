package pebbletable

import (
	"encoding/binary"

	"github.com/cockroachdb/pebble/v2"
)

// sequencer is the one writer of the database. It evaluates commits in the
// order in which they come and gathers them in a group while the group before
// is synced: one batch, one sync and one view for each group, and at most one
// group that is applied but not durable.
//
// Outcomes are told when the group is durable, those of failed conditions too:
// they may rest on a commit of the same group. Once a write or a sync has
// failed, the sequencer stops for good: what a log holds after a failed sync,
// nobody knows before it is read again.
type sequencer struct {
	db     *pebble.DB
	views  *viewer
	recent *recent
	room   func() error // STORAGE_FULL when nothing may be written
	fail   func(error)
	failed <-chan struct{}

	inbox  chan *commit
	syncs  chan *group   // from run to sync; holds one at most
	synced chan struct{} // from sync to run
	free   chan *group   // groups that are empty
	quit   chan struct{}
	done   chan struct{} // closed when both goroutines have ended

	committed uint64 // groups applied
}

// groups is how many there are: one gathers, one is synced, and of one the
// outcomes are being told.
const groups = 3

func (s *sequencer) start() {
	s.inbox = make(chan *commit, maxGroupCommits)
	s.syncs = make(chan *group, 1)
	s.synced = make(chan struct{}, 1)
	s.free = make(chan *group, groups)
	s.quit = make(chan struct{})
	s.done = make(chan struct{})
	for range groups {
		s.free <- newGroup(s.db)
	}
	go s.run()
	go s.sync()
}

// stop waits until all that was begun is durable, or has failed. No commit may
// follow.
func (s *sequencer) stop() {
	close(s.quit)
	select {
	case <-s.done:
	case <-s.failed:
	}
}

func (s *sequencer) run() {
	defer close(s.syncs)
	g, syncing := <-s.free, false
	for !s.stopped() {
		inbox := s.inbox
		if g.full() {
			inbox = nil
		}
		if !syncing && !g.empty() {
			select {
			case c := <-inbox:
				g.add(c)
			default:
				if syncing = s.write(g); syncing {
					g = <-s.free
				}
			}
			continue
		}
		select {
		case c := <-inbox:
			g.add(c)
		case <-s.synced:
			syncing = false
		case <-s.failed:
			return
		case <-s.quit:
			return
		}
	}
}

// stopped reports whether something has failed.
func (s *sequencer) stopped() bool {
	select {
	case <-s.failed:
		return true
	default:
		return false
	}
}

// write applies a group and hands it on to be synced. When there is nothing to
// sync it finishes the group at once and returns false.
func (s *sequencer) write(g *group) bool {
	if g.batch.Empty() {
		g.finish(nil)
		return false
	}
	if err := s.room(); err != nil {
		g.finish(err)
		return false
	}
	s.committed++
	if err := s.apply(g.batch); err != nil {
		s.fail(err)
		return false
	}
	g.view = newView(s.db, s.committed)
	s.syncs <- g
	return true
}

// apply writes the batch to the log, without waiting for it, and to the
// memtable, where only this sequencer sees it yet.
func (s *sequencer) apply(b *pebble.Batch) (err error) {
	defer catch(&err)
	if err := b.Set(commitsKey, binary.BigEndian.AppendUint64(nil, s.committed), nil); err != nil {
		return err
	}
	return s.db.ApplyNoSyncWait(b, pebble.Sync)
}

// sync waits for groups to become durable, shows them to readers and tells
// the outcomes.
func (s *sequencer) sync() {
	defer close(s.done)
	for g := range s.syncs {
		if err := g.batch.SyncWait(); err != nil {
			s.fail(err)
			return
		}
		s.recent.note(g.written, g.view.committed)
		s.views.publish(g.view)
		s.synced <- struct{}{}
		g.finish(nil)
		s.free <- g
	}
}
