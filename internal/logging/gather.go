package logging

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"sync"
	"time"
)

const (
	// gatherTime is how long a line may wait for others.
	gatherTime = 10 * time.Millisecond
	// gatherLines is how many lines wait at most.
	gatherLines = 256
)

// Gathered is the handler of a busy log. It keeps its records until they are
// written, as JSON lines, several with one system call: a record that comes
// alone is written at once; those that follow it within ten milliseconds wait
// for the end of them. What the death of the process can take along is ten
// milliseconds of the log. Who logs faster than the writer takes it, waits.
//
// Values of attributes are read when their record is written, so they must not
// change. It is safe for concurrent use.
type Gathered struct {
	lines slog.Handler
	to    *gathering
}

// gathering is what a Gathered shares with those that were made from it.
type gathering struct {
	mu      sync.Mutex // held only to take records in or out, never to write them
	waiting []waitingRecord
	timed   bool // a timer is set
	err     error
	lost    int64 // records that could not be written

	writing sync.Mutex // of everything below; taken before mu
	w       io.Writer
	spare   []waitingRecord // what waiting becomes when it is taken
	text    bytes.Buffer    // that the handlers of records write to
}

type waitingRecord struct {
	lines  slog.Handler
	record slog.Record
}

var _ slog.Handler = (*Gathered)(nil)

// Gather returns a Gathered that writes records of at least the level to w, each
// with the attributes. Flush it in the end.
func Gather(w io.Writer, level slog.Leveler, attrs ...slog.Attr) *Gathered {
	to := &gathering{w: w}
	lines := slog.NewJSONHandler(&to.text, &slog.HandlerOptions{Level: level})
	return &Gathered{lines: lines.WithAttrs(attrs), to: to}
}

// Enabled implements slog.Handler.
func (g *Gathered) Enabled(ctx context.Context, level slog.Level) bool {
	return g.lines.Enabled(ctx, level)
}

// WithAttrs implements slog.Handler.
func (g *Gathered) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &Gathered{lines: g.lines.WithAttrs(attrs), to: g.to}
}

// WithGroup implements slog.Handler.
func (g *Gathered) WithGroup(name string) slog.Handler {
	return &Gathered{lines: g.lines.WithGroup(name), to: g.to}
}

// Handle takes a record. The error is that of writing this one, or of one before
// that had waited.
func (g *Gathered) Handle(_ context.Context, r slog.Record) error {
	if g.to.take(waitingRecord{g.lines, r.Clone()}) {
		return nil
	}
	g.to.write()
	return g.to.failed()
}

// take takes a record, and reports whether it may wait.
func (to *gathering) take(r waitingRecord) bool {
	to.mu.Lock()
	defer to.mu.Unlock()
	to.waiting = append(to.waiting, r)
	if to.timed {
		return len(to.waiting) < gatherLines
	}
	to.timed = true
	time.AfterFunc(gatherTime, to.due)
	return false
}

// due writes what came since, and as long as something came waits on.
func (to *gathering) due() {
	if to.write() {
		time.AfterFunc(gatherTime, to.due)
		return
	}
	to.mu.Lock()
	defer to.mu.Unlock()
	if to.timed = len(to.waiting) > 0; to.timed {
		time.AfterFunc(gatherTime, to.due)
	}
}

// write writes what waits, and reports whether anything did. Lines are made here,
// one right after the other, which takes a fraction of the time that it takes
// between the calls they tell of; and those do not wait for it.
func (to *gathering) write() bool {
	to.writing.Lock()
	defer to.writing.Unlock()
	to.mu.Lock()
	records := to.waiting
	to.waiting = to.spare[:0]
	to.mu.Unlock()

	var failed error
	for _, r := range records {
		if err := r.lines.Handle(context.Background(), r.record); err != nil {
			failed = err
		}
	}
	clear(records)
	to.spare = records
	if to.text.Len() > 0 {
		if _, err := to.w.Write(to.text.Bytes()); err != nil {
			failed = err
		}
		to.text.Reset()
	}
	if failed != nil {
		to.mu.Lock()
		defer to.mu.Unlock()
		to.err = failed
		to.lost += int64(len(records))
	}
	return len(records) > 0
}

// failed returns the error of a write that nobody has been told of.
func (to *gathering) failed() error {
	to.mu.Lock()
	defer to.mu.Unlock()
	err := to.err
	to.err = nil
	return err
}

// Lost returns how many records may be missing in what was written, since writing
// them, or others together with them, failed.
func (g *Gathered) Lost() int64 {
	g.to.mu.Lock()
	defer g.to.mu.Unlock()
	return g.to.lost
}

// Flush writes what waits. The error is that of this write, or of one before
// that had waited.
func (g *Gathered) Flush() error {
	g.to.write()
	return g.to.failed()
}
