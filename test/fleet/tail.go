package fleet

import (
	"bytes"
	"sync"
)

// tailBytes is how much of the output of a program is kept: room for what Go
// shows of some hundred goroutines.
const tailBytes = 2 << 20

// tail keeps the last of what is written to it.
type tail struct {
	mu     sync.Mutex
	buffer bytes.Buffer
}

// Write implements io.Writer.
func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.buffer.Write(p)
	if over := t.buffer.Len() - tailBytes; over > 0 {
		t.buffer.Next(over)
	}
	return len(p), nil
}

// String returns what is kept.
func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.buffer.String()
}
