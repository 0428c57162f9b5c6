package diskblob

import (
	"runtime"
	"testing"
)

// Who waits for a flush that panics is not told that its item is durable, and
// the group goes on.
func TestGroupOutlivesPanic(t *testing.T) {
	entered, proceed := make(chan struct{}), make(chan struct{})
	var flushes [][]int
	g := group[int]{flush: func(batch []int) error {
		flushes = append(flushes, batch)
		switch len(flushes) {
		case 1:
			close(entered)
			<-proceed
		case 2:
			panic("flush")
		}
		return nil
	}}
	first := make(chan error, 1)
	go func() { first <- g.commit(1) }()
	<-entered
	const late = 3
	outcomes := make(chan bool, late) // whether commit has returned nil
	panics := make(chan any, late)
	for range late {
		go func() {
			durable := false
			defer func() {
				panics <- recover()
				outcomes <- durable
			}()
			durable = g.commit(2) == nil
		}()
	}
	for waiting := 0; waiting < late; runtime.Gosched() {
		g.mu.Lock()
		if g.waiting != nil {
			waiting = len(g.waiting.items)
		}
		g.mu.Unlock()
	}
	close(proceed)
	if err := <-first; err != nil {
		t.Errorf("before the panic: %v", err)
	}
	recovered := 0
	for range late {
		if <-panics != nil {
			recovered++
		}
		if <-outcomes {
			t.Error("an item is said to be durable whose flush has panicked")
		}
	}
	if recovered != 1 {
		t.Errorf("%d have panicked, not the one that flushes", recovered)
	}
	if err := g.commit(4); err != nil || len(flushes) != 3 {
		t.Errorf("after the panic: %v, flushed %v", err, flushes)
	}
}
