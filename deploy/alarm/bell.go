// Package alarm rings when users would notice.
package alarm

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	cloudwatch "github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatch"
	actions "github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatchactions"
	iam "github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	kms "github.com/aws/aws-cdk-go/awscdk/v2/awskms"
	sns "github.com/aws/aws-cdk-go/awscdk/v2/awssns"
	subscriptions "github.com/aws/aws-cdk-go/awscdk/v2/awssnssubscriptions"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"github.com/holdfast-files/holdfast/deploy/config"
)

// Bell is a topic that tells the operator. An alarm rings one in its own
// region.
type Bell struct {
	scope  constructs.Construct
	action cloudwatch.IAlarmAction
}

// NewBell makes the topic, encrypted under a key that only alarms of this
// account may publish with.
func NewBell(scope constructs.Construct, cfg config.Config) Bell {
	inside := constructs.NewConstruct(scope, jsii.String("Bell"))
	alarms := iam.NewServicePrincipal(jsii.String("cloudwatch.amazonaws.com"), nil)
	ours := &map[string]any{"StringEquals": map[string]string{"aws:SourceAccount": cfg.Account}}

	key := kms.NewKey(inside, jsii.String("Key"), &kms.KeyProps{
		Description:       jsii.String("Holdfast " + string(cfg.Stage) + ": alarms"),
		EnableKeyRotation: jsii.Bool(true),
		RemovalPolicy:     awscdk.RemovalPolicy_DESTROY,
	})
	key.AddToResourcePolicy(iam.NewPolicyStatement(&iam.PolicyStatementProps{
		Sid: jsii.String("Alarms"), Principals: &[]iam.IPrincipal{alarms},
		Actions: jsii.Strings("kms:Decrypt", "kms:GenerateDataKey"), Resources: jsii.Strings("*"), Conditions: ours,
	}), nil)

	topic := sns.NewTopic(inside, jsii.String("Topic"), &sns.TopicProps{MasterKey: key, EnforceSSL: jsii.Bool(true)})
	topic.AddToResourcePolicy(iam.NewPolicyStatement(&iam.PolicyStatementProps{
		Sid: jsii.String("Alarms"), Principals: &[]iam.IPrincipal{alarms},
		Actions: jsii.Strings("sns:Publish"), Resources: &[]*string{topic.TopicArn()}, Conditions: ours,
	}))
	if cfg.AlarmEmail != "" {
		topic.AddSubscription(subscriptions.NewEmailSubscription(jsii.String(cfg.AlarmEmail), nil))
	}
	return Bell{scope: scope, action: actions.NewSnsAction(topic)}
}

// When is the condition of an alarm.
type When struct {
	Metric  cloudwatch.IMetric
	Over    float64 // rings above this …
	Under   float64 // … or, when Over is 0, below this
	Minutes int     // in so many one-minute periods out of the last 1.5 times as many; default 3
	// Silence tells whether no data is a symptom too.
	Silence bool
}

// Ring makes an alarm called id. Its description is what the operator reads
// first: what users notice, and where to look.
func (b Bell) Ring(id, description string, when When) {
	if when.Minutes == 0 {
		when.Minutes = 3
	}
	props := &cloudwatch.AlarmProps{
		AlarmDescription:   jsii.String(description),
		Metric:             when.Metric,
		Threshold:          jsii.Number(when.Over),
		ComparisonOperator: cloudwatch.ComparisonOperator_GREATER_THAN_THRESHOLD,
		DatapointsToAlarm:  jsii.Number(when.Minutes),
		EvaluationPeriods:  jsii.Number((when.Minutes*3 + 1) / 2),
		TreatMissingData:   cloudwatch.TreatMissingData_NOT_BREACHING,
	}
	if when.Over == 0 && when.Under > 0 {
		props.Threshold = jsii.Number(when.Under)
		props.ComparisonOperator = cloudwatch.ComparisonOperator_LESS_THAN_THRESHOLD
	}
	if when.Silence {
		props.TreatMissingData = cloudwatch.TreatMissingData_BREACHING
	}
	alarm := cloudwatch.NewAlarm(b.scope, jsii.String(id), props)
	alarm.AddAlarmAction(b.action)
	alarm.AddOkAction(b.action)
}
