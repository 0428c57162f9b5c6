package logging

import (
	"io"
	"sync"
	"time"
)

const (
	// gatherTime is how long a line may wait for others.
	gatherTime = 2 * time.Millisecond
	// gatherBytes is how many bytes wait at most.
	gatherBytes = 64 << 10
)

// Gathered writes the lines of a busy log together. A line that comes alone is
// written at once; those that follow it within two milliseconds wait for the end
// of them. So a log of every call costs a fraction of a system call for each,
// and what the death of the process can take along is two milliseconds of it.
// Who writes faster than w takes it, waits.
//
// It is safe for concurrent use.
type Gathered struct {
	w io.Writer

	mu      sync.Mutex
	waiting []byte
	timed   bool // a timer is set
	err     error
}

// Gather returns a Gathered that writes to w. Flush it in the end.
func Gather(w io.Writer) *Gathered { return &Gathered{w: w} }

// Write takes p, which are whole lines. The error is that of this write, or of
// one before that had waited.
func (g *Gathered) Write(p []byte) (int, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.waiting = append(g.waiting, p...)
	if g.timed && len(g.waiting) < gatherBytes {
		return len(p), nil
	}
	g.write()
	if !g.timed {
		g.timed = true
		time.AfterFunc(gatherTime, g.due)
	}
	if err := g.err; err != nil {
		g.err = nil
		return 0, err
	}
	return len(p), nil
}

// due writes what came since, and as long as something came waits on.
func (g *Gathered) due() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.timed = len(g.waiting) > 0; !g.timed {
		return
	}
	g.write()
	time.AfterFunc(gatherTime, g.due)
}

func (g *Gathered) write() {
	if len(g.waiting) == 0 {
		return
	}
	if _, err := g.w.Write(g.waiting); err != nil {
		g.err = err
	}
	g.waiting = g.waiting[:0]
}

// Flush writes what waits.
func (g *Gathered) Flush() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.write()
	err := g.err
	g.err = nil
	return err
}
