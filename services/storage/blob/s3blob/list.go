package s3blob

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/holdfast-files/holdfast/services/storage/blob"
)

// List implements blob.Store. Objects that are no blob of ours are left out.
func (s *Store) List(ctx context.Context, yield func(blob.Info) error) error {
	input := &s3.ListObjectsV2Input{Bucket: s.bucket}
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		var page *s3.ListObjectsV2Output
		err := s.call(ctx, func(ctx context.Context) (err error) {
			page, err = s.client.ListObjectsV2(ctx, input)
			return err
		})
		if err != nil {
			return translate(err)
		}
		for i := range page.Contents {
			object := &page.Contents[i]
			if object.Key == nil || object.Size == nil || object.LastModified == nil {
				continue
			}
			id, ours := idOf(*object.Key)
			size, fits := blobSize(*object.Size)
			if !ours || !fits {
				continue
			}
			if err := yield(blob.Info{ID: id, Size: size, Created: *object.LastModified}); err != nil {
				return err
			}
		}
		if input.ContinuationToken = page.NextContinuationToken; input.ContinuationToken == nil {
			return ctx.Err()
		}
	}
}
