package content

import (
	"context"
	"io"
	"sync"

	"github.com/google/uuid"
	ledgerv1 "github.com/holdfast-files/holdfast/proto/holdfast/ledger/v1"
	"github.com/holdfast-files/holdfast/services/storage/blob"
)

const (
	// aheadFrom is how many bytes of an extent are left to write when the reading of
	// the next one begins, so that a store that takes long to send its first byte
	// does not hold up the stream at each border.
	aheadFrom = 1 << 20
	// aheadBytes bounds what is read ahead and kept, in bytes.
	aheadBytes = 256 << 10
)

// piece is a part of a blob.
type piece struct {
	id             blob.ID
	offset, length int64
}

// pieces returns where length bytes lie that begin skip bytes into the extents.
func pieces(extents []*ledgerv1.Extent, skip, length int64) ([]piece, error) {
	var all []piece
	for _, x := range extents {
		if length == 0 {
			break
		}
		if skip >= x.GetLength() {
			skip -= x.GetLength()
			continue
		}
		id, err := uuid.Parse(x.GetBlobId())
		if err != nil {
			return nil, errExtents
		}
		n := min(length, x.GetLength()-skip)
		all = append(all, piece{id: id, offset: x.GetOffset() + skip, length: n})
		length -= n
		skip = 0
	}
	return all, nil
}

// copyExtents writes length bytes that begin skip bytes into the extents to w.
func (e *Engine) copyExtents(ctx context.Context, extents []*ledgerv1.Extent, skip, length int64, w io.Writer) error {
	wanted, err := pieces(extents, skip, length)
	if err != nil {
		return err
	}
	if len(wanted) == 1 {
		return e.blobs.Read(ctx, wanted[0].id, wanted[0].offset, wanted[0].length, w)
	}
	ctx, cancel := context.WithCancel(ctx)
	var next *ahead
	defer func() {
		cancel()
		next.abandon()
	}()
	for i, p := range wanted {
		current := next
		next = nil
		begin := func() {
			if i+1 < len(wanted) {
				next = e.readAhead(ctx, wanted[i+1])
			}
		}
		out := &nearing{w: w, left: p.length, begin: begin}
		if current != nil {
			err = current.writeTo(out)
		} else {
			err = e.blobs.Read(ctx, p.id, p.offset, p.length, out)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// nearing is a writer that calls begin once when few bytes are left to come.
type nearing struct {
	w     io.Writer
	left  int64
	begin func()
}

func (n *nearing) Write(p []byte) (int, error) {
	if n.begin != nil && n.left <= aheadFrom {
		n.begin()
		n.begin = nil
	}
	n.left -= int64(len(p))
	return n.w.Write(p)
}

// ahead is a read that has begun before its bytes are wanted. It keeps the first
// of them and waits with the rest for the writer, and from then on writes right
// into it.
type ahead struct {
	mu     sync.Mutex
	wanted *sync.Cond // w is there, or the read is given up
	w      io.Writer
	kept   []byte
	given  bool // up
	done   chan struct{}
	err    error // of the read, once done
}

func (e *Engine) readAhead(ctx context.Context, p piece) *ahead {
	a := &ahead{done: make(chan struct{})}
	a.wanted = sync.NewCond(&a.mu)
	go func() {
		defer close(a.done)
		a.err = e.blobs.Read(ctx, p.id, p.offset, p.length, a)
	}()
	return a
}

// Write keeps p or passes it on. Only the read calls it.
func (a *ahead) Write(p []byte) (int, error) {
	a.mu.Lock()
	if a.w == nil && !a.given && len(a.kept)+len(p) <= aheadBytes {
		a.kept = append(a.kept, p...)
		a.mu.Unlock()
		return len(p), nil
	}
	for a.w == nil && !a.given {
		a.wanted.Wait()
	}
	w, given := a.w, a.given
	a.mu.Unlock()
	if given {
		return 0, io.ErrClosedPipe
	}
	if err := a.flush(w); err != nil {
		return 0, err
	}
	return w.Write(p)
}

// flush writes what was kept. Only the read calls it, or nobody else any more.
func (a *ahead) flush(w io.Writer) error {
	kept := a.kept
	a.kept = nil
	if len(kept) == 0 {
		return nil
	}
	_, err := w.Write(kept)
	return err
}

// writeTo lets the read write to w, and returns when it has ended.
func (a *ahead) writeTo(w io.Writer) error {
	a.mu.Lock()
	a.w = w
	a.mu.Unlock()
	a.wanted.Signal()
	<-a.done
	if a.err != nil {
		return a.err
	}
	return a.flush(w) // all of it was kept
}

// abandon gives a read up whose context has ended, and waits for its end.
func (a *ahead) abandon() {
	if a == nil {
		return
	}
	a.mu.Lock()
	a.given = true
	a.mu.Unlock()
	a.wanted.Signal()
	<-a.done
}
