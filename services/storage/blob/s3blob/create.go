package s3blob

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/google/uuid"

	"github.com/holdfast-files/holdfast/internal/retry"
	"github.com/holdfast-files/holdfast/services/storage/blob"
)

// creation is a Create on its way.
type creation struct {
	*Store
	id  blob.ID
	key *string
	// mark is in the object's metadata. It tells our object from that of another
	// creation with the same id, when an answer was lost.
	mark   string
	framer *framer
	// doubtful tells that a request that makes the object may have taken effect.
	doubtful bool
}

const markName = "holdfast-mark"

// Create implements blob.Store. What ends within one part is one PUT, sent when
// the body has ended; anything longer is sent in parts.
func (s *Store) Create(ctx context.Context, id blob.ID, body io.Reader, sizeHint int64) (int64, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	c := &creation{
		Store: s, id: id, key: keyOf(id), mark: uuid.NewString(), framer: newFramer(id, body),
	}
	size := partBytes
	if framed := framedSize(sizeHint); sizeHint >= 0 && framed < partBytes {
		size = bufferFor(framed + 1) // one more, to see the end
	}
	err := c.create(ctx, size)
	if err != nil && c.doubtful && !errors.Is(err, blob.ErrExists) {
		c.takeBack(ctx)
	}
	if err != nil {
		return 0, translate(err)
	}
	return c.framer.read, nil
}

func (c *creation) create(ctx context.Context, size int) error {
	if err := c.memory.take(ctx, size); err != nil {
		return err
	}
	buffer := takeBuffer(size)
	n, ended, err := c.fill(ctx, buffer)
	if err == nil && !ended && size < partBytes {
		// The hint was wrong.
		if err = c.memory.take(ctx, partBytes-size); err == nil {
			larger := takeBuffer(partBytes)
			copy(larger, buffer[:n])
			giveBuffer(buffer)
			buffer, size = larger, partBytes
			var more int
			more, ended, err = c.fill(ctx, buffer[n:])
			n += more
		}
	}
	if err != nil || ended {
		if err == nil {
			err = c.put(ctx, buffer[:n])
		}
		giveBuffer(buffer)
		c.memory.give(size)
		return err
	}
	return c.inParts(ctx, buffer)
}

// fill reads until the buffer is full or the body has ended.
func (c *creation) fill(ctx context.Context, buffer []byte) (n int, ended bool, err error) {
	for n < len(buffer) {
		if err := ctx.Err(); err != nil {
			return n, false, err
		}
		m, err := c.framer.Read(buffer[n:])
		n += m
		if err == io.EOF { //nolint:errorlint // a wrapped io.EOF is not an end but a failure
			return n, true, ctx.Err()
		}
		if err != nil {
			return n, false, &bodyError{err}
		}
	}
	return n, false, nil
}

// bodyError keeps the body's failures apart from those of S3.
type bodyError struct{ error }

func (e *bodyError) Unwrap() error { return e.error }

// put makes a small object.
func (c *creation) put(ctx context.Context, content []byte) error {
	input := &s3.PutObjectInput{
		Bucket: c.bucket, Key: c.key, IfNoneMatch: aws.String("*"), ContentLength: aws.Int64(int64(len(content))),
		ChecksumCRC32C: aws.String(checksum(content)), Metadata: map[string]string{markName: c.mark},
	}
	return c.made(ctx, c.patient(len(content)).Do(ctx, func(ctx context.Context) error {
		input.Body = bytes.NewReader(content)
		_, err := c.client.PutObject(ctx, input)
		return err
	}, c.again))
}

// again notes whether a request that makes the object may have taken effect,
// and reports whether to send it again.
func (c *creation) again(err error) bool {
	verdict := judge(err)
	c.doubtful = c.doubtful || verdict == unknown
	return verdict != final
}

// made returns what the last answer to a request that makes the object means.
// When it says that there is one, or that the upload is over, it may be our own
// try before that did it.
func (c *creation) made(ctx context.Context, err error) error {
	exists := statusOf(err) == http.StatusPreconditionFailed
	if !exists && codeOf(err) != "NoSuchUpload" {
		return err
	}
	if c.doubtful {
		if ours, failed := c.ours(ctx); ours || failed != nil {
			return failed
		}
	}
	c.doubtful = false
	if exists {
		return blob.ErrExists
	}
	return err
}

// ours reports whether the object there is has our mark.
func (c *creation) ours(ctx context.Context) (bool, error) {
	head, err := c.head(ctx, c.key)
	if absent(err) {
		return false, nil
	}
	return err == nil && head.Metadata[markName] == c.mark, err
}

// takeBack deletes the object when it came to be after all, also when the
// client has gone. What it cannot reach, the Delete of the id does.
func (c *creation) takeBack(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), c.cleanup)
	defer cancel()
	ours, err := c.ours(ctx)
	if err == nil && ours {
		err = c.remove(ctx, c.key)
	}
	if err != nil {
		c.log.WarnContext(ctx, "blob of a failed upload not looked for", slog.String("blob", c.id.String()), slog.Any("error", err))
	}
}

// slowest is the rate below which a request with a body is taken for lost, in
// bytes a second.
const slowest = 256 << 10

// patient is the policy for a request with so many bytes.
func (s *Store) patient(bytes int) (policy retry.Policy) {
	policy = s.policy
	policy.Attempt = s.answer + time.Duration(bytes/slowest)*time.Second
	return policy
}
