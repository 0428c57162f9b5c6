// Package edge is what users reach: a CloudFront distribution, the only public
// entry, behind a web application firewall. CloudFront and all that belongs to
// it lives in us-east-1; from the installation's region it needs two strings,
// the origin's name and the name of a secret, and both are known in advance.
package edge

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"github.com/holdfast-files/holdfast/deploy/config"
	"github.com/holdfast-files/holdfast/deploy/journal"
)

// NewStack builds the edge of an installation.
func NewStack(scope constructs.Construct, id string, cfg config.Config, props awscdk.StackProps) awscdk.Stack {
	stack := awscdk.NewStack(scope, jsii.String(id), &props)
	logs := journal.Open(cfg, journal.NewKey(stack, cfg).KeyArn())

	acl := newFirewall(stack, cfg)
	site := newDistribution(stack, cfg, acl)
	logs.Admit(stack, logFirewall(stack, logs, acl, cfg), logRequests(stack, logs, site, cfg))

	canary := newCanary(stack, cfg, site)
	newAlarms(stack, cfg, site, canary)

	url := "https://" + *site.DistributionDomainName()
	if cfg.Domain != nil {
		url = "https://" + cfg.Domain.Name
	}
	awscdk.NewCfnOutput(stack, jsii.String("URL"), &awscdk.CfnOutputProps{Value: jsii.String(url)})
	return stack
}
