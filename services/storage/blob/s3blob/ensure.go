package s3blob

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"
	"github.com/google/uuid"

	"github.com/holdfast-files/holdfast/internal/fault"
	"github.com/holdfast-files/holdfast/internal/retry"
)

// Ensure makes the bucket unless it is there, and waits until a blob can be
// written, read and deleted, however long ctx allows. It may be called by
// several at once. In an account the bucket is made by deploy, with its keys
// and rules; this is for other servers.
func Ensure(ctx context.Context, c Config) error {
	s, err := Open(ctx, c)
	if err != nil {
		return err
	}
	s.policy.Patience = forever
	policy := s.patient(0)
	return policy.Do(ctx, func(ctx context.Context) error {
		_, err := s.client.HeadBucket(ctx, &s3.HeadBucketInput{Bucket: s.bucket})
		if statusOf(err) == http.StatusNotFound {
			err = s.make(ctx)
		}
		if err != nil {
			return err
		}
		return s.try(ctx)
	}, func(err error) bool {
		_, sent := errors.AsType[*smithy.OperationError](err)
		// A bucket that was just made may not be there yet for all.
		return retry.Unanswered(err) || errors.Is(err, fault.Unavailable) ||
			sent && (judge(err) != final || statusOf(err) == http.StatusNotFound)
	})
}

// forever leaves the waiting to the caller's deadline.
const forever = 365 * 24 * time.Hour

func (s *Store) make(ctx context.Context) error {
	input := &s3.CreateBucketInput{Bucket: s.bucket}
	if region := s.client.Options().Region; region != "us-east-1" { // which must not be named
		input.CreateBucketConfiguration = &types.CreateBucketConfiguration{LocationConstraint: types.BucketLocationConstraint(region)}
	}
	_, err := s.client.CreateBucket(ctx, input)
	if _, late := errors.AsType[*types.BucketAlreadyOwnedByYou](err); late {
		return nil
	}
	return err
}

// try writes, reads and deletes a blob.
func (s *Store) try(ctx context.Context) error {
	id, err := uuid.NewV7()
	if err != nil {
		return err
	}
	short := *s
	short.policy.Patience = time.Second
	content := []byte("ensure")
	if _, err := short.Create(ctx, id, bytes.NewReader(content), int64(len(content))); err != nil {
		return err
	}
	var read bytes.Buffer
	err = short.Read(ctx, id, 0, int64(len(content)), &read)
	return errors.Join(err, short.Delete(ctx, id))
}
