package data

import (
	"slices"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	dynamodb "github.com/aws/aws-cdk-go/awscdk/v2/awsdynamodb"
	iam "github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	kms "github.com/aws/aws-cdk-go/awscdk/v2/awskms"
	"github.com/aws/jsii-runtime-go"

	"github.com/holdfast-files/holdfast/deploy/config"
	"github.com/holdfast-files/holdfast/deploy/contract"
	"github.com/holdfast-files/holdfast/deploy/network"
)

// recordActions are what metadata does with records, and all that the door
// lets through. A transaction needs the actions of its parts; scanning is for
// fsck.
var recordActions = []string{
	"dynamodb:GetItem", "dynamodb:Query", "dynamodb:Scan",
	"dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem",
	"dynamodb:ConditionCheckItem",
}

// newTable is on demand, with a ceiling against a runaway.
func newTable(stack awscdk.Stack, cfg config.Config, key kms.Key) dynamodb.TableV2 {
	return dynamodb.NewTableV2(stack, jsii.String("Records"), &dynamodb.TablePropsV2{
		PartitionKey:        &dynamodb.Attribute{Name: jsii.String(contract.TablePartitionKey), Type: dynamodb.AttributeType_BINARY},
		SortKey:             &dynamodb.Attribute{Name: jsii.String(contract.TableSortKey), Type: dynamodb.AttributeType_BINARY},
		TimeToLiveAttribute: jsii.String(contract.TableTTL),
		Billing: dynamodb.Billing_OnDemand(&dynamodb.MaxThroughputProps{
			MaxReadRequestUnits:  jsii.Number(cfg.Limits.TableReadsPerSec),
			MaxWriteRequestUnits: jsii.Number(cfg.Limits.TableWritesPerSec),
		}),
		Encryption: dynamodb.TableEncryptionV2_CustomerManagedKey(key, nil),
		PointInTimeRecoverySpecification: &dynamodb.PointInTimeRecoverySpecification{
			PointInTimeRecoveryEnabled: jsii.Bool(true),
			RecoveryPeriodInDays:       jsii.Number(cfg.Data.RecoveryDays),
		},
		ContributorInsightsSpecification: &dynamodb.ContributorInsightsSpecification{
			Enabled: jsii.Bool(true),
			Mode:    dynamodb.ContributorInsightsMode_THROTTLED_KEYS,
		},
		DeletionProtection: jsii.Bool(cfg.Data.Retain),
		RemovalPolicy:      removal(cfg),
	})
}

// newRecordDoor is the way from the isolated subnets to the table, and to no
// other but the one restored from it. The stack's own stays reachable then, for
// the way back.
func newRecordDoor(stack awscdk.Stack, net network.Network, records dynamodb.TableV2, cfg config.Config) {
	tables := []string{*records.TableArn()}
	if cfg.Data.RestoredTable != "" {
		tables = append(tables, tableARN(cfg.Data.RestoredTable, cfg))
	}
	newDoor(stack, "RecordDoor", "dynamodb", net, cfg, throughDoor("Records", recordActions, cfg, tables...))
}

// used is the name of the table that metadata is to use.
func used(records dynamodb.TableV2, cfg config.Config) *string {
	if cfg.Data.RestoredTable != "" {
		return jsii.String(cfg.Data.RestoredTable)
	}
	return records.TableName()
}

func tableARN(name string, cfg config.Config) string {
	return "arn:aws:dynamodb:" + cfg.Region + ":" + cfg.Account + ":table/" + name
}

// guardTable refuses plain HTTP, and data calls from outside the VPC, whoever
// makes them. It can't name the door, as the bucket's policy does: the door
// names the table. Its resource is "*" for the same reason, and means the table
// it is on.
func guardTable(records dynamodb.TableV2, net network.Network, cfg config.Config) {
	actions := slices.Concat(recordActions, []string{"dynamodb:BatchGetItem", "dynamodb:BatchWriteItem",
		"dynamodb:PartiQLSelect", "dynamodb:PartiQLInsert", "dynamodb:PartiQLUpdate", "dynamodb:PartiQLDelete"})
	records.AddToResourcePolicy(iam.NewPolicyStatement(&iam.PolicyStatementProps{
		Sid:        jsii.String("OnlyTLS"),
		Effect:     iam.Effect_DENY,
		Principals: anyone(),
		Actions:    jsii.Strings("dynamodb:*"),
		Resources:  jsii.Strings("*"),
		Conditions: &map[string]any{"Bool": map[string]string{"aws:SecureTransport": "false"}},
	}))
	records.AddToResourcePolicy(iam.NewPolicyStatement(&iam.PolicyStatementProps{
		Sid:        jsii.String("OnlyFromTheVPC"),
		Effect:     iam.Effect_DENY,
		Principals: anyone(),
		Actions:    jsii.Strings(actions...),
		Resources:  jsii.Strings("*"),
		Conditions: unless("aws:SourceVpc", net.ID(), *jsii.Strings(cfg.BreakGlassRoles...)),
	}))
}
