package topology

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/jsii-runtime-go"
)

// NewApp is an app that writes its assembly to dir, or where the CDK command
// line wants it when dir is empty. Settings of the library are fixed here, so
// that a template doesn't depend on who synthesises it.
func NewApp(dir string) awscdk.App {
	props := &awscdk.AppProps{
		AnalyticsReporting: jsii.Bool(false),
		PostCliContext: &map[string]any{
			"@aws-cdk/core:checkSecretUsage":                                        true,
			"@aws-cdk/core:enablePartitionLiterals":                                 true,
			"@aws-cdk/core:target-partitions":                                       []string{"aws"},
			"@aws-cdk/aws-ecs:disableExplicitDeploymentControllerForCircuitBreaker": true,
			"@aws-cdk/aws-ecs:removeDefaultDeploymentAlarm":                         true,
			"@aws-cdk/aws-kms:reduceCrossAccountRegionPolicyScope":                  true,
			"@aws-cdk/aws-ec2:restrictDefaultSecurityGroup":                         false,
			"@aws-cdk/aws-iam:minimizePolicies":                                     false,
		},
	}
	if dir != "" {
		props.Outdir = jsii.String(dir)
	}
	return awscdk.NewApp(props)
}
