// Package journal keeps logs: every group encrypted under a key of ours, with
// the retention the operator chose.
package journal

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	iam "github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	kms "github.com/aws/aws-cdk-go/awscdk/v2/awskms"
	logs "github.com/aws/aws-cdk-go/awscdk/v2/awslogs"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"github.com/holdfast-files/holdfast/deploy/config"
)

// Journal makes log groups and fills them.
type Journal struct {
	cfg    config.Config
	keyARN *string
}

// NewKey makes the key a region's log groups are encrypted under. Only
// CloudWatch Logs may use it, and only for groups of this account and region.
func NewKey(scope constructs.Construct, cfg config.Config) kms.Key {
	stack := awscdk.Stack_Of(scope)
	key := kms.NewKey(scope, jsii.String("LogKey"), &kms.KeyProps{
		Description:       jsii.String("Holdfast " + string(cfg.Stage) + ": logs"),
		EnableKeyRotation: jsii.Bool(true),
		RemovalPolicy:     removal(cfg),
	})
	key.AddToResourcePolicy(iam.NewPolicyStatement(&iam.PolicyStatementProps{
		Sid:        jsii.String("LogsOfThisAccount"),
		Principals: &[]iam.IPrincipal{iam.NewServicePrincipal(jsii.String("logs."+*stack.Region()+".amazonaws.com"), nil)},
		Actions:    jsii.Strings("kms:Encrypt", "kms:Decrypt", "kms:ReEncryptFrom", "kms:ReEncryptTo", "kms:GenerateDataKey", "kms:DescribeKey"),
		Resources:  jsii.Strings("*"),
		Conditions: &map[string]any{"ArnLike": map[string]string{
			"kms:EncryptionContext:aws:logs:arn": "arn:aws:logs:" + *stack.Region() + ":" + cfg.Account + ":log-group:*",
		}},
	}), nil)
	return key
}

// Open is the journal whose groups are encrypted under the key at keyARN.
func Open(cfg config.Config, keyARN *string) Journal {
	return Journal{cfg: cfg, keyARN: keyARN}
}

// Group is a log group.
type Group struct {
	logs.ILogGroup
	ARN     *string // of the group alone, without the ":*" that CloudFormation appends
	Streams *string // ARN that stands for all its streams
}

// Group makes a log group with a generated name.
func (j Journal) Group(scope constructs.Construct, id string) Group {
	return j.PrefixedGroup(scope, id, "")
}

// PrefixedGroup makes a log group whose name begins with prefix, for the services
// that insist on one. It ends with a part of the stack's id: the group of a stack
// that is gone is kept, and must not stand in the way of the next one's.
func (j Journal) PrefixedGroup(scope constructs.Construct, id, prefix string) Group {
	props := &logs.CfnLogGroupProps{KmsKeyId: j.keyARN, RetentionInDays: jsii.Number(j.cfg.LogDays)}
	if prefix != "" {
		uuid := awscdk.Fn_Select(jsii.Number(2), awscdk.Fn_Split(jsii.String("/"), awscdk.Stack_Of(scope).StackId(), nil))
		node := awscdk.Fn_Select(jsii.Number(4), awscdk.Fn_Split(jsii.String("-"), uuid, nil))
		props.LogGroupName = jsii.String(prefix + *node)
	}
	group := logs.NewCfnLogGroup(scope, jsii.String(id), props)
	group.ApplyRemovalPolicy(removal(j.cfg), nil)
	arn := "arn:aws:logs:" + *awscdk.Stack_Of(scope).Region() + ":" + j.cfg.Account + ":log-group:" + *group.Ref()
	return Group{
		ILogGroup: logs.LogGroup_FromLogGroupName(scope, jsii.String(id+"ByName"), group.Ref()),
		ARN:       jsii.String(arn),
		Streams:   jsii.String(arn + ":log-stream:*"),
	}
}

func removal(cfg config.Config) awscdk.RemovalPolicy {
	if cfg.Data.Retain {
		// What is empty since its stack could not be made stays for nobody.
		return awscdk.RemovalPolicy_RETAIN_ON_UPDATE_OR_DELETE
	}
	return awscdk.RemovalPolicy_DESTROY
}
