package main

import (
	"context"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/holdfast-files/holdfast/services/metadata/table/dynamotable"
	"github.com/holdfast-files/holdfast/services/storage/blob/s3blob"
)

// bootCommand makes what the AWS engines need, on a server that is not
// AWS's: there, deploy makes it. It may be run again and by several at once.
type bootCommand struct {
	Table            string        `help:"Name of the table; empty for none." placeholder:"NAME"`
	DynamoDBEndpoint string        `help:"URL of the server of DynamoDB; by default the SDK's." name:"dynamodb-endpoint" placeholder:"URL"`
	Bucket           string        `help:"Name of the bucket; empty for none." placeholder:"NAME"`
	S3Endpoint       string        `help:"URL of the server of S3; by default the SDK's." name:"s3-endpoint" placeholder:"URL"`
	Timeout          time.Duration `help:"How long to wait until both work." default:"2m" placeholder:"DURATION"`
}

// Run makes the table and the bucket and waits until they work.
func (c *bootCommand) Run(ctx context.Context) error {
	if c.Table == "" && c.Bucket == "" {
		return fmt.Errorf("nothing to do: neither --table nor --bucket is given")
	}
	ctx, cancel := context.WithTimeout(ctx, c.Timeout)
	defer cancel()
	group, ctx := errgroup.WithContext(ctx)
	if c.Table != "" {
		group.Go(func() error {
			err := dynamotable.Ensure(ctx, dynamotable.Config{Table: c.Table, Endpoint: c.DynamoDBEndpoint})
			if err != nil {
				err = fmt.Errorf("table %s: %w", c.Table, err)
			}
			return err
		})
	}
	if c.Bucket != "" {
		group.Go(func() error {
			err := s3blob.Ensure(ctx, s3blob.Config{Bucket: c.Bucket, Endpoint: c.S3Endpoint})
			if err != nil {
				err = fmt.Errorf("bucket %s: %w", c.Bucket, err)
			}
			return err
		})
	}
	return group.Wait()
}
