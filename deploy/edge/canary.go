package edge

import (
	"slices"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	cloudfront "github.com/aws/aws-cdk-go/awscdk/v2/awscloudfront"
	route53 "github.com/aws/aws-cdk-go/awscdk/v2/awsroute53"
	"github.com/aws/jsii-runtime-go"

	"github.com/holdfast-files/holdfast/deploy/config"
	"github.com/holdfast-files/holdfast/deploy/contract"
)

// checkers are the regions Route 53 asks from, and the countries they are in.
var checkers = []struct{ region, country string }{
	{"us-east-1", "US"}, {"us-west-1", "US"}, {"us-west-2", "US"}, {"eu-west-1", "IE"},
	{"ap-southeast-1", "SG"}, {"ap-southeast-2", "AU"}, {"ap-northeast-1", "JP"}, {"sa-east-1", "BR"},
}

// leastCheckers is how many regions Route 53 wants for a health check.
const leastCheckers = 3

// checkersIn are the regions in the countries, or nil when they are too few.
func checkersIn(countries []string) []string {
	var regions []string
	for _, c := range checkers {
		if slices.Contains(countries, c.country) {
			regions = append(regions, c.region)
		}
	}
	if len(regions) < leastCheckers {
		return nil
	}
	return regions
}

// newCanary asks the public URL through CloudFront, the firewall, the load
// balancer and the gateway whether the service is ready. It takes no function:
// Route 53 does the asking, from where users may call from. It is nil where too
// few of Route 53's regions are there: CloudFront would refuse the others, and
// the alarm ring for good.
func newCanary(stack awscdk.Stack, cfg config.Config, site cloudfront.Distribution) route53.CfnHealthCheck {
	var regions *[]*string // nil: all
	if len(cfg.AllowedCountries) > 0 {
		from := checkersIn(cfg.AllowedCountries)
		if from == nil {
			awscdk.Annotations_Of(stack).AddInfo(jsii.String("No canary and no alarm Unreachable: Route 53 asks from three regions at least, and allowedCountries has fewer. Let somebody ask the URL from within."))
			return nil
		}
		regions = jsii.Strings(from...)
	}
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
			Regions:                  regions,
		},
	})
}
