package s3blob

import (
	"bytes"
	"context"
	"log/slog"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// partsInFlight of one upload are sent at a time, at most: one is sent while
// the next is filled, and another when there is memory to spare.
const partsInFlight = 2

// multipart is an object that is sent in parts.
type multipart struct {
	*creation
	upload *string
	sent   []types.CompletedPart
	free   chan []byte // buffers whose part has been sent; room for all
	held   int         // buffers there are
	flying int         // of them on their way

	mu     sync.Mutex
	failed error
	cancel context.CancelFunc
}

// inParts sends the rest of the body after a first full part, and makes the
// object. It gives the buffers back.
func (c *creation) inParts(ctx context.Context, first []byte) (err error) {
	sending, cancel := context.WithCancel(ctx)
	m := &multipart{creation: c, free: make(chan []byte, partsInFlight+1), held: 1, cancel: cancel}
	defer func() {
		cancel()
		if first != nil {
			m.drop(first)
		}
		for m.flying > 0 {
			m.drop(m.landed())
		}
		if err != nil && m.upload != nil {
			m.abort(ctx)
		}
	}()
	if err := m.begin(ctx); err != nil {
		return err
	}
	buffer, n, ended := first, len(first), false
	for {
		m.send(sending, buffer[:n])
		first = nil
		if ended || m.failure() != nil {
			break
		}
		if buffer, err = m.next(ctx); err != nil {
			return err
		}
		first = buffer
		if n, ended, err = m.fill(ctx, buffer); err != nil {
			return err
		}
		if ended && n == 0 {
			break
		}
	}
	for m.flying > 0 {
		m.drop(m.landed())
	}
	if err := m.failure(); err != nil {
		return err
	}
	return m.complete(ctx)
}

func (m *multipart) begin(ctx context.Context) error {
	return m.patient(0).Do(ctx, func(ctx context.Context) error {
		out, err := m.client.CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{
			Bucket: m.bucket, Key: m.key, ChecksumAlgorithm: types.ChecksumAlgorithmCrc32c,
			Metadata: map[string]string{markName: m.mark},
		})
		if err == nil {
			m.upload = out.UploadId
		}
		return err
	}, func(err error) bool { return judge(err) != final })
}

// send starts to send a part, which then owns the buffer.
func (m *multipart) send(ctx context.Context, content []byte) {
	at := len(m.sent)
	number := aws.Int32(int32(at + 1))
	m.mu.Lock() // growing moves what parts that land write to
	m.sent = append(m.sent, types.CompletedPart{PartNumber: number})
	m.mu.Unlock()
	m.flying++
	go func() {
		part, err := m.sendPart(ctx, number, content)
		m.mu.Lock()
		m.sent[at] = part
		if err != nil && m.failed == nil {
			m.failed = err
			m.cancel() // the others
		}
		m.mu.Unlock()
		m.free <- content[:cap(content)]
	}()
}

func (m *multipart) sendPart(ctx context.Context, number *int32, content []byte) (part types.CompletedPart, err error) {
	sum := aws.String(checksum(content))
	err = m.patient(len(content)).Do(ctx, func(ctx context.Context) error {
		out, err := m.client.UploadPart(ctx, &s3.UploadPartInput{
			Bucket: m.bucket, Key: m.key, UploadId: m.upload, PartNumber: number,
			ContentLength: aws.Int64(int64(len(content))), ChecksumCRC32C: sum, Body: bytes.NewReader(content),
		})
		if err == nil {
			part = types.CompletedPart{PartNumber: number, ETag: out.ETag, ChecksumCRC32C: sum}
		}
		return err
	}, func(err error) bool { return judge(err) != final }) // a part sent twice is one part
	return part, err
}

// next returns a buffer for the next part: a new one while there is memory to
// spare, else the first that comes free.
func (m *multipart) next(ctx context.Context) ([]byte, error) {
	if len(m.sent) == maxParts {
		return nil, errTooLarge
	}
	if m.held <= partsInFlight && m.memory.spare(partBytes) {
		m.held++
		return takeBuffer(partBytes), nil
	}
	buffer := m.landed()
	err := m.failure()
	if err == nil {
		err = ctx.Err()
	}
	if err != nil {
		m.drop(buffer)
		return nil, err
	}
	return buffer, nil
}

// landed waits for a part that is on its way and returns its buffer.
func (m *multipart) landed() []byte {
	buffer := <-m.free
	m.flying--
	return buffer
}

func (m *multipart) drop(buffer []byte) {
	giveBuffer(buffer)
	m.held--
	m.memory.give(partBytes)
}

func (m *multipart) failure() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.failed
}

// complete makes the object of its parts.
func (m *multipart) complete(ctx context.Context) error {
	input := &s3.CompleteMultipartUploadInput{
		Bucket: m.bucket, Key: m.key, UploadId: m.upload, IfNoneMatch: aws.String("*"),
		MultipartUpload: &types.CompletedMultipartUpload{Parts: m.sent},
	}
	// S3 may take minutes to put the parts of a large object together.
	policy := m.patient(len(m.sent) * slowest)
	policy.Patience += policy.Attempt
	return m.made(ctx, policy.Do(ctx, func(ctx context.Context) error {
		_, err := m.client.CompleteMultipartUpload(ctx, input)
		return err
	}, m.again))
}

// abort frees what was sent, also when the client has gone.
func (m *multipart) abort(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), m.cleanup)
	defer cancel()
	if err := m.end(ctx, m.key, m.upload); err != nil {
		m.log.WarnContext(ctx, "parts of a failed upload not removed; the deletion of the blob removes them",
			slog.String("blob", m.id.String()), slog.Any("error", err))
	}
}
