// Package handoff passes values from one stack to a later one through SSM
// parameters. CloudFormation exports would freeze what they export for as long
// as anyone imports it, and a replaced load balancer could never be deployed;
// a parameter is read again at each deployment. What must not vanish is kept by
// termination and deletion protection instead.
package handoff

import (
	"github.com/aws/aws-cdk-go/awscdk/v2/awsssm"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"github.com/holdfast-files/holdfast/deploy/config"
)

// Publish leaves value under key for stacks deployed after this one.
func Publish(scope constructs.Construct, cfg config.Config, key string, value *string) {
	awsssm.NewCfnParameter(scope, jsii.String("Handoff/"+key), &awsssm.CfnParameterProps{
		Name:  jsii.String(name(cfg, key)),
		Type:  jsii.String("String"),
		Value: value,
	})
}

// Value is what an earlier stack published under key, read when this stack is
// deployed.
func Value(scope constructs.Construct, cfg config.Config, key string) *string {
	return awsssm.StringParameter_ValueForStringParameter(scope, jsii.String(name(cfg, key)), nil)
}

func name(cfg config.Config, key string) string {
	return "/holdfast/" + string(cfg.Stage) + "/" + key
}
