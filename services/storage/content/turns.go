package content

import (
	"context"
	"sync"
	"time"
)

// turns are the appends that are under way in this process. The ledger fences an
// older request by its epoch wherever that runs; here it is also told, so that
// it ends at once and not with its extent.
type turns struct {
	mu  sync.Mutex
	now map[string]*turn // by the name of the upload
}

// turn is one append.
type turn struct {
	epoch int64
	over  chan struct{} // closed when a newer request took over
	once  sync.Once
	done  chan struct{} // closed when it has ended
}

// begin registers an append that has taken its upload over, and tells an older
// one. One that is itself older than another finds its turn over.
func (t *turns) begin(name string, epoch int64) *turn {
	begun := &turn{epoch: epoch, over: make(chan struct{}), done: make(chan struct{})}
	t.mu.Lock()
	defer t.mu.Unlock()
	switch current := t.now[name]; {
	case current == nil:
		t.now[name] = begun
	case current.epoch < epoch:
		current.end()
		t.now[name] = begun
	default:
		begun.end()
	}
	return begun
}

// finish takes an append off the register.
func (t *turns) finish(name string, ended *turn) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.now[name] == ended {
		delete(t.now, name)
	}
	close(ended.done)
}

// has reports whether an append of an upload is under way.
func (t *turns) has(name string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.now[name] != nil
}

// interrupt ends the append of an upload, if there is one, and waits a while for
// it to store what it has.
func (t *turns) interrupt(ctx context.Context, name string, patience time.Duration) {
	t.mu.Lock()
	current := t.now[name]
	t.mu.Unlock()
	if current == nil {
		return
	}
	current.end()
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-current.done:
	case <-timer.C:
	case <-ctx.Done():
	}
}

func (t *turn) end() { t.once.Do(func() { close(t.over) }) }
