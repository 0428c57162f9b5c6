package content

import (
	"context"
	"errors"
	"io"
	"sync"
	"sync/atomic"
	"time"
)

// Ways in which a feed ends or pauses. Only io.EOF is the end of the body.
var (
	errOver    = errors.New("content: a newer request took over")
	errLate    = errors.New("content: the extent took as long as it may")
	errSurplus = errors.New("content: more bytes than announced")
)

const (
	feedBlock = 64 << 10
	// feedMemory is what a feed holds, in bytes: the block in use, and the one that
	// is read into or waits.
	feedMemory = 2 * feedBlock
	// parting is how long a body may yield bytes when its caller has left.
	parting = time.Second
)

var feedPool = sync.Pool{New: func() any {
	b := make([]byte, feedBlock)
	return &b
}}

// interrupter is a body whose Read can be made to end; as gateway/content says.
type interrupter interface{ Interrupt() }

// feed reads a body in a goroutine of its own, so that whoever uses the bytes
// can stop waiting for more: when the time is over, when a newer request took
// over, or when the caller left. What was read before is not lost by that.
type feed struct {
	ctx    context.Context //nolint:containedctx // that of the call which the feed is a part of
	over   <-chan struct{}
	blocks chan block
	stop   chan struct{}
	ended  chan struct{}
	body   io.Reader
	moved  *atomic.Int64 // grows with what was read
	held   held          // of the body

	now  block
	rest []byte // of now
	late <-chan time.Time
	left int64 // bytes that may come yet
	// parted tells that the caller left and the time for its last bytes is over.
	parted <-chan time.Time
	end    error // why there is no more; for good
}

type block struct {
	buffer *[]byte
	n      int
	err    error
}

// newFeed returns a feed of at most limit bytes of body, which counts all that it
// reads, and is charged by budget what the body holds. Close it.
func newFeed(ctx context.Context, body io.Reader, over <-chan struct{}, limit int64, moved *atomic.Int64, budget *budget) *feed {
	f := &feed{
		ctx: ctx, over: over, body: body, left: limit, moved: moved, held: newHeld(body, budget),
		blocks: make(chan block), stop: make(chan struct{}), ended: make(chan struct{}),
	}
	go f.pump()
	return f
}

func (f *feed) pump() {
	defer close(f.ended)
	defer f.held.release()
	for {
		buffer := feedPool.Get().(*[]byte)
		n, err := f.body.Read(*buffer)
		f.moved.Add(int64(n))
		if err == nil {
			err = f.held.settle()
		}
		select {
		case f.blocks <- block{buffer, n, err}:
		case <-f.stop:
			feedPool.Put(buffer)
			return
		}
		if err != nil {
			return
		}
	}
}

// close ends the reading of the body, and waits for that. A body that can block
// and is no interrupter decides how long.
func (f *feed) close() {
	close(f.stop)
	if body, ok := f.body.(interrupter); ok {
		select {
		case <-f.ended:
		default:
			body.Interrupt()
		}
	}
	<-f.ended
	f.release()
}

// allow sets the time from which on Read returns errLate; never for 0.
func (f *feed) allow(d time.Duration) (stop func() bool) {
	if d == 0 {
		f.late = nil
		return func() bool { return true }
	}
	timer := time.NewTimer(d)
	f.late = timer.C
	return timer.Stop
}

// Read returns bytes as they come. It returns errLate when the time is over,
// which is no end. All other errors are, and stay.
func (f *feed) Read(p []byte) (int, error) {
	for len(f.rest) == 0 {
		if err := f.next(); err != nil {
			return 0, err
		}
	}
	if f.left == 0 {
		f.end, f.rest = errSurplus, nil
		return 0, f.end
	}
	n := copy(p[:min(int64(len(p)), f.left)], f.rest)
	f.rest = f.rest[n:]
	f.left -= int64(n)
	return n, nil
}

// next waits for a block. That the turn or the time is over counts for more than
// a block that is there, or a fast client would never notice.
func (f *feed) next() error {
	if f.end == nil && f.now.err != nil {
		f.end = f.now.err
	}
	if f.end != nil {
		return f.end
	}
	f.release()
	select {
	case <-f.over:
		f.end = errOver
		return f.end
	case <-f.late:
		f.late = nil
		return errLate
	case <-f.parted:
		f.end = context.Cause(f.ctx)
		return f.end
	default:
	}
	gone := f.ctx.Done()
	for {
		if f.parted != nil {
			gone = nil
		}
		select {
		case f.now = <-f.blocks:
			f.rest = (*f.now.buffer)[:f.now.n]
			return nil
		case <-f.over:
			f.end = errOver
		case <-f.late:
			f.late = nil
			return errLate
		case <-f.parted:
			f.end = context.Cause(f.ctx)
		case <-gone:
			// What is on its way from the connection still comes, and then its error.
			f.parted = time.After(parting)
			continue
		}
		return f.end
	}
}

func (f *feed) release() {
	if f.now.buffer != nil {
		feedPool.Put(f.now.buffer)
		f.now, f.rest = block{}, nil
	}
}

// finished reports whether the body came to its proper end.
func (f *feed) finished() bool { return f.end == io.EOF } //nolint:errorlint // a wrapped io.EOF is a failure
