package rest

import (
	"errors"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/holdfast-files/holdfast/gateway/content"
	"github.com/holdfast-files/holdfast/internal/fault"
	errorsv1 "github.com/holdfast-files/holdfast/proto/holdfast/errors/v1"
)

const (
	// minProgressBytes is how much of a body has to come within Limits.Stall
	// for its timer to be set anew, so that a byte a minute holds nothing.
	minProgressBytes = 4 << 10
	// minBytesPerSecond is the slowest reader of an answer that is waited for.
	minBytesPerSecond = 1 << 10
	// readAheadBytes is how much of an unread body is waited for before the
	// answer, to keep the connection. net/http would wait for as much, but
	// without an end.
	readAheadBytes = 256 << 10
)

// body is the body of a request: what storage reads from. Its errors tell the
// client what was wrong with what it sent.
type body struct {
	src     io.Reader
	control *http.ResponseController
	length  int64 // announced, or -1
	stall   time.Duration
	http1   bool
	expects bool // the client waits for 100 Continue

	read     int64
	progress int64         // bytes since the timer was set
	total    time.Duration // what all may take; 0 for any time
	armed    time.Time     // when the timer was set
	ended    bool          // the end was seen
	stalled  bool
	err      error
	closing  bool // the connection cannot be used again

	mu          sync.Mutex  // of deadlines
	timer       *time.Timer // until the client has to have sent more; nil before the first Read
	reading     bool        // the client is waited for
	overdue     bool        // the timer ran out while it was not
	due         time.Time   // when the timer runs out
	last        time.Time   // what it is never set beyond; zero for no bound
	interrupted bool
	expired     bool // the deadline was set to the past for it
	whole       bool // the end was seen, as ended says
	left        bool // the handler is done, and the connection no longer ours
}

var (
	_ io.Reader           = (*body)(nil)
	_ content.Expecter    = (*body)(nil)
	_ content.Interrupter = (*body)(nil)
)

func newBody(w http.ResponseWriter, r *http.Request, stall time.Duration) *body {
	return &body{
		src:     r.Body,
		control: http.NewResponseController(w),
		length:  r.ContentLength,
		stall:   stall,
		http1:   r.ProtoMajor == 1,
		expects: r.ProtoAtLeast(1, 1) && strings.EqualFold(r.Header.Get("Expect"), "100-continue"),
	}
}

// Expects reports whether the client sends nothing before the first Read.
func (b *body) Expects() bool { return b.expects && b.read == 0 }

// Read reads the next bytes. It fails with INVALID_ARGUMENT when the client
// stopped before the announced end or encoded the body wrongly, and with
// DEADLINE_EXCEEDED when it sends too slowly.
func (b *body) Read(p []byte) (int, error) {
	if b.err != nil {
		return 0, b.err
	}
	b.await()
	n, err := b.src.Read(p)
	b.came()
	b.read += int64(n)
	b.progress += int64(n)
	if err != nil {
		b.end(err)
	}
	return n, b.err
}

// Interrupt ends a Read that waits for the client, and fails all later ones. It
// may be called beside a Read, and does nothing once the handler is done.
func (b *body) Interrupt() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.whole || b.left {
		return // nothing waits any more, and the connection is for the next request
	}
	b.interrupted = true
	_ = b.control.SetReadDeadline(time.Unix(1, 0)) // fails on a connection that is gone
}

// leave ends all that is done with the connection. Whoever comes later, such as
// what context.AfterFunc has started already, would find the next request on it,
// or over HTTP/2 a stream that net/http has taken apart.
func (b *body) leave() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.left = true
	b.stopTimer()
}

func (b *body) stopTimer() {
	if b.timer != nil {
		b.timer.Stop()
	}
}

func (b *body) wasInterrupted() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.interrupted
}

// wasCut reports whether a Read was ended by us, for whatever reason.
func (b *body) wasCut() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.interrupted || b.expired
}

// hurry bounds what the body may take from now on in all, however steadily it
// comes. 0 lifts that.
func (b *body) hurry(total time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.total, b.last = total, time.Time{}
	now := time.Now()
	if total > 0 {
		b.last = now.Add(total)
	}
	if b.timer != nil {
		b.arm(now)
	}
}

// overran reports whether the body took longer than hurry lets it.
func (b *body) overran() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return !b.last.IsZero() && !time.Now().Before(b.last)
}

