// Package progress shows how far a transfer has come.
package progress

import "sync/atomic"

// Meter counts what a transfer does. The zero value is ready. It is safe for
// concurrent use.
type Meter struct {
	files, doneFiles atomic.Int64
	bytes, doneBytes atomic.Int64
	known            atomic.Bool
}

// Expect adds a file that is going to be moved.
func (m *Meter) Expect(bytes int64) {
	m.files.Add(1)
	m.bytes.Add(bytes)
}

// Known says that everything that is going to be moved is expected by now.
func (m *Meter) Known() { m.known.Store(true) }

// Move adds bytes that were moved; fewer than 0 when they have to be moved
// again.
func (m *Meter) Move(bytes int64) { m.doneBytes.Add(bytes) }

// Finish adds a file that is done with.
func (m *Meter) Finish() { m.doneFiles.Add(1) }

// Files returns how many files are done with.
func (m *Meter) Files() int64 { return m.doneFiles.Load() }

// Bytes returns how many bytes were moved.
func (m *Meter) Bytes() int64 { return m.doneBytes.Load() }

// state is what a meter shows at some time.
type state struct {
	files, doneFiles int64
	bytes, doneBytes int64
	known            bool
	bytesPerSecond   float64
}

func (m *Meter) state() state {
	return state{
		files: m.files.Load(), doneFiles: m.doneFiles.Load(),
		bytes: m.bytes.Load(), doneBytes: m.doneBytes.Load(),
		known: m.known.Load(),
	}
}
