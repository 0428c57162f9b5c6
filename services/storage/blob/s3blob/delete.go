package s3blob

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/holdfast-files/holdfast/services/storage/blob"
)

// Delete implements blob.Store. It ends uploads of the blob that were left
// unfinished, so that their parts go and none of them makes the object after
// it is gone; then it deletes the object.
func (s *Store) Delete(ctx context.Context, id blob.ID) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	key := keyOf(id)
	uploads, err := s.unfinished(ctx, key)
	if err != nil {
		return translate(err)
	}
	for _, upload := range uploads {
		if err := s.end(ctx, key, upload); err != nil {
			return translate(err)
		}
	}
	return translate(s.remove(ctx, key))
}

// unfinished returns the uploads of a key that are neither complete nor ended.
func (s *Store) unfinished(ctx context.Context, key *string) (uploads []*string, err error) {
	err = s.call(ctx, func(ctx context.Context) error {
		uploads = nil
		input := &s3.ListMultipartUploadsInput{Bucket: s.bucket, Prefix: key}
		for pages := s3.NewListMultipartUploadsPaginator(s.client, input); pages.HasMorePages(); {
			page, err := pages.NextPage(ctx)
			if err != nil {
				return err
			}
			for i := range page.Uploads {
				if u := &page.Uploads[i]; u.Key != nil && *u.Key == *key {
					uploads = append(uploads, u.UploadId)
				}
			}
		}
		return nil
	})
	return uploads, err
}

// end ends an upload and frees its parts. One that is over is no error.
func (s *Store) end(ctx context.Context, key, upload *string) error {
	err := s.call(ctx, func(ctx context.Context) error {
		_, err := s.client.AbortMultipartUpload(ctx, &s3.AbortMultipartUploadInput{Bucket: s.bucket, Key: key, UploadId: upload})
		return err
	})
	if absent(err) {
		return nil
	}
	return err
}

func (s *Store) remove(ctx context.Context, key *string) error {
	err := s.call(ctx, func(ctx context.Context) error {
		_, err := s.client.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: s.bucket, Key: key})
		return err
	})
	if absent(err) {
		return nil
	}
	return err
}

func (s *Store) head(ctx context.Context, key *string) (head *s3.HeadObjectOutput, err error) {
	err = s.call(ctx, func(ctx context.Context) (err error) {
		head, err = s.client.HeadObject(ctx, &s3.HeadObjectInput{Bucket: s.bucket, Key: key})
		return err
	})
	return head, err
}

// call repeats a request that may be sent twice.
func (s *Store) call(ctx context.Context, request func(context.Context) error) error {
	return s.patient(0).Do(ctx, request, func(err error) bool { return judge(err) != final })
}
