package transport

import (
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// bufferBytes is the size of net/http's write buffer. A write of just that
// size is the beginning of an answer that did not fit into it, and another
// write follows at once.
const bufferBytes = 4 << 10

// conn is a connection that sends the header of an answer and the beginning of
// its body in one segment where net/http, whose buffer is small, takes two.
//
// What is held back for that goes out with the next write, and at the latest
// when net/http turns to the connection for anything else, which it does after
// every answer.
type conn struct {
	net.Conn
	free func()

	// parsing says that no handler is at work: what is written is net/http's own.
	// It waits for no write: over HTTP/2 nothing would be read meanwhile, and both
	// sides might wait for each other.
	parsing atomic.Bool

	secret  atomic.Bool // TLS is spoken, and its handshake goes on
	awaited atomic.Bool // the header of the first request is
	sniffed atomic.Bool // something has come, after the handshake if there is one

	mu      sync.Mutex // of everything below, and of writes
	holding bool       // the first full buffer may be held back
	held    []byte
	buffer  *[bufferBytes]byte
	lost    error // why what was held back did not go out, and nothing may follow

	http2     bool
	malformed Render

	idle, header time.Duration // see Config
}

// buffers lends what is held back in.
var buffers = sync.Pool{New: func() any { return new([bufferBytes]byte) }}

// hold lets the first full buffer of the next answer be held back.
func (c *conn) hold() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.holding = true
}

func (c *conn) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.lost != nil:
		return 0, c.lost
	case len(c.held) > 0:
		return c.writeBehind(p)
	case c.holding && len(p) == bufferBytes:
		c.holding = false
		c.buffer = buffers.Get().(*[bufferBytes]byte)
		c.held = c.buffer[:copy(c.buffer[:], p)]
		return len(p), nil
	case c.parsing.Load() && !c.http2 && c.malformed != nil:
		if page, ok := refusal(p, c.malformed); ok {
			if _, err := c.Conn.Write(page); err != nil {
				return 0, err
			}
			return len(p), nil
		}
	}
	return c.Conn.Write(p)
}

// writeBehind writes what is held back, and p.
func (c *conn) writeBehind(p []byte) (int, error) {
	held := len(c.held)
	both := net.Buffers{c.held, p}
	n, err := both.WriteTo(c.Conn)
	c.release()
	return max(int(n)-held, 0), err
}

func (c *conn) release() {
	buffers.Put(c.buffer)
	c.held, c.buffer = nil, nil
}

// flush writes what is held back.
func (c *conn) flush() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.flushLocked()
}

func (c *conn) flushLocked() error {
	c.holding = false
	if len(c.held) == 0 {
		return nil
	}
	_, c.lost = c.Conn.Write(c.held)
	c.release()
	return c.lost
}

func (c *conn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if n > 0 && !c.secret.Load() && !c.sniffed.Load() {
		c.sniff(p[:n])
		if c.awaited.Load() {
			// An error is that of the next Read.
			_ = c.Conn.SetReadDeadline(time.Now().Add(c.header))
		}
	}
	return n, err
}

// sniff looks at the first bytes of the connection for the preface of HTTP/2
// (RFC 9113, section 3.4).
func (c *conn) sniff(p []byte) {
	const preface = "PRI"
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sniffed.Store(true)
	n := min(len(p), len(preface))
	c.http2 = string(p[:n]) == preface[:n]
}

func (c *conn) SetDeadline(t time.Time) error {
	return errors.Join(c.flush(), c.Conn.SetDeadline(t))
}

// SetReadDeadline sets when a Read fails, and for the first one its own: a
// connection that nothing has come on is as idle as one between two requests.
// net/http would have its first header be there ten seconds after it was opened.
// So it would close connections that clients keep ready under what they send at
// last; and as it looks for the preface of HTTP/2 in the first 14 bytes, it
// answers with 400 when the time is over just after these. The handshake of TLS
// keeps its own time, which net/http lifts when it is done; the first header may
// have come along with its end, which shows when net/http lifts the time of that.
func (c *conn) SetReadDeadline(t time.Time) error {
	switch {
	case c.secret.Load():
		c.secret.Store(!t.IsZero())
	case c.sniffed.Load():
	case t.IsZero() && c.awaited.Load():
		c.sniffed.Store(true)
	case c.idle > 0 && t.After(time.Now()):
		c.awaited.Store(true)
		t = time.Now().Add(c.idle)
	}
	return errors.Join(c.flush(), c.Conn.SetReadDeadline(t))
}

// SetWriteDeadline sets when a Write fails. What is held back goes out by then; what
// is yet to be may still be held back, since handlers set it before each write.
func (c *conn) SetWriteDeadline(t time.Time) error {
	err := c.Conn.SetWriteDeadline(t)
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.held) > 0 {
		err = errors.Join(err, c.flushLocked())
	}
	return err
}

// CloseWrite ends the sending half, as net/http does before it closes under a
// client that is still sending.
func (c *conn) CloseWrite() error {
	err := c.flush()
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return errors.Join(err, half.CloseWrite())
	}
	return err
}

// Close closes the connection, also under a write that does not end.
func (c *conn) Close() error {
	defer c.free()
	var err error
	if c.mu.TryLock() {
		err = c.flushLocked()
		c.mu.Unlock()
	}
	return errors.Join(err, c.Conn.Close())
}
