package s3blob_test

import (
	"crypto/rand"
	"strings"
	"testing"

	"github.com/holdfast-files/holdfast/services/internal/standin"
	"github.com/holdfast-files/holdfast/services/storage/blob"
	"github.com/holdfast-files/holdfast/services/storage/blob/blobtest"
	"github.com/holdfast-files/holdfast/services/storage/blob/s3blob"
)

// Over the network.
func TestContract(t *testing.T) {
	server := standin.Servers(t)
	blobtest.Run(t, func(t *testing.T) blob.Store {
		return open(t, s3blob.Config{Bucket: bucket(), Endpoint: server.S3})
	})
}

// bucket names a bucket that no other test has, also of other runs.
func bucket() string { return "blobs-" + strings.ToLower(rand.Text()) }

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
