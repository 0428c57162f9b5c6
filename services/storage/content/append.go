package content

import (
	"context"
	"errors"
	"hash"
	"io"
	"log/slog"
	"time"

	"github.com/google/uuid"
	"github.com/holdfast-files/holdfast/internal/fault"
	errorsv1 "github.com/holdfast-files/holdfast/proto/holdfast/errors/v1"
	ledgerv1 "github.com/holdfast-files/holdfast/proto/holdfast/ledger/v1"
	storagev1 "github.com/holdfast-files/holdfast/proto/holdfast/storage/v1"
)

// appendMemory is what an append is charged, in bytes: what its feed holds, a
// buffer for bytes that are few or slow, and what its body may hold of its own.
// To stream an extent right into the blob store takes StreamMemory more; when
// there is none, all bytes pass the buffer.
const appendMemory = feedMemory + largestBuffer + heldMemory

// AppendUpload adds what body yields until io.EOF to an upload, and completes it
// when that was its end, which spec says or, unless it is to be held open, its
// length. What it told progress, or returned, is durable. Whatever
// ends the body, and also when ctx ends, what came before is stored and counted,
// unless a checksum was to cover all of it or a newer request took over. What is
// under a checksum is kept all at once, which bounds it: in maxHeld extents, each of
// a buffer's 256 KiB at least unless it took all of ExtentTime to come.
//
// Errors: INVALID_ARGUMENT for a malformed spec and a body of another length than
// announced, OFFSET_MISMATCH with the metadata expected_offset,
// UPLOAD_SUPERSEDED, DIGEST_MISMATCH, TOO_LARGE also as soon as more comes under
// one checksum than can be kept at once, UNAVAILABLE when too many uploads are in
// flight, STORAGE_FULL, CANCELLED when ctx ends or body cannot be
// read, and those of the ledger's TakeUpload, KeepExtents and FinishUpload.
//
// AppendUpload reads body in one goroutine, and not any more once it has
// returned. A body that can block is to have a method Interrupt that ends a Read,
// and one that holds bytes until they are read a method HeldBytes that counts them.
func (e *Engine) AppendUpload(ctx context.Context, spec *storagev1.AppendSpec, body io.Reader, progress func(offset int64)) (*storagev1.UploadStatus, error) {
	sum, err := newChecksum(spec.GetChecksum())
	if err == nil && (spec.GetOffsetBytes() < 0 || spec.GetContentBytes() < 0) {
		err = fault.Invalidf("offset_bytes", "must not be negative, nor content_bytes")
	}
	if err != nil {
		return nil, err
	}
	e.stats.uploads.Add(1)
	defer e.stats.uploads.Add(-1)
	if err := e.large.acquire(ctx, appendMemory); err != nil {
		return nil, err
	}
	defer e.large.release(appendMemory)
	offset := spec.GetOffsetBytes()
	taken, err := e.take(ctx, &ledgerv1.TakeUploadRequest{
		Name: spec.GetName(), OffsetBytes: &offset, SizeBytes: spec.SizeBytes,
		HoldOpen: spec.GetHoldOpen() && !spec.GetComplete(),
	})
	if err != nil {
		return nil, err
	}
	if len(taken.GetGrant()) == 0 {
		return taken.GetStatus(), surplus(body)
	}
	limit := maxContents - offset
	if upload := taken.GetStatus().GetUpload(); upload.SizeBytes != nil {
		limit = upload.GetSizeBytes() - offset
	}
	if spec.GetContentBytes() > limit {
		return nil, errTooMuch(limit)
	}
	begun := e.turns.begin(spec.GetName(), taken.GetEpoch())
	a := &appending{
		Engine: e, spec: spec, progress: progress, begin: offset,
		grant: taken.GetGrant(), status: taken.GetStatus(), tail: taken.GetTail(), blob: taken.GetBlobId(),
		feed: newFeed(ctx, body, begun.over, limit, &e.stats.uploaded, e.small), sum: sum,
		digest: resumeDigest(taken.GetSha256State(), taken.GetDigestUnknown(), sum),
	}
	defer a.feed.close()
	defer a.digest.close()
	defer e.turns.finish(spec.GetName(), begun)
	return a.run(ctx)
}

// surplus returns CONFLICT when a body has a byte for an upload that is complete.
func surplus(body io.Reader) error {
	var one [1]byte
	switch n, err := io.ReadFull(body, one[:]); {
	case n > 0:
		return fault.New(errorsv1.Reason_REASON_CONFLICT, "the upload is complete")
	case err == io.EOF:
		return nil
	default:
		return unreadable(err)
	}
}

func errTooMuch(limit int64) error {
	return fault.Invalidf("size_bytes", "%d bytes are missing and more came", limit)
}

// appending is one append.
type appending struct {
	*Engine
	spec     *storagev1.AppendSpec
	progress func(int64)
	begin    int64 // the offset
	feed     *feed
	digest   *digest
	sum      hash.Hash // of this append's bytes, nil unless announced

	grant  []byte
	status *storagev1.UploadStatus
	tail   []*ledgerv1.Extent // the last of the upload
	blob   string             // the next to create; empty when one must be asked for
	held   []*ledgerv1.Extent // stored and waiting for the checksum
}

// offset is the number of bytes of the upload, those that are held not counted.
func (a *appending) offset() int64 { return a.status.GetUpload().GetOffsetBytes() }

// reached is the number of bytes of the upload, those that are held included.
func (a *appending) reached() int64 { return a.offset() + lengthOf(a.held) }

