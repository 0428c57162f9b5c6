package proof

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// TestBucket and TestTable are point 5; who reaches them is in TestReach.
func TestBucket(t *testing.T) {
	in := installations["prod"]
	r := in.one(t, "AWS::S3::Bucket")
	expect(t, "bucket", r.Properties, map[string]any{
		"BucketEncryption.ServerSideEncryptionConfiguration.0.ServerSideEncryptionByDefault.SSEAlgorithm": "aws:kms",
		"BucketEncryption.ServerSideEncryptionConfiguration.0.BucketKeyEnabled":                           true,
		"PublicAccessBlockConfiguration.BlockPublicAcls":                                                  true,
		"PublicAccessBlockConfiguration.BlockPublicPolicy":                                                true,
		"PublicAccessBlockConfiguration.IgnorePublicAcls":                                                 true,
		"PublicAccessBlockConfiguration.RestrictPublicBuckets":                                            true,
		"OwnershipControls.Rules.0.ObjectOwnership":                                                       "BucketOwnerEnforced",
		"VersioningConfiguration.Status":                                                                  "Enabled",
		"LifecycleConfiguration.Rules.0.AbortIncompleteMultipartUpload.DaysAfterInitiation":               2,
		"LifecycleConfiguration.Rules.0.Status":                                                           "Enabled",
		"LifecycleConfiguration.Rules.1.NoncurrentVersionExpiration.NoncurrentDays":                       in.cfg.Data.UndeleteDays,
		"LifecycleConfiguration.Rules.1.ExpirationInDays":                                                 nil, // living blobs never expire
	})
	if r.DeletionPolicy != "Retain" {
		t.Errorf("the bucket goes with its stack: %s", r.DeletionPolicy)
	}
}

func TestTable(t *testing.T) {
	in := installations["prod"]
	r := in.one(t, "AWS::DynamoDB::GlobalTable")
	expect(t, "table", r.Properties, map[string]any{
		"BillingMode":                          "PAY_PER_REQUEST",
		"SSESpecification.SSEType":             "KMS",
		"TimeToLiveSpecification.Enabled":      true,
		"Replicas.0.DeletionProtectionEnabled": true,
		"Replicas.0.PointInTimeRecoverySpecification.PointInTimeRecoveryEnabled": true,
		"Replicas.0.PointInTimeRecoverySpecification.RecoveryPeriodInDays":       in.cfg.Data.RecoveryDays,
		"Replicas.1":             nil,
		"AttributeDefinitions.0": "map[AttributeName:pk AttributeType:B]",
		"AttributeDefinitions.1": "map[AttributeName:sk AttributeType:B]",
		"KeySchema.0.KeyType":    "HASH",
		"KeySchema.1.KeyType":    "RANGE",
		"GlobalSecondaryIndexes": nil,
	})
	if r.DeletionPolicy != "Retain" {
		t.Errorf("the table goes with its stack: %s", r.DeletionPolicy)
	}
}

// TestBlobsOutliveRecovery: a table restored to any time it can be restored to
// finds its blobs.
func TestBlobsOutliveRecovery(t *testing.T) {
	for name, in := range installations {
		want := fmt.Sprintf("--blob-retention=%dh", 24*(in.cfg.Data.RecoveryDays+1))
		if flags := arguments(in.container(t, "metadata")); !slices.Contains(flags, want) {
			t.Errorf("%s: metadata is started with %v, without %s", name, flags, want)
		}
	}
}

// TestKeys: each store has its own, they rotate and outlive their stack.
func TestKeys(t *testing.T) {
	in := installations["prod"]
	for id, r := range in.of("AWS::KMS::Key") {
		expect(t, id, r.Properties, map[string]any{"EnableKeyRotation": true})
		if strings.HasPrefix(id, "data/") && r.DeletionPolicy != "Retain" {
			t.Errorf("%s goes with its stack", id)
		}
	}
}

// TestDevIsThrownAway: what dev keeps is gone with its stacks, without a
// function more than emptying the bucket takes.
func TestDevIsThrownAway(t *testing.T) {
	in := installations["dev"]
	for _, kind := range []string{"AWS::S3::Bucket", "AWS::DynamoDB::GlobalTable", "AWS::KMS::Key", "AWS::Logs::LogGroup"} {
		for id, r := range in.of(kind) {
			if r.DeletionPolicy != "Delete" {
				t.Errorf("%s stays: %s", id, r.DeletionPolicy)
			}
		}
	}
	if n := len(in.of("AWS::Lambda::Function")); n != 1 {
		t.Errorf("dev has %d functions", n)
	}
	if n := len(installations["prod"].of("AWS::Lambda::Function")); n != 0 {
		t.Errorf("prod has %d functions", n)
	}
}

// waits reports whether r is made only after a resource of the kind, and deleted
// before.
func (t template) waits(r resource, kind string) bool {
	return slices.ContainsFunc(r.DependsOn, func(on string) bool {
		return t.Resources[on].Type == kind || t.waits(t.Resources[on], kind)
	})
}

// TestNetwork is point 7; who may connect is in TestReach.
func TestNetwork(t *testing.T) {
	for name, in := range installations {
		gateways := map[string]int{"issuer": 1}[name]
		if n := len(in.of("AWS::EC2::NatGateway")); n != gateways {
			t.Errorf("%s: %d NAT gateways", name, n)
		}
		// An address and a gateway for it can't be made before the internet gateway
		// is attached, nor can that be detached before they are gone.
		for _, kind := range []string{"AWS::EC2::NatGateway", "AWS::EC2::EIP"} {
			for id, r := range in.of(kind) {
				if !in.stacks["network"].waits(r, "AWS::EC2::VPCGatewayAttachment") {
					t.Errorf("%s %s waits for %v alone", name, id, r.DependsOn)
				}
			}
		}
		for id, r := range in.of("AWS::EC2::Subnet") {
			expect(t, name+" "+id, r.Properties, map[string]any{"MapPublicIpOnLaunch": false})
		}
		for id, r := range in.of("AWS::EC2::SecurityGroup") {
			if egress := fmt.Sprint(r.Properties["SecurityGroupEgress"]); !strings.Contains(egress, "255.255.255.255/32") {
				t.Errorf("%s %s lets out %s", name, id, egress)
			}
		}
		for id, r := range in.of("AWS::EC2::VPCEndpoint") {
			if r.Properties["PolicyDocument"] == nil {
				t.Errorf("%s %s has no policy", name, id)
			}
		}
	}
}
