// Package data keeps what Holdfast exists for: the bucket of blobs and the
// table of records, each under a key of its own, and the only doors to them.
package data

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	kms "github.com/aws/aws-cdk-go/awscdk/v2/awskms"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"github.com/holdfast-files/holdfast/deploy/config"
	"github.com/holdfast-files/holdfast/deploy/handoff"
	"github.com/holdfast-files/holdfast/deploy/journal"
	"github.com/holdfast-files/holdfast/deploy/network"
)

// NewStack builds the stores of an installation.
func NewStack(scope constructs.Construct, id string, cfg config.Config, props awscdk.StackProps) awscdk.Stack {
	props.TerminationProtection = jsii.Bool(cfg.Data.Retain)
	stack := awscdk.NewStack(scope, jsii.String(id), &props)
	net := network.Import(stack, cfg)

	blobKey := newKey(stack, "BlobKey", "blobs", cfg)
	blobs := newBucket(stack, cfg, blobKey)
	guardBucket(blobs, newBlobDoor(stack, net, blobs, cfg), cfg)
	logBucket(stack, net.Journal(), blobs)

	recordKey := newKey(stack, "RecordKey", "records", cfg)
	records := newTable(stack, cfg, recordKey)
	newRecordDoor(stack, net, records, cfg)
	guardTable(records, net, cfg)

	handoff.Publish(stack, cfg, "bucket", blobs.BucketName())
	handoff.Publish(stack, cfg, "bucket-key", blobKey.KeyArn())
	handoff.Publish(stack, cfg, "table", used(records, cfg))
	handoff.Publish(stack, cfg, "table-key", recordKey.KeyArn())
	return stack
}

// newKey makes a key for one store. Two stores share none, so that a role
// which may decrypt blobs still reads no record.
func newKey(stack awscdk.Stack, id, of string, cfg config.Config) kms.Key {
	return kms.NewKey(stack, jsii.String(id), &kms.KeyProps{
		Description:       jsii.String("Holdfast " + string(cfg.Stage) + ": " + of),
		EnableKeyRotation: jsii.Bool(true),
		RemovalPolicy:     removal(cfg),
		PendingWindow:     awscdk.Duration_Days(jsii.Number(30)),
	})
}

func removal(cfg config.Config) awscdk.RemovalPolicy {
	if cfg.Data.Retain {
		return awscdk.RemovalPolicy_RETAIN
	}
	return awscdk.RemovalPolicy_DESTROY
}

// logBucket records each call on the bucket. Keys of objects are random ids,
// so the log names no file.
func logBucket(stack awscdk.Stack, logs journal.Journal, blobs interface{ BucketArn() *string }) {
	group := logs.Deliver(stack, "BucketAccess", journal.Delivery{
		Source:  blobs.BucketArn(),
		LogType: "S3_SERVER_ACCESS_LOGS",
	})
	logs.Admit(stack, group)
}
