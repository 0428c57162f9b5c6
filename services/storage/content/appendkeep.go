package content

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"time"

	"github.com/google/uuid"
	"github.com/holdfast-files/holdfast/internal/fault"
	errorsv1 "github.com/holdfast-files/holdfast/proto/holdfast/errors/v1"
	ledgerv1 "github.com/holdfast-files/holdfast/proto/holdfast/ledger/v1"
	"github.com/holdfast-files/holdfast/services/storage/blob"
)

const (
	// storeTimeout bounds how long the blob store may take once it has all bytes of
	// an extent, also when the caller has left by then.
	storeTimeout = 30 * time.Second
	// joinRate is the slowest at which bytes are expected to be read and written
	// anew, in bytes a second.
	joinRate = 8 << 20
)

// judge looks whether bytes under a checksum may be kept. It reports done when
// they may not; the error says why, unless the end of the body does.
func (a *appending) judge() (done bool, err error) {
	switch {
	case a.sum == nil || a.feed.end == nil:
		return false, nil
	case !a.feed.finished():
		return true, nil
	}
	a.digest.settle()
	err = verify(a.spec.GetChecksum(), a.sum)
	return err != nil, err
}

// settle makes stored bytes a part of the upload, in the place of as many of its
// last extents as were joined with them; or holds them for their checksum.
func (a *appending) settle(ctx context.Context, joined int, stored *ledgerv1.Extent) error {
	if stored != nil {
		a.held = append(a.held, stored)
	}
	if a.sum != nil {
		if a.feed.end == nil {
			return a.reserve(ctx)
		}
		if done, err := a.judge(); done {
			return err
		}
	}
	if len(a.held) == 0 {
		return nil
	}
	if err := a.record(ctx, joined); err != nil {
		return err
	}
	if a.progress != nil {
		a.progress(a.offset())
	}
	return a.tidy(ctx)
}

// record has the ledger keep what is held.
func (a *appending) record(ctx context.Context, joined int) error {
	state, err := a.digest.state()
	if err != nil {
		return err
	}
	after := append(a.tail[:len(a.tail)-joined:len(a.tail)-joined], a.held...)
	reached := a.offset() + lengthOf(a.held) - lengthOf(a.tail[len(a.tail)-joined:])
	kept, err := a.keep(ctx, &ledgerv1.KeepExtentsRequest{
		Grant: a.grant, OffsetBytes: a.offset(), ReplacedCount: int32(joined), Extents: a.held, Sha256State: state,
		More: a.feed.end == nil || a.feed.finished() && a.untidy(after, reached) > 0,
	})
	if err != nil {
		// It may have happened all the same, so the blobs are the sweeper's.
		a.held = nil
		return err
	}
	a.held = nil
	a.status, a.tail, a.blob = kept.GetStatus(), kept.GetTail(), kept.GetBlobId()
	return nil
}

// tidy joins small extents at the end of the upload. That it fails harms
// nothing: what is there is durable, and a later append comes to it again.
func (a *appending) tidy(ctx context.Context) error {
	count := a.untidy(a.tail, a.offset())
	if count == 0 || a.feed.end != nil && !a.feed.finished() {
		return nil
	}
	joined, err := a.join(ctx, count, nil)
	if err == nil {
		a.held = []*ledgerv1.Extent{joined}
		err = a.record(ctx, count)
	}
	if err != nil {
		a.withdraw(ctx)
	}
	switch {
	case fault.ReasonOf(err) == errorsv1.Reason_REASON_UPLOAD_SUPERSEDED:
		return err
	case err != nil:
		a.logger.WarnContext(ctx, "small extents not joined", slog.String("upload", a.spec.GetName()), slog.Any("error", err))
	}
	return nil
}

// reserve has the ledger give out the next blob id, and tell the tail: it is another
// than we know when extents were joined and the answer was lost.
func (a *appending) reserve(ctx context.Context) error {
	kept, err := a.keep(ctx, &ledgerv1.KeepExtentsRequest{Grant: a.grant, OffsetBytes: a.offset(), More: true})
	if err != nil {
		return err
	}
	a.tail, a.blob = kept.GetTail(), kept.GetBlobId()
	return nil
}

// join stores the bytes of the last extents, and data behind them, as one.
func (a *appending) join(ctx context.Context, count int, data []byte) (*ledgerv1.Extent, error) {
	if count == 0 {
		return a.create(ctx, bytes.NewReader(data), int64(len(data)), 0)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	old := a.tail[len(a.tail)-count:]
	size := lengthOf(old)
	pipe, w := io.Pipe()
	read := make(chan struct{})
	go func() {
		defer close(read)
		_ = w.CloseWithError(a.copyExtents(ctx, old, 0, size, w)) // never fails
	}()
	extent, err := a.create(ctx, io.MultiReader(pipe, bytes.NewReader(data)), size+int64(len(data)),
		time.Duration(size/joinRate)*time.Second)
	_ = pipe.Close() // never fails; it lets the reading end that nobody waits for
	<-read
	return extent, err
}

// create stores an extent, also when the caller has left. body may take the time
// that it is given to come.
func (a *appending) create(ctx context.Context, body io.Reader, hint int64, coming time.Duration) (*ledgerv1.Extent, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), coming+storeTimeout)
	defer cancel()
	if a.blob == "" {
		if err := a.reserve(ctx); err != nil {
			return nil, err
		}
	}
	name := a.blob
	a.blob = ""
	id, err := uuid.Parse(name)
	if err != nil {
		return nil, fault.Wrap(err, errorsv1.Reason_REASON_INTERNAL, "the ledger's leave to upload is incomplete")
	}
	n, err := a.blobs.Create(ctx, id, body, hint)
	if err == nil && hint != unknown && n != hint {
		err = fault.New(errorsv1.Reason_REASON_INTERNAL, "%d of %d bytes were stored", n, hint)
	}
	switch {
	case err == nil:
		return &ledgerv1.Extent{BlobId: name, Length: n}, nil
	case errors.Is(err, blob.ErrExists):
		a.logger.ErrorContext(ctx, "the ledger handed out a blob id twice", slog.Any("blob", id))
		return nil, fault.Wrap(err, errorsv1.Reason_REASON_INTERNAL, "storing the contents failed")
	}
	a.held = append(a.held, &ledgerv1.Extent{BlobId: name}) // to be withdrawn
	return nil, err
}

// extentReader yields the bytes of one extent of a stream. Whatever ends them is
// the end of the extent, since what came is to be stored.
type extentReader struct {
	feed   *feed
	digest *digest
	head   []byte
	left   int64
}

// Read reads and digests. It fails only when more comes than was declared.
func (r *extentReader) Read(p []byte) (int, error) {
	p = p[:min(int64(len(p)), r.left)]
	n := copy(p, r.head)
	r.head = r.head[n:]
	var err error
	if n == 0 && len(p) > 0 {
		n, err = r.feed.Read(p)
	} else if len(p) == 0 && r.feed.left == 0 {
		_, err = r.feed.Read(make([]byte, 1)) // the last extent is one only when nothing follows
	}
	r.digest.write(p[:n])
	r.left -= int64(n)
	switch {
	case errors.Is(err, errSurplus):
		return n, err
	case n == 0:
		return 0, io.EOF
	}
	return n, nil
}