func (a *appending) run(ctx context.Context) (*storagev1.UploadStatus, error) {
	for a.feed.end == nil {
		if err := a.extent(ctx); err != nil {
			a.withdraw(ctx)
			if errors.Is(a.feed.end, errSurplus) {
				break // what the blob store makes of it says less
			}
			return nil, failed(ctx, err, "storing the contents")
		}
	}
	if !a.feed.finished() {
		a.withdraw(ctx)
		return nil, a.cut(ctx)
	}
	upload := a.status.GetUpload()
	if a.spec.ContentBytes != nil && a.offset()-a.begin != a.spec.GetContentBytes() {
		return nil, fault.Invalidf("content_bytes", "%d bytes were announced and %d came", a.spec.GetContentBytes(), a.offset()-a.begin)
	}
	whole := upload.SizeBytes != nil && a.offset() == upload.GetSizeBytes()
	if a.spec.GetComplete() && upload.SizeBytes != nil && !whole {
		return nil, fault.Invalidf("size_bytes", "%d bytes were declared and the contents end with %d", upload.GetSizeBytes(), a.offset())
	}
	if !a.spec.GetComplete() && (!whole || a.spec.GetHoldOpen()) {
		return a.status, nil
	}
	return a.finish(ctx, a.grant, a.offset())
}

// cut returns why the body came to no proper end.
func (a *appending) cut(ctx context.Context) error {
	switch end := a.feed.end; {
	case errors.Is(end, errOver):
		return fault.New(errorsv1.Reason_REASON_UPLOAD_SUPERSEDED, "a newer request has %s", a.spec.GetName())
	case errors.Is(end, errSurplus) && a.status.GetUpload().SizeBytes == nil:
		return tooLarge()
	case errors.Is(end, errSurplus):
		return errTooMuch(a.status.GetUpload().GetSizeBytes() - a.begin)
	case ctx.Err() != nil:
		return fault.FromStatus(context.Cause(ctx))
	default:
		return unreadable(end)
	}
}

// Bytes of a body that takes longer than slowAfter to fill a buffer are stored
// from the buffer; a stream to the blob store would hold more memory for long.
const slowAfter = 4 * time.Second

// maxHeld is how many extents can wait for a checksum, as the ledger keeps no more
// of them at once.
const maxHeld = 2000

func errHeld(bytes int64) error {
	return fault.New(errorsv1.Reason_REASON_TOO_LARGE,
		"more than %d bytes came too slowly under one checksum; send less in a request, or faster", bytes)
}

// extent takes bytes from the body and makes an extent of them; none when the
// body ends first.
func (a *appending) extent(ctx context.Context) error {
	buffer := takeBuffer(largestBuffer)
	defer giveBuffer(buffer)
	a.feed.allow(0)
	n, err := a.feed.Read(*buffer)
	if n > 0 && len(a.held) == maxHeld {
		return errHeld(lengthOf(a.held))
	}
	begun := time.Now()
	stop := a.feed.allow(a.extentTime)
	defer func() { stop() }()
	for err == nil && n < len(*buffer) {
		var m int
		m, err = a.feed.Read((*buffer)[n:])
		n += m
	}
	data := (*buffer)[:n]
	switch {
	case errors.Is(a.feed.end, errSurplus):
		return nil // nobody knows which of the bytes are meant
	case n == 0 && len(a.held) == 0:
		_, err := a.judge()
		return err
	case err != nil || time.Since(begun) > slowAfter || !a.large.try(a.streamMemory):
		a.digest.write(data)
		return a.store(ctx, data)
	}
	defer a.large.release(a.streamMemory)
	return a.stream(ctx, data)
}

// stream makes an extent of head and what follows it, until that is as long as
// it may be, or the time is over, or the body ends.
func (a *appending) stream(ctx context.Context, head []byte) error {
	r := &extentReader{feed: a.feed, digest: a.digest, head: head, left: a.cutAt(a.reached())}
	stored, err := a.create(ctx, r, unknown, a.extentTime)
	if err != nil {
		return err
	}
	return a.settle(ctx, 0, stored)
}

// store makes an extent of a few bytes, and of small extents before them.
func (a *appending) store(ctx context.Context, data []byte) error {
	if a.sum != nil {
		if done, err := a.judge(); done {
			return err
		}
	}
	if len(data) == 0 {
		return a.settle(ctx, 0, nil)
	}
	if a.blob == "" {
		if err := a.reserve(ctx); err != nil { // before the tail is looked at
			return err
		}
	}
	joins := 0
	if a.sum == nil || a.feed.finished() && len(a.held) == 0 {
		joins = a.joins(a.tail, a.offset(), int64(len(data)))
	}
	stored, err := a.join(ctx, joins, data)
	if err != nil {
		return err
	}
	return a.settle(ctx, joins, stored)
}

// withdraw deletes what was stored and not kept, as far as it can be reached.
// The upload has it on record as pending, and the sweeper does the rest.
func (a *appending) withdraw(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), a.cleanupTimeout)
	defer cancel()
	for _, x := range a.held {
		id, err := uuid.Parse(x.GetBlobId())
		if err == nil {
			err = a.blobs.Delete(ctx, id)
		}
		if err != nil {
			a.logger.WarnContext(ctx, "blob of a failed append not deleted; the sweeper will", slog.String("blob", x.GetBlobId()), slog.Any("error", err))
		}
	}
	a.held = nil
}
