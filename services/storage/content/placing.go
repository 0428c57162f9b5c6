package content

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"

	"github.com/google/uuid"
	"github.com/holdfast-files/holdfast/internal/fault"
	errorsv1 "github.com/holdfast-files/holdfast/proto/holdfast/errors/v1"
	ledgerv1 "github.com/holdfast-files/holdfast/proto/holdfast/ledger/v1"
	"github.com/holdfast-files/holdfast/services/storage/blob"
)

// placing is the bytes of an upload on their way into blobs: one, unless they
// are longer than the largest.
type placing struct {
	*Engine
	grant   []byte             // knows all of blobs
	blobs   []blob.ID          // that were granted
	extents []*ledgerv1.Extent // blobs that are whole
	last    creation           // of the last of blobs
}

// creation says what is known of a blob after a try to create it.
type creation int

const (
	untouched creation = iota // nothing was sent to the blob store
	settled                   // there is a blob or there is none, and that will not change by itself
	unsettled                 // the try may still come to something
	foreign                   // the blob is somebody else's
	undecided                 // the ledger may refer to it
)

// write stores the body. It is whole and as announced when write returns nil;
// contents of 0 bytes need no blob.
func (p *placing) write(ctx context.Context, in *intake) error {
	body := io.Reader(in)
	hint := in.size
	if size := bufferFor(in.size); size != 0 {
		buffer := takeBuffer(size)
		defer giveBuffer(buffer)
		n, err := in.fill(*buffer)
		if err != nil {
			return err
		}
		body = bytes.NewReader((*buffer)[:n])
		if in.whole() {
			hint = int64(n)
		} else {
			body = io.MultiReader(body, in)
		}
	}
	if err := ctx.Err(); err != nil || hint == 0 {
		return err
	}
	for {
		if err := p.create(ctx, &cut{from: body, left: p.largestBlob}, in, min(hint, p.largestBlob)); err != nil {
			return err
		}
		// The body may end just where the blob does.
		next := make([]byte, 1)
		if n, err := in.fill(next); err != nil || n == 0 {
			return err
		}
		body = io.MultiReader(bytes.NewReader(next), in)
		if hint = unknown; in.size != unknown {
			hint = in.size - in.read + 1
		}
		if err := p.extend(ctx); err != nil {
			return err
		}
	}
}

// create stores the last of the blobs that were granted.
func (p *placing) create(ctx context.Context, body *cut, in *intake, hint int64) error {
	id := p.blobs[len(p.blobs)-1]
	n, err := p.Engine.blobs.Create(ctx, id, body, hint)
	p.last = settled
	switch {
	case errors.Is(err, blob.ErrExists):
		p.last = foreign
		p.logger.ErrorContext(ctx, "the ledger handed out a blob id twice", slog.Any("blob", id))
		return fault.Wrap(err, errorsv1.Reason_REASON_INTERNAL, "storing the contents failed")
	case in.failure() != nil:
		// Create cannot have taken this body for whole.
		return in.failure()
	case err != nil:
		p.last = unsettled
		return err
	case n != body.read || !in.whole() && body.left > 0:
		return fault.New(errorsv1.Reason_REASON_INTERNAL, "%d of %d bytes were stored", n, body.read)
	}
	p.extents = append(p.extents, &ledgerv1.Extent{BlobId: id.String(), Length: n})
	return nil
}

// extend gets leave for another blob.
func (p *placing) extend(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	resp, err := persist(ctx, p.Engine, func(ctx context.Context) (*ledgerv1.ExtendResponse, error) {
		return p.ledger.Extend(ctx, &ledgerv1.ExtendRequest{Grant: p.grant})
	})
	if err != nil {
		return err
	}
	id, err := uuid.Parse(resp.GetBlobId())
	if err != nil {
		return fault.Wrap(err, errorsv1.Reason_REASON_INTERNAL, "the ledger's leave to go on is incomplete")
	}
	p.grant, p.blobs, p.last = resp.GetGrant(), append(p.blobs, id), untouched
	return nil
}

// withdraw undoes a failed upload as far as it can be reached, also when the
// caller is gone. What it cannot do, the sweeper does by the intent.
func (p *placing) withdraw(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), p.cleanupTimeout)
	defer cancel()
	switch p.last {
	case foreign:
		return // also the intent must not lead anybody to delete it sooner
	case undecided:
		p.abandon(ctx, p.grant, false)
		return
	}
	gone := p.last != unsettled
	for i, id := range p.blobs {
		if p.last == untouched && i == len(p.blobs)-1 {
			break
		}
		if err := p.Engine.blobs.Delete(ctx, id); err != nil {
			gone = false
			p.logger.WarnContext(ctx, "blob of a failed upload not deleted; the sweeper will", slog.Any("blob", id), slog.Any("error", err))
		}
	}
	p.abandon(ctx, p.grant, gone)
}

// cut yields the bytes of a body up to where a blob is cut.
type cut struct {
	from io.Reader
	left int64
	read int64
}

// Read implements io.Reader.
func (c *cut) Read(p []byte) (int, error) {
	if c.left == 0 {
		return 0, io.EOF
	}
	n, err := c.from.Read(p[:min(int64(len(p)), c.left)])
	c.left -= int64(n)
	c.read += int64(n)
	return n, err
}
