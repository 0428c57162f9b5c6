package data

import (
	"slices"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	ec2 "github.com/aws/aws-cdk-go/awscdk/v2/awsec2"
	iam "github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	kms "github.com/aws/aws-cdk-go/awscdk/v2/awskms"
	s3 "github.com/aws/aws-cdk-go/awscdk/v2/awss3"
	"github.com/aws/jsii-runtime-go"

	"github.com/holdfast-files/holdfast/deploy/config"
	"github.com/holdfast-files/holdfast/deploy/network"
)

// objectActions are what storage does with blobs, and all that the door lets
// through.
var objectActions = []string{
	"s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload",
}

// bucketActions are the same on the bucket as a whole.
var bucketActions = []string{"s3:ListBucket", "s3:ListBucketMultipartUploads"}

// newBucket is versioned although a blob is written once and never changed: a
// version is what remains when a blob is deleted, and so what a sweeper gone
// wrong leaves to be found. Metadata deletes a blob only after the table can no
// longer be restored to a time that refers to it.
func newBucket(stack awscdk.Stack, cfg config.Config, key kms.Key) s3.Bucket {
	return s3.NewBucket(stack, jsii.String("Blobs"), &s3.BucketProps{
		Encryption:        s3.BucketEncryption_KMS,
		EncryptionKey:     key,
		BucketKeyEnabled:  jsii.Bool(true),
		BlockPublicAccess: s3.BlockPublicAccess_BLOCK_ALL(),
		ObjectOwnership:   s3.ObjectOwnership_BUCKET_OWNER_ENFORCED,
		EnforceSSL:        jsii.Bool(true),
		MinimumTLSVersion: jsii.Number(1.2),
		Versioned:         jsii.Bool(true),
		RemovalPolicy:     removal(cfg),
		AutoDeleteObjects: jsii.Bool(!cfg.Data.Retain),
		LifecycleRules: &[]*s3.LifecycleRule{{
			Id: jsii.String("AbortStaleUploads"),
			// Extents are cut as an upload grows, so that none stays open for
			// long; what is two days old belongs to nobody.
			AbortIncompleteMultipartUploadAfter: awscdk.Duration_Days(jsii.Number(2)),
		}, {
			Id:                          jsii.String("ForgetDeletedBlobs"),
			NoncurrentVersionExpiration: awscdk.Duration_Days(jsii.Number(cfg.Data.UndeleteDays)),
			ExpiredObjectDeleteMarker:   jsii.Bool(true),
		}},
		Metrics: &[]*s3.BucketMetrics{{Id: jsii.String("All")}},
	})
}

// newBlobDoor is the way from the isolated subnets to the bucket. S3 holds
// image layers too, in a bucket of AWS that the registry sends tasks to.
func newBlobDoor(stack awscdk.Stack, net network.Network, blobs s3.Bucket, cfg config.Config) ec2.CfnVPCEndpoint {
	return newDoor(stack, "BlobDoor", "s3", net, cfg,
		throughDoor("Blobs", objectActions, cfg, *blobs.ArnForObjects(jsii.String("*"))),
		throughDoor("Listing", bucketActions, cfg, *blobs.BucketArn()),
		iam.NewPolicyStatement(&iam.PolicyStatementProps{
			Sid:        jsii.String("ImageLayers"),
			Principals: anyone(),
			Actions:    jsii.Strings("s3:GetObject"),
			Resources:  jsii.Strings("arn:aws:s3:::prod-" + cfg.Region + "-starport-layer-bucket/*"),
		}))
}

// guardBucket refuses data calls that don't come through the door, whoever
// makes them. The bucket's settings stay manageable from outside.
func guardBucket(blobs s3.Bucket, door ec2.CfnVPCEndpoint, cfg config.Config) {
	blobs.AddToResourcePolicy(iam.NewPolicyStatement(&iam.PolicyStatementProps{
		Sid:        jsii.String("OnlyThroughTheDoor"),
		Effect:     iam.Effect_DENY,
		Principals: anyone(),
		Actions:    jsii.Strings(slices.Concat([]string{"s3:GetObjectVersion", "s3:DeleteObjectVersion", "s3:ListMultipartUploadParts"}, objectActions, bucketActions)...),
		Resources:  &[]*string{blobs.BucketArn(), blobs.ArnForObjects(jsii.String("*"))},
		Conditions: unless("aws:SourceVpce", door.Ref(), append(janitor(cfg), *jsii.Strings(cfg.BreakGlassRoles...)...)),
	}))
}
