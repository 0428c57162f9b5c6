package s3blob

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/holdfast-files/holdfast/services/storage/blob"
)

var blocks = sync.Pool{New: func() any { return new([framedBlock]byte) }}

// Read implements blob.Store. It is one GET of the blocks that the range
// touches; when its answer is cut, or a block in it fails its checksum, it goes
// on from that block with another.
func (s *Store) Read(ctx context.Context, id blob.ID, offset, length int64, w io.Writer) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if offset < 0 || length < 0 || offset > blob.MaxSize || length > blob.MaxSize-offset {
		return blob.ErrRange
	}
	if length == 0 {
		return translate(s.contains(ctx, id, offset))
	}
	r := &reading{Store: s, id: id, at: offset, end: offset + length, w: w}
	for {
		r.from = r.at
		err := s.policy.Do(ctx, r.get, func(err error) bool { return r.at == r.from && r.again(err) })
		switch {
		case r.writer != nil:
			return r.writer
		case err != nil && r.at > r.from && ctx.Err() == nil && r.again(err):
			continue // the patience is for one that gets nowhere
		case errors.Is(err, errChecksum):
			return errDamaged(id, err)
		}
		return translate(err)
	}
}

// contains tells whether a place is within a blob, or at its end.
func (s *Store) contains(ctx context.Context, id blob.ID, offset int64) error {
	head, err := s.head(ctx, keyOf(id))
	if absent(err) {
		return blob.ErrNotFound
	}
	if err != nil {
		return err
	}
	size, ok := blobSize(aws.ToInt64(head.ContentLength))
	if !ok {
		return errDamaged(id, errLength)
	}
	if offset > size {
		return blob.ErrRange
	}
	return nil
}

// reading is a Read on its way.
type reading struct {
	*Store
	id      blob.ID
	at, end int64 // what is still to be written
	w       io.Writer
	writer  error // of w

	from    int64 // where the answers that bring nothing new begin
	damaged int   // how often the block there failed its checksum
}

// again reports whether to go on with another GET.
func (r *reading) again(err error) bool {
	if errors.Is(err, errChecksum) {
		// On its way, or where it lies? The next GET tells.
		r.damaged++
		return r.damaged < 2
	}
	return r.writer == nil && !errors.Is(err, blob.ErrNotFound) && !errors.Is(err, blob.ErrRange) && judge(err) != final
}

// get asks for what is still to be written, and writes it.
func (r *reading) get(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	// Nothing may come for so long, but a writer may take its time.
	stalled := time.AfterFunc(r.answer, func() { cancel(errStalled) })
	defer stalled.Stop()

	first, last := r.at/blockBytes, (r.end-1)/blockBytes
	answer, err := r.client.GetObject(ctx, &s3.GetObjectInput{
		Bucket: r.bucket, Key: keyOf(r.id),
		Range: aws.String(fmt.Sprintf("bytes=%d-%d", first*framedBlock, last*framedBlock+framedBlock-1)),
	})
	switch {
	case statusOf(err) == http.StatusRequestedRangeNotSatisfiable:
		return blob.ErrRange
	case absent(err):
		return blob.ErrNotFound
	case err != nil:
		return r.cause(ctx, err)
	}
	defer answer.Body.Close()
	size, err := r.size(answer)
	if err != nil {
		return err
	}
	if r.end > size {
		return blob.ErrRange
	}
	if err := r.copy(answer.Body, size, stalled); err != nil {
		return r.cause(ctx, err)
	}
	return nil
}

var errStalled = errors.New("s3blob: nothing came of an answer for too long")

// cause tells the end of the wait from that of the caller.
func (r *reading) cause(ctx context.Context, err error) error {
	if errors.Is(context.Cause(ctx), errStalled) {
		return errStalled
	}
	return err
}

// size returns the length of the blob that an answer is a part of.
func (r *reading) size(answer *s3.GetObjectOutput) (int64, error) {
	_, total, _ := strings.Cut(aws.ToString(answer.ContentRange), "/")
	framed, err := strconv.ParseInt(total, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("s3blob: an answer with the Content-Range %q", aws.ToString(answer.ContentRange))
	}
	size, ok := blobSize(framed)
	if !ok {
		return 0, errDamaged(r.id, errLength)
	}
	return size, nil
}

// copy verifies blocks and writes what is wanted of them.
func (r *reading) copy(body io.Reader, size int64, stalled *time.Timer) error {
	block := blocks.Get().(*[framedBlock]byte)
	defer blocks.Put(block)
	for r.at < r.end {
		number := r.at / blockBytes
		start := number * blockBytes
		framed := block[:min(blockBytes, size-start)+sumBytes]
		if _, err := io.ReadFull(body, framed); err != nil {
			return err
		}
		content := framed[:len(framed)-sumBytes]
		if binary.BigEndian.Uint32(framed[len(content):]) != crc32.Update(seed(r.id, number), castagnoli, content) {
			return fmt.Errorf("%w in block %d", errChecksum, number)
		}
		stalled.Stop()
		content = content[r.at-start : min(int64(len(content)), r.end-start)]
		if _, r.writer = r.w.Write(content); r.writer != nil {
			return r.writer
		}
		r.at += int64(len(content))
		r.damaged = 0
		stalled.Reset(r.answer)
	}
	return nil
}
