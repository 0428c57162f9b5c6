// Package s3blob keeps blobs as objects of a bucket of S3.
//
// An object is the blob's bytes in blocks of 256 KiB, each followed by its
// CRC-32C, so that any range can be verified before it is handed out, with one
// GET and no other record: S3 itself verifies what it is sent, but nothing of a
// range that it returns. Each checksum covers the blob's id and the block's
// place too.
//
// Small blobs are one PUT, larger ones are sent in parts while they arrive. All
// uploads of a process share one budget of memory. An id is used once: S3
// refuses to overwrite (If-None-Match). What a Create cannot take back, since
// the process was killed, the Delete of that id does: it ends unfinished
// uploads first.
package s3blob

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/holdfast-files/holdfast/internal/retry"
	"github.com/holdfast-files/holdfast/services/internal/sdk"
	"github.com/holdfast-files/holdfast/services/storage/blob"
)

var _ blob.Store = (*Store)(nil)

// Config says which bucket, and what the engine may use. What it does not say
// (region, credentials) comes from the environment and the files that the AWS
// SDK reads. Zero values of all but Bucket mean the defaults.
type Config struct {
	// Bucket is the name of the bucket, which belongs to the store alone.
	Bucket string
	// Endpoint, when not empty, is the URL of another server than AWS's. The
	// bucket is then named in the path.
	Endpoint string
	// Transport, when not nil, carries the requests.
	Transport http.RoundTripper
	// Observe, when not nil, is put around what carries the requests.
	Observe func(http.RoundTripper) http.RoundTripper
	// Logger is told of what an operator should know; by default nobody is.
	Logger *slog.Logger

	// MemoryBytes bounds the buffers of all uploads together; by default 96
	// MiB, at least 64 MiB.
	MemoryBytes int64
	// Patience bounds the repetitions of one request, and the wait for memory;
	// by default 30 s.
	Patience time.Duration
	// AnswerTimeout bounds a request without a body to speak of, and how long
	// nothing may come of an answer; by default 10 s. A request with a part has
	// longer, by its size.
	AnswerTimeout time.Duration
	// CleanupTimeout bounds the end of an upload that failed; by default 10 s.
	CleanupTimeout time.Duration
}

// Store implements blob.Store.
type Store struct {
	client  *s3.Client
	bucket  *string
	log     *slog.Logger
	memory  *memory
	policy  retry.Policy
	answer  time.Duration
	cleanup time.Duration
}

// Open returns the store. It asks S3 nothing: a bucket that is not there makes
// the calls UNAVAILABLE. See Ensure.
//
// It returns an error when a setting is out of range, or the SDK's own settings
// are unusable, such as when no region is named.
func Open(ctx context.Context, c Config) (*Store, error) {
	c, err := c.withDefaults()
	if err != nil {
		return nil, err
	}
	settings, err := sdk.Config{Transport: c.Transport, Observe: c.Observe, BufferBytes: 64 << 10}.Settings(ctx)
	if err != nil {
		return nil, fmt.Errorf("s3blob: %w", err)
	}
	custom := c.Endpoint != "" || settings.BaseEndpoint != nil
	return &Store{
		bucket: aws.String(c.Bucket), log: c.Logger, memory: newMemory(c.MemoryBytes, c.Patience),
		policy: retry.Policy{Patience: c.Patience}, answer: c.AnswerTimeout, cleanup: c.CleanupTimeout,
		client: s3.NewFromConfig(settings, func(o *s3.Options) {
			if c.Endpoint != "" {
				o.BaseEndpoint = aws.String(c.Endpoint)
			}
			o.UsePathStyle = o.UsePathStyle || custom || o.BaseEndpoint != nil
			// Uploads bring their own checksum, which S3 verifies, and what is
			// read is verified block by block. A SHA-256 of each body for the
			// signature, or a second checksum, would cost more than all else.
			o.RequestChecksumCalculation = aws.RequestChecksumCalculationWhenRequired
			o.ResponseChecksumValidation = aws.ResponseChecksumValidationWhenRequired
			o.APIOptions = append(o.APIOptions, v4.SwapComputePayloadSHA256ForUnsignedPayloadMiddleware)
		}),
	}, nil
}

func (c Config) withDefaults() (Config, error) {
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.MemoryBytes == 0 {
		c.MemoryBytes = 96 << 20
	}
	for _, d := range []struct {
		value *time.Duration
		or    time.Duration
	}{{&c.Patience, 30 * time.Second}, {&c.AnswerTimeout, 10 * time.Second}, {&c.CleanupTimeout, 10 * time.Second}} {
		if *d.value == 0 {
			*d.value = d.or
		}
	}
	switch {
	case c.Bucket == "":
		return c, fmt.Errorf("s3blob: no bucket is named")
	case c.MemoryBytes < partBytes:
		return c, fmt.Errorf("s3blob: MemoryBytes %d is below %d", c.MemoryBytes, partBytes)
	}
	return c, nil
}

// Close implements blob.Store.
func (s *Store) Close() error { return nil }
