package edge

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	cloudfront "github.com/aws/aws-cdk-go/awscdk/v2/awscloudfront"
	route53 "github.com/aws/aws-cdk-go/awscdk/v2/awsroute53"
	"github.com/aws/jsii-runtime-go"

	"github.com/holdfast-files/holdfast/deploy/config"
	"github.com/holdfast-files/holdfast/deploy/contract"
)

// newCanary asks the public URL from outside AWS's regions, through the
// firewall, the load balancer and the gateway, whether the service is ready. It
// takes no function: Route 53 does the asking.
func newCanary(stack awscdk.Stack, cfg config.Config, site cloudfront.Distribution) route53.CfnHealthCheck {
	name := site.DistributionDomainName()
	if cfg.Domain != nil {
		name = jsii.String(cfg.Domain.Name)
	}
	return route53.NewCfnHealthCheck(stack, jsii.String("Canary"), &route53.CfnHealthCheckProps{
		HealthCheckConfig: &route53.CfnHealthCheck_HealthCheckConfigProperty{
			Type:                     jsii.String("HTTPS"),
			FullyQualifiedDomainName: name,
			Port:                     jsii.Number(443),
			ResourcePath:             jsii.String(contract.GatewayReadyPath),
			EnableSni:                jsii.Bool(true),
			RequestInterval:          jsii.Number(30),
			FailureThreshold:         jsii.Number(3),
		},
	})
}
