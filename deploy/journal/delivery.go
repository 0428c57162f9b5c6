package journal

import (
	"strings"

	iam "github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	logs "github.com/aws/aws-cdk-go/awscdk/v2/awslogs"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
)

// Delivery is a log that an AWS service writes about one of its resources.
type Delivery struct {
	Source  *string  // ARN of the resource
	LogType string   // as CloudWatch Logs names it, e.g. ACCESS_LOGS
	Fields  []string // what to record; empty: everything the type has
}

// Deliver sends d to a new log group, without a function or a bucket between.
func (j Journal) Deliver(scope constructs.Construct, id string, d Delivery) Group {
	// Names are required here and unique in the region.
	name := jsii.String("holdfast-" + string(j.cfg.Stage) + "-" + strings.ToLower(id))
	group := j.Group(scope, id+"Log")
	source := logs.NewCfnDeliverySource(scope, jsii.String(id+"Source"), &logs.CfnDeliverySourceProps{
		Name:        name,
		ResourceArn: d.Source,
		LogType:     jsii.String(d.LogType),
	})
	destination := logs.NewCfnDeliveryDestination(scope, jsii.String(id+"Destination"), &logs.CfnDeliveryDestinationProps{
		Name:                   name,
		DestinationResourceArn: group.ARN,
		OutputFormat:           jsii.String("json"),
	})
	props := &logs.CfnDeliveryProps{
		DeliverySourceName:     name,
		DeliveryDestinationArn: destination.AttrArn(),
	}
	if len(d.Fields) > 0 {
		props.RecordFields = jsii.Strings(d.Fields...)
	}
	delivery := logs.NewCfnDelivery(scope, jsii.String(id+"Delivery"), props)
	// The delivery names its source by a string, which orders nothing.
	delivery.AddResourceDependency(source, nil)
	return group
}

// Admit lets the log delivery service write to the groups of this stack, which
// Deliver needs.
func (j Journal) Admit(scope constructs.Construct, groups ...Group) {
	arns := make([]*string, len(groups))
	for i, group := range groups {
		arns[i] = group.Streams
	}
	statement := iam.NewPolicyStatement(&iam.PolicyStatementProps{
		Principals: &[]iam.IPrincipal{iam.NewServicePrincipal(jsii.String("delivery.logs.amazonaws.com"), nil)},
		Actions:    jsii.Strings("logs:CreateLogStream", "logs:PutLogEvents"),
		Resources:  &arns,
		Conditions: &map[string]any{"StringEquals": map[string]string{"aws:SourceAccount": j.cfg.Account}},
	})
	logs.NewResourcePolicy(scope, jsii.String("LogDelivery"), &logs.ResourcePolicyProps{
		PolicyStatements: &[]iam.PolicyStatement{statement},
	})
}
