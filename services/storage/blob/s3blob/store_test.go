package s3blob_test

import (
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/holdfast-files/holdfast/services/internal/standin"
	"github.com/holdfast-files/holdfast/services/storage/blob"
	"github.com/holdfast-files/holdfast/services/storage/blob/blobtest"
	"github.com/holdfast-files/holdfast/services/storage/blob/s3blob"
)

// Over the network.
func TestContract(t *testing.T) {
	server := standin.Start(t)
	blobtest.Run(t, func(t *testing.T) blob.Store {
		return open(t, s3blob.Config{Bucket: bucket(), Endpoint: server.S3})
	})
}

var buckets atomic.Int32

// bucket names a bucket that no other test has.
func bucket() string { return fmt.Sprintf("blobs-%d", buckets.Add(1)) }

// open returns the bucket of a stand-in, which it makes.
func open(t *testing.T, c s3blob.Config) *s3blob.Store {
	t.Helper()
	if err := s3blob.Ensure(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	store, err := s3blob.Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	return store
}
