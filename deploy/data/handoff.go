package data

import (
	iam "github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"github.com/holdfast-files/holdfast/deploy/config"
	"github.com/holdfast-files/holdfast/deploy/handoff"
)

// Data is what later stacks see of the stores. A stack reads only what it uses.
type Data struct {
	scope constructs.Construct
	cfg   config.Config
}

// Import is the stores as seen from a later stack.
func Import(scope constructs.Construct, cfg config.Config) Data {
	return Data{scope: scope, cfg: cfg}
}

func (d Data) read(key string) *string { return handoff.Value(d.scope, d.cfg, key) }

// Bucket is the name of the bucket of blobs.
func (d Data) Bucket() string { return *d.read("bucket") }

// Table is the name of the table of records that is used.
func (d Data) Table() string { return *d.read("table") }

// UseBlobs is what storage may do: everything with blobs, nothing with the
// bucket's settings.
func (d Data) UseBlobs() []iam.PolicyStatement {
	bucket := "arn:aws:s3:::" + d.Bucket()
	return []iam.PolicyStatement{
		allow("Blobs", objectActions, jsii.String(bucket+"/*"), nil),
		allow("Listing", bucketActions, jsii.String(bucket), nil),
		allow("BlobKey", []string{"kms:GenerateDataKey", "kms:Decrypt"}, d.read("bucket-key"), via("s3", d.cfg)),
	}
}

// UseRecords is what metadata may do with the table that is used, and with no
// other: tasks that still know a table which was replaced by a restored one can
// write nothing to it.
func (d Data) UseRecords() []iam.PolicyStatement {
	return []iam.PolicyStatement{
		allow("Records", recordActions, jsii.String(tableARN(d.Table(), d.cfg)), nil),
		allow("RecordKey", []string{"kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey"}, d.read("table-key"), via("dynamodb", d.cfg)),
	}
}

// via keeps a key from being used except by service on the role's behalf.
func via(service string, cfg config.Config) *map[string]any {
	return &map[string]any{"StringEquals": map[string]string{
		"kms:ViaService": service + "." + cfg.Region + ".amazonaws.com",
	}}
}

func allow(sid string, actions []string, resource *string, conditions *map[string]any) iam.PolicyStatement {
	return iam.NewPolicyStatement(&iam.PolicyStatementProps{
		Sid: jsii.String(sid), Actions: jsii.Strings(actions...), Resources: &[]*string{resource}, Conditions: conditions,
	})
}