// arm gives the client time for what it sends next.
func (b *body) arm(now time.Time) {
	b.armed, b.progress, b.overdue = now, 0, false
	b.due = now.Add(b.stall)
	if !b.last.IsZero() && b.last.Before(b.due) {
		b.due = b.last
	}
	if b.timer == nil {
		b.timer = time.AfterFunc(b.due.Sub(now), b.expire)
		return
	}
	b.timer.Reset(b.due.Sub(now))
}

// await begins to wait for the client, and gives it more time when enough has come
// since that was last done. As long as nobody waits for it, it is not slow: over
// HTTP/2 a deadline would end the body then, too.
func (b *body) await() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.reading = true
	now := time.Now()
	if b.timer == nil || b.overdue || b.progress >= minProgressBytes && now.Sub(b.armed) >= b.stall/8 {
		b.arm(now)
	}
}

// came ends to wait for the client.
func (b *body) came() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.reading = false
}

// expire ends a Read for which too little came.
func (b *body) expire() {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.interrupted || b.whole || b.left || time.Now().Before(b.due):
	case b.reading:
		b.expired = true
		_ = b.control.SetReadDeadline(time.Unix(1, 0)) // fails on a connection that is gone
	default:
		b.overdue = true
	}
}

func (b *body) end(err error) {
	switch {
	case err == io.EOF: //nolint:errorlint // as io.Reader has it
		b.ended, b.err = true, io.EOF
		b.release()
	case b.wasInterrupted():
		b.err = fault.Wrap(err, errorsv1.Reason_REASON_CANCELLED, "body: not read on after %d bytes", b.read)
	case errors.Is(err, os.ErrDeadlineExceeded) && b.overran():
		b.stalled = true
		b.err = fault.Wrap(err, errorsv1.Reason_REASON_DEADLINE_EXCEEDED, "body: not whole within %v", b.total)
	case errors.Is(err, os.ErrDeadlineExceeded):
		b.stalled = true
		b.err = fault.Wrap(err, errorsv1.Reason_REASON_DEADLINE_EXCEEDED, "body: less than %d bytes in %v", minProgressBytes, b.stall)
	case errors.Is(err, io.ErrUnexpectedEOF) && b.length >= 0:
		b.err = fault.Wrap(err, errorsv1.Reason_REASON_INVALID_ARGUMENT, "body: %d of %d announced bytes came", b.read, b.length)
	default:
		b.err = fault.Wrap(err, errorsv1.Reason_REASON_INVALID_ARGUMENT, "body: cut or malformed after %d bytes", b.read)
	}
}

// release gives the connection back after the end of the body. It is read on,
// for the next request or to notice that the client has gone; that may take any
// time.
func (b *body) release() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.whole = true
	b.stopTimer()
	_ = b.control.SetReadDeadline(time.Time{}) // fails on a connection that is gone
}

func (b *body) setDeadline(t time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.interrupted || b.left {
		return
	}
	_ = b.control.SetReadDeadline(t) // fails on a connection that is gone
}

// settle makes ready for an answer that comes before the end of the body. A
// short rest is read first, in bounded time, and the connection lives on. Else
// the connection is closed after the answer, and drain reads on a little.
func (b *body) settle(x *exchange) {
	if !b.http1 || b.ended && !b.wasCut() {
		return
	}
	if b.err == nil && !b.Expects() && b.length >= 0 && b.length-b.read <= readAheadBytes {
		b.discard(b.length-b.read+1, x.h.limits.Drain) // one more, to see the end
	}
	if b.ended && !b.wasCut() {
		return
	}
	// Also when the end was seen just as the body was cut off: by then
	// net/http may wait for the client to go, take the deadline for that, and
	// have every later request on the connection begin cancelled.
	b.closing = true
	x.w.Header().Set("Connection", "close")
	_ = b.control.EnableFullDuplex() // net/http must not wait for the rest of the body
}

// drain reads on, within bounds, what the client sends of a body that it was
// told nobody wants. Closing at once would reset the connection and take the
// answer from a client that reads it only when everything is sent.
func (b *body) drain(bytes int64, timeout time.Duration) {
	if !b.closing {
		return
	}
	if err := b.control.Flush(); err != nil {
		return
	}
	b.discard(bytes, timeout)
}

func (b *body) discard(bytes int64, timeout time.Duration) {
	if b.err != nil {
		return
	}
	b.setDeadline(time.Now().Add(timeout))
	n, err := io.CopyN(io.Discard, b.src, bytes)
	b.read += n
	if err != nil {
		b.end(err)
	}
}
