package logging

import (
	"io"
	"sync"
	"time"
)

const (
	// gatherTime is how long a line may wait for others.
	gatherTime = 10 * time.Millisecond
	// gatherBytes is how many bytes of lines wait at most.
	gatherBytes = 256 << 10
)

// Gathered is the writer of a busy log. It keeps lines until they are written,
// several with one system call: a line that comes alone is written at once; those
// that follow it within ten milliseconds wait for the end of them. What the death
// of the process can take along is ten milliseconds of the log. Who logs faster
// than the writer takes it, waits.
//
// It is safe for concurrent use.
type Gathered struct {
	mu      sync.Mutex // held only to take lines in or out, never to write them
	waiting []byte
	lines   int64 // that wait
	timed   bool  // a timer is set
	err     error
	lost    int64 // lines that could not be written

	writing sync.Mutex // of everything below; taken before mu
	w       io.Writer
	spare   []byte // what waiting becomes when it is taken
	torn    bool   // what was written last is the beginning of a line
}

var _ io.Writer = (*Gathered)(nil)

// Gather returns a Gathered that writes to w. Flush it in the end.
func Gather(w io.Writer) *Gathered { return &Gathered{w: w} }

// Write takes a whole line, of which it keeps nothing. The error is that of
// writing this one, or of one before that had waited; what was taken is written
// when there is one, too, if it can be.
func (g *Gathered) Write(line []byte) (int, error) {
	if g.take(line) {
		return len(line), nil
	}
	g.write()
	return len(line), g.failed()
}

// take takes a line, and reports whether it may wait.
func (g *Gathered) take(line []byte) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.waiting = append(g.waiting, line...)
	g.lines++
	if g.timed {
		return len(g.waiting) < gatherBytes
	}
	g.timed = true
	time.AfterFunc(gatherTime, g.due)
	return false
}

// due writes what came since, and as long as something came waits on.
func (g *Gathered) due() {
	if g.write() {
		time.AfterFunc(gatherTime, g.due)
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.timed = len(g.waiting) > 0; g.timed {
		time.AfterFunc(gatherTime, g.due)
	}
}

// write writes what waits, and reports whether anything did.
func (g *Gathered) write() bool {
	g.writing.Lock()
	defer g.writing.Unlock()
	g.mu.Lock()
	text, lines := g.waiting, g.lines
	g.waiting, g.lines = g.spare[:0], 0
	g.mu.Unlock()

	g.spare = text
	if cap(text) > 2*gatherBytes {
		g.spare = nil // long lines are no reason to keep so much for good
	}
	if len(text) == 0 {
		return false
	}
	if g.torn {
		text = append([]byte{'\n'}, text...) // so that only one line is
	}
	written, err := g.w.Write(text)
	g.torn = err != nil && (written > 0 && text[written-1] != '\n' || written == 0 && g.torn)
	if err != nil {
		g.mu.Lock()
		defer g.mu.Unlock()
		g.err = err
		g.lost += lines
	}
	return true
}

// failed returns the error of a write that nobody has been told of.
func (g *Gathered) failed() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	err := g.err
	g.err = nil
	return err
}

// Lost returns how many lines may be missing in what was written, since writing
// them, or others together with them, failed.
func (g *Gathered) Lost() int64 {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.lost
}

// Flush writes what waits. The error is that of this write, or of one before
// that had waited.
func (g *Gathered) Flush() error {
	g.write()
	return g.failed()
}
